"""What the two outpaintings share: how far a picture grows on each side."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

from PIL import Image

SIDES = "left", "right", "up", "down"
STEP = 64  # sizes are multiples of it


@dataclass(frozen=True, slots=True)
class Growth:
    """Pixels on each side, and the size that comes of them."""

    left: int
    right: int
    up: int
    down: int
    width: int
    height: int


def growth(image: Image.Image, pixels: int, sides: Collection[str]) -> Growth:
    """The given sides by so many pixels, and then a little more up to the next multiple of 64."""
    left, right, up, down = (pixels if side in sides else 0 for side in SIDES)
    left, right, width = _spread(image.width, left, right)
    up, down, height = _spread(image.height, up, down)
    return Growth(left, right, up, down, width, height)


def _spread(length: int, before: int, after: int) -> tuple[int, int, int]:
    target = math.ceil((length + before + after) / STEP) * STEP
    if before:
        before = before * (target - length) // (before + after)
    if after:
        after = target - length - before
    return before, after, target
