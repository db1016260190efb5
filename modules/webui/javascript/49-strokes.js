// What is painted, as a list of strokes; the pixels are drawn from them again only for undo and redo.
"use strict";

const CHECKPOINT = 6; // strokes after which the pixels are kept, so that undo need not draw all from the first
const KEPT = 3; // times that they are; 64 MiB each for 4096x4096
const ENCODE_MS = 300; // of rest after which what is painted is made ready to be sent

/** Strokes {points: [[x, y, pressure]], width, colour, erases}, or {fill}, or {clears}, on a canvas. */
class Strokes {
    constructor(canvas) {
        this.canvas = canvas;
        this.context = canvas.getContext("2d");
        this.version = 0;
        this.forget();
    }

    forget() {
        this.begun = false; // whether a stroke is being drawn
        this.done = [];
        this.undone = [];
        this.kept = []; // {count, pixels, upTo}: the pixels after so many strokes, the last of which is `upTo`
        this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
        this.changed();
    }

    /** One more; `drawn` if its pixels stand already. */
    add(stroke, drawn = false) {
        this.begun = false;
        this.done.push(stroke);
        this.undone = [];
        if (!drawn) {
            this.paint(stroke, 0);
        }
        this.changed();
    }

    undo() {
        if (this.done.length) {
            const stroke = this.done.pop();
            this.undone.push(stroke);
            this.drawAgain(stroke);
            this.changed();
        }
    }

    redo() {
        if (this.undone.length) {
            const stroke = this.undone.pop();
            this.done.push(stroke);
            this.paint(stroke, 0);
            this.changed();
        }
    }

    /** Another state: it is made ready to be sent while the hand rests, and every so many strokes it is kept. */
    changed() {
        this.version++;
        this.sent = null;
        if (this.unkept() >= 2 * CHECKPOINT) {
            this.keep();
        }
        this.whenResting();
    }

    whenResting() {
        clearTimeout(this.resting);
        this.resting = setTimeout(() => {
            if (this.begun) {
                this.whenResting(); // the canvas bears a stroke that is none yet
            } else {
                this.keep();
                this.asPng();
            }
        }, ENCODE_MS);
    }

    /** Keep the pixels; strokes before are then not drawn again. */
    keep() {
        if (this.unkept() >= CHECKPOINT) {
            const pixels = element("canvas", {width: this.canvas.width, height: this.canvas.height});
            pixels.getContext("2d").drawImage(this.canvas, 0, 0);
            this.kept = this.kept.filter((one) => this.stands(one)).slice(1 - KEPT);
            this.kept.push({count: this.done.length, pixels, upTo: this.done.at(-1)});
        }
    }

    /** Whether kept pixels are of strokes that were not taken back. */
    stands(kept) {
        return this.done[kept.count - 1] === kept.upTo;
    }

    unkept() {
        return this.done.length - (this.kept.findLast((one) => this.stands(one))?.count ?? 0);
    }

    /** Draw the place anew where a stroke was that is no more. */
    drawAgain(gone) {
        this.begun = false;
        const [context, box] = [this.context, this.boxOf(gone)];
        const kept = this.kept.findLast((one) => this.stands(one));
        context.save();
        context.beginPath();
        context.rect(...box);
        context.clip();
        context.globalCompositeOperation = "source-over";
        context.clearRect(...box);
        if (kept) {
            context.drawImage(kept.pixels, 0, 0);
        }
        this.done.slice(kept?.count ?? 0).forEach((stroke) => meet(this.boxOf(stroke), box) && this.paint(stroke, 0));
        context.restore();
    }

    /** The pixels that a stroke may have touched: left, top, width, height. */
    boxOf({points, width}) {
        if (!points.length) {
            return [0, 0, this.canvas.width, this.canvas.height];
        }
        const least = (axis) => Math.floor(points.reduce((found, point) => Math.min(found, point[axis]), Infinity) - width / 2 - 2);
        const most = (axis) => Math.ceil(points.reduce((found, point) => Math.max(found, point[axis]), -Infinity) + width / 2 + 2);
        return [least(0), least(1), most(0) - least(0), most(1) - least(1)];
    }

    /** A stroke from its point `from` on; as one line where the hand pressed the same all along. */
    paint({points, width, colour, erases, fill, clears}, from) {
        const context = this.context;
        context.globalCompositeOperation = erases ? "destination-out" : "source-over";
        if (clears) {
            context.clearRect(0, 0, this.canvas.width, this.canvas.height);
        } else if (fill) {
            context.fillStyle = colour;
            context.fillRect(0, 0, this.canvas.width, this.canvas.height);
        } else {
            Object.assign(context, {lineCap: "round", lineJoin: "round", strokeStyle: colour});
            const line = points.slice(from);
            for (let place = 0; place === 0 || place < line.length - 1; ) {
                place = this.paintLine(line, place, width);
            }
        }
    }

    /** From a point on as far as the pressure stays the same; gives the point where it ended. */
    paintLine(line, place, width) {
        let end = place + 1;
        const [, , pressure] = line[end] ?? line[place];
        this.context.lineWidth = width * pressure;
        this.context.beginPath();
        this.context.moveTo(line[place][0], line[place][1]);
        this.context.lineTo(...(line[end] ?? line[place]).slice(0, 2));
        while (line[end + 1]?.[2] === pressure) {
            end++;
            this.context.lineTo(line[end][0], line[end][1]);
        }
        this.context.stroke();
        return end;
    }

    /** Whether anything is painted, as far as the strokes tell. */
    any() {
        const last = this.done.findLastIndex((stroke) => stroke.clears);
        return this.done.slice(last + 1).some((stroke) => !stroke.erases);
    }

    /** A promise of what is painted, transparent around, as a PNG in a data URI; empty if nothing is. */
    asPng() {
        if (this.sent?.version !== this.version) {
            const made = this.any() ? new Promise((done) => this.canvas.toBlob(done, "image/png")).then(dataAddress) : Promise.resolve("");
            this.sent = {version: this.version, made};
        }
        return this.sent.made;
    }
}

/** Whether two boxes have something in common. */
function meet([left, top, width, height], [otherLeft, otherTop, otherWidth, otherHeight]) {
    return left < otherLeft + otherWidth && otherLeft < left + width && top < otherTop + otherHeight && otherTop < top + height;
}
