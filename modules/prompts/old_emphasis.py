"""Emphasis as in A1111's first months: a bracket sets the weight of what follows, and 75 tokens are all there is."""

from __future__ import annotations

import re
from collections.abc import Mapping

from modules.prompts.attention import ROUND
from modules.prompts.chunks import LENGTH, Chunk, Vocabulary

BRACKETS = re.compile(r"[()\[\]]")
FACTORS = {"(": ROUND, ")": 1 / ROUND, "[": 1 / ROUND, "]": ROUND}


def bracket_factors(vocabulary: Mapping[str, int]) -> dict[int, float]:
    """What each token with brackets in it multiplies the weight by; one whose brackets cancel out is a word."""
    factors = {}
    for text, token in vocabulary.items():
        factor = 1.0
        for bracket in BRACKETS.findall(text):
            factor *= FACTORS[bracket]
        if factor != 1.0:
            factors[token] = factor
    return factors


def pack_old(tokens: list[int], factors: Mapping[int, float], vocabulary: Vocabulary | None = None) -> Chunk:
    """The one chunk of a prompt's tokens; what does not fit is cut off, but counted."""
    words = vocabulary or Vocabulary()
    kept: list[int] = []
    weights: list[float] = []
    weight = 1.0
    for token in tokens:
        if token in factors:
            weight *= factors[token]
        else:
            kept.append(token)
            weights.append(weight)
    missing = LENGTH - len(kept)
    padded = [words.start, *kept[:LENGTH], *[words.end] * missing, words.end]
    return Chunk(tuple(padded), (1.0, *weights[:LENGTH], *[1.0] * missing, 1.0), len(kept))
