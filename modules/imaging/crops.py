"""Cuts for sets of training pictures: to the best of some sizes, around what draws the eye, and into pieces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageDraw

GRID = 64  # sizes are multiples of it
STRIDE = 4  # pixels between the frames whose entropy is measured
CORNERS = 100  # looked for at most
QUALITY, APART = 0.04, 0.06  # of corners: of the strongest one's strength, and of the shorter side
SIGNED = 0.1  # share of the height, at the bottom, where watermarks are: no corner counts there

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """Which sizes are allowed: sides and areas in pixels, `error` how far proportions may be off, 0 to 1."""

    side: tuple[int, int]
    area: tuple[int, int]
    error: float
    largest: bool  # else the nearest in proportions is best


def best_size(size: tuple[int, int], allowed: Sizes) -> tuple[int, int] | None:
    """Width and height that a picture of this size is best cut to; None where none is allowed."""
    sides = range(allowed.side[0], allowed.side[1] + 1, GRID)
    least, most = allowed.area
    fitting = [(w, h) for w in sides for h in sides if least <= w * h <= most and _off(size, (w, h)) <= allowed.error]

    def merit(one: tuple[int, int]) -> tuple[float, float]:
        area, near = one[0] * one[1], -_off(size, one)
        return (area, near) if allowed.largest else (near, area)

    return max(fitting, key=merit, default=None)


def _off(size: tuple[int, int], other: tuple[int, int]) -> float:
    """How much proportions differ: 0 not at all, near 1 completely."""
    ratio = size[0] * other[1] / (size[1] * other[0])
    return 1 - min(ratio, 1 / ratio)


def fitted(image: Image.Image, width: int, height: int) -> Image.Image:
    """The middle of the image, as much of it as these proportions allow, at this size."""
    share = min(image.width / width, image.height / height)
    left, top = (image.width - width * share) / 2, (image.height - height * share) / 2
    box = left, top, image.width - left, image.height - top
    return image.resize((width, height), Image.Resampling.LANCZOS, box)


def pieces(size: tuple[int, int], width: int, height: int, overlap: float) -> tuple[tuple[int, int], list[Point]]:
    """The size at which the frame fits a picture's shorter side, and the corners where it stands along the longer one.

    `overlap`: the least share of a frame that the next one shows too.
    """
    tall = size[1] * width > size[0] * height
    scaled = (width, size[1] * width // size[0]) if tall else (size[0] * height // size[1], height)
    length, frame = (scaled[1], height) if tall else (scaled[0], width)
    count = max(math.ceil((length - frame * overlap) / (frame * (1 - overlap))), 1)
    starts = [int((length - frame) * number / max(count - 1, 1)) for number in range(count)]
    return scaled, [(0, start) if tall else (start, 0) for start in starts]


@dataclass(frozen=True, kw_only=True, slots=True)
class Weights:
    """What draws the eye, and how much."""

    faces: float
    entropy: float
    edges: float


@dataclass(frozen=True, slots=True)
class Focus:
    """A frame around what draws the eye: its corners, and what led there by kind."""

    box: tuple[int, int, int, int]
    points: dict[str, Point]


def covering(size: tuple[int, int], width: int, height: int) -> tuple[int, int]:
    """The least size of the same proportions that leaves nothing of the frame free."""
    scale = max(width / size[0], height / size[1])
    return max(width, round(size[0] * scale)), max(height, round(size[1] * scale))


def focus(image: Image.Image, width: int, height: int, weights: Weights, faces: Sequence[Point]) -> Focus:
    """Where a frame of this size stands best on an RGB picture that is nowhere smaller; `faces` are their middles."""
    found = {
        "faces": (weights.faces, faces),
        "entropy": (weights.entropy, _liveliest(image, width, height) if weights.entropy > 0 else ()),
        "edges": (weights.edges, _corners(image) if weights.edges > 0 else ()),
    }
    middles = {kind: (weight, _middle(points)) for kind, (weight, points) in found.items() if weight > 0 and points}
    total = sum(weight for weight, _ in middles.values())
    x, y = (
        sum(weight * middle[axis] for weight, middle in middles.values()) / total if total else image.size[axis] / 2
        for axis in (0, 1)
    )
    left = min(max(round(x) - width // 2, 0), image.width - width)
    top = min(max(round(y) - height // 2, 0), image.height - height)
    points = {kind: middle for kind, (_, middle) in middles.items()} | {"focus": (x, y)}
    return Focus((left, top, left + width, top + height), points)


def explained(image: Image.Image, found: Focus) -> Image.Image:
    """The picture with the frame and what led there drawn in."""
    made = image.copy()
    pen = ImageDraw.Draw(made)
    left, top, right, bottom = found.box
    pen.rectangle((left, top, right - 1, bottom - 1), outline="#00ff00")
    for kind, (x, y) in found.points.items():
        colour = {"faces": "#ff0000", "entropy": "#ffff00", "edges": "#0000ff"}.get(kind, "#00ff00")
        pen.ellipse((x - 4, y - 4, x + 4, y + 4), outline=colour)
        pen.text((x + 6, y - 5), kind, fill=colour)
    return made


def _middle(points: Sequence[Point]) -> Point:
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)


def _corners(image: Image.Image) -> list[Point]:
    """Shi and Tomasi's good features, above what may be a watermark."""
    grey = np.array(image.convert("L"))
    grey[round(image.height * (1 - SIGNED)) :] = 0x99
    found = cv2.goodFeaturesToTrack(grey, CORNERS, QUALITY, min(image.size) * APART)
    return [] if found is None else [(float(x), float(y)) for x, y in found.reshape(-1, 2)]


def _liveliest(image: Image.Image, width: int, height: int) -> list[Point]:
    """The middle of the frame whose greys hold most information; nothing where it cannot be moved."""
    grey = image.convert("L")
    rooms = image.width - width, image.height - height
    axis = 0 if rooms[0] > rooms[1] else 1
    if rooms[axis] <= 0:
        return []
    corners = [(at, 0) if axis == 0 else (0, at) for at in range(0, rooms[axis] + 1, STRIDE)]
    best = max(corners, key=lambda corner: grey.crop((*corner, corner[0] + width, corner[1] + height)).entropy())
    return [(best[0] + width / 2, best[1] + height / 2)]
