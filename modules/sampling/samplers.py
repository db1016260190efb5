"""The samplers: each walks x down the noise levels over a denoiser D(x, σ) → x₀, in its paper's notation.

All take x `[B,C,h,w]` at σ₀ and `sigmas` `[n+1]` (CPU, so that control flow never waits for the device) and give x at
the last σ. `walk` carries the noise, the settings and the ears.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from modules.sampling.tables import Sampler


class Denoiser(Protocol):
    """D(x, σ): the model's best guess of the clean latent; σ is 0-d on the CPU."""

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """x₀, shaped as x."""
        ...


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


def sample(sampler: Sampler, model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """Run the sampler of a table's row."""
    made: Tensor = globals()[sampler.function](model, x, sigmas, walk)
    return made


def euler(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """Karras et al. 2022, algorithm 2 without the second-order correction."""
    steps = len(sigmas) - 1
    for i in range(steps):
        sigma_hat = sigmas[i]
        if walk.s_churn > 0:
            eps = walk.noise() * walk.s_noise  # drawn even where it is not used: the stream must advance
            gamma = min(walk.s_churn / steps, 2**0.5 - 1) if walk.s_tmin <= sigmas[i] <= walk.s_tmax else 0.0
            sigma_hat = sigmas[i] * (gamma + 1)
            if gamma > 0:
                x = x + eps * (sigma_hat**2 - sigmas[i] ** 2) ** 0.5
        denoised = model(x, sigma_hat)
        walk.report(i, denoised)
        d = (x - denoised) / sigma_hat
        x = x + d * (sigmas[i + 1] - sigma_hat)
    return x


def euler_ancestral(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """Euler steps that go a little too far down and come back up with fresh noise; `eta` says how far."""
    for i in range(len(sigmas) - 1):
        denoised = model(x, sigmas[i])
        walk.report(i, denoised)
        down, up = ancestral_step(sigmas[i], sigmas[i + 1], walk.eta)
        d = (x - denoised) / sigmas[i]
        x = x + d * (down - sigmas[i])
        if sigmas[i + 1] > 0:
            x = x + walk.noise() * (walk.s_noise * up)
    return x


def dpmpp_2m(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """DPM-Solver++(2M): Lu et al. 2022 (arXiv 2211.01095), algorithm 2, in λ = −log σ."""
    old_denoised = None
    t = -sigmas.log()
    for i in range(len(sigmas) - 1):
        denoised = model(x, sigmas[i])
        walk.report(i, denoised)
        h = t[i + 1] - t[i]
        target = denoised
        if old_denoised is not None and sigmas[i + 1] > 0:
            r = (t[i] - t[i - 1]) / h
            target = (1 + 1 / (2 * r)) * denoised - (1 / (2 * r)) * old_denoised
        x = (sigmas[i + 1] / sigmas[i]) * x - torch.expm1(-h) * target
        old_denoised = denoised
    return x


def ancestral_step(sigma_from: Tensor, sigma_to: Tensor, eta: float) -> tuple[Tensor, Tensor]:
    """(σ_down to step to, σ_up of the noise to add) so that the variances add up to σ_to²."""
    full = (sigma_to**2 * (sigma_from**2 - sigma_to**2) / sigma_from**2) ** 0.5
    up = torch.minimum(sigma_to, eta * full)
    return (sigma_to**2 - up**2) ** 0.5, up
