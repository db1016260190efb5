// The img2img tab: which sub-tab is in front, what is painted there, and the size of its picture.
"use strict";

const RESIZE_BY = "img2img_tab_resize_by";
let scaledBy = 1;

/** The id of the tab in front among those of `#id`. */
function tabInFront(id) {
    const button = document.querySelector(`#${id} > .tab-wrapper button[role="tab"][aria-selected="true"]`);
    return button?.id.replace(/-button$/, "") ?? "";
}

/** The picture that the sub-tab in front starts from. */
function sourcePicture() {
    return document.getElementById(tabInFront("mode_img2img"))?.querySelector(".source-picture img");
}

/** gradio: 📐 takes the picture's size. */
function detectSize(width, height) {
    const picture = sourcePicture();
    return picture?.naturalWidth ? [picture.naturalWidth, picture.naturalHeight] : [width, height];
}

onSubmit(({tab, values}) => {
    if (tab === "img2img") {
        values.front = tabInFront("mode_img2img");
        values.batch_source = tabInFront("img2img_batch_source");
        values.by_scale = tabInFront("img2img_tabs_resize") === RESIZE_BY;
        const host = document.getElementById(values.front)?.querySelector(".paintable");
        values.painted = host ? maskOf(host).strokes.asPng() : "";
    }
});

/** "from 512x512 to 1024x1024" beside the factor. */
function showScaled() {
    const scale = document.getElementById("img2img_scale");
    if (!scale) {
        return;
    }
    let line = document.getElementById("img2img_scale_resolution_preview");
    if (!line) {
        line = Object.assign(document.createElement("div"), {id: "img2img_scale_resolution_preview"});
        scale.parentElement.after(line);
    }
    const picture = sourcePicture();
    const sides = picture?.naturalWidth ? [picture.naturalWidth, picture.naturalHeight] : null;
    const text = sides ? say("from {} to {}", sides.join("x"), sides.map((side) => Math.floor(side * scaledBy)).join("x")) : say("no picture");
    if (line.textContent !== text) {
        line.textContent = text;
    }
}

onFormChange(({tab, values}) => {
    if (tab === "img2img") {
        scaledBy = values.scale;
        showScaled();
    }
});

onAfterUiUpdate(showScaled);
