"""A sheet of pictures with words over its columns and before its rows, laid out as A1111 does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from modules.imaging.pixels import color

FONT = Path(__file__).parent / "fonts" / "Roboto-Regular.ttf"
Font = ImageFont.FreeTypeFont


@dataclass(frozen=True, slots=True)
class Word:
    """A text of a legend; one that is not `active` is struck through."""

    text: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class Inks:
    """The colours of a legend."""

    active: str = "#000000"
    inactive: str = "#999999"
    background: str = "#ffffff"


@dataclass(frozen=True, slots=True)
class _Line:
    word: Word
    width: int
    height: int


class _Block:
    """The words of one column or row, broken into lines of at most `room` pixels where they have blanks."""

    def __init__(self, words: Sequence[Word], room: int, font: Font):
        self.room = room
        self.lines = [
            _Line(Word(text, word.active), *_extent(text, font))
            for word in words
            for text in _wrapped(word.text, room, font)
        ]

    def height(self, gap: int, last: bool) -> int:
        """Of all lines, with a gap after each one, the last one if `last`."""
        return sum(line.height + (gap if last else 0) for line in self.lines) - (gap if last else 0)


def _extent(text: str, font: Font) -> tuple[int, int]:
    left, top, right, bottom = font.getbbox(text)
    return int(right - left), int(bottom - top)


def _wrapped(text: str, room: int, font: Font) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def annotated(
    sheet: Image.Image,
    cell: tuple[int, int],
    columns: Sequence[Sequence[Word]],
    rows: Sequence[Sequence[Word]],
    margin: int = 0,
    inks: Inks = Inks(),
) -> Image.Image:
    """The sheet, of cells of that size, with words over each column and before each row, its cells `margin` apart."""
    width, height = cell
    size = (width + height) // 25
    gap, font = size // 2, ImageFont.truetype(FONT, max(size, 1))
    left = width * 3 // 4 if any(word.text for row in rows for word in row) else 0
    over = [_Block(words, width, font) for words in columns]
    before = [_Block(words, left, font) for words in rows]
    heights = [block.height(gap, last=True) for block in over]
    top = max(heights) + gap * 2 if sum(heights) else 0
    full = sheet.width + left + margin * (len(columns) - 1), sheet.height + top + margin * (len(rows) - 1)
    made = Image.new("RGB", full, color(inks.background))
    for row in range(len(rows)):
        for column in range(len(columns)):
            part = sheet.crop((width * column, height * row, width * (column + 1), height * (row + 1)))
            made.paste(part, (left + (width + margin) * column, top + (height + margin) * row))
    pen = ImageDraw.Draw(made)
    for number, block in enumerate(over):
        middle = left + (width + margin) * number + width / 2
        _write(pen, middle, top / 2 - heights[number] / 2, block, gap, font, inks)
    for number, block in enumerate(before):
        middle = top + (height + margin) * number + height / 2
        _write(pen, left / 2, middle - block.height(gap, last=False) / 2, block, gap, font, inks)
    return made


def _write(pen: ImageDraw.ImageDraw, x: float, y: float, block: _Block, gap: int, font: Font, inks: Inks) -> None:
    """Write lines centred on x from y down; one too long for its room in a smaller size."""
    for line in block.lines:
        text, fitting = line.word.text, font
        while fitting.getlength(text) > block.room and fitting.size > 1:
            fitting = ImageFont.truetype(FONT, fitting.size - 1)
        ink = color(inks.active if line.word.active else inks.inactive)
        pen.text((x, y + line.height / 2), text, ink, fitting, anchor="mm")
        if not line.word.active:
            middle, half = y + line.height // 2, line.width // 2
            pen.line((x - half, middle, x + half, middle), ink, width=4)
        y += line.height + gap


def matrix(
    sheet: Image.Image, cell: tuple[int, int], parts: Sequence[str], margin: int = 0, inks: Inks = Inks()
) -> Image.Image:
    """The sheet of all combinations of the parts, of which the first half turns with the columns."""
    half = math.ceil(len(parts) / 2)
    return annotated(sheet, cell, _combinations(parts[:half]), _combinations(parts[half:]), margin, inks)


def _combinations(texts: Sequence[str]) -> list[list[Word]]:
    """All texts once for each combination, those active whose bit is set in its number."""
    numbers = range(1 << len(texts))
    return [[Word(text, bool(number >> place & 1)) for place, text in enumerate(texts)] for number in numbers]
