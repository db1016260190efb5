"""Classifier-free guidance: one denoiser out of several answers of the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Prediction = Callable[[Tensor, Tensor, Tensor], Tensor]  # x, σ, context → x₀


def combine(uncond: Tensor, conds: Sequence[Tensor], weights: Sequence[float], scale: float) -> Tensor:
    """Ho & Salimans 2022, eq. 6, on denoised latents; several prompts add up (Liu et al. 2022, eq. 11)."""
    made = uncond
    for cond, weight in zip(conds, weights, strict=True):
        made = made + (cond - uncond) * (weight * scale)
    return made


@dataclass(frozen=True, slots=True)
class Contexts:
    """What the model is given at one call: a context `[1,n,D]` for each part, and the negative one."""

    parts: Sequence[Tensor]
    weights: Sequence[float]
    negative: Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class Skip:
    """When the negative half is left out to save time: below a noise level at every other call (or `every` one), and
    in the first share `early` of all `calls`.
    """

    below: float = 0.0
    every: bool = False
    early: float = 0.0
    calls: int = 1

    def __call__(self, call: int, level: float) -> bool:
        """Is it left out at this call, counted from 0?"""
        low = level < self.below and (self.every or call % 2 == 1)
        return low or (self.early > 0 and call / self.calls <= self.early)


@dataclass(slots=True)
class Guided:
    """D(x, σ) for samplers. `contexts(k)` tells what steers the model's call number k, counted from 0.

    `joined`: all answers in one call of the model, which costs memory and saves time; contexts of unequal length need
    calls of their own. Where the negative half has no effect it is not computed; where `skip` says so, the first
    part's answer stands for it.
    """

    predict: Prediction
    contexts: Callable[[int], Contexts]
    scale: float
    joined: bool = True
    skip: Callable[[int, float], bool] = Skip()
    calls: int = 0

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        given = self.contexts(self.calls)
        skipped = self.skip(self.calls, float(sigma))
        self.calls += 1
        parts = evened(given.parts)
        if self.scale == 1 and list(given.weights) == [1.0]:
            return self._answers(x, sigma, parts)[0]
        if skipped:
            conds = self._answers(x, sigma, parts)
            uncond = conds[0]
        elif self.joined and given.negative.shape[1] == parts[0].shape[1]:
            *conds, uncond = self._answers(x, sigma, [*parts, given.negative])
        else:
            conds, (uncond,) = self._answers(x, sigma, parts), self._answers(x, sigma, [given.negative])
        return combine(uncond, conds, given.weights, self.scale)

    def _answers(self, x: Tensor, sigma: Tensor, contexts: Sequence[Tensor]) -> list[Tensor]:
        """x₀ for each context."""
        if not self.joined and len(contexts) > 1:
            return [self._answers(x, sigma, [one])[0] for one in contexts]
        context = torch.cat([one.expand(len(x), -1, -1) for one in contexts])
        return list(self.predict(x.repeat(len(contexts), 1, 1, 1), sigma, context).chunk(len(contexts)))


def evened(contexts: Sequence[Tensor]) -> list[Tensor]:
    """Parts of a prompt at one length: a shorter one repeats its last vector, as A1111 does."""
    longest = max(one.shape[1] for one in contexts)
    return [torch.cat([one, one[:, -1:].expand(-1, longest - one.shape[1], -1)], 1) for one in contexts]
