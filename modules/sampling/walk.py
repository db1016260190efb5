"""What samplers share: the denoiser they ask, what they carry on their walk down the noise levels, and steps of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Denoiser(Protocol):
    """D(x, σ): the model's best guess of the clean latent; σ is 0-d on the CPU."""

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """x₀, shaped as x."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Corrections:
    """How UniPC goes: its B(h) (`bh1`, `bh2`, or `vary_coeff` for the exact weights) and its order."""

    variant: str = "bh1"
    order: int = 3
    lower_order_final: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Walk:
    """What a sampler needs beside x and σ. `report(i, x0)` is called after the model's answer at step i, may raise."""

    noise: Callable[[], Tensor]
    report: Callable[[int, Tensor], None]
    eta: float = 1.0
    s_churn: float = 0.0
    s_tmin: float = 0.0
    s_tmax: float = float("inf")
    s_noise: float = 1.0
    brownian: Callable[[Tensor, Tensor], Tensor] | None = None  # (σ, σ_next) → the step's noise, of one path per image
    span: tuple[float, float] | None = None  # σ to start and to end at, for samplers that lay out their own steps
    unguided: Callable[[Tensor], Tensor] = lambda denoised: denoised  # x₀ without guidance, of the newest answer
    unipc: Corrections = Corrections()

    def path(self, sigma: Tensor, sigma_next: Tensor) -> Tensor:
        """The noise between two levels; without a path, any."""
        return self.brownian(sigma, sigma_next) if self.brownian else self.noise()


def churned(x: Tensor, sigmas: Tensor, i: int, walk: Walk) -> tuple[Tensor, Tensor]:
    """(x, σ̂) raised a little in noise, as algorithm 2's lines 4 to 6 want it; unchanged without churn."""
    if walk.s_churn <= 0:
        return x, sigmas[i]
    eps = walk.noise() * walk.s_noise  # drawn even where it is not used: the stream must advance
    within = walk.s_tmin <= sigmas[i] <= walk.s_tmax
    gamma = min(walk.s_churn / (len(sigmas) - 1), 2**0.5 - 1) if within else 0.0
    sigma_hat = sigmas[i] * (gamma + 1)
    return (x + eps * (sigma_hat**2 - sigmas[i] ** 2) ** 0.5 if gamma > 0 else x), sigma_hat


def ancestral_step(sigma_from: Tensor, sigma_to: Tensor, eta: float) -> tuple[Tensor, Tensor]:
    """(σ_down to step to, σ_up of the noise to add) so that the variances add up to σ_to²."""
    full = (sigma_to**2 * (sigma_from**2 - sigma_to**2) / sigma_from**2) ** 0.5
    up = torch.minimum(sigma_to, eta * full)
    return (sigma_to**2 - up**2) ** 0.5, up


def variance_preserving(x: Tensor, sigma: Tensor) -> Tensor:
    """x at σ in the scale of the model's input: √ᾱ·x, where 1/ᾱ = 1 + σ²."""
    return x / (1 + sigma**2) ** 0.5
