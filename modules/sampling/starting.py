"""Where a walk down the noise levels begins: in pure noise, or in a latent with noise over it."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from modules.sampling.prediction import Levels
from modules.sampling.schedules import timesteps, unipc_times
from modules.sampling.tables import Sampler
from modules.sampling.walk import variance_preserving

More = Callable[[Tensor], Tensor]  # noise on top of what the level says, for the noisy latent


def from_noise(sampler: Sampler, noise: Tensor, sigmas: Tensor, unit: bool = False) -> Tensor:
    """x at σ₀. `unit`: of the noise's own variance in the scale of the model's input, as DDIM's family always is."""
    sigma = sigmas[0]
    return noise * ((1 + sigma**2).sqrt() if unit or sampler.schedule is not None else sigma)


def from_latent(
    latent: Tensor, noise: Tensor, sigmas: Tensor, taken: int, more: More | None = None
) -> tuple[Tensor, Tensor]:
    """(x, the σ that are left) for the last `taken` steps of a schedule over a clean latent."""
    left = sigmas[len(sigmas) - 1 - taken :] if taken < len(sigmas) else sigmas
    x = latent + noise * left[0]
    return (x if more is None else x + more(x)), left


def from_latent_by_timesteps(
    sampler: Sampler,
    latent: Tensor,
    noise: Tensor,
    levels: Levels,
    steps: int,
    taken: int,
    more: More | None = None,
    **times: str,
) -> tuple[Tensor, Tensor]:
    """The same for DDIM's family, which A1111 lets begin one timestep below the one that its noise is for."""
    every = timesteps(steps, levels)
    below = taken - 1  # timesteps that are walked over
    at = every[len(every) - 1 - below]
    x = variance_preserving(latent + noise * at, at)
    if more is not None:
        x = x + variance_preserving(more(x), at)
    if below == 0:
        return x, every[:0]
    left = every[len(every) - below :]
    if sampler.function == "unipc":
        left = unipc_times(below, levels, int((levels.sigmas - left[0]).abs().argmin()), **times)
    return x * (1 + left[0] ** 2) ** 0.5, left
