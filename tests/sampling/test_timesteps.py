"""DDIM, DDIM CFG++, PLMS, UniPC and LCM: against A1111's own numbers, and against what their papers promise."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from modules.sampling.guidance import Contexts, Guided
from modules.sampling.prediction import Condition, Levels
from modules.sampling.samplers import sample
from modules.sampling.samplers.consistency import Consistency, distilled
from modules.sampling.schedules import sigmas
from modules.sampling.tables import TIMESTEPS, UNIPC_TIMESTEPS, choose, menu
from modules.sampling.walk import Corrections, Walk

TRACES = json.loads((Path(__file__).parents[1] / "golden/traces.json").read_text())
LEVELS = Levels.scaled_linear()
FAMILY = ("DDIM", "DDIM CFG++", "PLMS", "UniPC")


def walk(noise=None, told=None, **settings):
    return Walk(
        noise=noise or (lambda: torch.zeros(1)),
        report=lambda i, x0: told.append(i) if told is not None else None,
        **settings,
    )


def two_points(x, sigma):
    """The exact denoiser of data that is -1 or 1; sharp enough to tell orders apart."""
    return torch.tanh(x / sigma**2)


def falling(steps, high=10.0, low=0.5):
    return torch.linspace(high ** (1 / 7), low ** (1 / 7), steps + 1, dtype=torch.float64) ** 7


def order(name, steps=40, **settings):
    """By how much the error shrinks when steps are halved, as a power of 2; at unit η noise is left out."""
    x = torch.tensor([3.0, -7.0, 12.0], dtype=torch.float64)
    row, settings = choose(name, None).sampler, {"eta": 0.0} | settings
    ends = [sample(row, two_points, x, falling(n), walk(**settings)) for n in (steps, 2 * steps, 20 * steps)]
    errors = [float((end - ends[-1]).abs().max()) for end in ends[:-1]]
    return np.log2(errors[0] / errors[1])


def answering(model):
    """A consistency model's f(x, σ) over a denoiser D(x, σ)."""
    told = Consistency(lambda x, sigma, condition: model(x, sigma), LEVELS)
    return lambda x, sigma: told(x, sigma, Condition(torch.zeros(0)))


class Replay:
    """A model that answers what A1111's answered, and checks that it is asked what that one was asked."""

    def __init__(self, name):
        self.trace = TRACES[name]
        self.calls = 0

    def __call__(self, x, sigma):
        x_then, answer = (torch.tensor(self.trace[key][self.calls]) for key in ("x", "answers"))
        self.calls += 1
        return self.answer(x, sigma, x_then, answer)

    def answer(self, x, sigma, x_then, eps):
        assert float(LEVELS.t(sigma.reshape(1))) == pytest.approx(self.trace["levels"][self.calls - 1], abs=0.01)
        assert torch.allclose(x / (1 + sigma**2) ** 0.5, x_then, rtol=2e-5, atol=2e-5)
        return x - sigma * eps

    def run(self, row, steps, levels=LEVELS, start=None, model=None):
        noise = iter([torch.tensor(one) for one in self.trace["noise"]])
        laid = sigmas(row.schedule or choose("Euler", None).schedule, steps, levels)
        x = next(noise) * (start or (1 + laid[0] ** 2) ** 0.5)
        made = sample(row, model or self, x, laid, walk(noise=lambda: next(noise), eta=0.0))
        assert self.calls == len(self.trace["x"]) and next(noise, None) is None
        assert made.tolist() == pytest.approx(self.trace["result"], rel=2e-5, abs=2e-5)


class ReplayLcm(Replay):
    """LCM's trace holds x at σ and f(x, t); the model is asked at the nearest known level."""

    def answer(self, x, sigma, x_then, f):
        then = torch.tensor(self.trace["levels"][self.calls - 1])
        assert torch.allclose(x * float(((1 + then**2) / (1 + sigma**2)) ** 0.5), x_then, rtol=2e-5, atol=2e-5)
        return x - sigma * (x_then - f) / then


@pytest.mark.parametrize("name", ["DDIM", "PLMS", "UniPC"])
def test_every_step_is_a1111s(name):
    Replay(name).run(choose(name, None).sampler, 12)


def test_every_step_of_lcm_is_a1111s():
    laid = sigmas(choose("LCM", None).schedule, 12, distilled(LEVELS))
    assert laid[:-1].tolist() == pytest.approx(TRACES["LCM"]["levels"], rel=1e-6)
    replay = ReplayLcm("LCM")
    replay.run(choose("LCM", None).sampler, 12, distilled(LEVELS), start=laid[0], model=answering(replay))


@pytest.mark.parametrize(
    ("steps", "count", "first", "last"),
    [
        (1, 1, 1, 1),
        (3, 4, 999, 334),
        (7, 8, 995, 143),
        (12, 13, 997, 84),
        (13, 14, 989, 77),
        (20, 20, 951, 51),
        (30, 31, 991, 34),
        (1000, 1000, 999, 2),
        (5000, 1000, 999, 2),
    ],
)
def test_timesteps_are_counted_as_a1111_counts_them(steps, count, first, last):
    laid = sigmas(TIMESTEPS, steps, LEVELS)
    assert len(laid) == count and laid[-1] == LEVELS.sigmas[1]
    assert laid[0] == LEVELS.sigmas[first] and laid[max(0, count - 2)] == LEVELS.sigmas[last]
    own = sigmas(UNIPC_TIMESTEPS, steps, LEVELS)
    assert len(own) == count + 1 and own[0] == LEVELS.sigmas[-1] and own[-1] == LEVELS.sigmas[0]


def test_discarding_only_adds_a_step():
    for schedule in (TIMESTEPS, UNIPC_TIMESTEPS):
        assert torch.equal(sigmas(schedule, 12, LEVELS, discard=True), sigmas(schedule, 13, LEVELS))


def test_timesteps_follow_altered_levels():
    altered = LEVELS.altered(zero_snr=True)
    assert torch.equal(sigmas(TIMESTEPS, 12, altered), altered.sigmas[1::83].flip(0))
    assert sigmas(UNIPC_TIMESTEPS, 12, altered)[0] == pytest.approx(altered.sigma_max)


def test_unipcs_times():
    def laid(skip_type):
        return sigmas(UNIPC_TIMESTEPS, 12, LEVELS, skip_type=skip_type)

    assert LEVELS.t(laid("time_uniform")).diff().numpy() == pytest.approx(-999 / 13, abs=0.02)
    assert (LEVELS.t(laid("time_quadratic")) + 1).sqrt().diff().numpy() == pytest.approx(
        -(1000**0.5 - 1) / 13, abs=0.02
    )
    assert laid("logSNR").log().diff().numpy() == pytest.approx(
        np.log(LEVELS.sigma_min / LEVELS.sigma_max) / 13, rel=1e-4
    )


@pytest.mark.parametrize("name", FAMILY)
def test_whatever_schedule_is_chosen_they_walk_their_own(name):
    row = choose(name, None).sampler
    for schedule in (None, "Automatic", "Karras"):
        assert choose(name, schedule).schedule is row.schedule and choose(name, schedule).name == name
    assert menu(name, None) == (name, "Automatic")
    assert choose(f"{name} Karras", None).name == name
    assert choose(name.lower(), None).sampler is row


@pytest.mark.parametrize("name", FAMILY)
def test_the_result_has_the_variance_of_the_models_input(name):
    """With data of unit variance the flow keeps x/√(1 + σ²) as it is, down to the last timestep."""
    row = choose(name, None).sampler
    laid = sigmas(row.schedule, 100, LEVELS).double()
    x = torch.tensor([1.0, -2.0], dtype=torch.float64)
    made = sample(row, lambda x, sigma: x / (1 + sigma**2), x * (1 + laid[0] ** 2) ** 0.5, laid, walk(eta=0.0))
    assert made.tolist() == pytest.approx(x.tolist(), rel=0.03)


def test_ddim_draws_at_every_step_and_eta_says_how_much_counts():
    laid, draws = sigmas(TIMESTEPS, 12, LEVELS), []

    def noise():
        draws.append(torch.ones(3))
        return draws[-1]

    calm = sample(choose("DDIM", None).sampler, two_points, torch.ones(3), laid, walk(noise=noise, eta=0.0))
    assert len(draws) == 12
    flow = sample(choose("Euler", None).sampler, two_points, torch.ones(3), laid, walk())
    assert torch.allclose(calm * (1 + laid[-1] ** 2) ** 0.5, flow, atol=1e-6)
    eta, a, a_next = 0.7, *(1 / (1 + laid[:2] ** 2))
    x = torch.tensor([0.3, -1.0, 2.0])
    made = sample(choose("DDIM", None).sampler, two_points, x / a**0.5, laid[:2], walk(noise=noise, eta=eta))
    x0 = two_points(x / a**0.5, laid[0])
    eps = (x - a**0.5 * x0) / (1 - a) ** 0.5
    deviation = eta * ((1 - a_next) / (1 - a) * (1 - a / a_next)) ** 0.5  # eq. 16
    assert torch.allclose(made, a_next**0.5 * x0 + (1 - a_next - deviation**2) ** 0.5 * eps + deviation, atol=1e-5)


def test_cfgpp_keeps_the_unguided_noise():
    laid = sigmas(TIMESTEPS, 12, LEVELS)[:2]
    x = torch.tensor([5.0, -3.0])
    made = sample(
        choose("DDIM CFG++", None).sampler, lambda x, s: x * 0 + 2, x, laid, walk(eta=0.0, unguided=lambda x0: x0 - 1)
    )
    expected = 2 + laid[1] * (x - 1) / laid[0]
    assert torch.allclose(made * (1 + laid[1] ** 2) ** 0.5, expected)


@pytest.mark.parametrize(("scale", "value"), [(1.0, 3.0), (0.5, 2.0), (0.0, 1.0)])
def test_guidance_hands_out_its_unguided_half(scale, value):
    given = Contexts([Condition(torch.full((1, 77, 2), 3.0))], [1.0], Condition(torch.full((1, 77, 2), 1.0)))
    guided = Guided(
        lambda x, sigma, condition: x * 0 + condition.context.mean(dim=(1, 2))[:, None, None, None],
        lambda call: given,
        scale,
        keeps_uncond=True,
    )
    denoised = guided(torch.zeros(1, 4, 2, 2), torch.tensor(1.0))
    assert denoised.mean() == value and guided.unguided(denoised).mean() == 1


def test_orders_of_convergence():
    assert order("DDIM") == pytest.approx(1, abs=0.2)
    assert order("PLMS") >= 2
    for variant in ("bh1", "bh2", "vary_coeff"):
        assert order("UniPC", unipc=Corrections(variant=variant)) >= 2
        assert order("UniPC", unipc=Corrections(variant=variant, lower_order_final=False)) >= 2.5
    assert order("UniPC", unipc=Corrections(order=1)) >= 1.8  # the corrector gives it one more


@pytest.mark.parametrize("wanted", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("steps", [1, 2, 3, 6])
def test_unipc_with_fewer_steps_than_order(wanted, steps):
    told = []
    laid = sigmas(UNIPC_TIMESTEPS, steps, LEVELS).double()
    x = torch.tensor([1.0, -2.0], dtype=torch.float64) * laid[0]
    made = sample(choose("UniPC", None).sampler, two_points, x, laid, walk(told=told, unipc=Corrections(order=wanted)))
    assert made.isfinite().all() and told == list(range(len(told))) and len(told) >= len(laid) - 1


def test_variants_of_unipc_differ_only_a_little():
    x, laid = torch.tensor([3.0, -7.0], dtype=torch.float64), falling(10)
    row = choose("UniPC", None).sampler
    made = [sample(row, two_points, x, laid, walk(unipc=Corrections(variant=v))) for v in ("bh1", "bh2", "vary_coeff")]
    for one, other in pairwise(made):
        assert 0 < (one - other).abs().max() < 0.1


def test_lcm_knows_fifty_levels():
    known = distilled(LEVELS)
    assert len(known.sigmas) == 50 and known.sigma_max == LEVELS.sigma_max
    assert known.sigma_min == pytest.approx(0.13445, abs=1e-5)
    asked = []

    def model(x, sigma):
        asked.append(float(sigma))
        return x * 0

    laid = sigmas(choose("LCM", "Karras").schedule, 9, known)
    sample(choose("LCM", None).sampler, answering(model), torch.ones(2), laid, walk(noise=lambda: torch.zeros(2)))
    assert len(asked) == 9 and set(asked) <= {float(one) for one in known.sigmas}


def test_a_consistency_model_answers_with_the_denoised_latent():
    x, level = torch.tensor([4.0, -2.0]), distilled(LEVELS).sigmas[30]
    made = answering(lambda x, sigma: x / (1 + sigma**2))(x, level)
    assert torch.allclose(made, x / (1 + level**2), atol=1e-5)


def test_half_way_between_two_known_levels_counts_as_the_lower():
    known, asked = distilled(LEVELS), []

    def model(x, sigma):
        asked.append(float(sigma))
        return x * 0

    for step in (-1e-6, 0, 1e-6):
        answering(model)(torch.ones(2), known.sigma(torch.tensor([24.5])).reshape(()) * (1 + step))
    assert asked == [float(known.sigmas[24])] * 3
