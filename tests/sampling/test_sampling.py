"""Noise, schedules and samplers as numbers."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from modules.exceptions import NotFound
from modules.sampling import schedules as schedule_functions
from modules.sampling.guidance import Contexts, Guided
from modules.sampling.philox import Philox, philox
from modules.sampling.prediction import Condition, Eps, Levels
from modules.sampling.rng import NoiseSource, Variation, slerp
from modules.sampling.samplers import sample
from modules.sampling.schedules import sigmas
from modules.sampling.tables import SAMPLERS, SCHEDULES, choose, menu
from modules.sampling.walk import Walk

RECORDED = json.loads((Path(__file__).parents[1] / "golden/sigmas.json").read_text())
CPU = torch.device("cpu")
LEVELS = Levels.scaled_linear()


def test_philox_known_answer():
    """The published test vectors of Random123 for philox4x32-10."""
    zero = np.zeros(1, np.uint64)
    assert [int(word[0]) for word in philox((zero,) * 4, 0)] == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    full = np.full(1, 0xFFFFFFFF, np.uint64)
    assert [int(w[0]) for w in philox((full,) * 4, 2**64 - 1)] == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]


def test_nv_noise_is_a_cards():
    """The first numbers of torch.randn(…, device='cuda') with seed 0, as A1111 records them."""
    first = Philox(0).normal((4,))
    assert first == pytest.approx([-0.9247, -0.4253, -2.6438, 0.1452], abs=1e-4)


@pytest.mark.parametrize("source", ["NV", "CPU", "GPU"])
def test_an_image_is_the_same_alone_and_in_a_batch(source):
    both = NoiseSource(source, [5, 6], (4, 8, 8), CPU)
    alone = NoiseSource(source, [6], (4, 8, 8), CPU)
    assert torch.equal(both.first()[1:], alone.first())
    assert torch.equal(both.next()[1:], alone.next())


def test_ensd_changes_all_but_the_first_draw():
    plain, moved = NoiseSource("NV", [1], (4, 8, 8), CPU), NoiseSource("NV", [1], (4, 8, 8), CPU, delta=31337)
    assert torch.equal(plain.first(), moved.first())
    assert torch.equal(moved.next(), NoiseSource("NV", [1 + 31337], (4, 8, 8), CPU).first())


def test_variation_goes_from_one_seed_to_the_other():
    def first(strength):
        return NoiseSource("NV", [1], (4, 8, 8), CPU).first(Variation(seeds=[2], strength=strength))

    a, b = NoiseSource("NV", [1], (4, 8, 8), CPU).first(), NoiseSource("NV", [2], (4, 8, 8), CPU).first()
    assert torch.equal(first(0), a) and torch.allclose(first(1), b, atol=1e-5)
    assert first(0.5).std() == pytest.approx(1, abs=0.15)


def test_slerp_of_parallel_noise_is_finite():
    x = torch.randn(4, 8, 8)
    assert torch.allclose(slerp(0.3, x, x), x)


@pytest.mark.parametrize(("small", "full"), [((4, 4), (8, 8)), ((12, 10), (8, 8)), ((3, 12), (8, 7))])
def test_a_resized_seed_is_pasted_centred(small, full):
    source = NoiseSource("NV", [1], (4, *full), CPU)
    made = source.first(Variation(resize_from=small))[0]
    wanted = NoiseSource("NV", [1], (4, *small), CPU).first()[0]
    rows, columns = (min(a, b) for a, b in zip(small, full, strict=True))
    top, left = (max(0, (f - s) // 2) for s, f in zip(small, full, strict=True))
    assert made.shape == (4, *full)
    inner = made[:, top : top + rows - 1, left : left + columns - 1]
    assert all(torch.isin(inner, wanted).flatten())


def test_levels_and_their_inverse():
    t = torch.tensor([0.0, 0.5, 10.25, 500.0, 999.0])
    assert torch.allclose(LEVELS.t(LEVELS.sigma(t)), t, atol=2e-3)
    assert pytest.approx(0.029167, abs=1e-5) == LEVELS.sigma_min
    assert pytest.approx(14.6146, abs=1e-4) == LEVELS.sigma_max


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda row: row.name)
@pytest.mark.parametrize("steps", [1, 2, 20])
def test_every_schedule_falls_to_zero(schedule, steps):
    made = sigmas(schedule, steps, LEVELS)
    assert made.shape == (steps + 1,) and (made.diff() < 0).all()
    assert made[-1] == (pytest.approx(LEVELS.sigma_min) if schedule.ends_above_zero else 0)
    assert hasattr(schedule_functions, schedule.function)


@pytest.mark.parametrize("schedule", [row for row in SCHEDULES if row.label in RECORDED], ids=lambda row: row.name)
def test_schedules_are_a1111s(schedule):
    for steps, wanted in RECORDED[schedule.label].items():
        assert sigmas(schedule, int(steps), LEVELS).tolist() == pytest.approx(wanted, rel=2e-5, abs=1e-6)


def test_discarding_lays_out_one_step_more_and_drops_the_next_to_last():
    karras = choose("Euler", "Karras").schedule
    assert sigmas(karras, 5, LEVELS, discard=True).tolist() == [*sigmas(karras, 6, LEVELS).tolist()[:5], 0]


def test_karras_takes_its_range_and_steepness():
    made = sigmas(choose("Euler", "Karras").schedule, 3, LEVELS, low=1, high=10, rho=1)
    assert torch.allclose(made, torch.tensor([10, 5.5, 1, 0]))


@pytest.mark.parametrize(
    "row",
    [row for row in SAMPLERS if not row.distilled and row.name not in ("DPM fast", "DPM adaptive")],
    ids=lambda row: row.name,
)
def test_every_sampler_finds_the_point_a_perfect_denoiser_knows(row):
    target = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    steps = sigmas(choose("Euler", "Karras").schedule, 10, LEVELS)
    told = []
    walk = Walk(noise=lambda: torch.randn(2, 4, 8, 8), report=lambda i, x0: told.append(i))
    x = sample(row, lambda x, sigma: target, target + torch.randn_like(target) * steps[0], steps, walk)
    assert torch.allclose(x, target, atol=1e-4) and told == list(range(10))


def gaussian(x, sigma):
    """The exact denoiser of data that is a unit Gaussian; its ODE x(σ) = x(σ₀)·√((1+σ²)/(1+σ₀²)) is known."""
    return x / (1 + sigma**2)


@pytest.mark.parametrize(
    ("name", "steps", "error"),
    [("Euler", 200, 0.02), ("DPM++ 2M", 50, 0.005), ("Heun", 50, 0.005), ("DPM2", 50, 0.005), ("LMS", 50, 0.005)],
)
def test_samplers_solve_the_ode(name, steps, error):
    levels = sigmas(choose("Euler", "Karras").schedule, steps, LEVELS)
    x = torch.ones(1, 4, 2, 2, dtype=torch.float64) * levels[0]
    walk = Walk(noise=lambda: torch.zeros_like(x), report=lambda i, x0: None)
    made = sample(choose(name, "Karras").sampler, gaussian, x, levels.double(), walk)
    exact = levels[0] / (1 + levels[0] ** 2) ** 0.5
    assert made.flatten()[0] == pytest.approx(float(exact), rel=error)


def test_churn_draws_noise_at_every_step_and_eta_zero_is_euler():
    draws = []

    def noise():
        draws.append(1)
        return torch.zeros(1, 4, 2, 2)

    levels = sigmas(choose("Euler", "Karras").schedule, 8, LEVELS)
    x = torch.ones(1, 4, 2, 2) * levels[0]
    plain = sample(choose("Euler", None).sampler, gaussian, x, levels, Walk(noise=noise, report=lambda i, d: None))
    assert not draws
    sample(
        choose("Euler", None).sampler,
        gaussian,
        x,
        levels,
        Walk(noise=noise, report=lambda i, d: None, s_churn=4, s_tmin=1),
    )
    assert len(draws) == 8
    calm = sample(
        choose("Euler a", None).sampler, gaussian, x, levels, Walk(noise=noise, report=lambda i, d: None, eta=0)
    )
    assert torch.allclose(calm, plain, atol=1e-5)


def test_eps_is_the_identity_for_the_true_noise():
    x0, noise, sigma = torch.randn(2, 4, 8, 8), torch.randn(2, 4, 8, 8), torch.tensor(3.0)
    seen = {}

    def model(x, t, context):
        seen.update(x=x, t=t)
        return noise

    condition = Condition(torch.zeros(2, 77, 8))
    assert torch.allclose(Eps(model, LEVELS)(x0 + sigma * noise, sigma, condition), x0, atol=1e-5)
    assert seen["t"].shape == (2,) and seen["x"].std() == pytest.approx(1, abs=0.1)


def mean_of_context(calls):
    def predict(x, sigma, condition):
        calls.append(len(x))
        return x * 0 + condition.context.mean(dim=(1, 2))[:, None, None, None]

    return predict


def filled(value, length=77):
    return Condition(torch.full((1, length, 2), value))


@pytest.mark.parametrize(
    ("parts", "weights", "negative", "scale", "joined", "value", "calls"),
    [
        ([3.0], [1.0], filled(1.0), 7, True, 15, [2]),
        ([3.0], [1.0], filled(1.0), 7, False, 15, [1, 1]),
        ([3.0], [1.0], filled(1.0, 154), 7, True, 15, [1, 1]),
        ([3.0], [1.0], filled(1.0), 1, True, 3, [1]),
        ([3.0], [0.5], filled(1.0), 1, True, 2, [2]),
        ([3.0, 2.0], [1.0, -0.5], filled(1.0), 4, True, 7, [3]),
        ([3.0, 2.0], [1.0, -0.5], filled(1.0), 4, False, 7, [1, 1, 1]),
    ],
)
def test_guidance(parts, weights, negative, scale, joined, value, calls):
    made = []
    given = Contexts([filled(one) for one in parts], weights, negative)
    guided = Guided(mean_of_context(made), lambda call: given, scale, joined)
    assert guided(torch.zeros(1, 4, 2, 2), torch.tensor(1.0)).mean() == value and made == calls


def test_each_call_asks_for_its_own_context():
    asked = []

    def contexts(call):
        asked.append(call)
        return Contexts([filled(float(call))], [1.0], filled(0.0))

    guided = Guided(mean_of_context([]), contexts, 1)
    x, sigma = torch.zeros(3, 4, 2, 2), torch.tensor(1.0)
    assert [float(guided(x, sigma).mean()) for _ in range(3)] == [0, 1, 2] and asked == [0, 1, 2]


@pytest.mark.parametrize(
    ("sampler", "schedule", "name", "label", "rows"),
    [
        ("Euler a", None, "Euler a", None, ("Euler a", "Uniform")),
        ("k_euler_a", None, "Euler a", None, ("Euler a", "Uniform")),
        ("euler A", "automatic", "Euler a", "Automatic", ("Euler a", "Uniform")),
        ("DPM++ 2M", None, "DPM++ 2M", None, ("DPM++ 2M", "Uniform")),
        ("DPM++ 2M Karras", None, "DPM++ 2M Karras", None, ("DPM++ 2M", "Karras")),
        ("k_dpmpp_2m_ka", None, "DPM++ 2M Karras", None, ("DPM++ 2M", "Karras")),
        ("DPM++ 2M", "Automatic", "DPM++ 2M", "Karras", ("DPM++ 2M", "Karras")),
        ("DPM++ 2M Karras", "Automatic", "DPM++ 2M", "Karras", ("DPM++ 2M", "Karras")),
        ("Euler", "karras", "Euler", "Karras", ("Euler", "Karras")),
    ],
)
def test_names_old_and_new(sampler, schedule, name, label, rows):
    choice = choose(sampler, schedule)
    assert (choice.name, choice.label) == (name, label)
    assert (choice.sampler.name, choice.schedule.label) == rows
    again = choose(choice.name, choice.label)
    assert (again.sampler, again.schedule) == (choice.sampler, choice.schedule)
    shown = choose(*menu(sampler, schedule))
    assert (shown.sampler, shown.schedule) == (choice.sampler, choice.schedule)


@pytest.mark.parametrize(("sampler", "schedule"), [("Eular", None), ("", None), ("Euler", "Kerras"), ("Karras", None)])
def test_an_unknown_name_says_what_is_near(sampler, schedule):
    with pytest.raises(NotFound, match=r"There is no (sampler|schedule type) '"):
        choose(sampler, schedule)
