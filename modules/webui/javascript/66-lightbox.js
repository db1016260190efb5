// Pictures over the whole window: from one to the next by keys, zoomed, moved, compared, with their infotexts.
"use strict";

const ZOOM = {least: 0.1, most: 16, step: 1.2};
const STICK = 0.3; // how far a gamepad's stick is moved at least
const LIGHTBOX_KEYS = {
    ArrowRight: (box) => box.show(box.place + 1),
    ArrowLeft: (box) => box.show(box.place - 1),
    "+": (box) => box.zoomBy(ZOOM.step),
    "=": (box) => box.zoomBy(ZOOM.step),
    "-": (box) => box.zoomBy(1 / ZOOM.step),
    0: (box) => box.fit(),
    i: (box) => box.toggleInfotext(),
    b: (box) => box.compare(),
    s: (box) => box.save(),
};

/** Where the gamepads' first sticks and crosses point: 1 to the right, -1 to the left. Without https some browsers give none. */
function gamepadsSide() {
    const pads = Array.from(navigator.getGamepads?.() ?? []).filter(Boolean);
    const side = ({axes: [across = 0], buttons}) => buttons[15]?.pressed - buttons[14]?.pressed || (Math.abs(across) > STICK && Math.sign(across)) || 0;
    return pads.map(side).find(Boolean) ?? 0;
}

/** Show pictures [{source, infotext, name, before}], beginning with one of them. */
function openLightbox(pictures, place) {
    return new Lightbox(pictures, place);
}

class Lightbox {
    constructor(pictures, place) {
        this.pictures = pictures;
        this.image = element("img", {id: "modalImage", alt: "", draggable: false});
        this.before = element("img", {class: "lightbox-before", alt: "", draggable: false, hidden: true});
        this.moved = element("div", {class: "lightbox-moved"}, this.image, this.before);
        this.stage = element("div", {class: "lightbox-stage"}, this.moved);
        this.words = element("p", {class: "infotext lightbox-words", dir: "auto"});
        this.slider = element("input", {type: "range", min: 0, max: 100, value: 50, class: "lightbox-slider", "aria-label": say("Before and after"), hidden: true});
        this.slider.addEventListener("input", () => this.split());
        const button = (text, label, work) => element("button", {type: "button", textContent: text, title: label, "aria-label": label, onclick: work});
        this.comparing = button(say("before | after"), say("Compare with the picture before (b)"), () => this.compare());
        const tools = element("div", {class: "lightbox-tools"},
            button("‹", say("Previous (left)"), () => this.show(this.place - 1)),
            button("›", say("Next (right)"), () => this.show(this.place + 1)),
            button("+", say("Larger (+)"), () => this.zoomBy(ZOOM.step)),
            button("−", say("Smaller (-)"), () => this.zoomBy(1 / ZOOM.step)),
            button(say("fit"), say("Fit (0)"), () => this.fit()),
            button("i", say("Infotext (i)"), () => this.toggleInfotext()),
            this.comparing,
            button(say("save"), say("Download the file (s)"), () => this.save()),
            button("×", say("Close (Esc)"), () => this.dialog.close()));
        this.dialog = element("dialog", {id: "lightboxModal", "aria-label": say("Picture")}, this.stage, this.slider, tools, this.words);
        this.dialog.addEventListener("close", () => {
            cancelAnimationFrame(this.pads);
            this.dialog.remove();
        });
        this.dialog.addEventListener("keydown", (event) => this.key(event));
        this.dialog.style.setProperty("--at-rest", opts.sd_webui_modal_lightbox_icon_opacity ?? 1);
        this.dialog.style.setProperty("--bar", `${100 * (opts.sd_webui_modal_lightbox_toolbar_opacity ?? 0.9)}%`);
        this.listen();
        document.body.append(this.dialog);
        this.dialog.showModal();
        this.image.addEventListener("load", () => opts.js_modal_lightbox_initially_zoomed && this.zoom === 1 && this.ownSize());
        this.show(place);
        if (opts.js_modal_lightbox_gamepad) {
            this.watchGamepads();
        }
    }

    /** A stick or the cross of any gamepad goes from picture to picture: at once, and again and again while it is held. */
    watchGamepads(held = 0, again = 0) {
        this.pads = requestAnimationFrame((now) => {
            const side = gamepadsSide();
            const moves = side !== held || now >= again;
            if (moves && side) {
                this.show(this.place + side);
            }
            this.watchGamepads(side, moves ? now + opts.js_modal_lightbox_gamepad_repeat : again);
        });
    }

    /** One pixel of the picture is one of the screen's. */
    ownSize(event) {
        this.zoomBy(this.image.naturalWidth / this.image.clientWidth, event);
    }

    listen() {
        const fingers = new Map();
        this.stage.addEventListener("wheel", (event) => {
            event.preventDefault();
            this.zoomBy(event.deltaY < 0 ? ZOOM.step : 1 / ZOOM.step, event);
        }, {passive: false});
        this.stage.addEventListener("pointerdown", (event) => {
            this.stage.setPointerCapture(event.pointerId);
            fingers.set(event.pointerId, event);
            this.dragged = 0;
        });
        this.stage.addEventListener("pointermove", (event) => {
            const from = fingers.get(event.pointerId);
            if (from) {
                const apart = () => Math.hypot(...["clientX", "clientY"].map((axis) => [...fingers.values()].reduce((sum, one) => one[axis] - sum, 0)));
                const before = fingers.size === 2 ? apart() : 0;
                fingers.set(event.pointerId, event);
                this.dragged += Math.abs(event.clientX - from.clientX) + Math.abs(event.clientY - from.clientY);
                if (before) {
                    this.zoomBy(apart() / before, event);
                } else {
                    this.x += event.clientX - from.clientX;
                    this.y += event.clientY - from.clientY;
                    this.draw();
                }
            }
        });
        for (const end of ["pointerup", "pointercancel"]) {
            this.stage.addEventListener(end, (event) => fingers.delete(event.pointerId));
        }
        this.stage.addEventListener("click", (event) => event.target === this.stage && this.dragged < 5 && this.dialog.close());
        this.stage.addEventListener("dblclick", (event) => (this.zoom === 1 ? this.ownSize(event) : this.fit()));
    }

    show(place) {
        this.place = (place + this.pictures.length) % this.pictures.length;
        const shown = this.pictures[this.place];
        this.image.src = shown.source;
        this.words.textContent = shown.infotext ?? "";
        const before = shown.before ?? this.pictures[this.place - 1]?.source;
        this.comparing.hidden = !before;
        this.before.hidden = this.slider.hidden = true;
        this.before.src = before ?? "";
        this.fit();
    }

    key(event) {
        const act = LIGHTBOX_KEYS[event.key];
        if (event.target === this.slider && event.key.startsWith("Arrow")) {
            event.stopPropagation();
        } else if (act && !event.ctrlKey && !event.metaKey && !event.altKey) {
            event.preventDefault();
            event.stopPropagation();
            act(this);
        }
    }

    compare() {
        if (!this.comparing.hidden) {
            this.before.hidden = this.slider.hidden = !this.before.hidden;
            this.split();
        }
    }

    split() {
        this.before.style.clipPath = `inset(0 ${100 - this.slider.value}% 0 0)`;
    }

    toggleInfotext() {
        this.dialog.classList.toggle("without-words");
    }

    save() {
        const {source, name} = this.pictures[this.place];
        element("a", {href: source, download: name ?? fileName(source)}).click();
    }

    fit() {
        this.zoom = 1;
        this.x = this.y = 0;
        this.draw();
    }

    /** Zoom around the pointer, or around the middle. */
    zoomBy(factor, event) {
        const zoom = Math.min(ZOOM.most, Math.max(ZOOM.least, this.zoom * factor));
        const box = this.stage.getBoundingClientRect();
        const [x, y] = event ? [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2] : [0, 0];
        this.x = x - ((x - this.x) * zoom) / this.zoom;
        this.y = y - ((y - this.y) * zoom) / this.zoom;
        this.zoom = zoom;
        this.draw();
    }

    draw() {
        this.moved.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.zoom})`;
    }
}

function fileName(address) {
    return decodeURIComponent(address.split(/[?#]/)[0].split("/").at(-1));
}

/** The pictures of a gallery with what is known of them. */
function galleryPictures(tab) {
    const gallery = document.getElementById(`${tab}_gallery`);
    const told = document.querySelector(`#generation_info_${tab} textarea`)?.value;
    const infotexts = told ? JSON.parse(told).infotexts : [];
    const small = Array.from(gallery?.querySelectorAll(".thumbnail-item img, .thumbnails img") ?? []);
    const sources = [...new Set(small.map(fullSource))];
    const alone = gallery?.querySelector(".preview img");
    const before = tab === "img2img" ? sourcePicture()?.src : undefined;
    return (sources.length || !alone ? sources : [alone.src]).map((source, place) => ({source, infotext: infotexts[place], before}));
}

/** The picture that a gallery shows large opens over the window. */
document.addEventListener("click", (event) => {
    const image = event.target.closest?.('[id$="_gallery"] .preview .media-button, [id$="_gallery"] .preview .media-button img');
    const tab = image?.closest('[id$="_gallery"]').id.replace(/_gallery$/, "");
    if (tab && opts.js_modal_lightbox !== false) {
        stopHere(event);
        const pictures = galleryPictures(tab);
        const source = (image.matches("img") ? image : image.querySelector("img")).src;
        openLightbox(pictures, Math.max(0, pictures.findIndex((one) => one.source === source)));
    }
}, true);
