"""A picture in overlapping tiles, worked on one by one and put together again without a seam."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # [H,W,3]
Box = tuple[int, int, int, int]  # left, top, right, bottom


@dataclass(frozen=True, slots=True)
class Tiles:
    """Tiles of one size, spread evenly over a picture.

    Where two meet, the second fades in over `overlap` pixels; `margin` pixels of both beyond that are not used, for
    what works on tiles sees nothing beyond their rims.
    """

    columns: tuple[int, ...]  # where they begin
    rows: tuple[int, ...]
    width: int
    height: int
    overlap: int
    margin: int

    @classmethod
    def over(cls, size: tuple[int, int], tile: tuple[int, int], overlap: int, margin: int = 0) -> Tiles:
        """Cover a picture of `size` (width, height); a tile that is 0 or larger than the picture takes its size."""
        width, height = (min(part or whole, whole) for part, whole in zip(tile, size, strict=True))
        overlap = min(overlap, width // 2, height // 2)
        margin = min(margin, (min(width, height) - overlap) // 4)
        shared = overlap + 2 * margin
        return cls(_starts(size[0], width, shared), _starts(size[1], height, shared), width, height, overlap, margin)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.columns) * len(self.rows)

    def boxes(self) -> Iterator[Box]:
        """Their places, row by row."""
        for top in self.rows:
            for left in self.columns:
                yield left, top, left + self.width, top + self.height

    def joined(self, tiles: Iterable[Pixels]) -> Pixels:
        """The tiles in the order of `boxes` as one picture. They may have grown, all by the same whole factor."""
        pieces: Iterator[Pixels] = iter(tiles)
        first = next(pieces)
        pieces = chain([first], pieces)
        factor = len(first) // self.height
        width, height = self.columns[-1] + self.width, self.rows[-1] + self.height
        whole = np.empty((height * factor, width * factor, 3), np.uint8)
        for top in self.rows:
            row = np.empty((len(first), width * factor, 3), np.uint8)
            for left in self.columns:
                self._lay(row.swapaxes(0, 1), next(pieces).swapaxes(0, 1), left, factor)
            self._lay(whole, row, top, factor)
        return whole

    def _lay(self, sheet: Pixels, piece: Pixels, start: int, factor: int) -> None:
        """Put the piece onto the sheet from line `start` on; the first one as it is."""
        skipped, fading = (self.margin * factor, self.overlap * factor) if start else (0, 0)
        piece, begin = piece[skipped:], start * factor + skipped
        below, above = sheet[begin : begin + fading], piece[:fading].astype(np.float32)
        weight = (np.arange(fading, dtype=np.float32) / max(1, fading))[:, None, None]
        sheet[begin : begin + fading] = np.rint(below + weight * (above - below))
        sheet[begin + fading : begin + len(piece)] = piece[fading:]


def _starts(length: int, tile: int, shared: int) -> tuple[int, ...]:
    if tile >= length:
        return (0,)
    last = math.ceil((length - shared) / (tile - shared)) - 1
    return tuple(number * (length - tile) // last for number in range(last + 1))
