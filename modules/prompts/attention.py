"""The weight syntax of a prompt: `(a)`, `[a]`, `(a:1.3)`, escapes, and the word BREAK."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import accumulate

ROUND, SQUARE = 1.1, 1 / 1.1
BREAK_WEIGHT = -1.0  # A1111 marks BREAK so; a bracket around it scales the mark and makes it an ordinary word

TOKEN = re.compile(
    r"""\\(?P<escaped>[()\[\]\\])
    |(?P<open>[(\[])
    |:\s*(?P<weight>[+-]?(?:\d+(?:\.\d*)?|\.\d+))\s*\)
    |(?P<close>[)\]])
    |(?P<text>[^\\()\[\]:]+|[\\:])""",
    re.VERBOSE,
)
BREAK = re.compile(r"(?:(?<!\s)\s+)?\bBREAK\b\s*")  # blanks are looked through from their first on, once


@dataclass(frozen=True, slots=True)
class Weighted:
    """A piece of prompt; its hidden states are multiplied by `weight`."""

    text: str
    weight: float = 1.0

    @property
    def is_break(self) -> bool:
        """Whether this ends the chunk of 75 tokens rather than being drawn."""
        return self.text == "BREAK" and self.weight == BREAK_WEIGHT


def parse_attention(prompt: str) -> list[Weighted]:
    """The pieces of a prompt in order, neighbours of equal weight joined; never empty, never an error.

    Linear in the prompt's length. A bracket left open acts to the end; a closing one too many is text.
    """
    texts, brackets = _scan(prompt)
    weights = _weights(texts, brackets)
    pieces: list[list[str]] = []
    found: list[float] = []
    for text, weight in zip(texts, weights, strict=True):
        if found and found[-1] == weight:
            pieces[-1].append(text)
        else:
            pieces.append([text])
            found.append(weight)
    made = [Weighted("".join(parts), weight) for parts, weight in zip(pieces, found, strict=True)]
    return made or [Weighted("")]


Bracket = tuple[int, int, float]  # from text, up to text, factor; in the order in which the brackets close


def _scan(prompt: str) -> tuple[list[str], list[Bracket]]:
    texts: list[str] = []
    closed: list[Bracket] = []
    opened: dict[str, list[int]] = {"(": [], "[": []}
    for match in TOKEN.finditer(prompt):
        kind, word = match.lastgroup, match.group(match.lastgroup or 0)
        if kind == "open":
            opened[word].append(len(texts))
        elif kind == "weight" and opened["("]:
            closed.append((opened["("].pop(), len(texts), float(word)))
        elif kind == "close" and opened["(" if word == ")" else "["]:
            closed.append((opened["(" if word == ")" else "["].pop(), len(texts), ROUND if word == ")" else SQUARE))
        elif kind == "escaped":
            texts.append(word)
        elif word != "\\":  # a lone backslash vanishes, as in A1111
            _add_text(texts, match.group())
    closed += [(start, len(texts), ROUND) for start in opened["("]]
    closed += [(start, len(texts), SQUARE) for start in opened["["]]
    return texts, closed


def _add_text(texts: list[str], text: str) -> None:
    for number, part in enumerate(BREAK.split(text)):
        if number:
            texts.append("BREAK")
        texts.append(part)


EXACT = 2_000_000  # bracket-text pairs up to which the factors are multiplied in A1111's order, to the last bit


def _weights(texts: list[str], brackets: list[Bracket]) -> list[float]:
    weights = [BREAK_WEIGHT if text == "BREAK" else 1.0 for text in texts]
    if sum(end - start for start, end, _ in brackets) <= EXACT:
        for start, end, factor in brackets:
            for place in range(start, end):
                weights[place] *= factor
        return weights
    return _nested(weights, brackets)


def _nested(weights: list[float], brackets: list[Bracket]) -> list[float]:
    """The same products from running sums of logarithms, for thousands of nested brackets."""
    logs, minus, zeros = ([0.0] * (len(weights) + 1) for _ in range(3))
    for start, end, factor in brackets:
        for place, sign in ((start, 1), (end, -1)):
            logs[place] += sign * (math.log(abs(factor)) if factor else 0.0)
            minus[place] += sign * (factor < 0)
            zeros[place] += sign * (factor == 0)
    made = []
    for weight, log, odd, zero in zip(weights, *map(accumulate, (logs, minus, zeros)), strict=False):
        size = 0.0 if zero else math.exp(min(log, 700.0))
        made.append(weight * (-size if odd % 2 else size))
    return made
