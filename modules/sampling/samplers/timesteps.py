"""The samplers of latent diffusion's first days: DDIM, its CFG++ form and PLMS, over the model's own timesteps.

They are written in the literature for x with signal √ᾱ and noise √(1 − ᾱ). Here x/√ᾱ = x₀ + σε walks instead, in which
DDIM is Euler's step; the result is scaled back, for the last timestep is not free of noise.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from modules.sampling.multistep import even_adams_bashforth
from modules.sampling.walk import Denoiser, Walk, ancestral_step, variance_preserving


def ddim(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """DDIM: Song et al. 2020 (arXiv 2010.02502), eq. 12; σ_t as in eq. 16, with its η."""
    return _ddim(model, x, sigmas, walk, lambda denoised: denoised)


def ddim_cfgpp(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """CFG++: Chung et al. 2024 (arXiv 2406.08070), algorithm 2: guided x₀, but the noise is the unguided one."""
    return _ddim(model, x, sigmas, walk, walk.unguided)


def _ddim(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk, renoised_from: Callable[[Tensor], Tensor]) -> Tensor:
    for i in range(len(sigmas) - 1):
        denoised = model(x, sigmas[i])
        walk.report(i, denoised)
        eps = (x - renoised_from(denoised)) / sigmas[i]
        down, up = ancestral_step(sigmas[i], sigmas[i + 1], walk.eta)
        x = denoised + down * eps + up * walk.noise()  # drawn even at η = 0: the stream must advance
    return variance_preserving(x, sigmas[-1])


def plms(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """Pseudo linear multistep, started with a pseudo Heun step: Liu et al. 2022 (arXiv 2202.09778)."""
    slopes: list[Tensor] = []
    for i in range(len(sigmas) - 1):
        denoised = model(x, sigmas[i])
        walk.report(i, denoised)
        eps = (x - denoised) / sigmas[i]
        slopes = [eps, *slopes[:3]]
        step = sigmas[i + 1] - sigmas[i]
        if i == 0 and sigmas[1] > 0:
            ahead = x + step * eps
            slope = (eps + (ahead - model(ahead, sigmas[1])) / sigmas[1]) / 2
        else:
            slope = even_adams_bashforth(slopes)
        x = x + step * slope
    return variance_preserving(x, sigmas[-1])
