"""Time from the text of a 75-token prompt to its weighted chunks: `python -m tests.bench.prompt`."""

import argparse
import statistics
import sys
import time
from pathlib import Path

from modules.generate.wording import chunker
from modules.prompts.composition import parse_composition
from modules.prompts.counting import count_tokens
from modules.prompts.networks import parse_tags
from modules.prompts.schedule import parse_schedule
from modules.settings.options import Options
from modules.settings.store import Store

AIM = 1.0  # ms
PLAIN = ", ".join(["a photo of a red castle on a hill", "masterpiece", "highly detailed", "sharp focus"] * 4)
RICH = (
    "a (red:1.3) castle on a [hill:mountain:0.5], ((masterpiece)), [highly detailed], (sharp focus:0.8), "
    "<lora:ink:0.8>, [cat|dog] in a (green, (very green:1.2) field:1.1), soft light, morning, [:fog:0.3], "
    "35mm, river, bridge, tower, (lantern:1.1), harbour, garden, cathedral, island AND a storm over the sea, waves :0.6"
)


def texts(prompt, steps=20):
    """The different texts that a prompt becomes; what is done with it before they are cut into chunks."""
    parts = parse_composition(parse_tags(prompt)[0])
    return {entry.text for part in parts for entry in parse_schedule(part.text, steps)}


def measure(prompt, chunks, rounds):
    """Milliseconds, the median."""
    took = []
    for _ in range(rounds):
        started = time.perf_counter()
        for text in texts(prompt):
            chunks(text)
        took.append(time.perf_counter() - started)
    return 1000 * statistics.median(took)


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rounds", type=int, default=200)
    asked = words.parse_args()
    chunks = chunker(Options(Store(Path("nowhere.json"))).view())
    for name, prompt in (("plain", PLAIN), ("every construct", RICH)):
        count, _ = count_tokens(prompt, 20, chunks)
        line = f"{name}: {count} tokens, {len(texts(prompt))} texts: {measure(prompt, chunks, asked.rounds):.2f} ms"
        sys.stdout.write(f"{line} (aim {AIM:g} a text)\n")


if __name__ == "__main__":
    main()
