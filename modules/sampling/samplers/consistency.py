"""Samplers of models distilled to answer in one step from any noise level."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from modules.sampling.guidance import Prediction
from modules.sampling.prediction import Condition, Levels
from modules.sampling.walk import Denoiser, Walk

DISTILLED = 50  # timesteps of the teacher that a latent consistency model was trained at
SIGMA_DATA = 0.5
TIMESTEP_SCALING = 10.0
TIE = 1e-5  # of log σ: the last digits of single precision shall not decide


def distilled(levels: Levels) -> Levels:
    """The levels that a latent consistency model knows: the last of each of 50 equal shares."""
    return Levels(levels.alphas[_stride(levels) - 1 :: _stride(levels)])


def _stride(levels: Levels) -> int:
    return len(levels.alphas) // DISTILLED


def lcm(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """Multistep consistency sampling: Song et al. 2023 (arXiv 2303.01469), algorithm 1."""
    for i in range(len(sigmas) - 1):
        x = model(x, sigmas[i])
        walk.report(i, x)
        if sigmas[i + 1] > 0:
            x = x + walk.noise() * sigmas[i + 1]
    return x


@dataclass(frozen=True, slots=True)
class Consistency:
    """f(x, t) = c_skip(t)·x + c_out(t)·x₀ of Luo et al. 2023 (arXiv 2310.04378), at any σ of a model with `levels`.

    The model is asked at the nearest level that it was distilled at, with its input at the same variance; the noise
    that it finds is taken for σ's.
    """

    predict: Prediction
    levels: Levels

    def __call__(self, x: Tensor, sigma: Tensor, condition: Condition) -> Tensor:
        known = distilled(self.levels)
        nearest = _nearest(known.logs, sigma.log())
        level = known.sigmas[nearest]
        moved = x * float(((1 + level**2) / (1 + sigma**2)) ** 0.5)
        eps = (moved - self.predict(moved, level, condition)) / float(level)
        t = ((nearest + 1) * _stride(self.levels) - 1) * TIMESTEP_SCALING
        whole = math.hypot(t, SIGMA_DATA)
        return (SIGMA_DATA / whole) ** 2 * x + t / whole * (x - float(sigma) * eps)


def _nearest(logs: Tensor, log: Tensor) -> int:
    """The known level that a σ counts as: of two as near, between which an even schedule may fall, the lower."""
    gaps = (logs - log).abs()
    return int((gaps <= gaps.min() + TIE).nonzero()[0])
