"""Masks: white is what is drawn anew. What lies under one, where it lies, and putting a new piece into its place."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageFilter, ImageOps

from modules.imaging.resize import CROP, resize

# How far colours run into a hole that is to be filled, and how often each is laid over the one before.
RUNS = ((256, 1), (64, 1), (16, 2), (4, 4), (2, 2), (0, 1))


@dataclass(frozen=True, slots=True)
class Region:
    """A part of an image: its corners, the second one outside of it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def box(self) -> tuple[int, int, int, int]:
        """As PIL has it."""
        return self.left, self.top, self.right, self.bottom

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.right - self.left, self.bottom - self.top


def as_mask(image: Image.Image, hard: bool = True) -> Image.Image:
    """A mask out of any image: of its transparency where it has some, else of its brightness. `hard`: no halves."""
    if image.mode == "RGBA" and image.getchannel("A").getextrema() != (255, 255):
        alpha = image.getchannel("A")
        return alpha.point(lambda level: 255 if level > 128 else 0) if hard else alpha
    return image.convert("L")


def blurred(mask: Image.Image, across: float, along: float) -> Image.Image:
    """Blurred by a Gaussian of these deviations in x and y."""
    pixels = np.asarray(mask)
    for deviation, horizontal in ((across, True), (along, False)):
        if deviation > 0:
            reach = 2 * int(2.5 * deviation + 0.5) + 1
            pixels = cv2.GaussianBlur(pixels, (reach, 1) if horizontal else (1, reach), deviation)
    return Image.fromarray(pixels)


def widened(mask: Image.Image) -> Image.Image:
    """Twice as strong, so that half of its blurred rim counts as whole."""
    doubled = np.clip(np.asarray(mask, np.float32) * 2, 0, 255)
    return Image.fromarray(doubled.astype(np.uint8))


def region_of(mask: Image.Image, padding: int) -> Region | None:
    """The smallest part that holds all that is not black, and some more around it; None for a mask all black."""
    box = mask.getbbox()
    if box is None:
        return None
    left, top, right, bottom = box
    return Region(
        max(left - padding, 0),
        max(top - padding, 0),
        min(right + padding, mask.width),
        min(bottom + padding, mask.height),
    )


def in_proportion(region: Region, width: int, height: int, within: tuple[int, int]) -> Region:
    """The region grown to the proportions of width to height, as far as the image of size `within` goes."""
    wanted = width / height
    own = region.size
    if own[0] / own[1] > wanted:
        top, bottom = _grown(region.top, region.bottom, int(own[0] / wanted - own[1]), within[1])
        return Region(region.left, top, region.right, bottom)
    left, right = _grown(region.left, region.right, int(own[1] * wanted - own[0]), within[0])
    return Region(left, region.top, right, region.bottom)


def _grown(start: int, end: int, by: int, limit: int) -> tuple[int, int]:
    """A stretch grown at both ends, moved back where it stands over, and cut where it is too long."""
    start, end = start - by // 2, end + by - by // 2
    if end >= limit:
        start, end = start - (end - limit), limit
    if start < 0:
        start, end = 0, end - start
    return start, min(end, limit)


def filled(image: Image.Image, mask: Image.Image) -> Image.Image:
    """The image with the masked part in the colours that run in from around it."""
    kept = _without(image, mask)
    made = Image.new("RGBA", image.size)
    for reach, times in RUNS:
        run = kept.filter(ImageFilter.GaussianBlur(reach)).convert("RGBA")
        for _ in range(times):
            made.alpha_composite(run)
    return made.convert("RGB")


def outside(image: Image.Image, mask: Image.Image) -> Image.Image:
    """What the mask leaves of the image, RGBA: to be laid over the new picture."""
    return _without(image, mask).convert("RGBA")


def _without(image: Image.Image, mask: Image.Image) -> Image.Image:
    """RGBa, premultiplied: blurring it does not draw black in from what is transparent."""
    kept = Image.new("RGBa", image.size)
    kept.paste(image.convert("RGBA").convert("RGBa"), mask=ImageOps.invert(mask.convert("L")))
    return kept


def in_place(mask: Image.Image, region: Region | None, size: tuple[int, int]) -> Image.Image:
    """A region's mask in one of a whole image of that size, black around it."""
    if region is None:
        return mask
    sheet = Image.new("L", size)
    sheet.paste(resize(mask, CROP, *region.size).convert("L"), (region.left, region.top))
    return sheet


def overlaid(image: Image.Image, over: Image.Image, region: Region | None) -> Image.Image:
    """The new picture under what was to stay; where it is of one region only, at its place."""
    if region is not None:
        sheet = Image.new("RGBA", over.size)
        sheet.paste(resize(image, CROP, *region.size), (region.left, region.top))
        image = sheet
    made = image.convert("RGBA")
    made.alpha_composite(over)
    return made.convert("RGB")
