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

function getTranslation(text) {
    return window.localization?.[text];
}

/** The buttons of the tabs carried another class before gradio 4: found by it too. */
function markTabs() {
    for (const strip of document.querySelectorAll("#tabs > .tab-wrapper .tab-container")) {
        strip.classList.add("tab-nav");
    }
}

onUiLoaded(markTabs);
onAfterUiUpdate(markTabs);
