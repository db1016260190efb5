// The chosen checkpoint's native size: a button beside the sizes says it while they are others.
"use strict";

let native = null; // {name, side}, or null where the checkpoint's is not known
const sizesOfTabs = {};

/** gradio: the server tells the chosen checkpoint's size. */
function readNativeSize(text) {
    native = text ? JSON.parse(text) : null;
    Object.keys(sizesOfTabs).forEach(offerNativeSize);
    return [];
}

/** gradio: the button was pressed. */
function takeNativeSize(width, height) {
    return native ? [native.side, native.side] : [width, height];
}

function offerNativeSize(tab) {
    const button = document.getElementById(`${tab}_native_size`);
    const [width, height] = sizesOfTabs[tab];
    if (button) {
        const shown = native !== null && (width !== native.side || height !== native.side);
        button.classList.toggle("offered", shown);
        button.textContent = shown ? `Use ${native.side}×${native.side}, the size that ${native.name} was trained for` : "";
    }
}

onFormChange(({tab, values}) => {
    if ("width" in values) {
        sizesOfTabs[tab] = [values.width, values.height];
        offerNativeSize(tab);
    }
});
