// The form's values, kept by the browser tab over a reload; and the buttons that only move values about.
"use strict";

const VALUES = "webui/values/";
const formCallbacks = []; // called with {tab, values} by name when the page is ready and whenever a value has changed

function onFormChange(callback) {
    formCallbacks.push(callback);
}

/** gradio: a value of the form changed. Before the page is ready it is only its own defaults that arrive. */
function remember(tab, names, values) {
    if (document.body.hasAttribute("data-ui-ready")) {
        const kept = byName(names, values);
        sessionStorage.setItem(VALUES + tab, JSON.stringify(kept));
        runCallbacks(formCallbacks, {tab, values: kept});
    }
    return [];
}

/** gradio: the page was opened; give the kept values where there are any. */
function recall(tab, names, values) {
    const kept = JSON.parse(sessionStorage.getItem(VALUES + tab) || "{}");
    const recalled = values.map((value, place) => (names[place] in kept ? kept[names[place]] : value));
    runCallbacks(formCallbacks, {tab, values: byName(names, recalled)});
    return onlyChanged(values, recalled);
}

/** What gives gradio the new values: for each one that it is given, it walks through the whole page. */
function onlyChanged(values, wanted) {
    return wanted.map((value, place) => (JSON.stringify(value) === JSON.stringify(values[place]) ? {__type__: "update"} : value));
}

function byName(names, values) {
    return Object.fromEntries(names.map((name, place) => [name, values[place]]));
}

function forgetValues() {
    Object.keys(sessionStorage)
        .filter((key) => key.startsWith(VALUES))
        .forEach((key) => sessionStorage.removeItem(key));
}

/** gradio: 🗑 empties both prompts. */
function clearPrompts(prompt, negative) {
    const empty = !prompt && !negative;
    return empty || confirm(say("Delete prompt?")) ? ["", ""] : [prompt, negative];
}

/** gradio: ♻ takes the seed of the picture looked at; of a grid, its first picture's. */
function reuseSeed(info, index, seed, name) {
    if (!info) {
        return seed;
    }
    const made = JSON.parse(info);
    const place = Math.max(0, index - made.index_of_first_image);
    return made[name]?.[place] ?? seed;
}

/** gradio: two axes of the X/Y/Z plot change places. */
function swapAxes(...values) {
    return [...values.slice(values.length / 2), ...values.slice(0, values.length / 2)];
}
