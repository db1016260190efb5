// Dialogs over the page: one is open at a time, named by the body; Esc and a press beside it close it.
"use strict";

let openedFrom = null; // where the focus goes back to

/** gradio: show a dialog. */
function showDialog(id) {
    openedFrom = document.activeElement;
    document.body.dataset.dialog = id;
    const dialog = document.getElementById(id);
    dialog?.setAttribute("role", "dialog");
    dialog?.setAttribute("aria-modal", "true");
    document.getElementById("dialog-cover")?.remove();
    const cover = document.createElement("div");
    cover.id = "dialog-cover";
    cover.addEventListener("click", closeDialog);
    document.body.append(cover);
    requestAnimationFrame(() => dialog?.querySelector("input, textarea, button")?.focus());
    return [];
}

/** gradio: hide it. */
function closeDialog() {
    delete document.body.dataset.dialog;
    document.getElementById("dialog-cover")?.remove();
    openedFrom?.focus();
    return [];
}

window.addEventListener(
    "keydown",
    (event) => {
        if (event.key === "Escape" && document.body.dataset.dialog && !document.querySelector("ul.options")) {
            event.preventDefault();
            event.stopPropagation();
            closeDialog();
        }
    },
    true,
);
