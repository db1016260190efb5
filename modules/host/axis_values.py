"""What is written in an axis's values: `1-5`, `1-5 (+2)`, `1-10 [5]`, or a row of commas with quotes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from itertools import permutations

import numpy as np

WHOLE, REAL = r"\d+", r"\d+(?:\.\d*)?"


def _pattern(number: str, rest: str) -> re.Pattern[str]:
    return re.compile(rf"\s*([+-]?\s*{number})\s*-\s*([+-]?\s*{number})\s*{rest}\s*")


STEPPED = {number: _pattern(number, rf"(?:\(([+-]{number})\s*\))?") for number in (WHOLE, REAL)}
COUNTED = {number: _pattern(number, r"\[(\d+)\s*\]") for number in (WHOLE, REAL)}
MOST = 10_000  # values of one axis


def split(text: str) -> list[str]:
    """The texts between commas; quotes hold those that have commas themselves."""
    rows = csv.reader(io.StringIO(text), skipinitialspace=True)
    return [one.strip() for row in rows for one in row]


def joined(values: Sequence[str]) -> str:
    """The same the other way round."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(values)
    return buffer.getvalue()


def whole(texts: Sequence[str]) -> list[int]:
    """Whole numbers, spans spread out. ValueError with a sentence for what is none."""
    made: list[int] = []
    for text in texts:
        if not text.strip():
            continue
        if match := STEPPED[WHOLE].fullmatch(text):
            start, end, step = int(_bare(match[1])), int(_bare(match[2])), int(match[3] or 1)
            made += _limited(text, range(start, end + 1, step) if step else ())
        elif match := COUNTED[WHOLE].fullmatch(text):
            made += [int(one) for one in _spread(text, match)]
        else:
            made.append(int(_number(text)))
    return made


def real(texts: Sequence[str]) -> list[float]:
    """Numbers, spans spread out. ValueError with a sentence for what is none."""
    made: list[float] = []
    for text in texts:
        if not text.strip():
            continue
        if match := STEPPED[REAL].fullmatch(text):
            start, end, step = float(_bare(match[1])), float(_bare(match[2])), float(match[3] or 1)
            if step and abs(end - start) / abs(step) > MOST:
                raise ValueError(f"{text.strip()[:40]!r} stands for more than {MOST} values.")
            made += np.arange(start, end + step, step).tolist() if step else []
        elif match := COUNTED[REAL].fullmatch(text):
            made += _spread(text, match)
        else:
            made.append(_number(text))
    return made


def orders(texts: Sequence[str]) -> list[tuple[str, ...]]:
    """All orders of the texts."""
    if len(texts) > 7:
        raise ValueError(f"{len(texts)} parts have too many orders; seven are the most.")
    return list(permutations(texts))


def _bare(text: str) -> str:
    return text.replace(" ", "")


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{text.strip()[:40]!r} is not a number.") from None
    if number - number != 0:
        raise ValueError(f"{text.strip()[:40]!r} is not a finite number.")
    return number


def _spread(text: str, match: re.Match[str]) -> list[float]:
    count = int(match[3])
    if count > MOST:
        raise ValueError(f"{text.strip()[:40]!r} stands for more than {MOST} values.")
    spread: list[float] = np.linspace(float(_bare(match[1])), float(_bare(match[2])), count).tolist()
    return spread


def _limited(text: str, values: Sequence[int]) -> Sequence[int]:
    if len(values) > MOST:
        raise ValueError(f"{text.strip()[:40]!r} stands for more than {MOST} values.")
    return values
