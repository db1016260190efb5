// The queue: more jobs behind the one that runs, their order, and what others and other devices have begun.
"use strict";

const QUEUE_MS = 1500; // between two looks while the list is open or something runs
const QUEUE_IDLE_MS = 6000;
const STATES = {done: say("done"), failed: say("failed"), cancelled: say("cancelled")};
const NEXT = "webui/next/"; // in the browser tab's store: tasks that a tab of the page shows one after another
let queueTimer = null;
let queueJobs = [];

/** gradio: a job more was asked for; the tab goes on showing the one that it shows. */
function enqueue(tab, names, values) {
    const sent = {...byName(names, values), task: newTaskId()};
    runCallbacks(submitCallbacks, {tab, values: sent});
    return Promise.all(names.map((name) => sent[name]));
}

/** gradio: the job was taken in, or refused. */
function enqueued(tab, id) {
    if (id) {
        keepNext(tab, [...nextTasks(tab), id]);
        tell(say("One more job is in the queue."));
        if (!isRunning(tab)) {
            showNext(tab);
        }
        lookAtQueue();
    }
    return [];
}

function nextTasks(tab) {
    return JSON.parse(sessionStorage.getItem(NEXT + tab) || "[]");
}

function keepNext(tab, tasks) {
    sessionStorage.setItem(NEXT + tab, JSON.stringify(tasks));
}

/** A run is over: the tab shows the next of its jobs in the order in which they run, which may not be that of asking. */
async function showNext(tab) {
    await lookAtQueue();
    const order = [...queueJobs].sort((one, other) => queueTime(one) - queueTime(other)).map((job) => job.id);
    const out = queueJobs.filter((job) => job.state === "cancelled").map((job) => job.id);
    const tasks = nextTasks(tab).filter((id) => !out.includes(id)).sort((one, other) => order.indexOf(one) - order.indexOf(other));
    if (isRunning(tab)) {
        return;
    }
    const [next, ...rest] = tasks;
    keepNext(tab, rest);
    if (next) {
        startRun(tab, next, false);
    }
}

/** Where a listed job stands in time: those that are over come newest first, behind the one that runs and its followers. */
function queueTime(job) {
    return ["running", "queued"].includes(job.state) ? job.position : -1 - queueJobs.indexOf(job);
}

onRunEnded((tab) => {
    showNext(tab);
    playNotification();
});

function playNotification() {
    const source = document.querySelector('meta[name="webui-sound"]')?.content;
    if (source && opts.notification_audio !== false) {
        const sound = document.getElementById("audio_notification") ?? element("audio", {id: "audio_notification", src: source});
        sound.volume = (opts.notification_volume ?? 100) / 100;
        document.body.append(sound);
        sound.play().catch(() => {}); // browsers may want a click first
    }
}

function queuePanel() {
    let panel = document.getElementById("webui-queue");
    const row = document.getElementById("quicksettings");
    if (!panel && row) {
        const list = element("ol", {class: "queue-list"});
        const button = element("button", {type: "button", "aria-expanded": "false", "aria-controls": "webui-queue-list", textContent: say("Queue"), onclick: () => {
            panel.classList.toggle("open");
            button.setAttribute("aria-expanded", String(panel.classList.contains("open")));
            lookAtQueue();
        }});
        list.id = "webui-queue-list";
        panel = element("div", {id: "webui-queue"}, button, list);
        row.append(panel);
    }
    return panel;
}

async function lookAtQueue() {
    clearTimeout(queueTimer);
    const panel = queuePanel();
    if (panel && !document.hidden) {
        try {
            queueJobs = await ask("internal/queue");
            drawQueue(panel);
        } catch {
            // the server is away: it is asked again
        }
    }
    const busy = queueJobs.some((job) => ["running", "queued"].includes(job.state)) || panel?.classList.contains("open");
    queueTimer = setTimeout(lookAtQueue, busy ? QUEUE_MS : QUEUE_IDLE_MS);
}

function drawQueue(panel) {
    const pending = queueJobs.filter((job) => ["running", "queued"].includes(job.state));
    const [button, list] = panel.children;
    button.textContent = pending.length ? say("Queue: {}", pending.length) : say("Queue");
    if (panel.classList.contains("open") && !panel.contains(document.activeElement?.closest?.("li button"))) {
        list.replaceChildren(...(queueJobs.length ? queueJobs.map(queueEntry) : [element("li", {textContent: say("Nothing was asked for yet.")})]));
    }
}

function queueEntry(job) {
    const where = job.state === "queued" ? `${job.position}.` : job.state === "running" ? `${Math.round(job.progress * 100)}%` : STATES[job.state];
    const left = job.state === "running" && job.eta ? ` ${say("ETA: {}", formatTime(job.eta))}` : "";
    const act = (text, label, path) => element("button", {type: "button", textContent: text, title: label, "aria-label": label, onclick: (event) => tried(async () => {
        event.target.blur();
        await ask(`internal/queue/${encodeURIComponent(job.id)}/${path}`, {});
        await lookAtQueue();
    })});
    const show = element("button", {type: "button", class: "queue-show", title: say("Show it on its tab"), onclick: () => showJob(job)},
        element("span", {class: "queue-state", textContent: `${where}${left}`}), element("span", {class: "queue-text", dir: "auto", textContent: `${job.owner ? `${job.owner}: ` : ""}${job.kind} ${job.text}`}));
    const waits = job.own && job.state === "queued";
    return element("li", {"data-task": job.id}, show,
        waits ? act("↑", say("Put first"), "first") : null,
        waits || (job.own && job.state === "running") ? act("×", job.state === "running" ? say("Interrupt") : say("Take out"), "cancel") : null);
}

/** Show a job on the tab of its kind: how far it is, or what came of it. */
function showJob(job) {
    if (job.state === "cancelled") {
        return;
    }
    openTabs(`tab_${job.kind}`, `${job.kind}_generation`);
    startRun(job.kind, job.id, false);
}

/** A page that shows nothing takes up what runs: another device may have begun it. */
onUiLoaded(async () => {
    await lookAtQueue();
    for (const job of queueJobs) {
        if (job.state === "running" && job.own && !runs[job.kind]) {
            startRun(job.kind, job.id, false);
        }
    }
});

document.addEventListener("click", (event) => {
    const panel = document.getElementById("webui-queue");
    if (event.isTrusted && panel?.classList.contains("open") && !event.composedPath().includes(panel)) {
        panel.firstChild.click();
    }
});

document.addEventListener("visibilitychange", () => document.hidden || lookAtQueue());

document.addEventListener("keydown", (event) => {
    const tab = currentGenerationTab();
    if (tab && event.key === "Enter" && event.shiftKey && (event.ctrlKey || event.metaKey)) {
        stopHere(event);
        document.getElementById(isRunning(tab) ? `${tab}_enqueue` : `${tab}_generate`).click();
    }
}, true);
