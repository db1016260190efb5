"""Classifier-free guidance: one denoiser out of two answers of the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Prediction = Callable[[Tensor, Tensor, Tensor], Tensor]  # x, σ, context → x₀


def cfg(uncond: Tensor, cond: Tensor, scale: float) -> Tensor:
    """Ho & Salimans 2022, eq. 6, on denoised latents."""
    return uncond + (cond - uncond) * scale


@dataclass(frozen=True, slots=True)
class Guided:
    """D(x, σ) for samplers. `cond` and `uncond` are `[B,n,D]`; unequal n means two model calls instead of one.

    `joined`: both halves in one call, which costs memory and saves time. At scale 1 the uncond half has no effect and
    is not computed.
    """

    predict: Prediction
    cond: Tensor
    uncond: Tensor
    scale: float
    joined: bool = True

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        if self.scale == 1:
            return self.predict(x, sigma, self.cond)
        if self.joined and self.cond.shape[1] == self.uncond.shape[1]:
            both = self.predict(torch.cat([x, x]), sigma, torch.cat([self.cond, self.uncond]))
            cond, uncond = both.chunk(2)
        else:
            cond, uncond = self.predict(x, sigma, self.cond), self.predict(x, sigma, self.uncond)
        return cfg(uncond, cond, self.scale)
