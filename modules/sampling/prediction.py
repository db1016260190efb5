"""What a UNet predicts, turned into a denoised latent at any noise level σ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Model = Callable[[Tensor, Tensor, Tensor], Tensor]  # x [B,C,h,w], t [B], context [B,n,D] → the network's output


@dataclass(frozen=True, slots=True)
class Levels:
    """The noise levels a model was trained at, rising; on the CPU, float32, so that schedules need no device."""

    sigmas: Tensor

    @classmethod
    def scaled_linear(cls, start: float = 0.00085, end: float = 0.012, count: int = 1000) -> Levels:
        """Stable Diffusion's: β from the square of a line (Rombach et al. 2022, latent diffusion)."""
        betas = torch.linspace(start**0.5, end**0.5, count, dtype=torch.float64) ** 2
        alphas = torch.cumprod(1 - betas, 0).float()
        return cls(((1 - alphas) / alphas) ** 0.5)

    @property
    def sigma_min(self) -> float:
        return float(self.sigmas[0])

    @property
    def sigma_max(self) -> float:
        return float(self.sigmas[-1])

    def sigma(self, t: Tensor) -> Tensor:
        """σ at fractional timesteps, linear in log σ."""
        logs = self.sigmas.log()
        low = t.floor().long().clamp(0, len(logs) - 1)
        high = t.ceil().long().clamp(0, len(logs) - 1)
        part = t - low
        return ((1 - part) * logs[low] + part * logs[high]).exp()

    def t(self, sigma: Tensor) -> Tensor:
        """The fractional timestep of σ; the inverse of `sigma`, held within the table."""
        logs = self.sigmas.log()
        log = sigma.log()
        low = (torch.searchsorted(logs, log.contiguous(), right=True) - 1).clamp(0, len(logs) - 2)
        part = ((logs[low] - log) / (logs[low] - logs[low + 1])).clamp(0, 1)
        return (1 - part) * low + part * (low + 1)


@dataclass(frozen=True, slots=True)
class Eps:
    """A network that predicts the noise: x₀ = x − σ·ε (Karras et al. 2022, table 1, VP column)."""

    model: Model
    levels: Levels

    def __call__(self, x: Tensor, sigma: Tensor, context: Tensor) -> Tensor:
        """x₀ for `x` `[B,C,h,w]` at one σ (0-d, CPU) for the whole batch."""
        t = self.levels.t(sigma.reshape(1)).to(x.device).expand(len(x))
        return x - self.model(x * float((sigma**2 + 1) ** -0.5), t, context) * float(sigma)
