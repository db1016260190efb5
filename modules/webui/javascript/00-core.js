// The hooks that user scripts know from A1111, and the few things every script here needs.
"use strict";

var opts = {};
var titles = {}; // hints by the texts of buttons and labels, which extensions add to
const uiUpdateCallbacks = [];
const uiAfterUpdateCallbacks = [];
const uiLoadedCallbacks = [];
const uiTabChangeCallbacks = [];
const optionsChangedCallbacks = [];
const AFTER_UPDATE_MS = 200;
const OPEN_FRAMES = 300;

function gradioApp() {
    return document;
}

function onUiUpdate(callback) {
    uiUpdateCallbacks.push(callback);
}

function onAfterUiUpdate(callback) {
    uiAfterUpdateCallbacks.push(callback);
}

/** A script that came late, which another one fetched, is called at once. */
function onUiLoaded(callback) {
    uiLoadedCallbacks.push(callback);
    if (document.body.hasAttribute("data-ui-ready")) {
        runCallbacks([callback]);
    }
}

function onUiTabChange(callback) {
    uiTabChangeCallbacks.push(callback);
}

function onOptionsChanged(callback) {
    optionsChangedCallbacks.push(callback);
}

function runCallbacks(callbacks, argument) {
    for (const callback of callbacks) {
        try {
            callback(argument);
        } catch (error) {
            console.error("a user interface callback failed", error);
        }
    }
}

function get_uiCurrentTab() {
    return document.querySelector('#tabs > .tab-wrapper button[role="tab"][aria-selected="true"]');
}

function get_uiCurrentTabContent() {
    const button = get_uiCurrentTab();
    return button && document.getElementById(button.id.replace(/-button$/, ""));
}

/** Tell gradio that a script has written into an input. */
function updateInput(target) {
    target.dispatchEvent(new Event("input", {bubbles: true}));
}

function switchTo(tab) {
    tabButton(`tab_${tab}`)?.click();
    return [];
}

/** What opens a tab. Where there is no room for all of them gradio has the last ones in a menu, which knows no ids. */
function tabButton(id) {
    const shown = (name) => document.getElementById(`${name}-button`);
    const parts = gradio_config.components;
    const tab = parts.find((part) => part.props.elem_id === id);
    if (shown(id) || !tab) {
        return shown(id);
    }
    const beside = (node) => (node.children?.some((one) => one.id === tab.id) ? node.children : node.children?.map(beside).find(Boolean));
    const names = beside(gradio_config.layout).map((one) => parts.find((part) => part.id === one.id).props.elem_id);
    const menu = names.map(shown).find(Boolean)?.closest(".tab-wrapper").querySelectorAll(".overflow-dropdown button");
    return Array.from(menu ?? []).find((button) => [tab.props.label, say(tab.props.label)].includes(button.textContent.trim()));
}

/** Open a tab, then one inside of it, and so on; what was never opened comes into the page first. */
async function openTabs(...ids) {
    for (const id of ids) {
        for (let frame = 0; frame < OPEN_FRAMES && !tabButton(id); frame++) {
            await new Promise(requestAnimationFrame);
        }
        tabButton(id)?.click();
    }
    return [];
}

function switch_to_txt2img() {
    return switchTo("txt2img");
}

function switch_to_img2img() {
    return openTabs("tab_img2img", "img2img_img2img_tab");
}

function switch_to_inpaint() {
    return openTabs("tab_img2img", "img2img_inpaint_tab");
}

/** gradio: the options have arrived or changed. */
function readOptions(text) {
    opts = JSON.parse(text || "{}");
    runCallbacks(optionsChangedCallbacks);
    return [];
}

function reloadPage() {
    forgetValues();
    location.reload();
    return [];
}

/** gradio: all components stand and have their values. Its page may be quicker than our scripts. */
function uiReady() {
    afterScripts(() => {
        if (!document.body.hasAttribute("data-ui-ready")) {
            document.body.setAttribute("data-ui-ready", "");
            runCallbacks(uiLoadedCallbacks);
            watchPage();
        }
    });
    return [];
}

/** The scripts of the head are run in their order: one more behind them comes when all have. */
function afterScripts(callback) {
    const last = document.createElement("script");
    last.async = false;
    last.src = "data:text/javascript,";
    last.onload = last.onerror = () => {
        last.remove();
        callback();
    };
    document.head.append(last);
}

function watchPage() {
    let timer = null;
    let current = get_uiCurrentTab();
    const observer = new MutationObserver((records) => {
        runCallbacks(uiUpdateCallbacks, records);
        clearTimeout(timer);
        timer = setTimeout(() => runCallbacks(uiAfterUpdateCallbacks), AFTER_UPDATE_MS);
        const tab = get_uiCurrentTab();
        if (tab && tab !== current) {
            current = tab;
            runCallbacks(uiTabChangeCallbacks);
        }
    });
    observer.observe(document.body, {childList: true, subtree: true, attributeFilter: ["aria-selected"]});
    runCallbacks(uiAfterUpdateCallbacks);
}

/** The theme of --theme, unless the address names one, as in A1111. */
function applyTheme() {
    const wanted = document.querySelector('meta[name="webui-theme"]')?.content;
    const address = new URL(location.href);
    if (wanted && !address.searchParams.has("__theme")) {
        address.searchParams.set("__theme", wanted);
        location.replace(address);
    }
}

applyTheme();
