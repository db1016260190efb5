"""A tour with the client library `webuiapi`, unchanged, on pictures that the drawn model really makes."""

import dataclasses
import threading

import numpy as np
import pytest
import webuiapi
from PIL import Image, ImageDraw

from tests.webapi.conftest import serving

SMALL = {"prompt": "a red castle", "seed": 7, "steps": 2, "width": 64, "height": 64, "sampler_name": "Euler a"}


@pytest.fixture(scope="module")
def api(app):
    alone = dataclasses.replace(app, launch=dataclasses.replace(app.launch, nowebui=True))
    with serving(alone) as url:
        yield webuiapi.WebUIApi(host="127.0.0.1", port=int(url.rpartition(":")[2]), sampler="Euler a", steps=2)


@pytest.fixture(scope="module")
def first(api):
    return api.txt2img(**SMALL)


def test_txt2img(api, first):
    assert first.image.size == (64, 64) and first.info["seed"] == 7 and "Seed: 7" in first.image.info["parameters"]
    again = api.txt2img(**SMALL)
    assert np.array_equal(again.image, first.image)
    hires = api.txt2img(**SMALL, enable_hr=True, hr_scale=2, hr_upscaler=webuiapi.HiResUpscaler.Latent)
    assert hires.image.size == (128, 128) and len(api.txt2img(**SMALL, batch_size=2).images) == 2
    assert api.txt2img(**SMALL, override_settings={"CLIP_stop_at_last_layers": 2}).info["clip_skip"] == 2


def test_img2img_and_inpaint(api, first):
    over = api.img2img(images=[first.image], denoising_strength=0.5, **SMALL)
    assert over.image.size == (64, 64) and not np.array_equal(over.image, first.image)
    mask = Image.new("RGB", (64, 64), "black")
    ImageDraw.Draw(mask).rectangle((0, 0, 31, 63), fill="white")
    painted = api.img2img(images=[first.image], mask_image=mask, mask_blur=0, inpainting_fill=1, **SMALL).image
    before, after = np.asarray(first.image).astype(int), np.asarray(painted).astype(int)
    assert np.abs(before - after)[:, 40:].max() <= 1 and np.abs(before - after)[:, :32].max() > 1


def test_extras(api, first):
    one = api.extra_single_image(image=first.image, upscaler_1=webuiapi.Upscaler.Lanczos, upscaling_resize=1.5)
    assert one.image.size == (96, 96) and "Lanczos" in one.info
    many = api.extra_batch_images(images=[first.image] * 2, upscaler_1=webuiapi.Upscaler.Nearest, upscaling_resize=2)
    assert [image.size for image in many.images] == [(128, 128)] * 2


def test_png_info(api, first):
    assert api.png_info(first.image).info.startswith("a red castle\nSteps: 2, Sampler: Euler a")


def test_options_and_models(api, app):
    (title,) = api.util_get_model_names()
    assert title.startswith("tiny-sd1.safetensors")
    before = api.get_options()
    api.util_set_model("tiny-sd1")
    assert api.util_get_current_model().startswith("tiny-sd1")
    api.set_options({"samples_format": "webp"})
    assert api.get_options()["samples_format"] == "webp"
    api.set_options({name: before[name] for name in ("samples_format", "sd_model_checkpoint")})
    api.refresh_checkpoints()
    assert api.get_cmd_flags()["nowebui"] is True


def test_lists(api):
    assert "Euler a" in [one["name"] for one in api.get_samplers()]
    assert "karras" in [one["name"] for one in api.get_schedulers()]
    assert "Lanczos" in [one["name"] for one in api.get_upscalers()]
    assert api.get_latent_upscale_modes()[0]["name"] == "Latent"
    assert {one["name"] for one in api.get_face_restorers()} == {"CodeFormer", "GFPGAN"}
    assert set(api.get_embeddings()) == {"loaded", "skipped"} and set(api.get_memory()) == {"ram", "cuda"}
    for empty in (api.get_sd_vae, api.get_loras, api.get_hypernetworks, api.get_realesrgan_models):
        assert isinstance(empty(), list)
    assert api.get_prompt_styles() == []
    assert {"txt2img", "img2img"} <= set(api.get_scripts())


def test_progress_and_interrupt(api):
    api.util_wait_for_ready(check_interval=0.05)
    assert api.get_progress()["progress"] == 0 and api.get_progress()["state"]["job_count"] == 0
    made = []
    long = threading.Thread(target=lambda: made.append(api.txt2img(**SMALL | {"steps": 5000})))
    long.start()
    while api.get_progress()["state"]["sampling_step"] < 2:
        assert long.is_alive()
    assert 0 < api.get_progress()["progress"] < 1
    api.skip()
    api.interrupt()
    long.join(30)
    assert made[0].image.size == (64, 64)
    api.util_wait_for_ready(check_interval=0.05)


def test_interrogate_says_why_not(api, first):
    with pytest.raises(RuntimeError, match="501"):
        api.interrogate(first.image)
