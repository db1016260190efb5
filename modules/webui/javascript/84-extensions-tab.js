// The Extensions tab: what its table asks for, and the restart that it takes.
"use strict";

const RESTART_MS = 120000;
const ASK_MS = 400;

/** gradio: the rows of the table as texts; the way to leave all out goes on as it is. */
function extensionsChosen(disabled, updates, pins, every) {
    const table = document.getElementById("extensions");
    const named = (kind, which) => Array.from(table?.querySelectorAll(`input[name^="${kind}_"]`) ?? [])
        .filter(which)
        .map((one) => [one.name.slice(kind.length + 1), one.value.trim()]);
    const names = (kind, which) => JSON.stringify(named(kind, which).map(([name]) => name));
    sayMeanwhile("extensions_result", "Applying…");
    return [
        names("enable", (one) => !one.checked),
        names("update", (one) => one.checked),
        JSON.stringify(Object.fromEntries(named("pin", (one) => one.value.trim() !== one.dataset.was))),
        every,
    ];
}

/** A text in the place where the answer will stand. */
function sayMeanwhile(id, text) {
    const place = document.querySelector(`#${id} .prose`) ?? document.getElementById(id);
    if (place) {
        place.textContent = text;
    }
}

async function answers() {
    try {
        await fetch("internal/ping", {cache: "no-store"});
        return true; // whatever it answers: a new run may ask for a new login
    } catch {
        return false;
    }
}

/** gradio: begin the program anew, wait until it has gone and come back, and load the page again. */
async function restartProgram(how) {
    if (how !== "restart") {
        return [];
    }
    const asked = await fetch("internal/restart", {method: "POST"});
    if (!asked.ok) {
        sayMeanwhile("extensions_result", await asked.text());
        return [];
    }
    const until = Date.now() + RESTART_MS;
    const wait = () => new Promise((done) => setTimeout(done, ASK_MS));
    while (await answers() && Date.now() < until) {
        await wait();
    }
    while (!(await answers()) && Date.now() < until) {
        await wait();
    }
    location.reload();
    return [];
}

document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-install]");
    const field = document.querySelector("#extension_to_install textarea, #extension_to_install input");
    if (button && field) {
        button.disabled = true;
        field.value = button.dataset.install;
        updateInput(field);
        setTimeout(() => document.getElementById("install_extension_button").click());
    }
});
