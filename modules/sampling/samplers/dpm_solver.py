"""DPM-Solver as its paper drives it: Lu et al. 2022 (arXiv 2206.00927), orders 1 to 3 in λ = −log σ, where α is 1.

Both samplers lay out their steps themselves, between the ends of the walk; an η above 0 makes each step ancestral.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from modules.sampling.walk import Denoiser, Walk, ancestral_step

RTOL, ATOL = 0.05, 0.0078  # the paper's tolerances: relative, and that of 8-bit values in [−1, 1]
FIRST_STEP = 0.05  # in λ, as the paper's
SAFETY = 0.81  # a step whose successor would be a smaller part of it than this is tried again
END = 1e-5  # in λ: as near to the end as this counts as there


def sigma_of(t: Tensor) -> Tensor:
    """σ at λ."""
    return (-t).exp()


@dataclass(frozen=True, slots=True)
class Point:
    """A place λ that is `h` beyond the origin; both are kept, for their difference would be too rough for small h."""

    t: Tensor
    h: Tensor


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a step starts: x at λ with the noise ε that the model sees in it."""

    model: Denoiser
    x: Tensor
    t: Tensor
    denoised: Tensor
    eps: Tensor

    @classmethod
    def at(cls, model: Denoiser, x: Tensor, t: Tensor) -> Origin:
        """Ask the model."""
        denoised = model(x, sigma_of(t))
        return cls(model, x, t, denoised, (x - denoised) / sigma_of(t))

    def to(self, t: Tensor) -> Point:
        """The end of a step."""
        return Point(t, t - self.t)

    def part(self, end: Point, r: float) -> Point:
        """The part r of the way to the end."""
        return Point(self.t + r * end.h, r * end.h)

    def change(self, x: Tensor, point: Point) -> Tensor:
        """How far the noise at another point differs from the origin's."""
        sigma = sigma_of(point.t)
        return (x - self.model(x, sigma)) / sigma - self.eps


def first_order(origin: Origin, end: Point) -> Tensor:
    """DPM-Solver-1: x at the end."""
    return origin.x - sigma_of(end.t) * torch.expm1(end.h) * origin.eps


def inner_change(origin: Origin, end: Point, r1: float) -> Tensor:
    """The change of the noise at the part r₁ of the way, reached by first order."""
    inner = origin.part(end, r1)
    return origin.change(first_order(origin, inner), inner)


def second_order(origin: Origin, end: Point, change: Tensor, r1: float) -> Tensor:
    """DPM-Solver-2: x at the end by the `change` of the noise at r₁."""
    return first_order(origin, end) - sigma_of(end.t) / (2 * r1) * torch.expm1(end.h) * change


def third_order(origin: Origin, end: Point, change: Tensor) -> Tensor:
    """DPM-Solver-3: x at the end by the `change` of the noise at r₁ = 1/3 and another at r₂ = 2/3."""
    r1, r2 = 1 / 3, 2 / 3
    inner = origin.part(end, r2)
    u2 = _linear(origin, inner, change, r1 / r2)
    return _linear(origin, end, origin.change(u2, inner), r2)


def _linear(origin: Origin, end: Point, change: Tensor, r: float) -> Tensor:
    """x at the end when the noise changes evenly, by `change` at the part r of the way."""
    return first_order(origin, end) - sigma_of(end.t) / r * (torch.expm1(end.h) / end.h - 1) * change


def dpm_fast(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """DPM-Solver-fast: even steps in λ that together call the model as often as steps were asked for."""
    start, end = _ends(sigmas, walk)
    orders = fast_orders(len(sigmas) - 1)
    grid = torch.linspace(float(start), float(end), len(orders) + 1)
    for i, order in enumerate(orders):
        origin = Origin.at(model, x, grid[i])
        walk.report(sum(orders[:i]), origin.denoised)
        t_down, up = _below(grid[i], grid[i + 1], end, walk.eta)
        x = _advanced(origin, origin.to(t_down), order)
        x = x + walk.noise() * (walk.s_noise * up)
    return x


def _advanced(origin: Origin, end: Point, order: int) -> Tensor:
    if order == 3:
        return third_order(origin, end, inner_change(origin, end, 1 / 3))
    if order == 2:
        return second_order(origin, end, inner_change(origin, end, 1 / 2), 1 / 2)
    return first_order(origin, end)


def fast_orders(calls: int) -> list[int]:
    """As many third orders as fit, so that the last step, to the lowest noise, is of a lower one."""
    thirds, rest = divmod(calls, 3)
    return [3] * thirds + [rest] if rest else [3] * (thirds - 1) + [2, 1]


def dpm_adaptive(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """DPM-Solver-23: each step is as long as the second and the third order agree, with one length for the whole batch.

    It reports how far in λ it has come, counted in the steps asked for, which are of no other effect.
    """
    steps = len(sigmas) - 1
    start, end = _ends(sigmas, walk)
    t, x_prev, h = start, x, FIRST_STEP
    power = 1 / (1.5 if walk.eta else 3)  # noise halves the order in which the error falls with h
    while t < end - END:
        t_next = torch.minimum(end, t + h)
        t_down, up = _below(t, t_next, end, walk.eta)
        origin = Origin.at(model, x, t)
        walk.report(min(steps - 1, int(steps * (t - start) / (end - start))), origin.denoised)
        down = origin.to(t_down)
        change = inner_change(origin, down, 1 / 3)
        x_low, x_high = second_order(origin, down, change, 1 / 3), third_order(origin, down, change)
        error = _error(x_low, x_high, x_prev)
        if math.isnan(error):
            return x_high  # the model overflows: no step is short enough
        factor = 1 + math.atan((1 / (error + 1e-8)) ** power - 1)  # never a leap: Söderlind and Wang 2006
        h *= factor
        if factor >= SAFETY:
            x_prev, x, t = x_low, x_high + walk.noise() * (walk.s_noise * up), t_next
    return x


def _error(x_low: Tensor, x_high: Tensor, x_prev: Tensor) -> float:
    """Their distance in tolerated ones: the root of the mean square."""
    tolerance = (RTOL * torch.maximum(x_low.abs(), x_prev.abs())).clamp(min=ATOL)
    return float(((x_low - x_high) / tolerance).square().mean().sqrt())


def _ends(sigmas: Tensor, walk: Walk) -> tuple[Tensor, Tensor]:
    """λ of the first and the last noise level."""
    high, low = walk.span or (float(sigmas[0]), float(sigmas[-2]))
    return -torch.tensor(high).log(), -torch.tensor(low).log()


def _below(t: Tensor, t_next: Tensor, end: Tensor, eta: float) -> tuple[Tensor, Tensor]:
    """(λ to step to, deviation of the noise that leads back to `t_next`); never further than the end."""
    if not eta:
        return t_next, torch.zeros(())
    down, _ = ancestral_step(sigma_of(t), sigma_of(t_next), eta)
    t_down = torch.minimum(end, -down.log())
    return t_down, (sigma_of(t_next) ** 2 - sigma_of(t_down) ** 2).sqrt()
