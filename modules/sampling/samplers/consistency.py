"""Samplers of models distilled to answer in one step from any noise level."""

from __future__ import annotations

import math

from torch import Tensor

from modules.sampling.prediction import Levels
from modules.sampling.walk import Denoiser, Walk

DISTILLED = 50  # timesteps of the teacher that a latent consistency model was trained at
SIGMA_DATA = 0.5
TIMESTEP_SCALING = 10.0


def distilled(levels: Levels) -> Levels:
    """The levels that a latent consistency model knows: the last of each of 50 equal shares."""
    stride = len(levels.alphas) // DISTILLED
    return Levels(levels.alphas[stride - 1 :: stride])


def lcm(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """Multistep consistency sampling: Song et al. 2023 (arXiv 2303.01469), algorithm 1, for the latent consistency
    models of Luo et al. 2023 (arXiv 2310.04378).
    """
    known = distilled(walk.levels)
    stride = len(walk.levels.alphas) // DISTILLED
    for i in range(len(sigmas) - 1):
        nearest = int((known.logs - sigmas[i].log()).abs().argmin())
        x = consistency(model, x, sigmas[i], known.sigmas[nearest], (nearest + 1) * stride - 1)
        walk.report(i, x)
        if sigmas[i + 1] > 0:
            x = x + walk.noise() * sigmas[i + 1]
    return x


def consistency(model: Denoiser, x: Tensor, sigma: Tensor, known: Tensor, timestep: int) -> Tensor:
    """f(x, t) = c_skip(t)·x + c_out(t)·x₀ of Luo et al. 2023, at a σ whose timestep counts as the known one's.

    The model is asked at the known level, with its input at the same variance; the noise it finds is taken for σ's.
    """
    moved = x * float(((1 + known**2) / (1 + sigma**2)) ** 0.5)
    eps = (moved - model(moved, known)) / known
    t = timestep * TIMESTEP_SCALING
    whole = math.hypot(t, SIGMA_DATA)
    return (SIGMA_DATA / whole) ** 2 * x + t / whole * (x - sigma * eps)
