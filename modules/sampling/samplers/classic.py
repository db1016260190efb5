"""The samplers of k-diffusion's first days that need no noise but white one: each in its paper's notation."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from modules.sampling.walk import Denoiser, Walk, ancestral_step, churned


def euler(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """Karras et al. 2022, algorithm 2 without the second-order correction."""
    for i in range(len(sigmas) - 1):
        x, sigma_hat = churned(x, sigmas, i, walk)
        denoised = model(x, sigma_hat)
        walk.report(i, denoised)
        d = (x - denoised) / sigma_hat
        x = x + d * (sigmas[i + 1] - sigma_hat)
    return x


def heun(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """Karras et al. 2022, algorithm 2."""
    for i in range(len(sigmas) - 1):
        x, sigma_hat = churned(x, sigmas, i, walk)
        denoised = model(x, sigma_hat)
        walk.report(i, denoised)
        d = (x - denoised) / sigma_hat
        dt = sigmas[i + 1] - sigma_hat
        if sigmas[i + 1] == 0:
            x = x + d * dt
        else:
            ahead = x + d * dt
            d_ahead = (ahead - model(ahead, sigmas[i + 1])) / sigmas[i + 1]
            x = x + (d + d_ahead) / 2 * dt
    return x


def dpm_2(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """DPM-Solver-2 (Lu et al. 2022, arXiv 2206.00927, algorithm 1) with the churn of Karras et al. 2022."""
    for i in range(len(sigmas) - 1):
        x, sigma_hat = churned(x, sigmas, i, walk)
        denoised = model(x, sigma_hat)
        walk.report(i, denoised)
        x = midpoint(model, x, denoised, sigma_hat, sigmas[i + 1])
    return x


def dpm_2_ancestral(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """DPM-Solver-2 with ancestral noise."""
    for i in range(len(sigmas) - 1):
        denoised = model(x, sigmas[i])
        walk.report(i, denoised)
        down, up = ancestral_step(sigmas[i], sigmas[i + 1], walk.eta)
        x = midpoint(model, x, denoised, sigmas[i], down)
        if down > 0:
            x = x + walk.noise() * (walk.s_noise * up)
    return x


def midpoint(model: Denoiser, x: Tensor, denoised: Tensor, sigma: Tensor, sigma_next: Tensor) -> Tensor:
    """One step from σ to σ_next by the slope at their geometric mean; to 0, an Euler step."""
    d = (x - denoised) / sigma
    if sigma_next == 0:
        return x + d * (sigma_next - sigma)
    middle = ((sigma.log() + sigma_next.log()) / 2).exp()
    halfway = x + d * (middle - sigma)
    return x + (halfway - model(halfway, middle)) / middle * (sigma_next - sigma)


def lms(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """Linear multistep of order 4 (Adams-Bashforth on uneven steps) in σ."""
    slopes: list[Tensor] = []
    for i in range(len(sigmas) - 1):
        denoised = model(x, sigmas[i])
        walk.report(i, denoised)
        slopes = [(x - denoised) / sigmas[i], *slopes[:3]]
        weights = adams_bashforth(sigmas[max(0, i - len(slopes) + 1) : i + 1].flip(0), sigmas[i], sigmas[i + 1])
        x = x + sum(d * w for d, w in zip(slopes, weights, strict=True))
    return x


def adams_bashforth(nodes: Tensor, start: Tensor, end: Tensor) -> list[float]:
    """∫ of each Lagrange basis polynomial on the nodes from start to end, exactly."""
    made = []
    for j, node in enumerate(nodes.tolist()):
        others = [other for k, other in enumerate(nodes.tolist()) if k != j]
        basis = np.poly1d(others, r=True) / float(np.prod([node - other for other in others]))
        whole = basis.integ()
        made.append(float(whole(float(end)) - whole(float(start))))
    return made


def dpmpp_2s_ancestral(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """DPM-Solver++(2S) with ancestral noise: Lu et al. 2022 (arXiv 2211.01095), algorithm 1 with r = 1/2."""
    for i in range(len(sigmas) - 1):
        denoised = model(x, sigmas[i])
        walk.report(i, denoised)
        down, up = ancestral_step(sigmas[i], sigmas[i + 1], walk.eta)
        if down == 0:
            x = x + (x - denoised) / sigmas[i] * (down - sigmas[i])
        else:
            h = (sigmas[i] / down).log()
            middle = (sigmas[i].log() - h / 2).exp()
            halfway = (middle / sigmas[i]) * x - torch.expm1(-h / 2) * denoised
            x = (down / sigmas[i]) * x - torch.expm1(-h) * model(halfway, middle)
        if sigmas[i + 1] > 0:
            x = x + walk.noise() * (walk.s_noise * up)
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
