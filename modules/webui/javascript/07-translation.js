// The page in another language: what gradio and the scripts show is looked up in `localization`, as A1111 calls it.
//
// Only what is shown is changed, never what is sent: texts between tags, placeholders, hints and names for screen
// readers, and of a menu the words in its box while it is not being typed in.
"use strict";

const SHOWN_BY = ["placeholder", "title", "aria-label"];
var AS_IT_IS = "textarea, script, style, pre, .infotext, [dir=auto], .token, .card .name, .card .description, .notranslate";
const translations = window.localization ?? {};
const placed = new WeakMap(); // text node -> the translation that stands in it

/** One of the scripts' own texts, in the chosen language; each {} in it is the next of the values. */
function say(text, ...values) {
    let place = 0;
    return (translations[text] || text).replace(/\{\}/g, () => values[place++]);
}

function getTranslation(text) {
    return translations[text];
}

function translateText(node) {
    const text = node.nodeValue;
    const found = placed.get(node) !== text && translations[text.trim()];
    if (found && !node.parentElement?.closest(AS_IT_IS)) {
        const [before, after] = [/^\s*/.exec(text)[0], /\s*$/.exec(text)[0]];
        placed.set(node, before + found + after);
        node.nodeValue = before + found + after;
    }
}

/** A hint's markup may part its words: then the whole of it is looked up. */
function translateWhole(element) {
    const found = element.childElementCount > 0 && translations[element.textContent.trim()];
    if (found) {
        element.replaceChildren(found);
    }
}

function translateShown(element) {
    for (const name of SHOWN_BY) {
        const found = translations[element.getAttribute(name)?.trim()];
        if (found) {
            element.setAttribute(name, found);
        }
    }
}

function translateTree(root) {
    if (root.nodeType === Node.TEXT_NODE) {
        translateText(root);
    } else if (root.nodeType === Node.ELEMENT_NODE) {
        root.querySelectorAll(".md").forEach(translateWhole);
        translateShown(root);
        root.querySelectorAll(SHOWN_BY.map((name) => `[${name}]`).join(",")).forEach(translateShown);
        const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            translateText(walker.currentNode);
        }
    }
}

/** The words in the boxes of menus: gradio puts its own back as soon as one is typed in. */
function translateMenus() {
    for (const box of document.querySelectorAll("input[role=combobox]")) {
        if (box !== document.activeElement && translations[box.value]) {
            box.dataset.said = box.value;
            box.value = translations[box.value];
        }
    }
}

function untranslateMenu({target}) {
    if (target.dataset?.said && target.value === translations[target.dataset.said]) {
        target.value = target.dataset.said;
    }
}

if (Object.keys(translations).length) {
    document.documentElement.lang = (window.localizationName ?? "").replace("_", "-");
    document.documentElement.dir = translations.rtl ? "rtl" : "ltr";
    new MutationObserver((records) => {
        for (const {type, target, addedNodes} of records) {
            if (type === "attributes") {
                translateShown(target);
            } else if (type === "characterData") {
                translateText(target);
            } else {
                addedNodes.forEach(translateTree);
            }
        }
    }).observe(document, {subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: SHOWN_BY});
    document.addEventListener("focusin", untranslateMenu, true);
    document.addEventListener("pointerdown", untranslateMenu, true);
    document.addEventListener("focusout", () => setTimeout(translateMenus, 300));
    onFormChange(() => setTimeout(translateMenus));
    onAfterUiUpdate(translateMenus);
}
