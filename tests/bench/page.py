"""The page in a real Chromium against its aims: ready, tabs, 20,000 cards, progress drawn, strokes at 4096x4096.

The server runs in this process, so that the moment in which a step is told is known. The load of the machine is
printed: on a busy one the figures are those of its free share.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

os.environ |= {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1"}

import uvicorn
from PIL import Image
from playwright.sync_api import sync_playwright

from modules import server
from modules.app import build
from modules.compat.joining import join
from modules.settings.sections import Launch
from modules.webapi.patience import Patient
from tests.bench.shelf import library
from tests.conftest import draw_model

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
AIMS = {"ready": 1500, "tab": 500, "cards": 300, "search": 50, "event": 30, "stroke": 50}
TABS = {  # what of a tab must be seen for it to count as open
    "img2img": "#img2img_generate",
    "extras": "#extras_generate",
    "pnginfo": "#pnginfo_image",
    "modelmerger": "#modelmerger_merge",
    "history": "#history_search",
    "extensions": "#tab_extensions button",
    "settings": "#settings_search",
    "txt2img": "#txt2img_generate",
}
MEASURE = """
window.bench = {
    seen: (one) => one && one.getClientRects().length > 0,
    painted: () => new Promise((done) => requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = done;
        channel.port2.postMessage(0);
    })),
    async until(test) {
        const begun = performance.now();
        while (!test() && performance.now() - begun < 60000) {
            await new Promise(requestAnimationFrame);
        }
        await bench.painted();
    },
    async timed(act, test) {
        const begun = performance.now();
        act();
        await bench.until(test);
        return performance.now() - begun;
    },
};
new MutationObserver((_, watching) => {
    if (document.body?.hasAttribute("data-ui-ready")) {
        bench.ready = performance.now();
        watching.disconnect();
    }
}).observe(document, {subtree: true, childList: true, attributes: true, attributeFilter: ["data-ui-ready"]});
"""
OPEN = """([tab, part]) => bench.timed(
    () => document.getElementById(`tab_${tab}-button`).click(),
    () => Array.from(document.querySelectorAll(part)).some(bench.seen))"""
CARDS = """() => bench.timed(
    () => document.getElementById("txt2img_lora-button").click(),
    () => document.querySelectorAll("#txt2img_lora_cards .card").length > 5)"""
SEARCH = """(text) => {
    const box = document.getElementById("txt2img_lora_extra_search");
    const first = () => document.querySelector('#txt2img_lora_cards .card[data-number="0"]');
    const old = first();
    box.value = text;
    return bench.timed(() => box.dispatchEvent(new Event("input", {bubbles: true})), () => first() && first() !== old);
}"""
WATCH = """() => {
    const seen = (bench.steps = {});
    new MutationObserver(async () => {
        const bar = document.querySelector("#txt2img_gallery_container .progressDiv > .progress");
        const width = bar?.style.width;
        if (width && !(width in seen)) {
            seen[width] = 0;
            await bench.painted();
            seen[width] = performance.timeOrigin + performance.now();
        }
    }).observe(document.getElementById("txt2img_results"), {subtree: true, childList: true, attributes: true});
}"""
STROKE = """() => {
    const mask = maskOf(document.querySelector("#img2img_inpaint_tab .paintable"));
    const box = mask.canvas.getBoundingClientRect();
    const event = (type, x, y) => mask.canvas.dispatchEvent(new PointerEvent(type, {
        pointerId: 1, button: 0, bubbles: true, clientX: box.left + box.width * x, clientY: box.top + box.height * y}));
    mask.canvas.setPointerCapture = () => {};
    const seen = {move: [], commit: [], undo: []};
    const time = (kind, work) => {
        const begun = performance.now();
        work();
        mask.canvas.getContext("2d").getImageData(0, 0, 1, 1); // what was only noted is drawn now
        seen[kind].push(performance.now() - begun);
    };
    for (let stroke = 0; stroke < 20; stroke++) { // each a zigzag over a quarter of the sides
        const [x, y] = [0.75 * ((3 * stroke / 20) % 1), 0.75 * ((7 * stroke / 20) % 1)];
        event("pointerdown", x, y);
        for (let part = 0; part < 1; part += 0.04) {
            time("move", () => event("pointermove", x + part / 4, y + ((5 * part) % 1) / 4));
        }
        time("commit", () => event("pointerup", x + 0.25, y));
    }
    for (let turn = 0; turn < 5; turn++) {
        time("undo", () => mask.undo());
    }
    return seen;
}"""
SENT = """async () => {
    const mask = maskOf(document.querySelector("#img2img_inpaint_tab .paintable"));
    const begun = performance.now();
    const text = await mask.strokes.asPng();
    return {ms: performance.now() - begun, bytes: text.length};
}"""


@contextmanager
def served(data):
    """The program over that folder: (app, address)."""
    app = build(Launch(data_dir=str(data), port=0, skip_load_model_at_start=True))
    join(app)
    listener = server.bind(app.launch, fixed_port=True)
    config = uvicorn.Config(server.create(app), http=Patient, log_config=None)
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, args=([listener],), daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield app, f"http://127.0.0.1:{listener.getsockname()[1]}"
    running.should_exit = True
    thread.join(20)
    app.queue.close()


def share(seconds=0.5):
    """How much of a processor a busy thread gets now."""
    until, began = time.perf_counter() + seconds, time.thread_time()
    while time.perf_counter() < until:
        pass
    return (time.thread_time() - began) / seconds


def told(what, values, aim):
    """One line: median, longest, and the aim in milliseconds."""
    middle, most = statistics.median(values), max(values)
    met = "met" if middle <= aim else "MISSED"
    sys.stdout.write(f"{what:44} {middle:8.1f} ms, longest {most:8.1f} ms (aim {aim}: {met})\n")
    sys.stdout.flush()


def ready(page, address, rounds):
    """Loads of the page until it can be used: the first fills the browser's cache."""
    times, worked = [], []
    metrics = page.context.new_cdp_session(page)
    metrics.send("Performance.enable", {"timeDomain": "threadTicks"})
    for _ in range(rounds + 1):
        page.goto("about:blank")
        page.goto(address)
        page.wait_for_function("window.bench?.ready", timeout=120_000)
        times.append(page.evaluate("bench.ready"))
        found = {one["name"]: one["value"] for one in metrics.send("Performance.getMetrics")["metrics"]}
        worked.append(1000 * found["TaskDuration"])
    sys.stdout.write(f"{'first load, nothing in the cache':44} {times[0]:8.1f} ms\n")
    told("page ready, warm", times[1:], AIMS["ready"])
    sys.stdout.write(f"{'of it the page itself worked':44} {statistics.median(worked[1:]):8.1f} ms\n")


def fresh(page, address):
    """The page once more, and all at rest."""
    page.goto(address)
    page.wait_for_function("window.bench?.ready", timeout=120_000)
    page.wait_for_timeout(1500)


def tabs(page, address, rounds):
    """Each tab opened for the first time, and once more."""
    first, again = {}, []
    for _ in range(rounds):
        fresh(page, address)
        there = [tab for tab in TABS if page.locator(f"#tab_{tab}-button").count()]
        for tab in there[:-1]:
            first.setdefault(tab, []).append(page.evaluate(OPEN, [tab, TABS[tab]]))
        again += [page.evaluate(OPEN, [tab, TABS[tab]]) for tab in there]
    for tab, times in first.items():
        told(f"tab {tab}, opened for the first time", times, AIMS["tab"])
    told("a tab that was open before", again, AIMS["tab"])


def cards(page, address, rounds):
    """The browser of 20,000 LoRAs opened, and searched."""
    opened, searched = [], []
    for _ in range(rounds):
        fresh(page, address)
        opened.append(page.evaluate(CARDS))
        for text in ("style_123", "castle 7", "gold rain", "1", "style_1999"):
            searched.append(page.evaluate(SEARCH, text))
            page.wait_for_timeout(100)
    told("browser of networks opened", opened, AIMS["cards"])
    told("browser of networks searched", searched, AIMS["search"])


def events(page, app, address, steps=80):
    """A job whose steps come every 60 ms: from the step to the bar painted."""
    fresh(page, address)
    page.evaluate(WATCH)
    sent = {}

    def work(progress):
        progress.begin(1, steps)
        time.sleep(3)  # the page finds it
        for step in range(1, steps):
            sent[f"{100 * step / steps:g}%"] = 1000 * time.time()
            progress.at(step)
            time.sleep(0.06)
        drawn = SimpleNamespace(view=app.options.view(), seeds=[], subseeds=[])  # nothing, but the page asks
        return SimpleNamespace(
            plan=drawn, shown=[], comments=[], index_of_first_image=0, interrupted=False, seconds=0.0
        )

    job = app.queue.submit("txt2img", work, task_id="task(bench)")
    page.evaluate("startRun('txt2img', 'task(bench)', false)")
    while not job.completed:
        page.wait_for_timeout(100)
    seen = page.evaluate("bench.steps")
    times = [seen[width] - when for width, when in sent.items() if seen.get(width)]
    told(f"step to screen ({len(times)} of {len(sent)} seen)", times, AIMS["event"])


def strokes(page, address, folder, side):
    """Strokes on a picture of that side."""
    picture = folder / f"{side}.png"
    Image.new("RGB", (side, side), "grey").save(picture)
    fresh(page, address)
    page.evaluate("openTabs('tab_img2img', 'img2img_inpaint_tab')")
    page.set_input_files("#img2maskimg input[type=file]", picture)
    ready = f"document.querySelector('#img2img_inpaint_tab canvas')?.width === {side}"
    page.wait_for_function(ready, timeout=120_000)
    page.wait_for_timeout(1000)
    seen = page.evaluate(STROKE)
    told(f"{side}x{side}: a move of the brush", seen["move"], AIMS["stroke"])
    told(f"{side}x{side}: a stroke kept", seen["commit"], AIMS["stroke"])
    told(f"{side}x{side}: a stroke undone", seen["undo"], AIMS["stroke"])
    page.wait_for_timeout(3000)
    sent = [page.evaluate(SENT) for _ in range(3)]
    told(f"{side}x{side}: read for Generate, a moment later", [one["ms"] for one in sent], AIMS["stroke"])


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--files", type=int, default=20_000)
    words.add_argument("--only", nargs="*", choices=("ready", "tabs", "cards", "events", "strokes"))
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        draw_model(data / "models/Stable-diffusion")
        library(data / "models/Lora", asked.files, 40)
        with served(data) as (app, address), sync_playwright() as driver:
            while app.shelves.loras.entries() == []:
                time.sleep(0.1)
            browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            page = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
            page.add_init_script(MEASURE)
            parts = {
                "ready": lambda: ready(page, address, asked.rounds),
                "tabs": lambda: tabs(page, address, asked.rounds),
                "cards": lambda: cards(page, address, asked.rounds),
                "events": lambda: events(page, app, address),
                "strokes": lambda: strokes(page, address, data, 4096),
            }
            for name in asked.only or parts:
                load = f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"
                sys.stdout.write(f"-- {name} ({load}, a busy thread gets {share():.0%} of one)\n")
                parts[name]()
            browser.close()


if __name__ == "__main__":
    main()
