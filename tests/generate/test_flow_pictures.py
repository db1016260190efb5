"""Pictures of small SD3 and Flux models of drawn weights: every way of drawing goes through, and means what it says."""

import numpy as np
import pytest
from PIL import Image

from modules.app import build
from modules.generate.infotext import read
from modules.generate.plan import request_from
from modules.generate.request import Img2Img, Txt2Img
from modules.settings.sections import Launch
from tests import flowing

SMALL = {"width": 64, "height": 64, "steps": 3, "seed": 1, "cfg_scale": 1, "do_not_save_samples": True}
SMALL |= {"sampler_name": "Euler", "scheduler": "Simple", "prompt": "a red castle"}


@pytest.fixture(scope="module")
def flows(tmp_path_factory):
    data = tmp_path_factory.mktemp("flows")
    folder = data / "models/Stable-diffusion"
    flowing.write(folder / "flux.safetensors", flowing.flux_shapes())
    flowing.write(folder / "fill.safetensors", flowing.flux_shapes(channels=384))
    flowing.write(folder / "sd3.safetensors", flowing.sd3_shapes())
    flowing.write_vocabulary(data / "models/text_encoder")
    made = build(Launch(data_dir=str(data)))
    yield made
    made.queue.close()


def drawn(flows, name="flux", kind=Txt2Img, options=None, **values):
    asked = {**SMALL, **values, "override_settings": {"sd_model_checkpoint": name} | (options or {})}
    return flows.generate(request_from(asked, kind)).wait(120).pictures[0]


def numbers(picture):
    return np.asarray(picture.image, np.int16)


def test_every_word_and_the_guidance_count(flows):
    plain, again = drawn(flows), drawn(flows)
    assert plain.image.size == (64, 64) and plain.image.tobytes() == again.image.tobytes()
    assert "CFG scale: 1, Distilled CFG Scale: 3.5, Seed: 1" in plain.infotext.replace("1.0,", "1,")
    changes = (
        {"prompt": "a red hill"},
        {"prompt": "a (red:1.4) castle"},
        {"distilled_cfg_scale": 20.0},
        {"cfg_scale": 3},
    )
    made = {drawn(flows, **change).image.tobytes() for change in changes} | {plain.image.tobytes()}
    assert len(made) == len(changes) + 1
    moved = drawn(flows, options={"flow_shift": 1.0})
    assert moved.image.tobytes() != plain.image.tobytes() and "Shift: 1" in moved.infotext
    specs = flows.options.view().specs()
    assert read(moved.infotext, specs).overrides["flow_shift"] == 1
    assert read(drawn(flows, distilled_cfg_scale=20.0).infotext, specs).values["distilled_cfg_scale"] == 20


def test_sd3_draws_without_t5_and_with_schedules(flows):
    plain = drawn(flows, "sd3", cfg_scale=4)
    assert "Distilled" not in plain.infotext
    other = drawn(flows, "sd3", cfg_scale=4, prompt="a [red:blue:0.5] castle AND a hill", negative_prompt="on")
    assert plain.image.tobytes() != other.image.tobytes()


@pytest.mark.parametrize("sampler", ["Euler a", "DPM++ 2M SDE", "DDIM", "UniPC", "LCM", "Heun", "Restart"])
def test_samplers_that_add_noise_walk_over_a_flow(sampler, flows):
    picture = drawn(flows, sampler_name=sampler, scheduler="Automatic", steps=4)
    assert numbers(picture).std() > 1


def test_over_a_picture(flows):
    given = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    mask = Image.new("L", (64, 64))
    mask.paste(255, (0, 0, 32, 64))
    little = drawn(flows, kind=Img2Img, init_images=[given], denoising_strength=0.1, steps=10)
    much = drawn(flows, kind=Img2Img, init_images=[given], denoising_strength=1.0, steps=10)
    assert little.image.tobytes() != much.image.tobytes()
    kept = drawn(flows, "fill", Img2Img, init_images=[given], mask=mask, denoising_strength=1.0)
    whole = drawn(flows, "fill", Img2Img, init_images=[given], denoising_strength=1.0)
    assert kept.image.tobytes() != whole.image.tobytes()
    larger = drawn(flows, enable_hr=True, hr_scale=1.5, hr_upscaler="Latent", denoising_strength=0.7)
    assert larger.image.size == (96, 96)


def test_a_text_longer_than_t5_usually_reads_is_not_cut(flows):
    assert (
        drawn(flows, prompt="castle " * 60).image.tobytes()
        != drawn(flows, prompt="castle " * 60 + "red").image.tobytes()
    )
