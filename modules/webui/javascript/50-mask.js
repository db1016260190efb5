// The canvas: a mask, or a sketch in colours, painted over a picture at the picture's own size.
//
// It lies over gradio's image input. The picture under it is enlarged and moved by one transform, and the layer with
// it.
"use strict";

const BRUSH = {least: 1, most: 300, start: 40, key: 1.15}; // diameter in pixels of the page
const VIEW = {least: 1, most: 16, step: 1.15};
const masks = new WeakMap(); // .paintable -> Mask

class Mask {
    constructor(host) {
        this.host = host;
        this.coloured = host.classList.contains("coloured");
        this.pointers = new Map();
        this.brush = BRUSH.start;
        this.canvas = element("canvas", {tabIndex: 0, "aria-label": say("Paint here. [ and ] change the brush, E erases, Ctrl+Z takes back, the wheel zooms, Space moves")});
        this.strokes = new Strokes(this.canvas);
        this.cursor = element("div", {class: "mask-cursor"});
        this.layer = element("div", {class: "mask-layer"}, this.canvas, this.cursor);
        this.tools = this.makeTools();
        host.append(this.layer, this.tools);
        this.resetView();
        this.listen();
        new ResizeObserver(() => this.fit()).observe(host);
    }

    makeTools() {
        this.slider = element("input", {type: "range", min: BRUSH.least, max: BRUSH.most, value: this.brush, "aria-label": say("Brush size")});
        this.slider.addEventListener("input", () => this.setBrush(Number(this.slider.value)));
        const first = this.host.closest("#img2img_img2img_sketch_tab") ? opts.img2img_sketch_default_brush_color : opts.img2img_inpaint_sketch_default_brush_color;
        this.colour = element("input", {type: "color", value: first || "#ff0000", "aria-label": say("Colour")});
        const button = (text, label, work) => element("button", {type: "button", textContent: text, title: label, "aria-label": label, onclick: work});
        this.eraser = button(say("Eraser"), say("Eraser (E)"), () => this.erase(!this.erasing));
        this.eraser.setAttribute("aria-pressed", "false");
        return element("div", {class: "mask-tools"}, say("Brush"), this.slider, this.coloured ? this.colour : null, this.eraser,
            button(say("Undo"), say("Undo (Ctrl+Z)"), () => this.undo()),
            button(say("Redo"), say("Redo (Ctrl+Y)"), () => this.redo()),
            button(say("Clear"), say("Clear"), () => this.clear()),
            button(say("Fill"), say("Fill everything"), () => this.strokes.add({fill: true, colour: this.paintColour(), points: []})),
            button(say("Reset zoom"), say("Reset zoom (0)"), () => this.resetView()));
    }

    listen() {
        this.canvas.addEventListener("pointerdown", (event) => this.begin(event));
        this.canvas.addEventListener("pointermove", (event) => this.move(event));
        for (const end of ["pointerup", "pointercancel"]) {
            this.canvas.addEventListener(end, (event) => this.end(event));
        }
        this.canvas.addEventListener("pointerleave", () => (this.cursor.style.display = "none"));
        this.canvas.addEventListener("pointerenter", () => this.canvas.focus({preventScroll: true}));
        this.canvas.addEventListener("contextmenu", (event) => event.preventDefault());
        this.canvas.addEventListener("wheel", (event) => this.wheel(event), {passive: false});
        this.canvas.addEventListener("keydown", (event) => this.key(event));
        this.canvas.addEventListener("keyup", (event) => [" ", this.hotkey("move")].includes(event.key.toLowerCase()) && (this.panning = false));
    }

    image() {
        return this.host.querySelector(".source-picture img");
    }

    /** Lay the canvas exactly over the picture; another picture has nothing painted on it yet. */
    fit() {
        const image = this.image();
        const shown = Boolean(image?.naturalWidth);
        this.layer.style.display = this.tools.style.display = shown ? "" : "none";
        if (!shown) {
            this.of = null;
            this.strokes.forget();
            return;
        }
        if (this.of !== image.src) {
            this.of = image.src;
            this.canvas.width = image.naturalWidth;
            this.canvas.height = image.naturalHeight;
            this.strokes.forget();
            this.resetView();
        }
        this.frame = this.host.querySelector(".source-picture");
        const [box, around] = [this.frame.getBoundingClientRect(), this.host.getBoundingClientRect()];
        const outer = image.parentElement.getBoundingClientRect();
        this.scale = Math.min(image.clientWidth / image.naturalWidth, image.clientHeight / image.naturalHeight);
        const [width, height] = [image.naturalWidth * this.scale, image.naturalHeight * this.scale];
        this.place0 = {left: outer.left - box.left + (image.clientWidth - width) / 2, top: outer.top - box.top + (image.clientHeight - height) / 2, width, height};
        Object.assign(this.layer.style, {left: `${box.left - around.left}px`, top: `${box.top - around.top}px`, width: `${box.width}px`, height: `${outer.bottom - box.top}px`});
        Object.assign(this.canvas.style, {left: `${this.place0.left}px`, top: `${this.place0.top}px`, width: `${width}px`, height: `${height}px`});
        this.showView();
    }

    /** Where the pointer is, in the picture's pixels; and how hard it presses, from 0 to 1. */
    point(event) {
        const box = this.canvas.getBoundingClientRect();
        const share = this.canvas.width / box.width;
        const pressure = event.pointerType === "pen" && event.pressure ? event.pressure : 1;
        return [(event.clientX - box.left) * share, (event.clientY - box.top) * share, pressure];
    }

    paintColour() {
        return this.coloured ? this.colour.value : opts.img2img_inpaint_mask_brush_color || "#ffffff";
    }

    begin(event) {
        event.preventDefault();
        this.canvas.setPointerCapture(event.pointerId);
        this.pointers.set(event.pointerId, event);
        this.drag = {x: event.clientX, y: event.clientY};
        if (this.pointers.size > 1) { // a second finger: the first was no stroke
            this.abandon();
        } else if (event.button === 0 && !this.panning) {
            const box = this.canvas.getBoundingClientRect();
            const erases = this.erasing || event.pointerType === "pen" && (event.buttons & 32) > 0;
            this.stroke = {erases, colour: this.paintColour(), width: (this.brush * this.canvas.width) / box.width, points: [this.point(event)]};
            this.strokes.begun = true;
            this.strokes.paint(this.stroke, 0);
        }
    }

    move(event) {
        this.showCursor(event);
        const before = this.pointers.get(event.pointerId);
        if (!before) {
            return;
        }
        if (this.stroke) {
            const from = this.stroke.points.length - 1;
            const events = event.getCoalescedEvents?.() ?? [];
            this.stroke.points.push(...(events.length ? events : [event]).map((one) => this.point(one)));
            this.strokes.paint(this.stroke, from);
        } else if (this.pointers.size === 2) {
            const other = [...this.pointers.values()].find((one) => one.pointerId !== event.pointerId);
            const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
            this.panBy((event.clientX - before.clientX) / 2, (event.clientY - before.clientY) / 2);
            this.zoomBy(apart(event) / (apart(before) || 1), event);
        } else {
            this.panBy(event.clientX - before.clientX, event.clientY - before.clientY);
        }
        this.pointers.set(event.pointerId, event);
    }

    end(event) {
        this.pointers.delete(event.pointerId);
        if (this.stroke) {
            this.strokes.add(this.stroke, true);
            this.stroke = null;
        }
    }

    /** What was begun is taken off again. */
    abandon() {
        if (this.stroke) {
            this.strokes.drawAgain(this.stroke);
            this.stroke = null;
        }
    }

    undo() {
        this.strokes.undo();
    }

    redo() {
        this.strokes.redo();
    }

    clear() {
        if (this.strokes.done.length) {
            this.strokes.add({clears: true, points: []});
        }
    }

    erase(on) {
        this.erasing = on;
        this.eraser.setAttribute("aria-pressed", String(on));
    }

    wheel(event) {
        event.preventDefault();
        const larger = event.deltaY < 0;
        if (event.ctrlKey || event.metaKey) {
            this.setBrush(this.brush * (larger ? BRUSH.key : 1 / BRUSH.key));
            this.showCursor(event);
        } else {
            this.zoomBy(larger ? VIEW.step : 1 / VIEW.step, event);
        }
    }

    key(event) {
        const command = event.ctrlKey || event.metaKey;
        const letter = event.key.toLowerCase();
        const [smaller, larger] = [1 / BRUSH.key, BRUSH.key].map((factor) => () => this.setBrush(this.brush * factor));
        const [moves, resets] = [() => (this.panning = true), () => this.resetView()];
        const acts = command
            ? {z: () => (event.shiftKey ? this.redo() : this.undo()), y: () => this.redo()}
            : {[this.hotkey("shrink_brush")]: smaller, [this.hotkey("grow_brush")]: larger, [this.hotkey("move")]: moves, [this.hotkey("reset")]: resets,
                "[": smaller, "]": larger, e: () => this.erase(!this.erasing), " ": moves, 0: resets};
        if (acts[letter] && !event.altKey) {
            stopHere(event);
            acts[letter]();
        }
    }

    /** The key that the options have for it. */
    hotkey(name) {
        return (opts[`canvas_hotkey_${name}`] ?? "").toLowerCase();
    }

    setBrush(size) {
        this.brush = Math.min(BRUSH.most, Math.max(BRUSH.least, size));
        this.slider.value = this.brush;
    }

    resetView() {
        this.view = {zoom: 1, x: 0, y: 0};
        this.showView();
    }

    /** Zoom around the pointer. */
    zoomBy(factor, event) {
        const zoom = Math.min(VIEW.most, Math.max(VIEW.least, this.view.zoom * factor));
        const box = this.layer.getBoundingClientRect();
        const [x, y] = [event.clientX - box.left - this.middle().x, event.clientY - box.top - this.middle().y];
        this.view.x = x - ((x - this.view.x) * zoom) / this.view.zoom;
        this.view.y = y - ((y - this.view.y) * zoom) / this.view.zoom;
        this.view.zoom = zoom;
        this.showView();
    }

    panBy(x, y) {
        this.view.x += x;
        this.view.y += y;
        this.showView();
    }

    middle() {
        const {left, top, width, height} = this.place0;
        return {x: left + width / 2, y: top + height / 2};
    }

    /** Picture and layer are moved by the same transform; zoomed out they stand where they belong. */
    showView() {
        if (!this.place0) {
            return;
        }
        const {zoom} = this.view;
        if (zoom === 1) {
            this.view.x = this.view.y = 0;
        }
        const moved = zoom === 1 ? "" : `translate(${this.view.x}px, ${this.view.y}px) scale(${zoom})`;
        this.canvas.style.transform = moved;
        const image = this.image();
        if (image && image.style.transform !== moved) {
            image.style.transform = moved;
        }
        this.frame?.classList.toggle("zoomed", zoom !== 1);
    }

    showCursor(event) {
        const box = this.layer.getBoundingClientRect();
        const [left, top] = [event.clientX - box.left, event.clientY - box.top];
        Object.assign(this.cursor.style, {display: "block", left: `${left}px`, top: `${top}px`});
        this.cursor.style.width = this.cursor.style.height = `${this.brush}px`;
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
