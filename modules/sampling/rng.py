"""Where noise comes from: one stream per image, so that an image is the same alone and in a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from modules.sampling.philox import Philox

Shape = tuple[int, int, int]  # C, H/8, W/8


class Stream(Protocol):
    """Draws of one image."""

    def normal(self, shape: tuple[int, ...]) -> Tensor:
        """Standard normal numbers, float32."""
        ...


class _PhiloxStream:
    def __init__(self, seed: int):
        self._philox = Philox(seed)

    def normal(self, shape: tuple[int, ...]) -> Tensor:
        return torch.from_numpy(self._philox.normal(shape))


class _TorchStream:
    def __init__(self, seed: int, device: str):
        self._generator = torch.Generator(device).manual_seed(seed)

    def normal(self, shape: tuple[int, ...]) -> Tensor:
        return torch.randn(shape, generator=self._generator, device=self._generator.device)


def stream(source: str, seed: int, device: torch.device) -> Stream:
    """`NV`: an NVIDIA card's numbers anywhere. `CPU`: torch's. `GPU`: the card's own; where there is none, as `NV`."""
    if source == "CPU":
        return _TorchStream(seed, "cpu")
    if source == "GPU" and device.type == "cuda":
        return _TorchStream(seed, str(device))
    return _PhiloxStream(seed)


@dataclass(frozen=True, kw_only=True, slots=True)
class Variation:
    """What bends the first noise: other seeds mixed in by `strength`, and the latent size the seed was found at."""

    seeds: Sequence[int] = ()
    strength: float = 0.0
    resize_from: tuple[int, int] | None = None  # H/8, W/8


class NoiseSource:
    """The noise of a batch: `first()` once, then `next()` as often as the sampler asks; `[B,C,H/8,W/8]` on the device.

    `delta` is A1111's ENSD: added to the seeds for all but the first draw.
    """

    def __init__(self, source: str, seeds: Sequence[int], shape: Shape, device: torch.device, delta: int = 0):
        self.seeds = tuple(seeds)
        self.shape = shape
        self._source = source
        self._device = device
        self._delta = delta
        self._streams = [self._stream(seed) for seed in seeds]

    def _stream(self, seed: int) -> Stream:
        return stream(self._source, seed, self._device)

    def first(self, variation: Variation | None = None) -> Tensor:
        """The noise that sampling starts from."""
        bent = variation or Variation()
        drawn = torch.stack([self._first(i, bent).to(self._device) for i in range(len(self.seeds))])
        if self._delta:
            self._streams = [self._stream(seed + self._delta) for seed in self.seeds]
        return drawn

    def next(self) -> Tensor:
        """The noise of one sampling step."""
        return torch.stack([one.normal(self.shape).to(self._device) for one in self._streams])

    def _first(self, i: int, bent: Variation) -> Tensor:
        shape = (self.shape[0], *bent.resize_from) if bent.resize_from else self.shape
        resized = shape != self.shape
        noise = (self._stream(self.seeds[i]) if resized else self._streams[i]).normal(shape)
        if bent.strength and i < len(bent.seeds):
            noise = slerp(bent.strength, noise, self._stream(bent.seeds[i]).normal(shape))
        return _pasted(noise, self._streams[i].normal(self.shape)) if resized else noise


def slerp(weight: float, low: Tensor, high: Tensor) -> Tensor:
    """From `low` (0) to `high` (1) along the sphere, separately for each column of `[C,H,W]` as A1111 does."""
    norms = low / low.norm(dim=1, keepdim=True), high / high.norm(dim=1, keepdim=True)
    cosine = (norms[0] * norms[1]).sum(dim=1, keepdim=True)
    if cosine.mean() > 0.9995:
        return low * (1 - weight) + high * weight
    angle = torch.acos(cosine)
    return (torch.sin((1 - weight) * angle) * low + torch.sin(weight * angle) * high) / torch.sin(angle)


def _pasted(small: Tensor, full: Tensor) -> Tensor:
    """`small` laid centred on `full`; what stands over is cut."""
    result = full.clone()
    rows, columns = (_overlap(small.shape[axis], full.shape[axis]) for axis in (1, 2))
    result[:, rows[1], columns[1]] = small[:, rows[0], columns[0]]
    return result


def _overlap(small: int, full: int) -> tuple[slice, slice]:
    """Where a centred length lies: (within small, within full)."""
    gap = (full - small) // 2
    length = small if gap >= 0 else small + 2 * gap
    inner, outer = max(0, -gap), max(0, gap)
    return slice(inner, inner + length), slice(outer, outer + length)
