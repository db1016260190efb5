"""Brownian motion over noise levels: the same path for a seed, whatever steps are taken along it.

The dyadic tree of Li et al. 2020 (arXiv 2001.01328, §4) and Kidger et al. 2021 (arXiv 2105.13493): the motion between
two known points is pinned at their middle by Lévy's bridge. Numbered as torchsde's `BrownianTree`, so that it walks
torchsde's paths.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from modules.sampling.rng import stream

DIGITS = 6  # levels are told apart up to here; the tree ends there
POOL = 24  # words of entropy that a node's seed is mixed from
KEPT_NODES = 48  # two ways from top to bottom
KEPT_POINTS = 4  # the ends of the last two steps


class BrownianPath:
    """One motion W over the levels from `low` to `high`, with W(low) = 0.

    `entropy` is what all of its random numbers come from, drawn as `source` says (see `rng.stream`), `shape` each.
    """

    def __init__(
        self, source: str, entropy: int, shape: Sequence[int], device: torch.device, *, low: float, high: float
    ):
        self._source = source
        self._entropy = entropy
        self._shape = tuple(shape)
        self._device = device
        self._low, self._high = round(low, DIGITS), round(high, DIGITS)
        self._whole = self._normal(np.random.SeedSequence(entropy, pool_size=POOL)) * math.sqrt(high - low)
        self._drawn = lru_cache(KEPT_NODES)(self._draw)
        self.at = lru_cache(KEPT_POINTS)(self._at)

    def _at(self, level: float) -> Tensor:
        """W at one level; outside of the path, at its nearer end."""
        wanted = min(max(round(level, DIGITS), self._low), self._high)
        start, end = self._low, self._high
        value, across = torch.zeros_like(self._whole), self._whole
        index = depth = 0
        while start < wanted < end:
            middle = round((start + end) / 2, DIGITS)
            left, right = middle - start, end - middle
            bridge = across * (left / (end - start)) + self._drawn(index, depth) * math.sqrt(
                left * right / (end - start)
            )
            if wanted < middle:
                end, across, index = middle, bridge, 2 * index
            else:
                start, value, across, index = middle, value + bridge, across - bridge, 2 * index + 1
            depth += 1
        return value if wanted == start else value + across

    def _draw(self, index: int, depth: int) -> Tensor:
        """The standard normal numbers of the tree's node number `index` at `depth`."""
        return self._normal(np.random.SeedSequence(self._entropy, spawn_key=(index, depth), pool_size=POOL))

    def _normal(self, seeds: np.random.SeedSequence) -> Tensor:
        seed = int(seeds.generate_state(1)[0])
        return stream(self._source, seed, self._device).normal(self._shape)


class BrownianNoise:
    """The noise of a batch's steps, `(σ, σ_next)` → standard normal `[B,C,H/8,W/8]` on the device.

    Each entropy is a path of `shape` `[n,C,H/8,W/8]`, the noise of n images. `sigmas`: the full schedule, whose ends
    are the paths'.
    """

    def __init__(
        self, source: str, entropies: Sequence[int], shape: Sequence[int], device: torch.device, sigmas: Tensor
    ):
        low, high = float(sigmas[sigmas > 0].min()), float(sigmas.max())
        self._device = device
        self._paths = [BrownianPath(source, entropy, shape, device, low=low, high=high) for entropy in entropies]

    def __call__(self, sigma: Tensor, sigma_next: Tensor) -> Tensor:
        """The path's way from σ to σ_next, scaled to a deviation of 1."""
        start, end = float(sigma), float(sigma_next)
        ways = torch.cat([path.at(end) - path.at(start) for path in self._paths])
        return ways.to(self._device) / math.sqrt(abs(end - start))


def seedless_entropy(number: int) -> int:
    """The entropy of batch `number` where the images' seeds shall not matter: torch's own, which starts from 0 here."""
    return int(torch.randint(2**63 - 1, (number + 1,), generator=torch.Generator().manual_seed(0))[-1])
