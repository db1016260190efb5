// Keyboard: Ctrl+Enter generates, Alt+Enter skips, Esc interrupts, Ctrl+Up and Ctrl+Down weigh words.
"use strict";

const WORD_ENDS = /[\s<>[\]()]/; // and what the options say
const BRACKETS = {"(": ")", "<": ">"};
const OLD_FACTOR = 1.1; // of one plain bracket

document.addEventListener("keydown", onKey, true);

function onKey(event) {
    const tab = currentGenerationTab();
    const command = event.ctrlKey || event.metaKey;
    if (tab && event.key === "Enter" && command && !event.shiftKey) {
        stopHere(event);
        generateAgain(tab);
    } else if (tab && event.key === "Enter" && event.altKey) {
        stopHere(event);
        pressIfRunning(tab, "skip");
    } else if (tab && event.key === "Escape" && isRunning(tab) && !openLayer()) {
        stopHere(event);
        pressIfRunning(tab, "interrupt");
    } else if (command && (event.key === "ArrowUp" || event.key === "ArrowDown") && isPrompt(event.target)) {
        stopHere(event);
        editAttention(event.target, event.key === "ArrowUp");
    }
}

function stopHere(event) {
    event.preventDefault();
    event.stopPropagation();
}

/** The name of the tab in front, if it generates. */
function currentGenerationTab() {
    const name = get_uiCurrentTabContent()?.id.replace(/^tab_/, "");
    return name && document.getElementById(`${name}_generate`) ? name : null;
}

/** Whether Esc has something nearer to close: an open menu or a picture in full screen. */
function openLayer() {
    return Boolean(document.fullscreenElement || document.querySelector("ul.options, dialog[open], #context-menu"));
}

function pressIfRunning(tab, name) {
    if (isRunning(tab)) {
        document.getElementById(`${tab}_${name}`).click();
    }
}

/** Generate; a run under way is interrupted first, and what it has so far is shown before the next begins. */
function generateAgain(tab) {
    const generate = document.getElementById(`${tab}_generate`);
    if (!isRunning(tab)) {
        generate.click();
        return;
    }
    const run = runs[tab];
    if (run.again) {
        return;
    }
    run.again = setInterval(() => {
        if (run.over) {
            clearInterval(run.again);
            generate.click();
        }
    }, 50);
    pressIfRunning(tab, "interrupt");
}

function isPrompt(target) {
    return target instanceof HTMLTextAreaElement && target.closest(".prompt") !== null;
}

function editAttention(area, up) {
    const edited = weighed(area.value, area.selectionStart, area.selectionEnd, up);
    if (edited) {
        replaceText(area, edited.text);
        area.setSelectionRange(edited.start, edited.end);
    }
}

/** Write as if typed, so that Ctrl+Z takes it back. */
function replaceText(area, text) {
    area.focus();
    area.select();
    if (!document.execCommand("insertText", false, text)) {
        area.value = text;
        updateInput(area);
    }
}

/** The text with the selection's weight one step up or down, and where the selection is then; null if there is none. */
function weighed(text, start, end, up) {
    const chosen = start === end ? grown(text, start) : trimmed(text, start, end);
    if (!chosen) {
        return null;
    }
    const block = blockAround(text, chosen.start, chosen.end) ?? {...chosen, open: "", before: "", weight: 1, after: chosen.end};
    const network = block.open === "<";
    const step = (up ? 1 : -1) * (network ? opts.keyedit_precision_extra : opts.keyedit_precision_attention);
    const weight = Number((block.weight + step).toFixed(4));
    const inner = text.slice(block.start, block.end);
    const bare = weight === 1 && !network;
    const open = bare ? "" : block.open || "(";
    const close = bare ? "" : `:${weight}${BRACKETS[open]}`;
    const head = text.slice(0, block.start - block.before.length) + open;
    return {text: head + inner + close + text.slice(block.after), start: head.length, end: head.length + inner.length};
}

/** What the caret stands in: a bracket block's inside, else a word. */
function grown(text, caret) {
    const inside = enclosing(text, caret);
    if (inside) {
        return inside;
    }
    let start = caret;
    let end = caret;
    const ends = (letter) => WORD_ENDS.test(letter) || (opts.keyedit_delimiters ?? "").includes(letter);
    while (start > 0 && !ends(text[start - 1])) {
        start--;
    }
    while (end < text.length && !ends(text[end])) {
        end++;
    }
    return start < end ? {start, end} : null;
}

/** The inside, without weight, of the innermost < > or ( ) around the caret. */
function enclosing(text, caret) {
    for (const [open, close] of [["<", ">"], ["(", ")"]]) {
        const start = opening(text, caret, open, close);
        const stop = start === null ? null : closing(text, caret, open, close);
        if (stop !== null) {
            const inner = text.slice(start + 1, stop);
            const weight = /:\s*[-+]?[\d.]+\s*$/.exec(inner);
            const end = weight ? start + 1 + weight.index : stop;
            return end > start + 1 ? {start: start + 1, end} : null;
        }
    }
    return null;
}

function opening(text, from, open, close) {
    for (let place = from - 1, depth = 0; place >= 0; place--) {
        if (escaped(text, place)) {
            continue;
        }
        if (text[place] === close) {
            depth++;
        } else if (text[place] === open && depth-- === 0) {
            return place;
        }
    }
    return null;
}

function closing(text, from, open, close) {
    for (let place = from, depth = 0; place < text.length; place++) {
        if (escaped(text, place)) {
            continue;
        }
        if (text[place] === open) {
            depth++;
        } else if (text[place] === close && depth-- === 0) {
            return place;
        }
    }
    return null;
}

function escaped(text, place) {
    return place > 0 && text[place - 1] === "\\";
}

/** A selection without the blanks at its ends. */
function trimmed(text, start, end) {
    while (start < end && /\s/.test(text[start])) {
        start++;
    }
    while (end > start && /\s/.test(text[end - 1])) {
        end--;
    }
    return start < end ? {start, end} : null;
}

/**
 * The brackets right around start..end: `before` is what opens them, `after` is the place behind them.
 * Plain brackets, one or more, count as A1111's old notation: ((x)) is 1.1 * 1.1, rounded to a tenth.
 */
function blockAround(text, start, end) {
    const open = text[start - 1];
    if (!(open in BRACKETS) || escaped(text, start - 1)) {
        return null;
    }
    const close = BRACKETS[open];
    const weighted = new RegExp(`^:\\s*([-+]?[\\d.]+)\\s*\\${close}`).exec(text.slice(end));
    if (weighted) {
        return {start, end, open, before: open, weight: Number.parseFloat(weighted[1]), after: end + weighted[0].length};
    }
    let depth = 0;
    while (open === "(" && text[start - 1 - depth] === "(" && text[end + depth] === ")") {
        depth++;
    }
    if (depth === 0) {
        return open === "<" && text[end] === close ? {start, end, open, before: open, weight: 1, after: end + 1} : null;
    }
    const weight = Math.round(OLD_FACTOR ** depth * 10) / 10;
    return {start, end, open, before: "(".repeat(depth), weight, after: end + depth};
}
