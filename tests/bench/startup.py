"""Process start until the page answers, and until the first picture, against a bare `import gradio`."""

import argparse
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from tests.conftest import draw_model

ROOT = Path(__file__).parents[2]
BODY = {"prompt": "a cat", "width": 64, "height": 64, "steps": 1, "seed": 1}


def import_gradio():
    """Seconds of a process that does nothing else."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-W", "ignore", "-c", "import gradio"], check=True)
    return time.perf_counter() - started


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answered(url, body=None, patience=120):
    """Wait until the address answers with 200."""
    until = time.perf_counter() + patience
    request = urllib.request.Request(
        url, json.dumps(body).encode() if body else None, {"Content-Type": "application/json"}
    )
    while time.perf_counter() < until:
        try:
            with urllib.request.urlopen(request, timeout=patience) as answer:
                return answer.read()
        except OSError:
            time.sleep(0.02)
    raise TimeoutError(url)


def start(data):
    """(seconds until the page answers, seconds until the first picture)"""
    port = free_port()
    started = time.perf_counter()
    command = [sys.executable, str(ROOT / "webui.py"), "--data-dir", data, "--port", str(port), "--use-cpu", "all"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT) as server:
        try:
            answered(f"http://127.0.0.1:{port}/")
            page = time.perf_counter() - started
            answered(f"http://127.0.0.1:{port}/sdapi/v1/txt2img", BODY)
            return page, time.perf_counter() - started
        finally:
            server.terminate()


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rounds", type=int, default=3)
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as data:
        draw_model(Path(data) / "models/Stable-diffusion")
        import_gradio(), start(data)  # files into the page cache
        rows = [(import_gradio(), *start(data)) for _ in range(asked.rounds)]
    bare, page, picture = (statistics.median(column) for column in zip(*rows, strict=True))
    sys.stdout.write(f"import gradio {bare:.2f} s; page answers {page:.2f} s, ratio {page / bare:.2f} (aim 1.3)\n")
    sys.stdout.write(f"first picture {picture:.2f} s, ratio {picture / bare:.2f}\n")


if __name__ == "__main__":
    main()
