"""A prompt of several parts, `a castle AND fog :0.6`: each part guides on its own, with its weight."""

from __future__ import annotations

import re
from dataclasses import dataclass

AND = re.compile(r"\bAND\b")
NUMBER = re.compile(r"[-+]?(?:\d+\.?|\d*\.\d+)")


@dataclass(frozen=True, slots=True)
class Part:
    """One part; its difference from the negative prompt is multiplied by `weight`."""

    text: str
    weight: float = 1.0


def parse_composition(prompt: str) -> list[Part]:
    """The parts of a prompt, at least one. A `:number` that ends a part is its weight, even where there is no AND."""
    return [_part(text) for text in AND.split(prompt)]


def _part(text: str) -> Part:
    head, colon, tail = text.rpartition(":")
    if colon and NUMBER.fullmatch(tail.strip()):
        return Part(head.rstrip(), float(tail))
    return Part(text.rstrip())
