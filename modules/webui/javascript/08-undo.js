// Undo and redo of the whole form: what a paste, a restored picture, a style or a hand changed is one step.
//
// The steps are kept by the browser tab, so that they outlive a reload.
"use strict";

const STEP_MS = 500; // of rest that ends a step
const STEPS = 60; // kept
const UNDO = "webui/undo/";
var formSteps = {}; // tab -> {past, now, future, latest}: values by name
const TYPED_IN = "textarea, input:not([type=range], [type=checkbox], [type=radio], [type=color]), canvas, [contenteditable]";

onFormChange(({tab, values}) => {
    const steps = (formSteps[tab] ??= keptSteps(tab));
    steps.latest = values;
    steps.now ??= values;
    clearTimeout(steps.timer);
    steps.timer = setTimeout(() => settleStep(tab), STEP_MS);
    showSteps(tab);
});

function keptSteps(tab) {
    const {past = [], future = []} = JSON.parse(sessionStorage.getItem(UNDO + tab) || "{}");
    return {past, future, now: null};
}

function sameValues(one, other) {
    return JSON.stringify(one) === JSON.stringify(other);
}

/** The hand rests: what changed since the last step is one. */
function settleStep(tab) {
    const steps = formSteps[tab];
    clearTimeout(steps.timer);
    if (steps.moved) { // by undo or redo; the page may write a value in its own way
        steps.moved = false;
    } else if (!sameValues(steps.latest, steps.now)) {
        steps.past = [...steps.past, steps.now].slice(-STEPS);
        steps.future = [];
    }
    steps.now = steps.latest;
    keepSteps(tab);
}

function keepSteps(tab) {
    const {past, future} = formSteps[tab];
    try {
        sessionStorage.setItem(UNDO + tab, JSON.stringify({past, future}));
    } catch (error) {
        console.warn("the steps of the form are too large to outlive a reload", error);
    }
    showSteps(tab);
}

function showSteps(tab) {
    const {past, now, latest, future} = formSteps[tab];
    const changed = past.length > 0 || !sameValues(latest, now);
    document.getElementById(`${tab}_undo`)?.classList.toggle("nothing-left", !changed);
    document.getElementById(`${tab}_redo`)?.classList.toggle("nothing-left", future.length === 0);
}

function moveForm(tab, names, values, from, to) {
    settleStep(tab);
    const steps = formSteps[tab];
    const wanted = steps[from].pop();
    if (!wanted) {
        return values.map(() => ({__type__: "update"}));
    }
    steps[to].push(steps.now);
    steps.now = steps.latest = wanted;
    steps.moved = true;
    keepSteps(tab);
    return onlyChanged(values, names.map((name, place) => (name in wanted ? wanted[name] : values[place])));
}

onAfterUiUpdate(() => Object.keys(formSteps).forEach(showSteps)); // their buttons may just have come

/** gradio: the button was pressed. */
function undoForm(tab, names, values) {
    return moveForm(tab, names, values, "past", "future");
}

function redoForm(tab, names, values) {
    return moveForm(tab, names, values, "future", "past");
}

document.addEventListener("keydown", (event) => {
    const tab = currentGenerationTab();
    const key = event.key.toLowerCase();
    const command = (event.ctrlKey || event.metaKey) && !event.altKey;
    if (tab && command && (key === "z" || key === "y") && !event.target.closest(TYPED_IN) && !openLayer()) {
        stopHere(event);
        document.getElementById(`${tab}_${key === "y" || event.shiftKey ? "redo" : "undo"}`)?.click();
    }
}, true);
