"""The bank: pictures painted once, with their captions as tokens and, after step 1, their latents."""

import dataclasses
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from modules.demo.drawing import SIDE, draw
from modules.demo.loop import watched
from modules.demo.world import SHAPES, STYLES, Scene, caption, invent
from modules.prompts.attention import parse_attention

CAPTIONS_EACH = 6
TOKENS = 77
END = 49407
STRANGERS = 0.1
EVERY_SHAPE = (*SHAPES, "boat", "boat", "boat")
EVERY_STYLE = (*STYLES, "pixel", "outline")


class Tokenizer(Protocol):
    """What the bank needs of a CLIP tokenizer."""

    def encode(self, text: str) -> list[int]:
        """Token numbers with the start and end marks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bank:
    """Pictures [N, 128, 128, 3] bytes and captions [N, 6, 77]: token numbers and weights, mapped from disk."""

    pictures: npt.NDArray[np.uint8]
    tokens: npt.NDArray[np.uint16]
    weights: npt.NDArray[np.float16]


def scenes(count: int, seed: int, whole: bool = False) -> list[Scene]:
    """Invent `count` scenes; `whole`: also what only LoRAs draw (the boat, the pixel and outline styles)."""
    rng = random.Random(seed)
    if whole:
        return [invent(rng, EVERY_SHAPE, (rng.choice(EVERY_STYLE), *EVERY_STYLE)) for _ in range(count)]
    return [invent(rng) for _ in range(count)]


def paint(folder: Path, shown: list[Scene], tokenizer: Tokenizer, seed: int = 0) -> Bank:
    """Paint the scenes into `folder` unless they are there already, and open the bank."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "scenes.json").is_file():
        shape = (len(shown), SIDE, SIDE, 3)
        pictures = np.lib.format.open_memmap(folder / "pictures.npy", mode="w+", dtype=np.uint8, shape=shape)
        for i, scene in enumerate(watched(shown, f"paint {folder.name}")):
            pictures[i] = draw(scene)
        pictures.flush()
        tokens, weights = tokens_of(shown, tokenizer, seed)
        np.save(folder / "tokens.npy", tokens)
        np.save(folder / "weights.npy", weights)
        (folder / "scenes.json").write_text(json.dumps([dataclasses.asdict(s) for s in shown]))
    return Bank(
        pictures=np.load(folder / "pictures.npy", mmap_mode="r"),
        tokens=np.load(folder / "tokens.npy", mmap_mode="r"),
        weights=np.load(folder / "weights.npy", mmap_mode="r"),
    )


def tokens_of(
    shown: list[Scene], tokenizer: Tokenizer, seed: int
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.float16]]:
    """Say every scene in several ways: token numbers and their weights, [N, 6, 77] each.

    Words from all of CLIP's table are strewn in, to be ignored.
    """
    rng = random.Random(seed)
    tokens = np.full((len(shown), CAPTIONS_EACH, TOKENS), END, dtype=np.uint16)
    weights = np.ones(tokens.shape, dtype=np.float16)
    for i, scene in enumerate(shown):
        for j in range(CAPTIONS_EACH):
            said = _weighted(caption(scene, rng), tokenizer)
            if rng.random() < STRANGERS:
                said = _strew(said, rng)
            said = said[: TOKENS - 1]
            tokens[i, j, : len(said)] = [number for number, weight in said]
            weights[i, j, : len(said)] = [weight for number, weight in said]
    return tokens, weights


def _weighted(said: str, tokenizer: Tokenizer) -> list[tuple[int, float]]:
    """The caption's token numbers, start and end marks included, each with the weight of the brackets around it."""
    parts = [(tokenizer.encode(part.text), part.weight) for part in parse_attention(said)]
    inner = [(number, weight) for numbers, weight in parts for number in numbers[1:-1]]
    return [(parts[0][0][0], 1.0), *inner, (parts[0][0][-1], 1.0)]


def _strew(said: list[tuple[int, float]], rng: random.Random) -> list[tuple[int, float]]:
    strangers = [(rng.randrange(256, END - 1), 1.0) for _ in range(rng.randint(1, 4))]
    at = rng.choice((1, len(said) - 1))
    return said[:at] + strangers + said[at:]


def never_said(folder: Path, prompts: list[str], tokenizer: Tokenizer) -> set[str]:
    """Those of the prompts that are no caption of the bank in `folder`."""
    said = {row.tobytes() for row in np.load(folder / "tokens.npy").reshape(-1, TOKENS)}

    def row(prompt: str) -> bytes:
        numbers = np.full(TOKENS, END, dtype=np.uint16)
        found = tokenizer.encode(prompt)[:TOKENS]
        numbers[: len(found)] = found
        return numbers.tobytes()

    return {p for p in prompts if row(p) not in said}
