"""Classifier-free guidance: one denoiser out of several answers of the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor

from modules.sampling.prediction import Condition

Prediction = Callable[[Tensor, Tensor, Condition], Tensor]  # x, σ, condition → x₀
Conditions = Condition | Sequence[Condition]  # of one row: one for all images, or one for each, of any lengths
Weight = float | Tensor  # for all images, or `[B,1,1,1]`

CFGPP_FULL = 12.5  # the CFG scale at which A1111 lets CFG++'s λ be 1


def combine(uncond: Tensor, conds: Sequence[Tensor], weights: Sequence[Weight], scale: float) -> Tensor:
    """Ho & Salimans 2022, eq. 6, on denoised latents; several prompts add up (Liu et al. 2022, eq. 11)."""
    made = uncond
    for cond, weight in zip(conds, weights, strict=True):
        made = made + (cond - uncond) * (weight * scale)
    return made


@dataclass(frozen=True, slots=True)
class Contexts:
    """What the model is given at one call: the condition of each part, and the negative one."""

    parts: Sequence[Conditions]
    weights: Sequence[Weight]
    negative: Conditions

    @property
    def unweighted(self) -> bool:
        """Is there but one part, of weight 1?"""
        return len(self.weights) == 1 and isinstance(self.weights[0], float) and self.weights[0] == 1


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
class Call:
    """One call of the model: what it is asked, and what came of it. A `Listener` may exchange all of it.

    `x` `[B,C,h,w]` at level `sigma`; `image` goes in beside it. `skipped`: the negative half is not computed.
    `conds` is x₀ of each part, `uncond` of the negative half, `denoised` of both combined.
    """

    number: int
    x: Tensor
    sigma: Tensor
    given: Contexts
    image: Tensor | None = None
    skipped: bool = False
    conds: list[Tensor] = field(default_factory=list)
    uncond: Tensor | None = None
    denoised: Tensor | None = None


class Listener(Protocol):
    """Who is told of each call."""

    def asking(self, call: Call) -> None:
        """Before the model is called."""

    def answered(self, call: Call) -> None:
        """The answers are there, not yet combined."""

    def guided(self, call: Call) -> None:
        """`call.denoised` is there."""


@dataclass(slots=True)
class Guided:
    """D(x, σ) for samplers. `contexts(k)` tells what steers the model's call number k, counted from 0.

    `joined`: all answers in one call of the model, which costs memory and saves time; contexts of unequal length need
    calls of their own. Where the negative half has no effect it is not computed; where `skip` says so, the first
    part's answer stands for it. `keeps_uncond`: the negative half is computed whatever the scale, for `unguided`.
    `image` `[B,c,h,w]` goes in beside x at every call; with an `image_scale` it guides apart from the text.
    """

    predict: Prediction
    contexts: Callable[[int], Contexts]
    scale: float
    joined: bool = True
    skip: Callable[[int, float], bool] = Skip()
    keeps_uncond: bool = False
    image: Tensor | None = None
    image_scale: float | None = None
    listener: Listener | None = None
    calls: int = 0
    uncond: Tensor | None = None  # of the newest call

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        call = Call(self.calls, x, sigma, self.contexts(self.calls), self.image)
        call.skipped = self.skip(self.calls, float(sigma))
        self.calls += 1
        if self.listener is None:
            self._ask(call)
            return self._combined(call)
        self.listener.asking(call)
        self._ask(call)
        self.listener.answered(call)
        call.denoised = self._combined(call)
        self.listener.guided(call)
        return call.denoised

    @property
    def _edits(self) -> bool:
        return self.image is not None and self.image_scale is not None

    def _ask(self, call: Call) -> None:
        """Fill in the answers."""
        if self._edits:
            self._ask_editor(call)
        elif self.scale == 1 and call.given.unweighted and not self.keeps_uncond:
            call.conds = self._answers(call, call.given.parts)
        elif call.skipped:
            call.conds = self._answers(call, call.given.parts)
            call.uncond = call.conds[0]
        else:
            *call.conds, call.uncond = self._answers(call, [*call.given.parts, call.given.negative])

    def _combined(self, call: Call) -> Tensor:
        if self._edits:
            return self._edited(call)
        if call.uncond is None:
            return call.conds[0]
        self.uncond = call.uncond
        return combine(call.uncond, call.conds, call.given.weights, self.scale)

    def unguided(self, denoised: Tensor) -> Tensor:
        """x₀ of the newest call, which gave `denoised`, without guidance."""
        return denoised if self.uncond is None else self.uncond

    def _ask_editor(self, call: Call) -> None:
        """InstructPix2Pix (Brooks et al. 2022, arXiv 2211.09800): the last of the parts is the picture alone."""
        assert call.image is not None
        asked = [*call.given.parts, call.given.negative, call.given.negative]
        images = [*[call.image] * (len(asked) - 1), torch.zeros_like(call.image)]
        *call.conds, call.uncond = self._answers(call, asked, images)

    def _edited(self, call: Call) -> Tensor:
        """Eq. 3 of the same."""
        *conds, seen = call.conds
        assert call.uncond is not None and self.image_scale is not None
        self.uncond = call.uncond
        return combine(seen, conds, call.given.weights, self.scale) + (self.image_scale - 1) * (seen - call.uncond)

    def _answers(self, call: Call, asked: Sequence[Conditions], images: Sequence[Tensor] | None = None) -> list[Tensor]:
        """x₀ for each of the conditions. `images` go in beside x with each; else it is the one for all."""
        x, sigma = call.x, call.sigma
        if images is None and call.image is not None:
            images = [call.image] * len(asked)
        if not self.joined and len(asked) > 1:
            return [self._answers(call, [one], images and [images[i]])[0] for i, one in enumerate(asked)]
        rows = [row for one in asked for row in ([one] * len(x) if isinstance(one, Condition) else one)]
        if images is not None:
            beside = torch.cat(list(images)).chunk(len(rows))
            rows = [replace(row, image=image) for row, image in zip(rows, beside, strict=True)]
        x = x.repeat(len(asked), 1, 1, 1)
        made = torch.empty_like(x)
        lengths = [row.context.shape[1] for row in rows]
        for length in sorted(set(lengths)):
            places = [place for place, one in enumerate(lengths) if one == length]
            made[places] = self.predict(x[places], sigma, Condition.joined([rows[place] for place in places]))
        return list(made.chunk(len(asked)))
