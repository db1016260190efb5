"""The samplers of the SDE, Restart and DPM-Solver's drivers: against A1111's own numbers, and what papers promise."""

import json
import math
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from modules.sampling.brownian import BrownianNoise, BrownianPath, seedless_entropy
from modules.sampling.prediction import Levels
from modules.sampling.rng import NoiseSource
from modules.sampling.samplers import sample
from modules.sampling.samplers.dpm_solver import fast_orders
from modules.sampling.samplers.stochastic import restarted
from modules.sampling.schedules import sigmas
from modules.sampling.tables import SAMPLERS, choose
from modules.sampling.walk import Walk

RECORDED = json.loads((Path(__file__).parents[1] / "golden/stochastic.json").read_text())
CPU = torch.device("cpu")
LEVELS = Levels.scaled_linear()
SPAN = LEVELS.sigma_max, LEVELS.sigma_min
SDE = [row.name for row in SAMPLERS if row.brownian]
DRIVERS = "DPM fast", "DPM adaptive"  # they lay out their own steps and end above zero


def path(low=0.1, high=10.0, entropy=1234567, shape=(1, 2, 3, 4), source="CPU"):
    return BrownianPath(source, entropy, shape, CPU, low=low, high=high)


def noise_of(seeds, levels, source="NV", shape=(1, 4, 8, 8)):
    return BrownianNoise(source, seeds, shape, CPU, levels)


def laid(name, steps):
    """The sampler's row, and its schedule in so many steps."""
    choice = choose(name, "Karras")
    return choice.sampler, sigmas(choice.schedule, steps, LEVELS)


def walk(told=None, **settings):
    given = {"noise": lambda: torch.zeros(()), "span": SPAN} | settings
    return Walk(report=lambda i, x0: told.append(i) if told is not None else None, **given)


def gaussian(x, sigma):
    """The exact denoiser of data that is a unit Gaussian; its ODE x(σ) = x(σ₀)·√((1+σ²)/(1+σ₀²)) is known."""
    return x / (1 + sigma**2)


def counted(calls, model=gaussian):
    def ask(x, sigma):
        calls.append(float(sigma))
        return model(x, sigma)

    return ask


def test_paths_are_those_of_torchsde():
    known = path()
    for (start, end), values in zip(RECORDED["torchsde"]["ways"], RECORDED["torchsde"]["values"], strict=True):
        way = known.at(end) - known.at(start)
        assert way.flatten()[:3].tolist() == pytest.approx(values, abs=2e-6)


def test_a_path_is_the_same_whatever_is_asked_of_it_before():
    fresh, used = path(), path()
    for level in torch.linspace(0.1, 10, 90).tolist():
        used.at(level)
    for level in (0.1, 0.1000004, 3.25, 9.999, 10.0):
        assert torch.equal(fresh.at(level), used.at(level))
    assert torch.equal(fresh.at(0.1), torch.zeros(1, 2, 3, 4))
    assert torch.equal(fresh.at(0.0), fresh.at(0.1)) and torch.equal(fresh.at(11.0), fresh.at(10.0))


def test_ways_that_do_not_overlap_are_independent_and_have_unit_deviation():
    levels = torch.tensor([10.0, 4.0, 3.5, 0.1])
    noise = noise_of([3], levels, shape=(1, 4, 64, 64))
    ways = [noise(start, end).flatten() for start, end in pairwise(levels)]
    assert torch.allclose(torch.stack(ways).corrcoef(), torch.eye(3), atol=0.03)
    assert [float(way.std()) for way in ways] == pytest.approx([1, 1, 1], abs=0.03)
    assert torch.equal(noise(levels[1], levels[2]), -noise(levels[2], levels[1]))


@pytest.mark.parametrize("source", ["NV", "CPU", "GPU"])
def test_each_image_follows_the_path_of_its_own_seed(source):
    levels = sigmas(choose("Euler", None).schedule, 5, LEVELS)
    both, alone = noise_of([5, 6], levels, source), noise_of([6], levels, source)
    assert torch.equal(both(levels[1], levels[2])[1:], alone(levels[1], levels[2]))


def test_one_path_may_serve_a_whole_batch():
    levels = torch.tensor([10.0, 1.0, 0.0])
    shared = noise_of([seedless_entropy(0)], levels, shape=(3, 4, 8, 8))(levels[0], levels[1])
    assert shared.shape == (3, 4, 8, 8) and not torch.equal(shared[0], shared[1])
    assert len({seedless_entropy(number) for number in range(3)}) == 3


@pytest.mark.parametrize("name", RECORDED["traces"])
def test_traces_are_a1111s(name):
    trace, shape, places = RECORDED["traces"][name], tuple(RECORDED["shape"]), RECORDED["places"]
    choice = choose(name, None)
    levels = sigmas(choice.schedule, trace["steps"], LEVELS, discard=choice.sampler.discards)
    noise = NoiseSource("NV", [RECORDED["seed"]], shape, CPU)
    brownian = noise_of([RECORDED["seed"]], levels, shape=(1, *shape))
    answers = iter(zip(trace["sigmas"], trace["x"], trace["answers"], strict=True))

    def model(x, sigma):
        sigma_then, x_then, answer = next(answers)
        assert float(sigma) == pytest.approx(sigma_then, rel=1e-5)
        assert x.tolist() == pytest.approx(x_then, abs=1e-3)
        return torch.tensor(answer)

    def some(full):
        return full.flatten()[places]

    settings = walk(noise=lambda: some(noise.next()), brownian=lambda a, b: some(brownian(a, b)))
    made = sample(choice.sampler, model, some(noise.first()) * levels[0], levels, settings)
    assert made.tolist() == pytest.approx(trace["result"], abs=1e-3) and next(answers, None) is None


@pytest.mark.parametrize(
    ("name", "steps", "error"),
    [*[(name, 60, 0.005) for name in SDE], ("Restart", 15, 0.03), ("DPM fast", 60, 1e-4), ("DPM adaptive", 9, 0.05)],
)
def test_without_noise_they_solve_the_ode(name, steps, error):
    sampler, levels = laid(name, steps)
    x = torch.ones(1, 4, 2, 2, dtype=torch.float64) * levels[0]
    made = sample(sampler, gaussian, x, levels, walk(eta=0))
    low = LEVELS.sigma_min if name in DRIVERS else 0
    exact = float(levels[0]) * ((1 + low**2) / (1 + float(levels[0]) ** 2)) ** 0.5
    assert made.flatten()[0] == pytest.approx(exact, rel=error)


@pytest.mark.parametrize("name", [*SDE, "Restart", *DRIVERS])
def test_with_noise_the_data_come_out(name):
    """Unit Gaussian data must have unit deviation; Restart in 40 steps, where it goes some of the way again."""
    sampler, levels = laid(name, 40)
    noise = NoiseSource("NV", [1], (4, 32, 32), CPU)
    x = noise.first() * (1 + levels[0] ** 2) ** 0.5
    brownian = noise_of([1], levels, shape=(1, 4, 32, 32))
    made = sample(sampler, gaussian, x, levels, walk(noise=noise.next, brownian=brownian))
    assert float(made.std()) == pytest.approx(1, abs=0.06) and abs(float(made.mean())) < 0.06


@pytest.mark.parametrize("name", [*SDE, "Restart", *DRIVERS])
@pytest.mark.parametrize("steps", [1, 2, 3, 20])
def test_they_find_the_point_a_perfect_denoiser_knows(name, steps):
    target = torch.linspace(-2, 2, 8)
    sampler, levels = laid(name, steps)
    told = []
    made = sample(sampler, lambda x, sigma: target, target + levels[0], levels, walk(told))
    assert torch.allclose(made, target, atol=0.1 if name in DRIVERS else 1e-4)
    assert told == sorted(told) and told[0] == 0 and told[-1] < steps


@pytest.mark.parametrize("steps", range(1, 14))
def test_dpm_fast_calls_the_model_once_per_step(steps):
    assert sum(fast_orders(steps)) == steps and max(fast_orders(steps)) <= 3 and fast_orders(steps)[-1] < 3
    calls, told = [], []
    sampler, levels = laid("DPM fast", steps)
    sample(sampler, counted(calls), torch.ones(4) * levels[0], levels, walk(told))
    assert len(calls) == steps and told[-1] < steps


def adaptive(steps, model=gaussian, **settings):
    """(result, σ of each try, what it reported)."""
    calls, told = [], []
    sampler, levels = laid("DPM adaptive", steps)
    made = sample(sampler, counted(calls, model), torch.ones(4) * levels[0], levels, walk(told, eta=0, **settings))
    return made, calls[::3], told


def test_dpm_adaptive_chooses_its_steps_and_reports_how_far_it_is():
    few, many = adaptive(4), adaptive(40)
    assert torch.equal(few[0], many[0]) and few[1] == many[1]
    way = [math.log(LEVELS.sigma_max / level) / math.log(LEVELS.sigma_max / LEVELS.sigma_min) for level in many[1]]
    assert few[2] == [int(4 * part) for part in way] and many[2] == [int(40 * part) for part in way]
    assert len(adaptive(4, span=(14.6, 3.0))[1]) < len(few[1])


def test_dpm_adaptive_tries_again_where_its_orders_differ():
    tries = adaptive(10, model=lambda x, sigma: x * 0 + (30.0 if sigma < 1 else -30.0))[1]
    assert any(first == second for first, second in pairwise(tries))


def test_dpm_adaptive_ends_with_a_model_that_overflows():
    sampler, levels = laid("DPM adaptive", 10)
    made = sample(sampler, lambda x, sigma: x * float("nan"), torch.ones(4), levels, walk())
    assert made.isnan().all()


def climbs(steps):
    """(from, to) where the noise rises between two steps."""
    taken = restarted(laid("Restart", steps)[1])
    assert len(taken) == steps
    gaps = [(float(a[1]), float(b[0])) for a, b in pairwise(taken)]
    return [gap for gap in gaps if gap[1] > gap[0] + 0.01]


@pytest.mark.parametrize(("steps", "times"), [(2, 0), (19, 0), (20, 1), (35, 1), (36, 2), (60, 2)])
def test_restart_climbs_once_or_twice_from_nearly_no_noise(steps, times):
    found = climbs(steps)
    assert len(found) == times
    for low, high in found:
        assert low == pytest.approx(0.1, abs=0.1) and high == pytest.approx(2, abs=0.8)


def test_few_steps_of_restart_are_heuns():
    x = torch.linspace(-20, 20, 7)
    heun, restart = (
        sample(choose(name, None).sampler, gaussian, x, laid(name, 12)[1], walk()) for name in ("Heun", "Restart")
    )
    assert torch.equal(heun, restart)


@pytest.mark.parametrize(
    ("given", "sampler", "schedule"),
    [
        ("k_dpmpp_sde", "DPM++ SDE", "Uniform"),
        ("k_dpmpp_sde_ka", "DPM++ SDE", "Karras"),
        ("k_dpmpp_2m_sde_exp", "DPM++ 2M SDE", "Exponential"),
        ("k_dpmpp_2m_sde_heun_ka", "DPM++ 2M SDE Heun", "Karras"),
        ("DPM++ 2M SDE Heun Exponential", "DPM++ 2M SDE Heun", "Exponential"),
        ("DPM++ 3M SDE", "DPM++ 3M SDE", "Uniform"),
        ("k_dpm_fast", "DPM fast", "Uniform"),
        ("k_dpm_ad", "DPM adaptive", "Uniform"),
        ("restart", "Restart", "Karras"),
    ],
)
def test_old_names(given, sampler, schedule):
    choice = choose(given, None)
    assert (choice.sampler.name, choice.schedule.label, choice.label) == (sampler, schedule, None)


@pytest.mark.parametrize(
    ("sampler", "schedule"),
    [("DPM++ SDE", "Karras"), ("DPM++ 2M SDE", "Exponential"), ("DPM++ 3M SDE", "Exponential"), ("Restart", "Karras")],
)
def test_automatic_schedules(sampler, schedule):
    assert choose(sampler, "Automatic").schedule.label == schedule


def test_an_unsaid_schedule_may_be_another():
    choice = choose("DPM++ 2M SDE Exponential", None, "karras")
    assert (choice.name, choice.label) == ("DPM++ 2M SDE Exponential", "karras")
    assert (choice.sampler.name, choice.schedule.label) == ("DPM++ 2M SDE", "Karras")
    again = choose(choice.name, choice.label)
    assert (again.sampler, again.schedule) == (choice.sampler, choice.schedule)
    assert choose("Euler", "Exponential", "karras").schedule.label == "Exponential"


def test_the_api_tells_what_a1111_tells():
    options = {row.name: row.options for row in SAMPLERS}
    assert options["DPM++ SDE"] == {"scheduler": "karras", "second_order": "True", "brownian_noise": "True"}
    assert options["DPM++ 2M SDE Heun"] == {
        "scheduler": "exponential",
        "brownian_noise": "True",
        "solver_type": "heun",
    }
    assert options["DPM fast"] == options["DPM adaptive"] == {"uses_ensd": "True"}
