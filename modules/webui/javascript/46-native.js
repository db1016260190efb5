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
    const [width, height] = sizesOfTabs[tab];
    const sized = Boolean(native?.side) && (width !== native.side || height !== native.side);
    offer(`${tab}_native_size`, sized ? say("Use {}×{}, the size that {} was trained for", native.side, native.side, native.name) : "");
    offer(`${tab}_own_parameters`, native?.own ? say("Use the parameters noted for {}", native.name) : "");
}

/** A button is shown with what it says, and hidden where it has nothing to say. */
function offer(id, text) {
    const button = document.getElementById(id);
    if (button && button.textContent !== text) {
        button.classList.toggle("offered", Boolean(text));
        button.textContent = text;
    }
}

onAfterUiUpdate(() => Object.keys(sizesOfTabs).forEach(offerNativeSize)); // a tab that was opened has its buttons only now

onFormChange(({tab, values}) => {
    if ("width" in values) {
        sizesOfTabs[tab] = [values.width, values.height];
        offerNativeSize(tab);
    }
});
