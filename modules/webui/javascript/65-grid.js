// A list of any length as a grid: only what is in sight stands in the page, and only that is asked of the server.
"use strict";

const GRID_GAP = 8;
const WINDOW = 40; // items fetched at once
const ROWS_BEYOND = 2; // kept above and below what is in sight

class VirtualGrid {
    /**
     * `view` is the element that scrolls. `size()` is an item's, in pixels; `fetch({first, count}, signal)` promises
     * {total, first, items}; `draw(item, number)` makes an item's element, whose first button can have the focus;
     * `taken(answer, fresh)` and `failed(error)` are told what came.
     */
    constructor(view, {size, fetch, draw, taken, failed}) {
        Object.assign(this, {view, size, fetch, drawItem: draw, taken, failed});
        this.sheet = element("div", {class: "grid-sheet"});
        this.pool = new Map(); // number -> element of the items that stand in the page
        this.forget();
        view.append(this.sheet);
        view.addEventListener("scroll", () => requestAnimationFrame(() => this.draw()), {passive: true});
        view.addEventListener("keydown", (event) => this.key(event));
        new ResizeObserver(() => this.draw()).observe(view);
    }

    forget() {
        this.items = new Map();
        this.asked = new Set(); // windows under way or here
        this.stop?.abort();
        this.stop = new AbortController();
    }

    /** Another question: from the first item on. Or the same once more: whoever looks stays where they are. */
    async ask(again = false) {
        this.forget();
        await this.fetchWindow(0, true, again);
    }

    async fetchWindow(first, fresh = false, again = false) {
        if (this.asked.has(first)) {
            return;
        }
        this.asked.add(first);
        const stop = this.stop;
        try {
            const told = await this.fetch({first, count: WINDOW}, stop.signal);
            if (stop === this.stop) {
                told.items.forEach((item, place) => this.items.set(told.first + place, item));
                this.total = told.total;
                if (fresh) {
                    this.view.scrollTop = again ? this.view.scrollTop : 0;
                    this.pool.forEach((item) => item.remove());
                    this.pool.clear();
                }
                this.taken(told, fresh);
                this.draw();
            }
        } catch (error) {
            if (error.name !== "AbortError") {
                this.asked.delete(first);
                this.failed(error);
            }
        }
    }

    /** Put what is in sight into the page, take the rest out, and ask for what is not here yet. */
    draw() {
        const width = this.view.clientWidth;
        if (!width || this.total === undefined) {
            return;
        }
        const size = this.size();
        this.across = Math.max(1, Math.floor((width + GRID_GAP) / (size.width + GRID_GAP)));
        const down = size.height + GRID_GAP;
        this.sheet.style.height = `${Math.ceil(this.total / this.across) * down}px`;
        const top = Math.floor(this.view.scrollTop / down) - ROWS_BEYOND;
        const bottom = Math.ceil((this.view.scrollTop + this.view.clientHeight) / down) + ROWS_BEYOND;
        const [first, end] = [Math.max(0, top * this.across), Math.min(this.total, bottom * this.across)];
        for (const [number, item] of this.pool) {
            if (number < first || number >= end) {
                item.remove();
                this.pool.delete(number);
            }
        }
        for (let number = first; number < end; number++) {
            const left = (number % this.across) * (size.width + GRID_GAP);
            this.place(number, {left, top: Math.floor(number / this.across) * down, ...size});
        }
    }

    place(number, box) {
        if (!this.items.has(number)) {
            this.fetchWindow(Math.floor(number / WINDOW) * WINDOW);
            return;
        }
        let item = this.pool.get(number);
        if (!item) {
            item = this.drawItem(this.items.get(number), number);
            item.dataset.number = number;
            this.pool.set(number, item);
            this.sheet.append(item);
        }
        Object.entries(box).forEach(([side, value]) => (item.style[side] = `${value}px`));
    }

    /** Arrow keys go from item to item. */
    key(event) {
        const steps = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.across, ArrowDown: this.across};
        const item = event.target.closest("[data-number]");
        if (!item || !(event.key in steps) || event.ctrlKey || event.altKey) {
            return;
        }
        event.preventDefault();
        event.stopPropagation();
        const next = this.pool.get(Number(item.dataset.number) + steps[event.key]);
        next?.scrollIntoView({block: "nearest"});
        next?.querySelector(".card-choose").focus();
    }
}
