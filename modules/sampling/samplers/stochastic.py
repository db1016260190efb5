"""The samplers of the diffusion SDE: every step brings fresh noise, taken from one Brownian path; and Restart.

Lu et al. 2022 (DPM-Solver++, arXiv 2211.01095) in λ = −log σ. With η between the ODE (0) and their SDE (1), a step of
h in λ damps x by e^(−H), H = (1 + η)·h, and the variance of its noise is σ_next²·(1 − e^(−2ηh)).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from modules.sampling.schedules import karras
from modules.sampling.walk import Denoiser, Walk, ancestral_step

RESTART_MIN, RESTART_MAX = 0.1, 2.0  # the interval of noise levels that is walked again


class Guess(NamedTuple):
    """What the model made of x at one λ."""

    t: Tensor
    denoised: Tensor


Curve = Callable[[Tensor, Tensor, Sequence[Guess]], Tensor]  # h, H, guesses (newest first) → what they add to a step


def dpmpp_sde(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """DPM-Solver++(2S) with r = 1/2 on the SDE; both parts of a step follow the same path."""
    t = -sigmas.log()
    levels = (-t).exp()  # not quite sigmas: rounded as A1111's are, which a rough path tells apart
    for i in range(len(sigmas) - 1):
        denoised = model(x, sigmas[i])
        walk.report(i, denoised)
        if sigmas[i + 1] == 0:
            return denoised
        middle = (-(t[i] + (t[i + 1] - t[i]) / 2)).exp()
        halfway = _ancestral(x, denoised, levels[i], middle, walk)
        x = _ancestral(x, model(halfway, middle), levels[i], levels[i + 1], walk)
    return x


def _ancestral(x: Tensor, denoised: Tensor, sigma: Tensor, sigma_next: Tensor, walk: Walk) -> Tensor:
    """First order from σ below σ_next, and up again with the path's noise."""
    down, up = ancestral_step(sigma, sigma_next, walk.eta)
    return denoised + (down / sigma) * (x - denoised) + walk.path(sigma, sigma_next) * (walk.s_noise * up)


def dpmpp_2m_sde(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """SDE-DPM-Solver++(2M), whose second order is the midpoint rule."""
    return _multistep(model, x, sigmas, walk, midpoint_curve)


def dpmpp_2m_sde_heun(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """SDE-DPM-Solver++(2M), whose second order is exact for a straight line of guesses."""
    return _multistep(model, x, sigmas, walk, linear_curve)


def dpmpp_3m_sde(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """The same with three guesses: exact where they lie on a parabola in λ."""
    return _multistep(model, x, sigmas, walk, quadratic_curve)


def _multistep(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk, curve: Curve) -> Tensor:
    """Exponential integration of the SDE's linear part; `curve` follows how the guesses change along the way."""
    guesses: list[Guess] = []
    t = -sigmas.log()
    for i in range(len(sigmas) - 1):
        denoised = model(x, sigmas[i])
        walk.report(i, denoised)
        if sigmas[i + 1] == 0:
            return denoised
        guesses = [Guess(t[i], denoised), *guesses[:2]]
        h = t[i + 1] - t[i]
        damping = h * (1 + walk.eta)
        x = (-damping).exp() * x - torch.expm1(-damping) * denoised
        if len(guesses) > 1:
            x = x + curve(h, damping, guesses)
        if walk.eta > 0:
            deviation = sigmas[i + 1] * (-torch.expm1(-2 * walk.eta * h)).sqrt()
            x = x + walk.path(sigmas[i], sigmas[i + 1]) * (walk.s_noise * deviation)
    return x


def midpoint_curve(h: Tensor, damping: Tensor, guesses: Sequence[Guess]) -> Tensor:
    """Half a step along the newest slope, held over the whole step."""
    return _slope(*guesses[:2]) * (-torch.expm1(-damping) * h / 2)


def linear_curve(h: Tensor, damping: Tensor, guesses: Sequence[Guess]) -> Tensor:
    """∫ of the newest slope under the damping."""
    return _slope(*guesses[:2]) * (phi_2(damping) * h)


def quadratic_curve(h: Tensor, damping: Tensor, guesses: Sequence[Guess]) -> Tensor:
    """∫ of the parabola through three guesses (Newton's form) under the damping; with two, of their line."""
    if len(guesses) < 3:
        return linear_curve(h, damping, guesses)
    newest, middle, oldest = guesses
    slope = _slope(newest, middle)
    bend = (slope - _slope(middle, oldest)) / (newest.t - oldest.t)
    slope = slope + bend * (newest.t - middle.t)
    return slope * (phi_2(damping) * h) - bend * (phi_3(damping) * h**2)


def _slope(newer: Guess, older: Guess) -> Tensor:
    return (newer.denoised - older.denoised) / (newer.t - older.t)


def phi_2(z: Tensor) -> Tensor:
    """z·φ₂(−z) of exponential integrators: the weight of a slope."""
    return torch.expm1(-z) / z + 1


def phi_3(z: Tensor) -> Tensor:
    """−z·φ₃(−z): the weight of a bend."""
    return phi_2(z) / z - 0.5


def restart(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """Xu et al. 2023 (arXiv 2306.14878), algorithm 1: Heun steps down, and part of the way again under fresh noise."""
    steps = restarted(sigmas)
    sigma = steps[0][0]
    for i, (start, end) in enumerate(steps):
        if start > sigma:
            x = x + walk.noise() * (start**2 - sigma**2) ** 0.5
        denoised = model(x, start)
        walk.report(i, denoised)
        d = (x - denoised) / start
        ahead = x + d * (end - start)
        if end > 0:
            d = (d + (ahead - model(ahead, end)) / end) / 2
        x = x + d * (end - start)
        sigma = end
    return x


def restarted(sigmas: Tensor) -> list[tuple[Tensor, Tensor]]:
    """The steps (σ, σ_next) of Restart in place of a schedule's, as many: few are left alone, of many some go twice.

    From 20 steps on, 9 of them go once more through the interval; from 36 on, a quarter of all, twice.
    """
    steps = len(sigmas) - 1
    if steps < 20:
        return _pairs(sigmas)
    again, times = (steps // 4, 2) if steps >= 36 else (9, 1)
    main = torch.cat([karras(steps - again * times, float(sigmas[-2]), float(sigmas[0]), 7.0), sigmas.new_zeros(1)])
    low, high = (int((main - level).abs().argmin()) for level in (RESTART_MIN, RESTART_MAX))
    loop = karras(again + 1, float(main[low]), float(main[high]), 7.0) if high < low else main[:0]
    return _pairs(main[: low + 1]) + times * _pairs(loop) + _pairs(main[low:])


def _pairs(levels: Tensor) -> list[tuple[Tensor, Tensor]]:
    return list(pairwise(levels))
