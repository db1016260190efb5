"""The samplers: each walks x down the noise levels over a denoiser D(x, σ) → x₀, in its paper's notation.

All take x `[B,C,h,w]` at σ₀ and `sigmas` `[n+1]` (CPU, so that control flow never waits for the device) and give x at
the last σ. `walk` carries the noise, the settings and the ears.
"""

from __future__ import annotations

from torch import Tensor

from modules.sampling.samplers import beyond, classic, consistency, dpm_solver, stochastic, timesteps, unipc
from modules.sampling.tables import Sampler
from modules.sampling.walk import Denoiser, Walk

FAMILIES = (beyond, classic, consistency, dpm_solver, stochastic, timesteps, unipc)


def sample(sampler: Sampler, model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """Run the sampler of a table's row."""
    function = next(getattr(f, sampler.function) for f in FAMILIES if hasattr(f, sampler.function))
    made: Tensor = function(model, x, sigmas, walk)
    return made
