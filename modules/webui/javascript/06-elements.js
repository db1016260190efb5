// Elements of our own, made without ever reading text as HTML; and the dialogs that stand over the page.
"use strict";

/** An element with its properties (class, data-…, aria-… and on… too) and what stands in it. */
function element(tag, properties = {}, ...inside) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
        if (name.startsWith("on")) {
            made.addEventListener(name.slice(2), value);
        } else if (name in made && !name.includes("-")) {
            made[name] = value;
        } else {
            made.setAttribute(name === "class" ? "class" : name, value);
        }
    }
    made.append(...inside.filter((one) => one !== null && one !== undefined));
    return made;
}

/** A dialog over the page, closed by Esc or its button and then gone; what it holds is built by the caller. */
function openDialog(title, ...inside) {
    const close = element("button", {type: "button", class: "dialog-close", textContent: say("Close")});
    const dialog = element("dialog", {class: "webui-dialog", "aria-label": title}, element("h3", {textContent: title}), ...inside, close);
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
    return dialog;
}

function openTextDialog(title, text) {
    return openDialog(title, element("pre", {class: "dialog-text", textContent: text, tabIndex: 0}));
}

/** Ask the server, JSON in and out; a refusal becomes an error with the server's own sentence. */
async function ask(address, body, signal) {
    const sent = body === undefined ? {} : body instanceof Blob ? {method: "POST", body} : jsonPost(body);
    const answer = await fetch(address, {...sent, signal});
    const told = await answer.json().catch(() => null);
    if (!answer.ok) {
        throw new Error(told?.errors || told?.detail || say("The server answered {}.", answer.status));
    }
    return told;
}

function jsonPost(body) {
    return {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)};
}

/** Do it; what goes wrong is told at the corner of the page. */
async function tried(work) {
    try {
        await work();
    } catch (error) {
        tell(error.message);
    }
}

/** One sentence at the corner of the page that goes away by itself. */
function tell(sentence) {
    let corner = document.getElementById("webui-told");
    if (!corner) {
        corner = element("div", {id: "webui-told", role: "status"});
        document.body.append(corner);
    }
    const line = element("p", {textContent: sentence});
    corner.append(line);
    setTimeout(() => line.remove(), TELL_MS);
}

const TELL_MS = 6000;
