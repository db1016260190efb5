"""Start-up with thirty extensions against their own import time, and what a hook costs that nobody listens to."""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
MANY = 30
CALLS = 20_000
SCRIPT = """
from modules import script_callbacks, scripts, shared
import gradio as gr

class Number{0}(scripts.Script):
    def title(self): return "Number {0}"
    def show(self, is_img2img): return scripts.AlwaysVisible
    def ui(self, is_img2img):
        with gr.Accordion("Number {0}", open=False):
            return [gr.Checkbox(label="Enable"), gr.Slider(0, 1, 0.5, label="Strength")]
    def process(self, p, enabled, strength):
        if enabled:
            p.extra_generation_params["Number {0}"] = strength

def settings():
    shared.opts.add_option("number_{0}", shared.OptionInfo(True, "Number {0}", section=("number", "Numbers")))

script_callbacks.on_ui_settings(settings)
script_callbacks.on_app_started(lambda demo, app: app.get("/number/{0}")(lambda: {0}))
"""
START = """
import sys, time
sys.path.insert(0, {root!r})
from modules import server
from modules.app import build
from modules.compat.joining import found, join
from modules.settings.sections import Launch
import modules.webui.page
import modules.compat.guest
from modules.compat import registry
own = []
read = registry._imported
def timed(path):
    started = time.perf_counter()
    try:
        return read(path)
    finally:
        own.append(time.perf_counter() - started)
registry._imported = timed
started, worked = time.perf_counter(), time.process_time()
launch = Launch(data_dir={data!r}, no_download_sd_model=True)
extensions = found(launch)
extensions.preload([])
app = build(launch, extensions)
join(app)
api = server.create(app)
sys.stdout.write(f"{{time.perf_counter() - started}} {{time.process_time() - worked}} {{sum(own)}}\\n")
sys.stdout.flush()
import os
os._exit(0)
"""


def start(data: Path) -> tuple[float, float, float]:
    """(seconds from flags to an application that stands, of processor time, of which the extensions' own imports)"""
    code = START.format(root=str(ROOT), data=str(data))
    said = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    whole, worked, own = (float(one) for one in said.stdout.split()[-3:])
    return whole, worked, own


def calls() -> dict[str, float]:
    """Microseconds of a call that reaches nobody."""
    from modules.compat.callbacks import CALLBACKS
    from modules.compat.registry import REGISTRY
    from modules.generate.hooks import Hooks
    from modules.host.events import Events, Started
    from modules.host.joined import Joined, Link
    from modules.host.troubles import Troubles

    joined = Joined(
        lambda plan: [Link(Hooks(), f"extension {number}") for number in range(MANY)], lambda *_: None, Troubles()
    )
    joined.instead(None, None)
    events = Events(Troubles())
    acts = {
        "an engine's hook (batch_made)": lambda: joined.batch_made(None),
        "a step's hook (asking)": lambda: joined.asking(None, None),
        "a callback (image_saved)": lambda: CALLBACKS.run("image_saved", None),
        "a script's hook (process)": lambda: REGISTRY.txt2img.each("process", None),
        "an event": lambda: events.tell(Started(None)),
    }
    return {name: timed(act) for name, act in acts.items()}


def timed(act) -> float:
    act()
    rounds = []
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(CALLS):
            act()
        rounds.append((time.perf_counter() - started) / CALLS * 1e6)
    return min(rounds)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rounds", type=int, default=3)
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as bare, tempfile.TemporaryDirectory() as full:
        for number in range(MANY):
            folder = Path(full) / "extensions" / f"number{number}" / "scripts"
            folder.mkdir(parents=True)
            (folder / f"number{number}.py").write_text(SCRIPT.format(number))
        start(Path(bare)), start(Path(full))  # files into the page cache
        rows = [(*start(Path(bare))[:2], *start(Path(full))) for _ in range(asked.rounds)]
    without, idle, whole, worked, own = (statistics.median(column) for column in zip(*rows, strict=True))
    say = sys.stdout.write
    say(f"start without extensions {without:.2f} s, with {MANY} {whole:.2f} s, ratio {whole / without:.2f}\n")
    say(f"in processor time {idle:.2f} s and {worked:.2f} s, ratio {worked / idle:.2f}\n")
    say(f"their own imports {own:.2f} s; beyond them {worked - idle - own:.2f} s of processor time (aim: under 1 s)\n")
    for name, cost in calls().items():
        say(f"{name}: {cost:.2f} µs, {cost / 50:.3f} of the 50 µs it may take\n")


if __name__ == "__main__":
    main()
