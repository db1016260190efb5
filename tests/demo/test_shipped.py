"""The checkpoint that comes with the program, over pictures: a mask, a second pass, a wider scene."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from modules.app import build
from modules.generate.request import Img2Img, Txt2Img
from modules.settings.folders import PROGRAM
from modules.settings.sections import Launch

SIDE = 128  # pixels, which it was trained for
SECONDS = 120
WORDS = {"steps": 8, "width": SIDE, "height": SIDE, "cfg_scale": 6.0, "seed": 7, "sampler_name": "Euler a"}
WORDS |= {"do_not_save_samples": True, "do_not_save_grid": True}


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """A program whose one checkpoint is the shipped one."""
    made = build(
        Launch(
            data_dir=str(tmp_path_factory.mktemp("demo")),
            models_dir=str(PROGRAM / "models"),
            embeddings_dir=str(PROGRAM / "embeddings"),
        )
    )
    yield made
    made.queue.close()


@pytest.fixture(scope="module")
def scene(app):
    return app.generate(Txt2Img(prompt="a green tree on a hill", **WORDS)).wait(SECONDS).pictures[0].image


def over(app, scene, **wishes):
    result = app.generate(Img2Img(init_images=[scene], **WORDS | wishes)).wait(SECONDS)
    return [np.asarray(one.image.convert("RGB"), int) for one in result.pictures]


def test_a_red_star_comes_where_it_was_painted_and_nowhere_else(app, scene):
    mask = Image.new("L", scene.size)
    ImageDraw.Draw(mask).ellipse((66, 2, 124, 60), fill=255)
    drawn = over(app, scene, prompt="a red star", mask=mask, mask_blur=0, denoising_strength=0.95, batch_size=4)
    before, painted = np.asarray(scene.convert("RGB"), int), np.asarray(mask) > 0
    assert all((before == after)[~painted].all() and (before != after)[painted].any() for after in drawn)

    def redness(pixels):
        return (pixels[painted][:, 0] - pixels[painted][:, 1:].max(1)).max()

    assert max(redness(after) for after in drawn) > redness(before) + 50  # one of four at least: the model is small


def test_a_second_pass_keeps_what_is_where(app, scene):
    hires = {"enable_hr": True, "hr_upscaler": "Lanczos", "denoising_strength": 0.2}
    large = app.generate(Txt2Img(prompt="a green tree on a hill", **WORDS, **hires)).wait(SECONDS).pictures[0].image
    assert large.size == (2 * SIDE, 2 * SIDE)
    small = [np.asarray(one.convert("RGB").resize((32, 32)), float).ravel() for one in (scene, large)]
    assert np.corrcoef(*small)[0, 1] > 0.8


@pytest.mark.parametrize(
    ("title", "args"),
    [
        ("outpainting mk2", [None, 64, 4, ["left"], 1.0, 0.05]),
        ("poor man's outpainting", [64, 4, 0, ["left"]]),
    ],
)
def test_a_scene_goes_on_to_the_left(app, scene, title, args):
    wishes = {"prompt": "a green tree on a hill", "script_name": title, "script_args": args}
    (pixels,) = over(app, scene, denoising_strength=0.8, **wishes)
    assert pixels.shape == (SIDE, SIDE + 64, 3)
    kept, old = pixels[:, 64 + 16 :], np.asarray(scene.convert("RGB"), int)[:, 16:]
    assert np.abs(kept - old).mean() < 12
    sky, ground = pixels[:24, :48].mean((0, 1)), pixels[-16:, :48].mean((0, 1))
    assert sky[2] > sky[1] and ground[1] > max(ground[0], ground[2]) + 20  # blue above, green below


def test_its_loras_and_its_embedding_show(app, scene):
    def areas(prompt):
        picture = app.generate(Txt2Img(prompt=prompt, **WORDS)).wait(SECONDS).pictures[0].image
        red, green, blue = np.moveaxis(np.asarray(picture.convert("RGB"), int), -1, 0)
        return np.mean(blue > red + 60), np.mean(red > np.maximum(green, blue) + 60), picture.tobytes()

    filled, half, outlined = (
        areas(f"a large blue star on a yellow background <lora:demo-outline:{w}>") for w in (0, 0.5, 1)
    )
    assert filled[0] > outlined[0] + 0.02 and len({filled[2], half[2], outlined[2]}) == 3
    boat, none = (areas(f"a large red boat by the sea{tag}")[2] for tag in (" <lora:demo-boat:1>", ""))
    assert boat != none
    assert areas("demo-ember on a white background")[1] > 0.03 > areas("on a white background")[1]
