"""Samplers and schedules that A1111 1.8 does not have: orders of convergence, variances, published numbers."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from modules.sampling.multistep import EVEN_ADAMS_BASHFORTH, exponential_weights, lagrange
from modules.sampling.prediction import Levels
from modules.sampling.samplers import sample
from modules.sampling.samplers.beyond import phi, vp_time
from modules.sampling.schedules import beta_quantiles, sigmas
from modules.sampling.tables import choose
from modules.sampling.walk import Walk

RECORDED = json.loads((Path(__file__).parents[1] / "golden/sigmas.json").read_text())
LEVELS = Levels.scaled_linear()


def two_points(x, sigma):
    """The exact denoiser of data that is -1 or 1."""
    return torch.tanh(x / sigma**2)


def run(name, model, x, laid, noise=None, **settings):
    still = Walk(noise=noise or (lambda: torch.zeros_like(x)), report=lambda i, x0: None, **settings)
    return sample(choose(name, None).sampler, model, x, laid, still)


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("IPNDM", 1.9, 9),  # of fourth order but for its start
        ("IPNDM_V", 1.9, 9),
        ("DEIS", 2.5, 9),
        ("Res Multistep", 1.8, 2.5),
        ("ER SDE", 1.8, 9),
        ("SA Solver", 2.5, 9),
        ("DDPM", 0.8, 1.2),
    ],
)
def test_order_of_convergence(name, least, most):
    """The mean path: with noise left out, SDE solvers converge to their own equation's."""

    def end(steps):
        laid = torch.linspace(10 ** (1 / 7), 0.5 ** (1 / 7), steps + 1, dtype=torch.float64) ** 7
        return run(name, two_points, torch.tensor([3.0, -7.0, 12.0], dtype=torch.float64), laid)

    exact = end(800)
    errors = [float((end(steps) - exact).abs().max()) for steps in (40, 80)]
    assert least <= np.log2(errors[0] / errors[1]) <= most


@pytest.mark.parametrize("name", ["IPNDM", "DEIS", "Res Multistep", "SA Solver"])
def test_flows_end_where_the_flow_ends(name):
    laid = sigmas(choose("Euler", "Karras").schedule, 40, LEVELS).double()[:-1]
    made = run(name, lambda x, s: x / (1 + s**2), torch.ones(1, dtype=torch.float64) * laid[0], laid, eta=0.0)
    exact = laid[0] * ((1 + laid[-1] ** 2) / (1 + laid[0] ** 2)) ** 0.5
    assert made.item() == pytest.approx(float(exact), rel=0.005)


@pytest.mark.parametrize(
    ("name", "eta", "error"),
    [("DDPM", 1.0, 0.05), ("ER SDE", 1.0, 0.01), ("SA Solver", 1.0, 0.01), ("SA Solver", 0.4, 0.01)],
)
def test_noise_taken_out_and_put_in_balance(name, eta, error):
    """Data with deviation 2 comes out with deviation 2."""
    generator = torch.Generator().manual_seed(0)
    laid = sigmas(choose("Euler", "Karras").schedule, 80, LEVELS)[:-1]
    x = torch.randn(200_000, generator=generator) * (4 + laid[0] ** 2) ** 0.5
    made = run(
        name,
        lambda x, s: x * 4 / (4 + s**2),
        x,
        laid,
        noise=lambda: torch.randn(x.shape, generator=generator),
        eta=eta,
    )
    assert made.std().item() == pytest.approx(2, rel=error)


def test_ddpm_is_the_posterior_of_its_paper():
    """x_{t-1} = (x_t - β_t/√(1-ᾱ_t)·ε)/√α_t + √β̃_t·z, with x in the paper's scale."""
    laid = LEVELS.sigmas[[600, 599]].double()
    bar, bar_next = 1 / (1 + laid**2)
    alpha = bar / bar_next
    x, eps = torch.tensor([0.4, -1.3], dtype=torch.float64), torch.tensor([0.1, 0.7], dtype=torch.float64)
    made = run(
        "DDPM", lambda x, s: x - s * eps, x / bar**0.5, laid, noise=lambda: torch.ones_like(x), eta=0.3, s_noise=2.0
    )
    variance = (1 - bar_next) / (1 - bar) * (1 - alpha)
    expected = (x - (1 - alpha) / (1 - bar) ** 0.5 * eps) / alpha**0.5 + variance**0.5
    assert torch.allclose(made * bar_next**0.5, expected)


def test_vp_time_is_the_inverse_of_the_vp_sde():
    t = np.linspace(0.01, 1, 7)
    assert vp_time(np.sqrt(np.expm1(0.1 * t + 19.9 * t**2 / 2))) == pytest.approx(t)


def test_er_sdes_phi_forgets_faster_than_the_flow():
    levels = np.geomspace(0.03, 15, 20)
    kept = np.array([phi(low) / phi(high) for low, high in zip(levels, levels[1:], strict=False)])
    assert (kept < levels[:-1] / levels[1:]).all()


def test_sa_solver_without_eta_ignores_its_noise():
    laid, x = sigmas(choose("Euler", "Karras").schedule, 6, LEVELS), torch.ones(2) * 3
    loud = run("SA Solver", two_points, x, laid, noise=lambda: torch.ones(2) * 1e3, eta=0.0)
    assert torch.equal(loud, run("SA Solver", two_points, x, laid, eta=0.0))


def test_weights_integrate_polynomials():
    nodes, at = [0.3, 1.0, 2.0], np.linspace(0, 2, 5)
    assert lagrange(nodes, np.array(nodes)) == pytest.approx(np.eye(3))
    assert np.array(nodes) ** 2 @ lagrange(nodes, at) == pytest.approx(at**2)
    weights = np.array(exponential_weights(nodes, 2.0, 3.0, rate=1.5))
    fine = np.linspace(2, 3, 100_001)
    kernel = 1.5 * np.exp(-1.5 * (3 - fine))
    for power in range(3):
        assert weights @ np.array(nodes) ** power == pytest.approx(np.trapezoid(kernel * fine**power, fine), rel=1e-8)
    for row in EVEN_ADAMS_BASHFORTH:
        places = -np.arange(len(row))
        assert [np.dot(row, places**p) for p in range(len(row))] == pytest.approx(
            [1 / (p + 1) for p in range(len(row))]
        )


@pytest.mark.parametrize("steps", RECORDED["Beta"])
def test_beta_is_a1111s(steps):
    made = sigmas(choose("Euler", "Beta").schedule, int(steps), LEVELS, alpha=0.6, beta=0.6, family="SD1")
    assert made.tolist() == pytest.approx(RECORDED["Beta"][steps], rel=2e-5, abs=1e-6)


@pytest.mark.parametrize("steps", RECORDED["Align Your Steps (SDXL)"])
def test_aligned_steps_of_sdxl_are_a1111s(steps):
    made = sigmas(choose("Euler", "Align Your Steps").schedule, int(steps), LEVELS, family="SDXL")
    assert made.tolist() == pytest.approx(RECORDED["Align Your Steps (SDXL)"][steps], rel=2e-5, abs=1e-6)


def test_a_family_without_a_table_takes_that_of_sd1():
    schedule = choose("Euler", "Align Your Steps").schedule
    assert torch.equal(sigmas(schedule, 12, LEVELS, family="SD2"), sigmas(schedule, 12, LEVELS))


@pytest.mark.parametrize(("alpha", "beta"), [(1, 1), (2, 1), (1, 0.5), (0.5, 0.5), (0.01, 0.01), (10, 10)])
def test_quantiles_of_beta(alpha, beta):
    shares = np.linspace(0, 1, 21)
    exact = {
        (1, 1): shares,
        (2, 1): shares**0.5,
        (1, 0.5): 1 - (1 - shares) ** 2,
        (0.5, 0.5): np.sin(np.pi * shares / 2) ** 2,
    }
    made = beta_quantiles(shares, alpha, beta)
    assert (np.diff(made) >= 0).all() and made[[0, 10, -1]] == pytest.approx([0, made[10], 1], abs=1e-9)
    if (alpha, beta) in exact:
        assert made == pytest.approx(exact[alpha, beta], abs=1e-7)
    else:
        assert made[10] == pytest.approx(0.5)


def test_turbo_ends_each_share_at_a_distilled_timestep():
    turbo = choose("Euler", "Turbo").schedule
    assert torch.equal(sigmas(turbo, 4, LEVELS)[:-1], LEVELS.sigmas[[999, 749, 499, 249]])
    assert torch.equal(sigmas(turbo, 1, LEVELS)[:-1], LEVELS.sigmas[[999]])
    assert LEVELS.t(sigmas(turbo, 7, LEVELS)[:-1]).tolist() == pytest.approx(
        [999, 856, 713, 570, 428, 285, 142], abs=0.01
    )
