// The search over all settings, and the hints of the form's labels.
"use strict";

let searched = "";
let allPages = false; // "Show all pages" was pressed

function settingsPages() {
    return Array.from(document.querySelectorAll("#settings > .settings-page, #settings .settings-page"));
}

/** Sub-pages stand in the page only once visited: a search visits each, then comes back. */
async function visitSettings() {
    const buttons = Array.from(document.querySelectorAll('#settings > .tab-wrapper button[role="tab"][id]'));
    const current = buttons.find((button) => button.getAttribute("aria-selected") === "true");
    for (const button of [...buttons, current]) {
        button?.click();
        await new Promise(requestAnimationFrame);
    }
}

function filterSettings() {
    document.getElementById("settings")?.classList.toggle("searching", allPages || searched !== "");
    for (const block of document.querySelectorAll('#settings [id^="setting_"]')) {
        const found = `${block.id} ${block.textContent}`.toLowerCase().includes(searched);
        block.classList.toggle("not-found", searched !== "" && !found);
    }
}

/** gradio: all sub-pages one below the other, or one at a time again. */
async function showAllSettings() {
    allPages = !allPages;
    if (allPages) {
        await visitSettings();
    }
    filterSettings();
    return [];
}

document.addEventListener("input", async (event) => {
    if (!event.target.closest?.("#settings_search")) {
        return;
    }
    const first = searched === "";
    searched = event.target.value.trim().toLowerCase();
    if (first && searched) {
        await visitSettings();
    }
    filterSettings();
});

onAfterUiUpdate(() => {
    if ((searched || allPages) && document.getElementById("settings")) {
        filterSettings();
    }
    giveHints();
});

onUiLoaded(nameEmptyPlaces);
onUiUpdate(nameEmptyPlaces);

/** Options that only change how the page looks. */
onOptionsChanged(() => {
    const root = document.documentElement.style;
    const set = (name, value) => (value ? root.setProperty(name, value) : root.removeProperty(name));
    set("--gallery-height", opts.gallery_height);
    set("--card-text", opts.extra_networks_card_text_scale);
});

/** The tabs that the options hide, and their order; names are those on the tabs. */
function arrangeTabs() {
    for (const button of document.querySelectorAll('#tabs > .tab-wrapper button[role="tab"][id]')) {
        const isMeant = (name) => [name, say(name)].includes(button.textContent.trim());
        const place = (opts.ui_tab_order ?? []).findIndex(isMeant);
        button.style.order = place < 0 ? 1000 : place;
        button.style.display = (opts.hidden_tabs ?? []).some(isMeant) && !isMeant("Settings") ? "none" : "";
    }
}

onOptionsChanged(arrangeTabs);
onUiLoaded(arrangeTabs);

/** gradio gives its empty galleries a name but no role, which screen readers may not read. */
function nameEmptyPlaces() {
    document.querySelectorAll(".empty[aria-label]:not([role])").forEach((place) => place.setAttribute("role", "img"));
}

/** What a field is for, shown when the pointer rests on it. */
function giveHints() {
    const hints = JSON.parse(document.getElementById("webui-hints")?.textContent || "{}");
    for (const [id, text] of Object.entries(hints)) {
        const element = document.getElementById(id);
        if (element && !element.title) {
            element.title = text;
        }
    }
}
