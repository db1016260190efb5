// The row of thumbnails below a gallery's picture: small copies made by the server, in place of the files themselves.
"use strict";

const SMALL = ".gallery-container .thumbnail-item img";
const SERVED = /\/gradio_api\/file=(.*)$/;

/** The address of the file that an image of the page stands for. */
function fullSource(image) {
    return image?.dataset.full ?? image?.src;
}

function showSmall(image) {
    const file = SERVED.exec(image.src)?.[1];
    if (file) {
        image.dataset.full = image.src;
        image.loading = "lazy";
        image.src = `internal/small?file=${encodeURIComponent(decodeURIComponent(file.split("?")[0]))}`;
    }
}

new MutationObserver((records) => {
    for (const {target, addedNodes} of records) {
        [target, ...addedNodes].filter((one) => one instanceof Element).forEach((one) => {
            (one.matches(SMALL) ? [one] : one.querySelectorAll(SMALL)).forEach(showSmall);
        });
    }
}).observe(document, {subtree: true, childList: true, attributes: true, attributeFilter: ["src"]});
