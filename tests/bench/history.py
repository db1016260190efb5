"""A history of 100,000 pictures: how long a search takes."""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from modules.history.catalogue import History
from modules.history.store import Row, Store

WORDS = ("red", "castle", "night", "sky", "watercolour", "portrait", "smile", "forest", "rain", "gold", "city", "cat")
MOST_MS = 100


def row(number):
    """A picture with a prompt of a dozen words."""
    words = " ".join(WORDS[(number * step + step) % len(WORDS)] for step in range(1, 9))
    prompt = f"masterpiece, {words}, number{number}\nblurry, text"
    text = f"{prompt}\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: {number}, Size: 512x512"
    when = 1_600_000_000_000_000_000 + (number * 7919 % 100_003) * 10**12
    where = f"/outputs/{number // 1000}/{number}.png"
    return Row(where, when, 1, 512, 512, str(number), text, prompt, f"model{number % 7}", "ink", f"{number}.png")


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--pictures", type=int, default=100_000)
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as data:
        path = Path(data) / "history.sqlite3"
        store = Store(path)
        started = time.perf_counter()
        for first in range(0, asked.pictures, 1000):
            store.keep([row(number) for number in range(first, min(first + 1000, asked.pictures))])
        sys.stdout.write(f"{asked.pictures} rows written in {time.perf_counter() - started:.1f} s\n")
        store.close()
        history = History(path, list)
        history.search("warm")
        middle = f"number{asked.pictures // 2}"
        for text in ("", "masterpiece", "castle rain", "cas", middle, "seed:77", "model:model3 red", "after:2021 gold"):
            times = []
            for turn in range(5):
                started = time.perf_counter()
                total, _ = history.search(text + " " * turn, 0, 100)
                times.append(1000 * (time.perf_counter() - started))
            told = f"{statistics.median(times):7.1f} ms, at best {min(times):7.1f} ms"
            sys.stdout.write(f"{text or '(everything)':24} {total:7} found in {told} (aim {MOST_MS})\n")
        history.close()


if __name__ == "__main__":
    main()
