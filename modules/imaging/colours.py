"""Giving a picture the colours of another one."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.float64]
LUMA = np.array((0.299, 0.587, 0.114))  # Rec. 601


def recoloured(image: Image.Image, like: Image.Image) -> Image.Image:
    """The image with the colour distribution of `like`, channel by channel in L*a*b*, but its own brightness."""
    own, wanted = (np.asarray(cv2.cvtColor(np.asarray(one.convert("RGB")), cv2.COLOR_RGB2LAB)) for one in (image, like))
    matched = np.stack([_matched(own[..., i], wanted[..., i]) for i in range(3)], axis=-1).astype(np.uint8)
    coloured = np.asarray(cv2.cvtColor(matched, cv2.COLOR_LAB2RGB), np.float64) / 255
    made = with_brightness(coloured, np.asarray(image.convert("RGB"), np.float64) / 255)
    return Image.fromarray((made * 255).round().astype(np.uint8))


def with_brightness(colours: Pixels, of: Pixels) -> Pixels:
    """Colours `[H,W,3]`, 0 to 1, brought to another picture's brightness, and back into range towards grey.

    The blend mode "luminosity" of W3C's Compositing and Blending, §10.2.
    """
    made = colours + (of @ LUMA - colours @ LUMA)[..., None]
    grey = (made @ LUMA)[..., None]
    low, high = made.min(axis=-1, keepdims=True), made.max(axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        made = np.where(low < 0, grey + (made - grey) * grey / (grey - low), made)
        made = np.where(high > 1, grey + (made - grey) * (1 - grey) / (high - grey), made)
    kept: Pixels = np.clip(made, 0, 1)
    return kept


def _matched(own: NDArray[Any], wanted: NDArray[Any]) -> NDArray[np.float64]:
    """Each level becomes the one below which as large a share of `wanted` lies (histogram matching)."""
    counts = [np.bincount(channel.ravel(), minlength=256) for channel in (own, wanted)]
    shares = [np.cumsum(count) / count.sum() for count in counts]
    present = counts[1] > 0
    levels = np.interp(shares[0], shares[1][present], np.flatnonzero(present))
    made: NDArray[np.float64] = levels[own]
    return made
