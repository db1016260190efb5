"""Samplers that A1111 does not have, each as its paper defines it over x = x₀ + σε.

They take any schedule; a last step to σ = 0 is the model's answer.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from modules.sampling.multistep import (
    Answer,
    Numbers,
    even_adams_bashforth,
    exponential_step,
    lagrange,
    quadrature,
    weighted,
)
from modules.sampling.samplers.classic import euler_ancestral
from modules.sampling.walk import Denoiser, Walk

VP_BETA_MIN, VP_BETA_MAX = 0.1, 20.0
DEIS_POINTS = 3
SA_POINTS = 3


def ddpm(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """Ho et al. 2020 (arXiv 2006.11239), algorithm 2 with the variance β̃_t: the ancestral walk at η = 1."""
    return euler_ancestral(model, x, sigmas, replace(walk, eta=1.0, s_noise=1.0))


def ipndm(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """iPNDM: Zhang & Chen 2022 (arXiv 2204.13902), PNDM's fourth-order multistep that starts with lower orders."""
    slopes: list[Tensor] = []
    for i in range(len(sigmas) - 1):
        denoised = model(x, sigmas[i])
        walk.report(i, denoised)
        if sigmas[i + 1] == 0:
            return denoised
        slopes = [(x - denoised) / sigmas[i], *slopes[:3]]
        x = x + even_adams_bashforth(slopes) * (sigmas[i + 1] - sigmas[i])
    return x


def deis(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """tAB-DEIS: Zhang & Chen 2022 (arXiv 2204.13902), the noise as a quadratic in the time of the VP SDE."""
    slopes: list[Tensor] = []
    levels = sigmas.double().tolist()
    for i in range(len(sigmas) - 1):
        denoised = model(x, sigmas[i])
        walk.report(i, denoised)
        if sigmas[i + 1] == 0:
            return denoised
        slopes = [(x - denoised) / sigmas[i], *slopes[: DEIS_POINTS - 1]]
        x = x + weighted(slopes, _deis_weights(levels[i::-1][: len(slopes)], levels[i + 1]))
    return x


def _deis_weights(levels: list[float], then: float) -> list[float]:
    """∫ l_j(t(σ)) dσ from the newest of the levels, the first, to `then`."""
    at, mass = quadrature(levels[0], then)
    made: list[float] = (lagrange(vp_time(np.array(levels)).tolist(), vp_time(at)) @ mass).tolist()
    return made


def vp_time(sigma: Numbers) -> Numbers:
    """t of Song et al. 2021 (arXiv 2011.13456), VP SDE: 1 + σ² = exp(β_min·t + (β_max − β_min)·t²/2)."""
    rise = VP_BETA_MAX - VP_BETA_MIN
    made: Numbers = (np.sqrt(VP_BETA_MIN**2 + 2 * rise * np.log1p(sigma**2)) - VP_BETA_MIN) / rise
    return made


def res_multistep(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """RES: Zhang et al. 2023 (arXiv 2308.02157), the multistep solver of second order, by data prediction."""
    lambdas = (-sigmas.double().log()).tolist()
    known: list[Answer] = []
    for i in range(len(sigmas) - 1):
        known = [(lambdas[i], model(x, sigmas[i])), *known[:1]]
        walk.report(i, known[0][1])
        if sigmas[i + 1] == 0:
            return known[0][1]
        x = exponential_step(x, known, lambdas[i], lambdas[i + 1])
    return x


def sa_solver(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """SA-Solver: Xue et al. 2023 (arXiv 2309.05019), algorithm 1, stochastic Adams by data prediction.

    Three points predict, these and the predicted one correct, with the same noise. Its τ is η, at every level.
    """
    lambdas = (-sigmas.double().log()).tolist()
    rate = 1 + walk.eta**2
    known: list[Answer] = []
    before, noise = x, torch.zeros_like(x)
    for i in range(len(sigmas) - 1):
        fresh = (lambdas[i], model(x, sigmas[i]))
        walk.report(i, fresh[1])
        if i > 0:
            x = exponential_step(before, [fresh, *known], lambdas[i - 1], lambdas[i], rate) + noise
        if sigmas[i + 1] == 0:
            return fresh[1]
        known = [fresh, *known[: SA_POINTS - 1]]
        h = lambdas[i + 1] - lambdas[i]
        noise = walk.noise() * (float(sigmas[i + 1]) * walk.s_noise * (-math.expm1(-2 * walk.eta**2 * h)) ** 0.5)
        before, x = x, exponential_step(x, known, lambdas[i], lambdas[i + 1], rate) + noise
    return x


def er_sde(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """ER-SDE-Solver-3: Cui et al. 2023 (arXiv 2309.06169), with the φ that its authors found best."""
    levels = sigmas.double().tolist()
    answers: list[Tensor] = []
    for i in range(len(levels) - 1):
        now, then = levels[i], levels[i + 1]
        answers = [model(x, sigmas[i]), *answers[:2]]
        walk.report(i, answers[0])
        if then == 0:
            return answers[0]
        kept = phi(then) / phi(now)
        x = kept * x + (1 - kept) * answers[0]
        if i > 0:
            x = x + _curved(answers, levels[i::-1], then)
        x = x + walk.noise() * (then**2 - (now * kept) ** 2) ** 0.5
    return x


def phi(sigma: float) -> float:
    """φ(σ) of the extended reverse SDE: x keeps φ(σ′)/φ(σ) of itself from σ to σ′."""
    return sigma * (math.exp(sigma**0.3) + 10)


def _curved(answers: list[Tensor], levels: list[float], then: float) -> Tensor:
    """What the derivatives of x₀ by σ add in the step to `then`, from two or three answers, newest first."""
    now, step = levels[0], then - levels[0]
    at, mass = quadrature(math.log(then), math.log(now))
    sigma: Numbers = np.exp(at)
    share = phi(then) * mass / (np.exp(sigma**0.3) + 10)  # φ(σ′)·dσ/φ(σ)
    slope = (answers[0] - answers[1]) / (now - levels[1])
    made = slope * (step + float(share.sum()))
    if len(answers) == 3:
        curve = (slope - (answers[1] - answers[2]) / (levels[1] - levels[2])) / ((now - levels[2]) / 2)
        made = made + curve * (step**2 / 2 + float(share @ (sigma - now)))
    return made
