"""A second checkpoint takes over on the way."""

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from modules.app import build
from modules.exceptions import NotFound
from modules.generate.plan import request_from
from modules.settings.sections import Launch
from tests.conftest import draw_model


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """The program over the drawn model and one unlike it."""
    folder = tmp_path_factory.mktemp("data")
    path = draw_model(folder / "models/Stable-diffusion")
    other = path.with_name("other.safetensors")
    bent = ("model.diffusion_model.out.2.weight", "cond_stage_model.transformer.text_model.final_layer_norm.bias")
    save_file({k: v * 0.7 + 0.01 if k in bent else v for k, v in load_file(path).items()}, other)
    (folder / "models/Stable-diffusion/other.yaml").write_text(path.with_suffix(".yaml").read_text())
    made = build(Launch(data_dir=str(folder)))
    yield made
    made.queue.close()


def made(app, checkpoint="tiny-sd1", **values):
    words = {"prompt": "a (cat:1.2)", "steps": 6, "width": 64, "height": 64, "seed": 5, "sampler_name": "Euler"}
    words |= {"do_not_save_samples": True, "override_settings": {"sd_model_checkpoint": checkpoint}}
    return app.txt2img(request_from(words | values)).wait(60).pictures


def same(one, other):
    return np.array_equal(np.asarray(one.image), np.asarray(other.image))


def test_at_once_the_refiner_draws_it_all(app):
    (alone,) = made(app, "other")
    assert same(made(app, refiner_checkpoint="other")[0], alone)
    assert same(made(app, refiner_checkpoint="other", refiner_switch_at=0.0)[0], alone)


def test_at_the_end_it_draws_nothing(app):
    (alone,) = made(app)
    assert same(made(app, refiner_checkpoint="other", refiner_switch_at=1.0)[0], alone)
    assert same(made(app, refiner_checkpoint="None", refiner_switch_at=0.2)[0], alone)


def test_half_way_each_image_begins_with_the_first_model(app):
    """Also the second batch, which finds the refiner at work."""
    both = made(app, refiner_checkpoint="other", refiner_switch_at=0.5, n_iter=2)
    second = made(app, refiner_checkpoint="other", refiner_switch_at=0.5, seed=6)[0]
    assert same(both[1], second)
    assert not same(second, made(app, seed=6)[0]) and not same(second, made(app, "other", seed=6)[0])
    assert ", Refiner: other [" in second.infotext and ", Refiner switch at: 0.5" in second.infotext


@pytest.mark.parametrize(
    ("refined", "passes"),
    [
        ("first pass", ("other", "tiny-sd1")),
        ("second pass", ("tiny-sd1", "other")),
        ("both passes", ("other", "other")),
    ],
)
def test_a_refiner_draws_the_passes_that_it_is_wanted_for(app, refined, passes):
    """At once, so that the pass is as one with the refiner for its checkpoint."""
    hires = {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": "Latent", "steps": 3}
    wanted = {"hires_fix_refiner_pass": refined, "sd_model_checkpoint": "tiny-sd1"}
    (one,) = made(app, refiner_checkpoint="other", override_settings=wanted, **hires)
    (other,) = made(app, passes[0], hr_checkpoint_name=passes[1], **hires)
    assert one.image.size == (96, 96) and same(one, other)
    assert (f"Hires refiner: {refined}" in one.infotext) == (refined != "second pass")
    assert (f"Hires checkpoint: {passes[1]}" in other.infotext) == (passes[0] != passes[1])


def test_by_steps_the_share_counts_calls(app):
    by_calls = {"refiner_switch_by_sample_steps": True, "sd_model_checkpoint": "tiny-sd1"}
    values = {"refiner_checkpoint": "other", "scheduler": "Karras", "refiner_switch_at": 0.6}
    early = made(app, **values)[0]
    late = made(app, **values, override_settings=by_calls)[0]
    assert not same(early, late) and "Refiner switch by sampling steps: True" in late.infotext


def test_an_unknown_refiner_is_a_sentence(app):
    with pytest.raises(NotFound, match="There is no checkpoint 'othr'; did you mean 'other.safetensors'"):
        made(app, refiner_checkpoint="othr")
