"""Pictures drawn tile by tile over another one."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PIL import Image

from modules.imaging.tiles import Tiles


def cut(image: Image.Image, tiles: Tiles) -> list[Image.Image]:
    """The image's tiles in their order."""
    return [image.crop(box) for box in tiles.boxes()]


def joined(pieces: Iterable[Image.Image], tiles: Tiles) -> Image.Image:
    """The tiles as one image again."""
    size = tiles.width, tiles.height
    fitting = (piece if piece.size == size else piece.resize(size, Image.Resampling.LANCZOS) for piece in pieces)
    return Image.fromarray(tiles.joined(np.asarray(piece.convert("RGB")) for piece in fitting))
