"""How far a stage walks, and how large a hires pass is."""

import pytest
import torch

from modules.generate.plan import request_from
from modules.generate.stages import Enlarged, Stage, enlarged
from modules.sampling.prediction import Levels
from modules.sampling.starting import from_latent, from_latent_by_timesteps
from modules.sampling.tables import choose


def stage(steps, strength=None, exact=False, sampler="Euler"):
    unused = {"width": 64, "height": 64, "checkpoint": None, "wording": None}
    return Stage(choice=choose(sampler, "Karras"), steps=steps, strength=strength, exact=exact, **unused)


@pytest.mark.parametrize(
    ("given", "laid_out", "taken"),
    [
        (stage(20), 20, 20),
        (stage(20, 0.5), 20, 11),
        (stage(20, 1.0), 20, 20),
        (stage(20, 0.0), 20, 1),
        (stage(8, 0.6, exact=True), 13, 8),
        (stage(12, 0.6, exact=True), 20, 12),
        (stage(8, 0.0, exact=True), 0, 8),
        (stage(8, 1.0, exact=True), 8, 8),
    ],
)
def test_steps(given, laid_out, taken):
    assert (given.laid_out, given.taken) == (laid_out, taken)


def test_second_order_samplers_call_twice():
    assert stage(12, sampler="Heun").calls == 24 and stage(12).calls == 12


@pytest.mark.parametrize(
    ("values", "size"),
    [
        ({"hr_scale": 2}, Enlarged(128, 192)),
        ({"hr_scale": 1.3}, Enlarged(83, 124)),
        ({"hr_resize_x": 128}, Enlarged(128, 192)),
        ({"hr_resize_y": 96}, Enlarged(64, 96)),
        ({"hr_resize_x": 128, "hr_resize_y": 128}, Enlarged(128, 192, 0, 8)),
        ({"hr_resize_x": 64, "hr_resize_y": 192}, Enlarged(128, 192, 8, 0)),
    ],
)
def test_a_hires_pass_covers_what_is_wanted(values, size):
    assert enlarged(request_from({"width": 64, "height": 96, "enable_hr": True} | values)) == size


def test_a_walk_over_a_latent_begins_with_the_noise_of_its_level():
    sigmas, latent, noise = torch.tensor([9.0, 4.0, 1.0, 0.0]), torch.full((1, 1, 1, 1), 2.0), torch.ones(1, 1, 1, 1)
    x, left = from_latent(latent, noise, sigmas, 2, lambda noisy: noisy / 12)
    assert left.tolist() == [4.0, 1.0, 0.0] and x.item() == 6 + 0.5
    x, left = from_latent(latent, noise, torch.zeros(1), 8)
    assert left.tolist() == [0.0] and x.item() == 2


def test_ddims_family_begins_one_timestep_below_its_noise():
    levels, latent, noise = Levels.scaled_linear(), torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1)
    x, left = from_latent_by_timesteps(choose("DDIM", None).sampler, latent, noise, levels, 10, 6)
    assert torch.allclose(left, levels.sigmas[[401, 301, 201, 101, 1]])
    at = levels.sigmas[501]
    assert x.item() == pytest.approx(float(at * ((1 + left[0] ** 2) / (1 + at**2)) ** 0.5), rel=1e-5)
    x, left = from_latent_by_timesteps(choose("DDIM", None).sampler, latent, noise, levels, 10, 1)
    assert len(left) == 0
    assert x.item() == pytest.approx(float(levels.sigmas[1] / (1 + levels.sigmas[1] ** 2) ** 0.5), rel=1e-5)
