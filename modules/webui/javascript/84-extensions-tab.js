// The Extensions tab: what its table asks for, and the restart that it takes.
"use strict";

const RESTART_MS = 120000;
const ASK_MS = 400;

/** gradio: the rows of the table as texts; the way to leave all out goes on as it is. Rows not here yet stay as they are. */
function extensionsChosen(ticks, updates, pins, every) {
    const rows = document.getElementById("extensions")?.querySelectorAll("input[name]") ?? [];
    const named = (kind, told, which = () => true) => Array.from(rows)
        .filter((one) => one.name.startsWith(`${kind}_`) && which(one))
        .map((one) => [one.name.slice(kind.length + 1), told(one)]);
    const typed = (one) => one.value.trim();
    sayMeanwhile("extensions_result", "Applying…");
    return [
        JSON.stringify(Object.fromEntries(named("enable", (one) => one.checked))),
        JSON.stringify(named("update", typed, (one) => one.checked).map(([name]) => name)),
        JSON.stringify(Object.fromEntries(named("pin", typed, (one) => typed(one) !== one.dataset.was))),
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
