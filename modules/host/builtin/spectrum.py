"""Noise that goes on from a picture: of its frequencies (by Fourier transform) and of its colours (by histogram)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Waves = NDArray[np.complex128]
PLANE = (0, 1)


def continued(image: Floats, hole: Floats, exponent: float, colourfulness: float) -> Floats:
    """The image `[H,W,3]`, 0 to 1, with noise like it where `hole` is 1; `exponent`: of its frequencies' strength.

    The noise is of a fixed generator, so that only the picture's own seed decides.
    """
    grey = hole.mean(axis=2)
    seen = image * (1 - grey[..., None])
    seen = seen / max(seen.max(), 1e-12) + image.mean() * hole
    waves = _waves(seen)
    strength = np.abs(waves)
    phase = np.divide(waves, strength, out=np.zeros_like(waves), where=strength > 0)
    shaped = _waves(_smoothed(_noise(image.shape, colourfulness)))
    alike: Waves = np.asarray(np.abs(shaped) ** 2 * strength**exponent * phase, np.complex128)
    noise = _picture(alike)
    noise -= noise.min()
    noise /= max(noise.max(), 1e-12)
    drawn, known = grey > 1e-6, grey < 1e-3
    if known.any():
        noise[drawn] = matched(noise[drawn], image[known])
    made: Floats = np.clip(image * (1 - hole) + noise * hole, 0, 1)
    return made


def matched(values: Floats, like: Floats) -> Floats:
    """The values `[N,C]` moved so that each channel is distributed as in `like` `[M,C]`."""
    made = np.empty_like(values)
    for channel in range(values.shape[1]):
        _, places, counts = np.unique(values[:, channel], return_inverse=True, return_counts=True)
        levels, wanted = np.unique(like[:, channel], return_counts=True)
        own, others = np.cumsum(counts) / len(values), np.cumsum(wanted) / len(like)
        made[:, channel] = np.interp(own, others, levels)[places.reshape(-1)]
    return made


def _noise(shape: tuple[int, ...], colourfulness: float) -> Floats:
    """Grey, and by that share coloured."""
    noise = np.random.default_rng(0).random(shape)
    made: Floats = noise * colourfulness + noise.sum(axis=2, keepdims=True) / 3 * (1 - colourfulness)
    return made


def _smoothed(noise: Floats) -> Floats:
    """High frequencies weakened by a product of two Lorentz curves."""
    height, width = noise.shape[:2]
    shorter = min(height, width)
    y, x = ((np.arange(side) / side * 2 - 1) * side / shorter for side in (height, width))
    window = 1 / np.outer(y**2 + 1, x**2 + 1)
    waves: Waves = _waves(noise) * window[..., None]
    return _picture(waves)


def _waves(picture: Floats) -> Waves:
    """Its spectrum, the lowest frequency in the middle."""
    made: Waves = np.fft.ifftshift(np.fft.fft2(np.fft.fftshift(picture, PLANE), axes=PLANE, norm="ortho"), PLANE)
    return made


def _picture(waves: Waves) -> Floats:
    made: Floats = np.fft.ifftshift(np.fft.ifft2(np.fft.fftshift(waves, PLANE), axes=PLANE, norm="ortho"), PLANE).real
    return made
