// Painting a mask, or a sketch, over a picture: a canvas of the picture's own size, laid over gradio's image.
"use strict";

const BRUSH = {least: 1, most: 200, start: 40}; // diameter in pixels of the page
const MASK_COLOUR = "#ffffff";
const SKETCH_COLOUR = "#ff0000";
const masks = new WeakMap(); // .paintable -> Mask

class Mask {
    constructor(host) {
        this.host = host;
        this.strokes = [];
        this.brush = BRUSH.start;
        this.layer = document.createElement("div");
        this.layer.className = "mask-layer";
        this.canvas = document.createElement("canvas");
        this.cursor = document.createElement("div");
        this.cursor.className = "mask-cursor";
        this.layer.append(this.canvas, this.cursor);
        this.tools = this.makeTools();
        host.append(this.layer, this.tools);
        this.listen();
        new ResizeObserver(() => this.fit()).observe(host);
    }

    makeTools() {
        const tools = document.createElement("div");
        tools.className = "mask-tools";
        this.slider = Object.assign(document.createElement("input"), {type: "range", min: BRUSH.least, max: BRUSH.most});
        this.slider.value = this.brush;
        this.slider.ariaLabel = "Brush size";
        this.slider.addEventListener("input", () => this.setBrush(Number(this.slider.value)));
        this.colour = Object.assign(document.createElement("input"), {type: "color", value: SKETCH_COLOUR, ariaLabel: "Colour"});
        const undo = this.makeButton("Undo", () => this.strokes.pop());
        const clear = this.makeButton("Clear", () => this.strokes.splice(0));
        const colour = this.host.classList.contains("coloured") ? [this.colour] : [];
        tools.append("Brush", this.slider, ...colour, undo, clear);
        return tools;
    }

    makeButton(text, act) {
        const button = Object.assign(document.createElement("button"), {type: "button", textContent: text});
        button.addEventListener("click", () => {
            act();
            this.draw();
        });
        return button;
    }

    listen() {
        this.canvas.addEventListener("pointerdown", (event) => this.begin(event));
        this.canvas.addEventListener("pointermove", (event) => this.move(event));
        for (const end of ["pointerup", "pointercancel"]) {
            this.canvas.addEventListener(end, () => (this.stroke = null));
        }
        this.canvas.addEventListener("pointerleave", () => (this.cursor.style.display = "none"));
        this.canvas.addEventListener("wheel", (event) => this.wheel(event), {passive: false});
    }

    image() {
        return this.host.querySelector(".source-picture img");
    }

    /** Lay the canvas exactly over the picture; another picture has no mask yet. */
    fit() {
        const image = this.image();
        const shown = Boolean(image?.naturalWidth);
        this.layer.style.display = this.tools.style.display = shown ? "" : "none";
        if (!shown) {
            this.of = null;
            this.strokes = [];
            return;
        }
        if (this.of !== image.src) {
            this.of = image.src;
            this.strokes = [];
            this.canvas.width = image.naturalWidth;
            this.canvas.height = image.naturalHeight;
        }
        const [box, around] = [image.getBoundingClientRect(), this.host.getBoundingClientRect()];
        this.scale = Math.min(box.width / image.naturalWidth, box.height / image.naturalHeight);
        const [width, height] = [image.naturalWidth * this.scale, image.naturalHeight * this.scale];
        const left = box.left - around.left + (box.width - width) / 2;
        const top = box.top - around.top + (box.height - height) / 2;
        Object.assign(this.layer.style, {left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px`});
    }

    /** Where the pointer is, in the picture's pixels. */
    place(event) {
        const box = this.canvas.getBoundingClientRect();
        return [(event.clientX - box.left) / this.scale, (event.clientY - box.top) / this.scale];
    }

    begin(event) {
        if (event.button === 0) {
            event.preventDefault();
            this.canvas.setPointerCapture(event.pointerId);
            const colour = this.colour.isConnected ? this.colour.value : MASK_COLOUR;
            this.stroke = {colour, width: this.brush / this.scale, points: [this.place(event)]};
            this.strokes.push(this.stroke);
            this.paint(this.stroke, 0);
        }
    }

    move(event) {
        this.showCursor(event);
        if (this.stroke) {
            const from = this.stroke.points.length - 1;
            const events = event.getCoalescedEvents?.() ?? [];
            this.stroke.points.push(...(events.length ? events : [event]).map((one) => this.place(one)));
            this.paint(this.stroke, from);
        }
    }

    wheel(event) {
        if (event.ctrlKey) {
            event.preventDefault();
            this.setBrush(this.brush * (event.deltaY < 0 ? 1.1 : 1 / 1.1));
            this.showCursor(event);
        }
    }

    setBrush(size) {
        this.brush = Math.min(BRUSH.most, Math.max(BRUSH.least, size));
        this.slider.value = this.brush;
    }

    showCursor(event) {
        const box = this.layer.getBoundingClientRect();
        const [left, top] = [event.clientX - box.left, event.clientY - box.top];
        Object.assign(this.cursor.style, {display: "block", left: `${left}px`, top: `${top}px`});
        this.cursor.style.width = this.cursor.style.height = `${this.brush}px`;
    }

    draw() {
        this.canvas.getContext("2d").clearRect(0, 0, this.canvas.width, this.canvas.height);
        this.strokes.forEach((stroke) => this.paint(stroke, 0));
    }

    /** A stroke from its point `from` on. */
    paint(stroke, from) {
        const context = this.canvas.getContext("2d");
        Object.assign(context, {lineCap: "round", lineJoin: "round", lineWidth: stroke.width, strokeStyle: stroke.colour});
        context.beginPath();
        context.moveTo(...stroke.points[from]);
        stroke.points.slice(from).forEach((point) => context.lineTo(...point));
        context.stroke();
    }

    /** The strokes, transparent around, as a PNG in a data URI; empty if nothing is painted. */
    painted() {
        return this.strokes.length ? this.canvas.toDataURL("image/png") : "";
    }
}

function maskOf(host) {
    if (!masks.has(host)) {
        masks.set(host, new Mask(host));
    }
    return masks.get(host);
}

function fitMasks() {
    document.querySelectorAll(".paintable").forEach((host) => maskOf(host).fit());
}

onUiUpdate(fitMasks);
document.addEventListener("load", (event) => event.target.closest?.(".paintable") && fitMasks(), true);
