"""Multistep methods: the polynomial through the last answers of the model, integrated over a step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Numbers = NDArray[np.float64]
Answer = tuple[float, Tensor]  # λ = −log σ, and x₀ as the model saw it there

POINTS, MASSES = np.polynomial.legendre.leggauss(32)  # exact in all digits for the smooth integrands of one step

EVEN_ADAMS_BASHFORTH = (  # of order 1 to 4, newest slope first
    (1.0,),
    (3 / 2, -1 / 2),
    (23 / 12, -16 / 12, 5 / 12),
    (55 / 24, -59 / 24, 37 / 24, -9 / 24),
)


def quadrature(start: float, end: float) -> tuple[Numbers, Numbers]:
    """Gauss–Legendre between two bounds: where to evaluate an integrand, and what each value counts."""
    half = (end - start) / 2
    return start + half * (POINTS + 1), half * MASSES


def lagrange(nodes: Sequence[float], at: Numbers) -> Numbers:
    """The basis polynomials l_j of the nodes (1 at node j, 0 at the others), `[nodes, points]`."""
    basis = np.ones((len(nodes), len(at)))
    for j, node in enumerate(nodes):
        for k, other in enumerate(nodes):
            if k != j:
                basis[j] *= (at - other) / (node - other)
    return basis


def weighted(answers: Iterable[Tensor], weights: Iterable[float]) -> Tensor:
    """Their weighted sum; there is at least one."""
    first, *others = (answer * weight for answer, weight in zip(answers, weights, strict=True))
    return sum(others, first)


def even_adams_bashforth(slopes: Sequence[Tensor]) -> Tensor:
    """The mean slope of the next step from one to four past ones, newest first, as if all steps were even."""
    return weighted(slopes, EVEN_ADAMS_BASHFORTH[len(slopes) - 1])


def exponential_weights(nodes: Sequence[float], start: float, end: float, rate: float = 1.0) -> list[float]:
    """∫ rate·exp(−rate·(end − λ))·l_j(λ) dλ from start to end."""
    at, mass = quadrature(start, end)
    made: list[float] = (lagrange(nodes, at) @ (mass * rate * np.exp(rate * (at - end)))).tolist()
    return made


def exponential_step(x: Tensor, answers: Sequence[Answer], start: float, end: float, rate: float = 1.0) -> Tensor:
    """x at λ = end from x at λ = start by dx/dλ = rate·(x₀(λ) − x): variation of constants.

    x₀(λ) is the polynomial through the answers; rate 1 is the probability flow.
    """
    weights = exponential_weights([at for at, _ in answers], start, end, rate)
    return x * math.exp(rate * (start - end)) + weighted((x0 for _, x0 in answers), weights)
