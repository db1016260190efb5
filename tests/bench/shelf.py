"""A library of 20,000 LoRAs: first scan, later start, search, and how soon a new file is seen."""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from modules.weights.networks.catalogue import Catalogue
from modules.weights.networks.entries import Kind
from modules.weights.networks.shelf import Shelf

TAGS = ("red hair", "castle", "night sky", "watercolour", "portrait", "smile", "forest", "rain", "gold", "city")


def header(number):
    """The metadata of a trained file, some two kilobytes."""
    tags = {f"{TAGS[(number + i) % len(TAGS)]} {i}": 1 + (number * i) % 50 for i in range(40)}
    return {
        "ss_output_name": f"alias_{number}",
        "ss_base_model_version": ("sd_v1", "sdxl_base_v1-0")[number % 2],
        "ss_tag_frequency": json.dumps({"10_set": tags}),
        "sshs_model_hash": f"{number:064x}",
    }


def write(path, number):
    """A LoRA of one tensor of four bytes."""
    tensor = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    told = json.dumps({"__metadata__": header(number), "lora_unet_x.alpha": tensor}).encode()
    path.write_bytes(len(told).to_bytes(8, "little") + told + bytes(4))


def library(root, files, folders):
    """Write them all."""
    for number in range(files):
        folder = root / f"set {number % folders}"
        if number < folders:
            folder.mkdir(parents=True)
        write(folder / f"style_{number}.safetensors", number)


def opened(root, database):
    """(a shelf over the files, seconds until it knows them)"""
    started = time.perf_counter()
    shelf = Shelf(Kind.LORA, [root], Catalogue(database))
    while not shelf.entries():
        pass
    return shelf, time.perf_counter() - started


def timed(work):
    """Seconds of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def seen(shelf, path):
    """Seconds until a new file is in the list, asked for every 50 ms."""
    started = time.perf_counter()
    write(path, 999_999)
    while not any(one.path == path for one in shelf.entries("alias_999999")):
        time.sleep(0.05)
    return time.perf_counter() - started


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--files", type=int, default=20_000)
    words.add_argument("--folders", type=int, default=40)
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as data:
        root, database = Path(data) / "Lora", Path(data) / "networks.sqlite3"
        library(root, asked.files, asked.folders)
        _, cold = opened(root, database)
        shelf, warm = opened(root, database)
        searches = [
            timed(lambda text=text: shelf.entries(text)) for text in ("style_123", "castle 7", "gold rain", "zz")
        ]
        found = timed(lambda: shelf.find(f"alias_{asked.files - 1}"))
        new = seen(shelf, root / "set 3" / "new one.safetensors")
    sys.stdout.write(f"{asked.files} files: first scan {cold:.2f} s, later start {warm:.2f} s (aim 1)\n")
    sys.stdout.write(
        f"search {1000 * statistics.median(searches):.1f} ms, longest {1000 * max(searches):.1f} ms (aim 50); "
    )
    sys.stdout.write(f"a name {1000 * found:.2f} ms; a new file is seen after {new:.2f} s (aim 2)\n")


if __name__ == "__main__":
    main()
