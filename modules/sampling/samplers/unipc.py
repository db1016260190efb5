"""UniPC, a predictor and a corrector out of the same answers: Zhao et al. 2023 (arXiv 2302.04867)."""

from __future__ import annotations

import math

from torch import Tensor

from modules.sampling.multistep import Answer, exponential_step
from modules.sampling.walk import Denoiser, Walk, variance_preserving


def unipc(model: Denoiser, x: Tensor, sigmas: Tensor, walk: Walk) -> Tensor:
    """UniPC-p by data prediction, multistep; x comes back at unit variance, as `ddim`'s.

    One call a step: the answer at the predicted point corrects it and serves the next steps. The order rises to
    `walk.unipc.order` with the answers there are. The last step is not corrected, unless the order still rises.
    """
    wanted, last = walk.unipc, len(sigmas) - 1
    lambdas = (-sigmas.double().log()).tolist()
    known: list[Answer] = [(lambdas[0], model(x, sigmas[0]))]
    walk.report(0, known[0][1])
    for i in range(1, last + 1):
        if sigmas[i] == 0:
            return known[0][1]
        rising = i < wanted.order
        falling = wanted.lower_order_final and not rising
        used = known[: min(wanted.order, last - i + 1) if falling else wanted.order]
        predicted = _step(x, used, lambdas[i - 1], lambdas[i], wanted.variant)
        if i == last and not rising:
            x = predicted
        else:
            known = [(lambdas[i], model(predicted, sigmas[i])), *known[: wanted.order - 1]]
            walk.report(i, known[0][1])
            x = _step(x, [known[0], *used], lambdas[i - 1], lambdas[i], wanted.variant)
    return variance_preserving(x, sigmas[-1])


def _step(x: Tensor, answers: list[Answer], start: float, end: float, variant: str) -> Tensor:
    """x at λ = end from x at λ = start, which is the λ of one of the answers.

    With three answers or more the order conditions leave no choice, whatever B(h) is. With two, bh1 (B = h) and bh2
    (B = 1 − exp(−h)) take a₁ = 1/2 in place of the exact solution, so that B(h) remains.
    """
    if variant == "vary_coeff" or len(answers) != 2:
        return exponential_step(x, answers, start, end)
    (at, x0), (other_at, other) = sorted(answers, key=lambda answer: answer[0] != start)
    h = end - start
    b = h if variant == "bh1" else -math.expm1(-h)
    r = (other_at - at) / h
    return x * math.exp(-h) - math.expm1(-h) * x0 + b / (2 * r) * (other - x0)
