// A run as the page shows it: its buttons, the progress bar and the live preview, fed by server-sent events.
//
// The task's id is kept by the browser tab, so that a page that was reloaded finds its run again. When the events say
// that the run is over, the hidden restore button has gradio fetch the result: there is no other way, so a reload or a
// lost connection in between changes nothing.
"use strict";

const TASK = "webui/task/";
const ANSWER_MS = 1500; // how long the answer to Generate may take after the run's end, until it counts as lost
const RETRY_MS = 300; // until a task that the server did not know is asked for again
const AGAIN_MS = 3000; // until a server that answered with an error is asked again
const MOUNT_MS = 1000; // until it is looked again whether a tab that was never opened has come into the page
let screenLock = null; // the promise of one, while it is wanted
const runs = {}; // tab -> the run that it shows
const submitCallbacks = []; // called with {tab, values} by name right before they are sent; may change values, to promises too

const endedCallbacks = []; // called with the tab whose run is over and shown

function onRunEnded(callback) {
    endedCallbacks.push(callback);
}

const refusedCallbacks = []; // called with the tab whose run the server would not begin

function onRunRefused(callback) {
    refusedCallbacks.push(callback);
}

function onSubmit(callback) {
    submitCallbacks.push(callback);
}

function newTaskId() {
    const bytes = crypto.getRandomValues(new Uint8Array(10));
    return `task(${Array.from(bytes, (byte) => byte.toString(36)).join("")})`;
}

/** gradio: Generate was pressed. */
function submit(tab, names, values) {
    const sent = {...byName(names, values), task: newTaskId()};
    runCallbacks(submitCallbacks, {tab, values: sent});
    startRun(tab, sent.task, true);
    return Promise.all(names.map((name) => sent[name]));
}

/** The id of the task that a tab shows. */
function shownTask(tab) {
    return runs[tab]?.id ?? "";
}

/** gradio: Interrupt was pressed; it takes until the end of the current step. */
function stopTask(tab) {
    if (isRunning(tab)) {
        runs[tab].stopping = true;
    }
    return shownTask(tab);
}

function isRunning(tab) {
    const run = runs[tab];
    return Boolean(run && !run.over && (run.fresh || run.known)); // one that is only remembered may be long gone
}

/** gradio: Generate was answered with the task's id; with anything else, it was refused or never arrived. */
function submitted(tab, id) {
    const run = runs[tab];
    if (!run || run.over) {
        return [];
    }
    run.answered = true;
    if (run.id !== id && !run.known) {
        sessionStorage.removeItem(TASK + tab);
        endRun(run);
        runCallbacks(refusedCallbacks, tab);
    } else if (run.completed) {
        fetchResult(run);
    }
    return [];
}

/** gradio: the result is on the page. */
function ended(tab, id) {
    const run = runs[tab];
    if (run && run.id === id) {
        endRun(run);
        runCallbacks(endedCallbacks, tab);
    }
    return [];
}

function startRun(tab, id, fresh) {
    if (runs[tab]) {
        endRun(runs[tab]);
    }
    const run = {tab, id, fresh, answered: !fresh, known: false, completed: false, over: false, timer: null};
    runs[tab] = run;
    sessionStorage.setItem(TASK + tab, id);
    if (fresh) {
        showButtons(tab, true);
        showBar(run);
    }
    listen(run);
    keepScreenOn();
}

/** The browser lets go of the screen when the page is out of sight: it is asked again when it comes back. */
async function keepScreenOn() {
    const isNeeded = () => Object.keys(runs).some(isRunning) && opts.prevent_screen_sleep_during_generation !== false;
    if (isNeeded() && !document.hidden && !screenLock) {
        screenLock = navigator.wakeLock?.request("screen").catch(() => null); // some forbid it when power is low
    }
    const lock = await screenLock;
    if (!isNeeded() || !lock || lock.released) {
        screenLock = null;
        lock?.release();
    }
}

document.addEventListener("visibilitychange", keepScreenOn);

function endRun(run) {
    run.over = true;
    run.source?.close();
    clearTimeout(run.timer);
    run.bar?.remove();
    run.preview?.remove();
    showButtons(run.tab, false);
    showInTitle("");
    keepScreenOn();
}

function listen(run) {
    run.source = new EventSource(`internal/live/${encodeURIComponent(run.id)}`);
    run.source.addEventListener("progress", (event) => progressed(run, JSON.parse(event.data)));
    run.source.addEventListener("gone", () => gone(run));
    run.source.addEventListener("error", () => {
        // A dropped line the browser mends itself; after an answer that is no event stream it gives up.
        if (run.source.readyState === EventSource.CLOSED && !run.over && !run.completed) {
            run.timer = setTimeout(() => listen(run), AGAIN_MS);
        }
    });
}

function gone(run) {
    run.source.close();
    if (run.over) {
        return;
    }
    if (run.fresh && !run.known) {
        run.timer = setTimeout(() => listen(run), RETRY_MS); // its submission is still under way
        return;
    }
    sessionStorage.removeItem(TASK + run.tab);
    endRun(run);
}

function progressed(run, data) {
    if (run.over) {
        return;
    }
    run.known = true;
    if (data.completed) {
        run.source.close();
        run.completed = true;
        // The answer to Generate empties the log line: it must not come after the result.
        run.timer = setTimeout(() => fetchResult(run), run.answered ? 0 : ANSWER_MS);
        return;
    }
    showButtons(run.tab, true);
    showBar(run);
    drawBar(run, data);
    if (data.id_live_preview) {
        drawPreview(run, data.id_live_preview);
    }
}

function fetchResult(run) {
    clearTimeout(run.timer);
    const button = document.getElementById(`${run.tab}_restore_progress`);
    if (button) {
        button.click();
    } else {
        run.timer = setTimeout(() => fetchResult(run), MOUNT_MS);
    }
}

function showButtons(tab, running) {
    for (const name of ["interrupt", "skip", "enqueue"]) {
        const button = document.getElementById(`${tab}_${name}`);
        if (button) {
            button.style.display = running ? "flex" : "none";
        }
    }
}

function showBar(run) {
    const container = document.getElementById(`${run.tab}_gallery_container`);
    if (run.bar || !container || opts.show_progressbar === false) {
        return;
    }
    run.bar = document.createElement("div");
    run.bar.className = "progressDiv";
    run.bar.append(document.createElement("div"), document.createElement("span"));
    run.bar.firstChild.className = "progress";
    container.append(run.bar);
}

function drawBar(run, data) {
    if (!run.bar) {
        return;
    }
    const text = run.stopping ? say("Interrupting…") : progressText(data);
    run.bar.firstChild.style.width = `${data.progress * 100}%`;
    run.bar.lastChild.textContent = text;
    showInTitle(opts.show_progress_in_title ? text : "");
}

function showInTitle(text) {
    const title = document.title.replace(/^\[[^\]]*\] /, "");
    document.title = text ? `[${text}] ${title}` : title;
}

function progressText(data) {
    if (data.queued) {
        return say("In queue: {}", data.queue_position);
    }
    if (!data.progress) {
        return say(data.textinfo || "");
    }
    const left = data.eta === null || data.eta === undefined ? "" : ` ${say("ETA: {}", formatTime(data.eta))}`;
    return `${Math.round(data.progress * 100)}%${left}`;
}

function formatTime(seconds) {
    const whole = Math.max(0, Math.round(seconds));
    const two = (number) => String(number).padStart(2, "0");
    if (whole >= 3600) {
        return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
    }
    return whole >= 60 ? `${Math.floor(whole / 60)}:${two(whole % 60)}` : `${whole}s`;
}

/** The picture lies over the gallery in an element of our own: gradio's nodes are never written into. */
function drawPreview(run, version) {
    const container = document.getElementById(`${run.tab}_gallery_container`);
    if (!run.preview && container) {
        run.preview = document.createElement("div");
        run.preview.className = "livePreview";
        run.preview.append(new Image());
        container.append(run.preview);
    }
    const image = run.preview?.firstChild;
    // One at a time: a slow line skips versions instead of piling them up.
    if (image && run.version !== version && (image.complete || !image.src)) {
        run.version = version;
        image.src = `internal/preview/${encodeURIComponent(run.id)}?v=${version}`;
    }
}

onUiLoaded(() => {
    for (const key of Object.keys(sessionStorage).filter((one) => one.startsWith(TASK))) {
        const tab = key.slice(TASK.length);
        if (!isRunning(tab)) {
            startRun(tab, sessionStorage.getItem(key), false);
        }
    }
});
