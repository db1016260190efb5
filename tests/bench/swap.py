"""Reading checkpoints of SD 1.5's size and changing between them, against reading the bare file.

Cold: from the disk into fresh memory. Warm: from the system's memory into memory that is there.

python -m tests.bench.swap --folder /tmp/swap
"""

import argparse
import contextlib
import gc
import logging
import os
import shutil
import statistics
import sys
import time
from pathlib import Path

import psutil
import torch

from modules.weights.cache import Cache, Limits
from modules.weights.devices import Place
from modules.weights.hashing import Hashes
from modules.weights.library import Library
from tests.bench.fullsize import sd1, write

AIMS = {"cold load": 1.2, "warm swap": 1.3}
SECONDS, GROWTH = 0.5, 200e6  # of a change to a kept checkpoint; bytes after many swaps


def forget(path):
    """Let the system hold none of a file in memory."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def bare(path, buffer):
    """Seconds to read a file into memory that is there."""
    started = time.perf_counter()
    with path.open("rb", buffering=0) as file:
        view = memoryview(buffer)
        while count := file.readinto(view):
            view = view[count:]
    return time.perf_counter() - started


def timed(work):
    """Seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def worked(work):
    """Seconds of the processor, which say more than the clock's where others keep it busy."""
    started = time.process_time()
    seconds = work()
    return seconds, time.process_time() - started


def best(*pairs):
    """The ratio of two lists of (seconds, processor's seconds), by the best of each; the second of the processor's."""
    return tuple(min(one[i] for one in pairs[0]) / min(one[i] for one in pairs[1]) for i in (0, 1))


def measured(folder, swaps, rounds):
    """Name → (value, the same of the processor's time if that says something, aim)."""
    library = Library((folder,), Hashes(folder / "h.json"), hashing=False)
    a, b = library.find("a"), library.find("b")
    place = Place(torch.device("cpu"), torch.float16, torch.float16)
    made, limits = {}, Limits(count=1)
    Cache(library, place).get(a)  # the first one imports what it needs
    read, cold = [], []
    for _ in range(rounds):
        forget(a.path)
        read.append(worked(lambda: timed(a.path.read_bytes)))
        forget(a.path)
        cache = Cache(library, place, lambda: limits)
        cold.append(worked(lambda: timed(lambda: cache.get(a))))  # noqa: B023 - called at once
    made["cold load"] = *best(cold, read), AIMS["cold load"]
    cache.get(b)
    buffer, read, warm = bytearray(a.path.stat().st_size), [], []
    bare(a.path, buffer)
    for _ in range(2 * rounds):
        read.append(worked(lambda: bare(a.path, buffer)))
        gc.collect()
        warm.append(worked(lambda: timed(lambda: cache.get(a))))
        cache.get(b)
    buffer = None
    made["warm swap"] = *best(warm, read), AIMS["warm swap"]
    limits = Limits(count=2)
    cache.get(a)
    kept = [timed(lambda one=one: cache.get(one)) for one in (b, a) * rounds]
    made["swap to a kept one, seconds"] = statistics.median(kept), None, SECONDS
    limits = Limits(count=1)
    process = psutil.Process()
    cache.get(b)
    cache.get(a)
    gc.collect()
    before = process.memory_info().rss
    for number in range(swaps):
        cache.get((b, a)[number % 2])
    gc.collect()
    grown = process.memory_info().rss - before
    return made | {f"bytes grown after {swaps} swaps": (grown, None, GROWTH)}


def main():
    """Exit status 1 where an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--swaps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    given.folder.mkdir(parents=True, exist_ok=True)
    files = [given.folder / f"{name}.safetensors" for name in "ab"]
    try:
        write(sd1(), files[0])
        shutil.copyfile(*files)
        os.sync()
        found = measured(given.folder, given.swaps, given.rounds)
    finally:
        for path in files:
            with contextlib.suppress(OSError):
                path.unlink()
    for name, (value, processor, aim) in found.items():
        beside = "" if processor is None else f", {processor:.4g} of the processor's time"
        sys.stdout.write(f"{name}: {value:.4g}{beside} (aim {aim:.4g}){'' if value <= aim else '  MISSED'}\n")
    sys.exit(any(value > aim for value, _, aim in found.values()))


if __name__ == "__main__":
    main()
