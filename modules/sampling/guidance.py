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


@dataclass(slots=True)
class Guided:
    """D(x, σ) for samplers. `contexts(k)` tells what steers the model's call number k, counted from 0.

    `joined`: all answers in one call of the model, which costs memory and saves time; contexts of unequal length need
    calls of their own. Where the negative half has no effect it is not computed.
    """

    predict: Prediction
    contexts: Callable[[int], Contexts]
    scale: float
    joined: bool = True
    calls: int = 0

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        given = self.contexts(self.calls)
        self.calls += 1
        parts = evened(given.parts)
        if self.scale == 1 and list(given.weights) == [1.0]:
            return self._answers(x, sigma, parts)[0]
        if self.joined and given.negative.shape[1] == parts[0].shape[1]:
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
