"""img2img and inpainting against A1111's own pictures, and what must hold whatever the model draws."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modules.exceptions import ParameterError
from modules.generate import infotext
from modules.generate.plan import request_from
from modules.generate.request import Img2Img, Txt2Img

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = json.loads((GOLDEN / "over_pictures.json").read_text())
IMAGES = {"init_images", "mask"}


def opened(sent):
    if isinstance(sent, list):
        return [opened(one) for one in sent]
    with Image.open(GOLDEN / "inputs" / sent.removeprefix("@inputs/")) as image:
        return image.copy()


def request_of(sent, **values):
    read = {name: opened(value) if name in IMAGES else value for name, value in sent.items()}
    usual = {"inpainting_fill": 0, "inpaint_full_res": True, "inpaint_full_res_padding": 0}  # the API's
    return request_from(usual | read | {"do_not_save_samples": True, "do_not_save_grid": True} | values, Img2Img)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_picture_is_a1111s(case, app):
    result = app.generate(request_of(case["request"])).wait(60)
    assert len(result.pictures) == len(case["pictures"])
    for made, name, text in zip(result.pictures, case["pictures"], case["infotexts"], strict=True):
        with Image.open(GOLDEN / name) as theirs:
            difference = np.abs(np.asarray(made.image, np.int16) - np.asarray(theirs.convert("RGB"), np.int16))
        assert difference.max() <= case.get("tolerance", 1)
        assert pairs_of(made.infotext) == pairs_of(text)


def pairs_of(text):
    """An infotext's last line by key."""
    pairs = dict(pair.split(": ", 1) for pair in text.splitlines()[-1].split(", "))
    del pairs["Version"]
    return pairs | {"CFG scale": float(pairs["CFG scale"])}


@pytest.fixture
def painted():
    """A request to draw a box of a picture anew."""
    rng = np.random.RandomState(1)
    image = Image.fromarray(rng.randint(0, 255, (64, 64, 3), np.uint8)).resize((128, 128))
    mask = Image.new("L", (128, 128))
    mask.paste(255, (40, 40, 88, 88))
    return Img2Img(
        prompt="a cat", init_images=(image,), mask=mask, width=128, height=128, steps=4, seed=3, mask_blur=0,
        sampler_name="Euler", do_not_save_samples=True, denoising_strength=0.9,
    )  # fmt: skip


def drawn(app, request, **values):
    return np.asarray(app.generate(replace(request, **values)).wait(60).pictures[0].image, np.int16)


@pytest.mark.parametrize("whole", [True, False])
def test_only_what_is_masked_changes(app, painted, whole):
    before, after = np.asarray(painted.init_images[0], np.int16), drawn(app, painted, inpaint_full_res=not whole)
    inside = np.asarray(painted.mask) > 0
    assert np.array_equal(after[~inside], before[~inside]) and np.abs(after[inside] - before[inside]).mean() > 5


@pytest.mark.parametrize("wishes", [{"inpaint_full_res": True}, {"resize_mode": 3}])
def test_soft_inpainting_fades_into_what_was_there(app, painted, wishes):
    before, soft = np.asarray(painted.init_images[0], np.int16), {"mask_blur": 8, "soft_inpainting": True}
    after, hard = drawn(app, painted, **soft, **wishes), drawn(app, painted, mask_blur=8, **wishes)
    assert not np.array_equal(after, hard)
    assert np.abs(after - before)[56:72, 56:72].mean() > 5 > 1 > np.abs(after - before)[:8].mean()


TWICE = Txt2Img(
    prompt="a cat", width=64, height=64, steps=3, seed=3, sampler_name="Euler", enable_hr=True, hr_scale=2,
    do_not_save_samples=True,
)  # fmt: skip


@pytest.mark.parametrize("upscaler", ["Lanczos", "Latent"])
def test_the_second_pass_goes_over_a_given_picture(app, upscaler):
    both = replace(TWICE, hr_upscaler=upscaler)
    first = app.generate(replace(both, enable_hr=False)).wait(60).pictures[0].image
    job = app.generate(replace(both, firstpass_image=first, batch_size=2))
    made, second = job.wait(60).pictures
    assert made.image.size == (128, 128) and job.progress.steps == 3
    whole = app.generate(both).wait(60).pictures[0]
    off = np.abs(np.asarray(made.image, np.int16) - np.asarray(whole.image, np.int16))
    assert made.infotext == whole.infotext and second.image != made.image
    assert off.max() <= 1 or upscaler == "Latent"  # which went through the VAE and back


def test_a_given_first_pass_is_for_hires_fix(app):
    image = Image.new("RGB", (64, 64))
    with pytest.raises(ParameterError, match="enable_hr"):
        app.generate(replace(TWICE, enable_hr=False, firstpass_image=image))
    with pytest.raises(ParameterError, match="cannot be read"):
        app.generate(replace(TWICE, firstpass_image="x"))


def test_the_other_half(app, painted):
    before, after = np.asarray(painted.init_images[0], np.int16), drawn(app, painted, inpainting_mask_invert=1)
    inside = np.asarray(painted.mask) > 0
    assert np.array_equal(after[inside], before[inside]) and np.abs(after[~inside] - before[~inside]).mean() > 5


def test_without_denoising_the_picture_stays_nearly(app, painted):
    bare = replace(painted, mask=None)
    gentle, strong = drawn(app, bare, denoising_strength=0.0), drawn(app, bare, denoising_strength=0.9)
    twice = drawn(app, replace(bare, denoising_strength=0.0), seed=99)
    assert np.abs(gentle - twice).mean() < np.abs(gentle - strong).mean() / 4


def test_a_mask_of_another_size_is_stretched(app, painted):
    before, small = (
        np.asarray(painted.init_images[0], np.int16),
        painted.mask.resize((64, 64), Image.Resampling.NEAREST),
    )
    changed = (drawn(app, painted, mask=small) != before).any(axis=2)
    assert changed[44:84, 44:84].mean() > 0.9 and not changed[:32].any() and not changed[:, 96:].any()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"init_images": ()}, "There is no image to start from"),
        ({"mask": Image.new("L", (128, 128)), "inpaint_full_res": True}, "The mask is empty"),
        ({"init_images": (Image.new("RGB", (9, 9)),) * 3, "batch_size": 2, "mask": None}, "3 images do not go into"),
        ({"init_images": ("x",)}, "cannot be read"),
    ],
)
def test_what_cannot_be_is_a_sentence(app, painted, values, words):
    with pytest.raises(ParameterError, match=words):
        app.generate(replace(painted, **values)).wait(60)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGBA", "P", "CMYK", "I;16"])
def test_images_of_every_mode_and_of_one_pixel(app, painted, mode):
    image = Image.new("RGB", (1, 1), "red").convert("L").convert(mode) if mode != "I;16" else Image.new(mode, (1, 1))
    assert drawn(app, painted, init_images=(image,), mask=None, steps=1).shape == (128, 128, 3)


def test_the_text_says_what_was_masked(app, painted):
    asked = replace(painted, mask_blur=6, inpainting_fill=2, inpaint_full_res=True, inpainting_mask_invert=1)
    text = app.generate(asked).wait(60).pictures[0].infotext
    view = app.options.view()
    values = infotext.read(text, view.specs(), kind=Img2Img).values
    told = {"mask_blur": 6, "inpainting_fill": 2, "inpaint_full_res": 1, "inpainting_mask_invert": 1}
    assert values.items() >= (told | {"inpaint_full_res_padding": 32, "denoising_strength": 0.9}).items()
