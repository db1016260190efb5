"""Many clients at once against a real server of the drawn model: `python -m tests.bench.clients [clients] [seconds]`.

Each client logs in as one of four users, posts a job to /v2/jobs, asks after it until it is done, fetches its result
and looks whether the picture's text is its own; every tenth picture comes from /sdapi/v1/txt2img instead. The first
user has seven tenths of the clients. Told at the end: errors, jobs lost, doubled or mixed up, how much of the work each
user got, whether every user's jobs ran in the order they came, and the server's memory. All on this machine alone.
"""

import asyncio
import itertools
import json
import os
import random
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx
import psutil

from tests.conftest import draw_model

ROOT = Path(__file__).parents[2]
USERS = ("ann", "bob", "carl", "dora")
MOST = 0.7  # of the clients are the first user's
PAUSE = 2.0  # seconds between two questions of one client, on average
SMALL = {"steps": 1, "width": 64, "height": 64, "sampler_name": "Euler"}


class Tally:
    """What happened."""

    def __init__(self):
        self.errors = Counter()
        self.done = Counter()
        self.submitted = {}
        self.mixed = 0
        self.memory = []
        self.longest = 0.0


def server(folder, port):
    """The program, with four logins and no page."""
    draw_model(folder / "models/Stable-diffusion")
    (folder / "logins").write_text("\n".join(f"{user}:key" for user in USERS))
    flags = ["--nowebui", "--data-dir", str(folder), "--port", str(port), "--gradio-auth-path", str(folder / "logins")]
    command = [sys.executable, "-W", "ignore", "webui.py", *flags]
    alone = os.environ | {"OMP_NUM_THREADS": "1"}  # the clients need the other cores
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, env=alone)


async def client(base, user, number, until, tally):
    """One client's life."""
    async with httpx.AsyncClient(base_url=base, auth=(user, "key"), timeout=120) as asking:
        for turn in itertools.count():
            if time.monotonic() > until:
                return
            prompt = f"client {number} turn {turn}"
            try:
                told = await (direct if turn % 10 == 9 else queued)(asking, prompt, tally)
            except (httpx.HTTPError, KeyError, ValueError) as error:
                tally.errors[f"{type(error).__name__}: {error}"[:100]] += 1
                continue
            tally.done[user] += 1
            tally.mixed += prompt not in told["info"]


async def direct(asking, prompt, tally):
    answer = await asking.post("/sdapi/v1/txt2img", json=SMALL | {"prompt": prompt})
    answer.raise_for_status()
    return answer.json()


async def queued(asking, prompt, tally):
    answer = await asking.post("/v2/jobs", json={"kind": "txt2img", "request": SMALL | {"prompt": prompt}})
    answer.raise_for_status()
    name = answer.json()["id"]
    tally.submitted[name] = tally.submitted.get(name, 0) + 1
    while True:
        await asyncio.sleep(random.uniform(0.5, 1.5) * PAUSE)
        began = time.monotonic()
        state = (await asking.get(f"/v2/jobs/{name}")).raise_for_status().json()
        tally.longest = max(tally.longest, time.monotonic() - began)
        if state["state"] == "done":
            return (await asking.get(f"/v2/jobs/{name}/result")).raise_for_status().json()
        if state["state"] not in ("queued", "running"):
            raise ValueError(f"{state['state']}: {state['error']}")


async def watched(process, until, tally):
    """The memory of the server, which a process watches over, every second."""
    first = psutil.Process(process.pid)
    while time.monotonic() < until:
        tally.memory.append(sum(one.memory_info().rss for one in (first, *first.children(recursive=True))))
        await asyncio.sleep(1)


async def jobs_of(base):
    """All jobs, newest first, page by page."""
    found, cursor = [], ""
    async with httpx.AsyncClient(base_url=base, auth=("ann", "key"), timeout=120) as asking:
        while cursor is not None:
            answer = await asking.get("/v2/jobs", params={"limit": 200, "cursor": cursor})
            page = answer.raise_for_status().json()
            found, cursor = found + page["jobs"], page["next"]
    return found


async def tried(base, process, clients, seconds):
    """Let them all loose."""
    tally = Tally()
    first = int(clients * MOST)
    owners = [USERS[0]] * first + [USERS[1 + number % 3] for number in range(clients - first)]
    until = time.monotonic() + seconds
    work = [client(base, user, number, until, tally) for number, user in enumerate(owners)]
    await asyncio.gather(watched(process, until, tally), *work)
    return tally, await jobs_of(base)


def ready(base):
    until = time.monotonic() + 300
    while time.monotonic() < until:
        try:
            return httpx.get(f"{base}/internal/ping")
        except httpx.TransportError:
            time.sleep(0.5)
    raise TimeoutError("the server never came")


def disorder(folder, ids):
    """How many of the jobs began before an earlier one of the same user, as the job store has them."""
    with sqlite3.connect(folder / "cache/jobs.sqlite3") as base:
        rows = base.execute(
            "SELECT owner, created, started FROM jobs WHERE started IS NOT NULL AND kind = 'txt2img' ORDER BY created"
        ).fetchall()
    wrong, last = 0, {}
    for owner, _, started in rows:
        wrong += started < last.get(owner, 0)
        last[owner] = max(started, last.get(owner, 0))
    return wrong


def main(clients, seconds):
    """Print the figures; the exit status tells whether anything went wrong."""
    with tempfile.TemporaryDirectory() as name, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        folder, base = Path(name), f"http://127.0.0.1:{port}"
        process = server(folder, port)
        try:
            ready(base)
            tally, jobs = asyncio.run(tried(base, process, clients, seconds))
            wrong = disorder(folder, jobs)
        finally:
            process.terminate()
            process.wait(20)
    states = Counter(one["state"] for one in jobs if one["kind"] == "txt2img")
    known = {one["id"] for one in jobs}
    settled = tally.memory[len(tally.memory) // 3 :]
    told = {
        "clients": clients, "seconds": seconds, "pictures": sum(tally.done.values()), "by user": dict(tally.done),
        "errors": dict(tally.errors), "states": dict(states), "lost": len(set(tally.submitted) - known),
        "doubled": sum(count > 1 for count in tally.submitted.values()) + len(jobs) - len(known),
        "mixed up": tally.mixed,
        "out of order": wrong, "slowest answer about a state, s": round(tally.longest, 2),
        "memory, MiB": [round(one / 2**20) for one in (tally.memory[0], settled[0], max(settled), settled[-1])],
    }  # fmt: skip
    sys.stdout.write(json.dumps(told, indent=1) + "\n")
    bad = tally.errors or told["lost"] or told["doubled"] or tally.mixed or wrong or set(states) - {"done"}
    return 1 if bad else 0


if __name__ == "__main__":
    words = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*(words + [200, 300][len(words) :])))
