// The chosen checkpoint: a button beside the sizes says its native size while they are others, another offers its own
// parameters where it has some; what counts for models that edit pictures is shown for those only.
"use strict";

let native = null; // {name, side, edits, own}, side null where the checkpoint does not tell; null without a checkpoint
const sizesOfTabs = {};

/** gradio: the server tells of the chosen checkpoint. */
function readNativeSize(text) {
    native = text ? JSON.parse(text) : null;
    document.body.classList.toggle("checkpoint-edits", Boolean(native?.edits));
    Object.keys(sizesOfTabs).forEach(offerNativeSize);
    return [];
}

/** gradio: the button was pressed. */
function takeNativeSize(width, height) {
    return native?.side ? [native.side, native.side] : [width, height];
}

function offerNativeSize(tab) {
    const button = document.getElementById(`${tab}_native_size`);
    const [width, height] = sizesOfTabs[tab];
    if (button) {
        const shown = Boolean(native?.side) && (width !== native.side || height !== native.side);
        button.classList.toggle("offered", shown);
        button.textContent = shown ? say("Use {}×{}, the size that {} was trained for", native.side, native.side, native.name) : "";
    }
    const own = document.getElementById(`${tab}_own_parameters`);
    if (own) {
        own.classList.toggle("offered", Boolean(native?.own));
        own.textContent = native?.own ? say("Use the parameters noted for {}", native.name) : "";
    }
}

onFormChange(({tab, values}) => {
    if ("width" in values) {
        sizesOfTabs[tab] = [values.width, values.height];
        offerNativeSize(tab);
    }
});
