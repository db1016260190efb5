// The corner of each prompt box: how many tokens stand in it, red where brackets have no partner.
"use strict";

const COUNT_MS = 250; // of rest before the server is asked
const CLOSING = {")": "(", "]": "[", "}": "{"};
const COUNTERS = {prompt: "token_counter", negative_prompt: "negative_token_counter"};
const BOXES = {prompt: "prompt", negative_prompt: "neg_prompt"};
const counting = {}; // tab -> {timer, asked} of the count under way

onFormChange(({tab, values}) => {
    if (!("prompt" in values)) {
        return;
    }
    for (const name of Object.keys(COUNTERS)) {
        showBrackets(tab, name, values[name] ?? "");
    }
    clearTimeout(counting[tab]?.timer);
    counting[tab] = {...counting[tab], timer: setTimeout(() => countTokens(tab, values), COUNT_MS)};
});

async function countTokens(tab, values) {
    const {prompt, negative_prompt, styles, steps} = values;
    counting[tab].asked?.abort();
    const asked = new AbortController();
    counting[tab].asked = asked;
    try {
        const answer = await fetch("internal/token-counts", {
            method: "POST",
            headers: {"Content-Type": "application/json"},
            body: JSON.stringify({prompt, negative_prompt, styles, steps}),
            signal: asked.signal,
        });
        const counts = answer.ok ? await answer.json() : {};
        for (const name of Object.keys(COUNTERS)) {
            const told = counts[name] && !opts.disable_token_counters;
            counter(tab, name).textContent = told ? `${counts[name].count}/${counts[name].limit}` : "";
        }
    } catch (error) {
        if (error.name !== "AbortError") {
            console.warn("tokens were not counted", error);
        }
    }
}

/** The counter of a prompt box, made where it is missing. */
function counter(tab, name) {
    const id = `${tab}_${COUNTERS[name]}`;
    let element = document.getElementById(id);
    if (!element) {
        element = Object.assign(document.createElement("span"), {id, className: "token-counter"});
        document.getElementById(`${tab}_${BOXES[name]}`)?.append(element);
    }
    return element;
}

function showBrackets(tab, name, text) {
    const lonely = lonelyBrackets(text);
    const element = counter(tab, name);
    element.classList.toggle("unbalanced", lonely.length > 0);
    element.title = lonely.length ? say("Brackets without a partner: {}", lonely.join(" ")) : "";
}

/** The brackets of a prompt that open or close nothing; escaped ones are letters. */
function lonelyBrackets(text) {
    const open = [];
    const lonely = [];
    for (const [bracket] of text.replace(/\\./gs, "").matchAll(/[()[\]{}]/g)) {
        if (!(bracket in CLOSING)) {
            open.push(bracket);
        } else if (open.at(-1) === CLOSING[bracket]) {
            open.pop();
        } else {
            lonely.push(bracket);
        }
    }
    return [...lonely, ...open];
}
