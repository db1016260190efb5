// What extensions' scripts know from A1111's page beyond 00-core.js: names of functions, and places in the document.
"use strict";

/** Opens and closes with the checkbox at its head. */
function inputAccordionChecked(id, checked) {
    const accordion = document.getElementById(id);
    const head = accordion?.querySelector("button.label-wrap");
    if (head && head.classList.contains("open") !== checked) {
        head.click();
    }
    return [];
}

function all_gallery_buttons() {
    return Array.from(document.querySelectorAll(".gallery-container .thumbnail-item")).filter((one) => one.offsetParent);
}

function selected_gallery_button() {
    return all_gallery_buttons().find((one) => one.classList.contains("selected")) ?? null;
}

function selected_gallery_index() {
    return all_gallery_buttons().findIndex((one) => one.classList.contains("selected"));
}

function switch_to_extras() {
    return openTabs("tab_extras", "extras_single_tab");
}

function switch_to_sketch() {
    return openTabs("tab_img2img", "img2img_img2img_sketch_tab");
}

function switch_to_inpaint_sketch() {
    return openTabs("tab_img2img", "img2img_inpaint_sketch_tab");
}

/** A1111 lays the new proportions over img2img's picture for a moment; here the picture stays as it is. */
function dimensionChange() {
}

function get_tab_index(tabId) {
    const buttons = Array.from(document.querySelectorAll(`#${tabId} > .tab-wrapper button[role="tab"]`));
    return Math.max(0, buttons.findIndex((one) => one.getAttribute("aria-selected") === "true"));
}

function args_to_array(args) {
    return Array.from(args);
}

function create_submit_args(args) {
    return Array.from(args);
}

function randomId() {
    return `task(${Array.from({length: 15}, () => Math.floor(Math.random() * 36).toString(36)).join("")})`;
}

function localSet(name, value) {
    try {
        localStorage.setItem(name, value);
    } catch (error) {
        console.warn(`localStorage does not take ${name}`, error);
    }
}

function localGet(name, instead) {
    return localStorage.getItem(name) ?? instead;
}

function localRemove(name) {
    localStorage.removeItem(name);
}

/** The buttons of the tabs carried another class before gradio 4: found by it too. */
function markTabs() {
    for (const strip of document.querySelectorAll('.tab-wrapper > .tab-container[role="tablist"]:not(.tab-nav)')) {
        strip.classList.add("tab-nav");
    }
}

onUiLoaded(markTabs);
onAfterUiUpdate(markTabs);

/** Scripts that watch the document look whether the options are there when something in it changes: have it change. */
function stirDocument() {
    const note = document.createComment("options");
    document.body.append(note);
    note.remove();
}

onUiLoaded(stirDocument);
onOptionsChanged(stirDocument);

const OLD_PLACES = [ // as extensions name them → where gradio 6 has them, too
    [/\blabel\s*>\s*(?=textarea\b|input\b)/g, "label "],
    [/(#[\w-]+)\s*>\s*(?:div)?\.tab-nav\b/g, "$1 > .tab-wrapper > .tab-nav"],
    [/#img2img_settings\s*>\s*div\s*>\s*div\s*>\s*button\b/g, '#mode_img2img > .tab-wrapper > [role="tablist"] > button'],
    [/(#tabs|#settings)\s*>\s*div(?::first-child)?\s*>\s*button\b/g, "$1 > .tab-wrapper > .tab-nav > button"],
    [/(^|[\s>+~,])button(?![\w-])(?![^[]*\])/g, "$1button:not(.visually-hidden > *)"], // gradio measures tabs by copies of their buttons
];
const placesKnown = new Map();

function newPlace(selector) {
    if (typeof selector !== "string" || !/[>]|button/.test(selector)) {
        return selector;
    }
    let found = placesKnown.get(selector);
    if (found === undefined) {
        found = OLD_PLACES.reduce((text, [old, now]) => text.replace(old, now), selector);
        placesKnown.set(selector, found);
    }
    return found;
}

/** Let queries find what has moved within the document. */
function findOldPlaces() {
    const owners = {querySelector: [Document, Element], querySelectorAll: [Document, Element], matches: [Element], closest: [Element]};
    for (const [name, kinds] of Object.entries(owners)) {
        for (const kind of kinds) {
            const own = kind.prototype[name];
            kind.prototype[name] = function (selector) {
                return own.call(this, newPlace(selector));
            };
        }
    }
}

/** gradio runs the page's scripts when the document has long been read: who waits for that is called at once. */
function hearLate(target, kind, isOver) {
    const own = target.addEventListener;
    target.addEventListener = function (name, listener, ...words) {
        if (name !== kind || !isOver()) {
            return own.call(this, name, listener, ...words);
        }
        const event = new Event(kind);
        setTimeout(() => (typeof listener === "function" ? listener.call(target, event) : listener?.handleEvent(event)));
    };
}

/** Who listens to a tab's button is called once that tab is in front, as in gradio 3; now gradio itself is told last. */
function hearOpenedTabs() {
    const proto = HTMLButtonElement.prototype, late = new WeakMap();
    for (const name of ["addEventListener", "removeEventListener"]) {
        const own = proto[name];
        proto[name] = function (kind, listener, ...words) {
            if (kind !== "click" || this.getAttribute("role") !== "tab" || typeof listener !== "function") {
                return own.call(this, kind, listener, ...words);
            }
            if (!late.has(listener)) {
                late.set(listener, function (event) {
                    setTimeout(() => listener.call(this, event));
                });
            }
            return own.call(this, kind, late.get(listener), ...words);
        };
    }
}

if (document.querySelector('meta[name="webui-guests"]')) {
    findOldPlaces();
    hearOpenedTabs();
    hearLate(document, "DOMContentLoaded", () => document.readyState !== "loading");
    hearLate(window, "load", () => document.readyState === "complete");
}
