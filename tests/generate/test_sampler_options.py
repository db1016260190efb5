"""Options of schedules and noise, from the request to the picture and its infotext."""

import numpy as np
import pytest

from modules.generate import infotext
from modules.generate.plan import request_from

SMALL = {"prompt": "a red castle", "seed": 7, "steps": 4, "width": 64, "height": 64} | {
    "do_not_save_samples": True,
    "do_not_save_grid": True,
}


def made(app, sampler, schedule=None, options=None, **values):
    asked = SMALL | {"sampler_name": sampler, "scheduler": schedule, "override_settings": options or {}} | values
    return app.txt2img(request_from(asked)).wait(60).pictures


def same(first, second):
    return int(np.abs(np.asarray(first.image, np.int16) - np.asarray(second.image, np.int16)).max()) <= 1


def parameters(picture):
    return dict(infotext.infotext.read(picture.infotext).pairs)


@pytest.mark.parametrize("sampler", ["DPM++ SDE", "DPM++ 2M SDE", "DPM++ 3M SDE", "Restart", "DPM fast"])
def test_an_image_of_a_batch_is_what_its_seed_gives_alone(app, sampler):
    both = made(app, sampler, batch_size=2)
    alone = made(app, sampler, seed=8)
    assert same(both[1], alone[0]) and not same(both[0], both[1])


def test_a_batch_may_share_its_noise(app):
    option = {"no_dpmpp_sde_batch_determinism": True}
    both, alone = made(app, "DPM++ SDE", options=option, batch_size=2), made(app, "DPM++ SDE", seed=8)
    assert not same(both[1], alone[0])
    assert same(made(app, "DPM++ SDE", options=option, batch_size=2)[1], both[1])


@pytest.mark.parametrize("kind", ["karras", "exponential", "polyexponential"])
def test_a_schedule_by_option_holds_where_the_request_names_none(app, kind):
    (picture,) = made(app, "DPM++ 2M Karras", options={"k_sched_type": kind})
    told = parameters(picture)
    assert (told["Sampler"], told["Schedule type"]) == ("DPM++ 2M Karras", kind)
    assert same(picture, made(app, "DPM++ 2M", kind.title())[0])
    (named,) = made(app, "DPM++ 2M", "Automatic", options={"k_sched_type": kind})
    assert parameters(named)["Schedule type"] == "Karras"


def test_the_schedule_by_option_reads_back_from_the_infotext(app):
    (picture,) = made(app, "DPM++ 2M SDE Exponential", options={"k_sched_type": "karras", "rho": 5})
    again = infotext.read(picture.infotext, app.options.specs)
    values = again.values | {"do_not_save_samples": True, "do_not_save_grid": True}
    overrides = infotext.differing(again.overrides, app.options.view())
    assert same(picture, made(app, "", options=overrides, **values)[0])


@pytest.mark.parametrize(("rho", "told"), [(0, None), (7, None), (5, "5")])
def test_the_steepness_is_told_where_it_is_not_the_schedules_own(app, rho, told):
    (picture,) = made(app, "Euler", "Karras", options={"rho": rho})
    assert parameters(picture).get("Schedule rho") == told


def test_the_old_range_of_karras_is_0_1_to_10(app):
    old, ranged = {"use_old_karras_scheduler_sigmas": True}, {"sigma_min": 0.1, "sigma_max": 10}
    assert same(made(app, "Euler Karras", options=old)[0], made(app, "Euler Karras", options=ranged)[0])
    assert same(made(app, "Euler Exponential", options=old)[0], made(app, "Euler Exponential")[0])
    assert same(made(app, "Euler", "Exponential", old)[0], made(app, "Euler", "Exponential", ranged)[0])
    assert same(
        made(app, "Euler Karras", options=old | {"sigma_max": 5})[0],
        made(app, "Euler Karras", options=ranged | {"sigma_max": 5})[0],
    )


@pytest.mark.parametrize(("sampler", "told"), [("Euler", "True"), ("DDIM", None)])
def test_the_noise_multiplier_is_told_where_it_has_an_effect(app, sampler, told):
    plain, multiplied = made(app, sampler)[0], made(app, sampler, options={"sgm_noise_multiplier": True})[0]
    assert parameters(multiplied).get("SGM noise multiplier") == told
    assert np.array_equal(plain.image, multiplied.image) == (told is None)


def test_eta_reaches_the_sde_samplers_and_is_told(app):
    (picture,) = made(app, "DPM++ 2M SDE", eta=0.5)
    assert parameters(picture)["Eta"] == "0.5"
    assert not same(picture, made(app, "DPM++ 2M SDE")[0])
