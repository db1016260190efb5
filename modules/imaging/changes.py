"""Where a picture has changed: masks out of a map of differences, smooth and without specks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from modules.imaging.resize import FILL, resize

REACH = 2  # pixels of the difference map that are looked at around each
SPREAD = 1.5  # of their weights
SOFTENING = 4  # blur of the finished mask, in pixels of the picture
ALMOST_ONE = 1.00001

Map = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sensitivity:
    """When a difference counts: at `threshold` by half, and the more suddenly around it the higher `contrast` is."""

    threshold: float
    contrast: float
    influence: float = 0.0  # of the mask on the threshold: at 1 it alone decides where it is black or white


def changed(difference: Map, drawn: Map, sensitivity: Sensitivity, size: tuple[int, int]) -> Image.Image:
    """A mask of `size` (width, height), white where the picture differs from what it was.

    `difference` `[h,w]` is how far, `drawn` `[h,w]` how much of each pixel was to be drawn anew, 0 to 1.
    """
    closed = rank_filtered(difference, 0.9, 1)  # small gaps in what has changed are no gaps
    calm = rank_filtered(closed, 0.25, 0.75)
    bias = 0.5 * (1 - sensitivity.influence) + (1 - drawn) * sensitivity.influence
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        times = calm / (sensitivity.threshold * bias / (ALMOST_ONE - bias))
        kept = 1 / (1 + times**sensitivity.contrast)
    kept = np.nan_to_num(kept, nan=1.0)  # no difference at all against a threshold of none
    eased = kept**3 * (kept * (6 * kept - 15) + 10)
    levels = Image.fromarray((255 * (1 - eased)).astype(np.uint8))
    return resize(levels, FILL, *size).convert("L").filter(ImageFilter.GaussianBlur(SOFTENING))


def rank_filtered(values: Map, low: float, high: float) -> Map:
    """Each pixel the weighted mean of those around it whose ranks, by weight, lie between two shares of them all.

    0 to 1 is a blur, 0.25 to 0.75 a soft median, 0.9 to 1 a soft maximum. The stretch of ranks is at least as wide as
    the weight of one pixel, 1. Beyond the edges there is nothing.
    """
    side = 2 * REACH + 1
    padded = np.pad(values.astype(np.float64), REACH)
    there = np.pad(np.ones(values.shape), REACH)
    around = np.lib.stride_tricks.sliding_window_view(padded, (side, side)).reshape(*values.shape, -1)
    weights = np.lib.stride_tricks.sliding_window_view(there, (side, side)).reshape(*values.shape, -1) * _weights()
    order = np.argsort(around, axis=-1, kind="stable")
    around, weights = np.take_along_axis(around, order, -1), np.take_along_axis(weights, order, -1)
    ends = weights.cumsum(-1)
    start, end = _stretch(ends[..., -1:], low, high)
    inside = np.clip(np.minimum(ends, end) - np.maximum(ends - weights, start), 0, None)
    made: Map = ((around * inside).sum(-1) / inside.sum(-1)).astype(np.float32)
    return made


def _stretch(total: NDArray[np.float64], low: float, high: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """From and to which weight of the sorted pixels is counted."""
    start, end = total * low, total * high
    narrow = end - start < 1
    middle = (start + end) / 2
    start, end = np.where(narrow, middle - 0.5, start), np.where(narrow, middle + 0.5, end)
    over = narrow & (end > total)
    start, end = np.where(over, total - 1, start), np.where(over, total, end)
    under = narrow & (start < 0)
    return np.where(under, 0, start), np.where(under, 1, end)


def _weights() -> NDArray[np.float64]:
    """Of the pixels around one: a Gaussian that reaches zero one pixel beyond them."""
    steps = np.arange(-REACH, REACH + 1) ** 2
    bell = np.exp(-(steps[:, None] + steps) / SPREAD**2)
    foot = math.exp(-((REACH + 1) ** 2) / SPREAD**2)
    made: NDArray[np.float64] = np.maximum((bell - foot) / (1 - foot), 0).reshape(-1)
    return made
