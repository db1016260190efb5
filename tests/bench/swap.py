"""Reading checkpoints of SD 1.5's size and changing between them, against reading the bare file.

python -m tests.bench.swap --folder /tmp/swap
"""

import argparse
import contextlib
import gc
import logging
import os
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


def measured(folder, swaps, rounds):
    """Name → (value, aim)."""
    library = Library((folder,), Hashes(folder / "h.json"), hashing=False)
    a, b = library.find("a"), library.find("b")
    place = Place(torch.device("cpu"), torch.float16, torch.float16)
    made = {}
    cold, warm = [], []
    limits = Limits(count=1)
    for _ in range(rounds):
        forget(a.path)
        buffer = bytearray(a.path.stat().st_size)
        read = bare(a.path, buffer)
        buffer = None
        forget(a.path)
        cache = Cache(library, place, lambda: limits)
        cold.append(timed(lambda: cache.get(a)) / read)  # noqa: B023 - called at once
    cache.get(b)
    for _ in range(rounds):
        bare(a.path, buffer := bytearray(a.path.stat().st_size))
        read = bare(a.path, buffer)
        buffer = None
        gc.collect()
        warm.append(timed(lambda: cache.get(a)) / read)
        cache.get(b)
    made["cold load"] = min(cold), AIMS["cold load"]
    made["warm swap"] = min(warm), AIMS["warm swap"]
    limits = Limits(count=2)
    cache.get(a)
    kept = [timed(lambda one=one: cache.get(one)) for one in (b, a) * rounds]
    made["swap to a kept one, seconds"] = statistics.median(kept), SECONDS
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
    return made | {f"bytes grown after {swaps} swaps": (grown, GROWTH)}


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
        for path in files:
            write(sd1(), path)
        found = measured(given.folder, given.swaps, given.rounds)
    finally:
        for path in files:
            with contextlib.suppress(OSError):
                path.unlink()
    for name, (value, aim) in found.items():
        sys.stdout.write(f"{name}: {value:.4g} (aim {aim:.4g}){'' if value <= aim else '  MISSED'}\n")
    sys.exit(any(value > aim for value, aim in found.values()))


if __name__ == "__main__":
    main()
