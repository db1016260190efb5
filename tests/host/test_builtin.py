"""A1111's own scripts: what they read, how they part the work, and what they answer with."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modules.exceptions import ParameterError
from modules.generate.request import Img2Img, Txt2Img
from modules.host import axis_values
from modules.host.builtin.loopback import Loopback
from modules.host.builtin.matrix import combined
from modules.host.builtin.outward import growth
from modules.host.builtin.prompts_from_file import asked_by
from modules.host.builtin.spectrum import continued, matched
from modules.host.builtin.xyz_axes import reordered, searched
from modules.host.catalogue import Scripts
from modules.imaging.legends import Word, annotated

SMALL = {"prompt": "a red hat", "seed": 1, "steps": 1, "width": 64, "height": 64, "sampler_name": "Euler"}
UNSAVED = {"do_not_save_samples": True, "do_not_save_grid": True}
SEED, STEPS, PROMPT, SAMPLER = 1, 4, 7, 9  # places in A1111's menu of a txt2img axis


def xyz(x, y=(0, "", []), z=(0, "", []), legend=True, lone=False, subs=False, margin=0):
    return [*x, *y, *z, legend, lone, subs, False, False, False, False, margin, False]


def make(app, request):
    return app.generate(request).wait(120)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1-5", [1, 2, 3, 4, 5]),
        ("1-5 (+2)", [1, 3, 5]),
        ("10-5 (-3)", [10, 7]),
        ("1-10 [5]", [1, 3, 5, 7, 10]),
        ("-3--1, 7", [-3, -2, -1, 7]),
        ("+4,, 5 ", [4, 5]),
    ],
)
def test_whole_numbers_may_be_written_as_spans(text, values):
    assert axis_values.whole(axis_values.split(text)) == values


@pytest.mark.parametrize(
    ("text", "values"),
    [("0.5-1 (+0.25)", [0.5, 0.75, 1]), ("1-2 [3]", [1, 1.5, 2]), ("7", [7]), ("-0.5-0.5 [3]", [-0.5, 0, 0.5])],
)
def test_numbers_may_be_written_as_spans(text, values):
    assert axis_values.real(axis_values.split(text)) == pytest.approx(values)


@pytest.mark.parametrize("text", ["a", "1-2-3", "1e999", "1-99999999", "1-2 [999999]", "nan"])
def test_what_is_no_number_is_a_sentence(text):
    for read in (axis_values.whole, axis_values.real):
        if (read, text) != (axis_values.real, "1-99999999"):
            with pytest.raises(ValueError, match=r"\.$"):
                read([text])


def test_texts_may_hold_commas_in_quotes_and_read_back():
    assert axis_values.split('a, "b, c",d') == ["a", "b, c", "d"]
    assert axis_values.split(axis_values.joined(["b, c", "d"])) == ["b, c", "d"]


def test_prompt_axes_search_and_order():
    request = Txt2Img(prompt="a cat, a dog and a cow", negative_prompt="cat")
    changed = searched(request, "bird", ["cat", "bird"])
    assert (changed.prompt, changed.negative_prompt) == ("a bird, a dog and a cow", "bird")
    with pytest.raises(ParameterError, match="'pig' is in neither prompt"):
        searched(request, "x", ["pig"])
    assert reordered(request, ("cow", "cat", "dog"), ()).prompt == "a cow, a cat and a dog"


def test_axes_have_a1111s_names_and_places(app):
    recorded = json.loads((Path(__file__).parent / "axes.json").read_text())
    script = app.scripts.find("x/y/z plot", "txt2img")
    for tab, labels in recorded.items():
        own = [axis.label for axis in script.axes(tab)]
        assert own[: len(labels)] == labels
        assert len(set(own)) == len(own)


def test_a_plot_has_a_cell_for_each_value_with_legends_and_is_told(app):
    args = xyz((SEED, "5-6", []), (STEPS, "1,2", []), (SAMPLER, "", ["Euler", "DDIM"]), subs=True, lone=True, margin=2)
    result = make(app, Txt2Img(**SMALL, **UNSAVED, script_name="x/y/z PLOT", script_args=args))
    assert len(result.grids) == 3 and len(result.pictures) == 8
    text = result.grids[0].infotext
    assert 'Script: X/Y/Z plot, X Type: Seed, X Values: 5-6, Fixed X Values: "5, 6"' in text
    assert 'Y Type: Steps, Y Values: "1,2", Z Type: Sampler, Z Values: "Euler,DDIM"' in text
    assert "Z Type" not in result.grids[1].infotext and "Sampler: DDIM" in result.grids[2].infotext
    assert [one.infotext.split("Seed: ")[1][0] for one in result.pictures] == list("56565656")
    left = 64 * 3 // 4
    sub = result.grids[1].image
    assert sub.width == left + 64 * 2 + 2 and sub.height > 64 * 2 + 2
    drawn = sub.crop((left, sub.height - 130, left + 64, sub.height - 66))
    assert drawn == result.pictures[0].image


def test_a_plot_without_legend_is_as_large_as_its_cells_and_a_bad_value_is_refused_at_once(app):
    asked = {"script_name": "X/Y/Z plot", **SMALL, **UNSAVED}
    result = make(app, Txt2Img(**asked, script_args=xyz((PROMPT, "red,blue", []), legend=False)))
    assert result.grids[0].image.size == (128, 64) and not result.pictures
    for args, said in (
        (xyz((STEPS, "1-b", [])), "not a number"),
        (xyz((STEPS, "", [])), "has no values"),
        (xyz((PROMPT, "green,blue", [])), "in neither prompt"),
        (xyz((999, "1", [])), "no choice number"),
    ):
        with pytest.raises(ParameterError, match=said):
            app.generate(Txt2Img(**asked, script_args=args))


def test_a_cell_that_cannot_be_drawn_is_black_and_told(app):
    args = xyz((PROMPT + 4, "", ["tiny-sd1", "gone"]), legend=False)
    with pytest.raises(ParameterError, match="gone"):
        make(app, Txt2Img(**SMALL, **UNSAVED, script_name="x/y/z plot", script_args=args))


def test_a_matrix_has_every_combination(app):
    assert combined(["a ", "b", " c,"], ", ", False) == ["a ", "a , b", "a , c", "a , b, c"]
    assert combined(["a", "b"], " ", True) == ["a", "b a"]
    request = Txt2Img(**SMALL | {"prompt": "a|b|c", "batch_size": 3}, **UNSAVED, script_name="prompt matrix")
    result = make(app, request)
    assert [one.infotext.split("\n")[0] for one in result.pictures] == ["a", "a, b", "a, c", "a, b, c"]
    assert result.index_of_first_image == 1 and result.shown[0].image.width == 64 * 3 // 4 + 128


def test_lines_are_prompts_or_keys(app):
    request = Txt2Img(**SMALL)
    assert asked_by("a cat", request, "start").prompt == "a cat a red hat"
    assert asked_by("a -- b", request, "end").prompt == "a red hat a -- b"
    made = asked_by('--prompt two words --steps 7 --sd_model x --negative_prompt "not this" --seed 3', request, "end")
    assert (made.prompt, made.steps, made.seed, made.negative_prompt) == ("a red hat two words", 7, 3, "not this")
    assert made.override_settings == {"sd_model_checkpoint": "x"}
    for line, said in (("--steps x", "not a whole number"), ("--nope 1", "no key known"), ("--steps", "no value")):
        with pytest.raises(ParameterError, match=said):
            asked_by(line, request, "start")
    result = make(
        app, Txt2Img(**SMALL, **UNSAVED, script_name="Prompts from file or textbox", script_args=[1, 0, 0, "b\n\nc"])
    )
    assert [one.infotext.split("\n")[0] for one in result.pictures] == ["b a red hat", "c a red hat"]
    assert result.plan.seeds == (1, 2)


def over(app, title, args, **words):
    image = Image.effect_noise((64, 64), 80).convert("RGB")
    return make(
        app, Img2Img(**SMALL | words, **UNSAVED, init_images=[image], script_name=title, script_args=args)
    ), image


def test_loopback_goes_on_from_its_own_pictures(app):
    result, _ = over(app, "loopback", [2, 0.9, "Linear", "None"], denoising_strength=0.5)
    strengths = [one.infotext.split("Denoising strength: ")[1].split(",")[0] for one in result.pictures]
    assert strengths == ["0.5", "0.9"] and result.plan.seeds == (1, 2)
    assert "Final denoising strength: 0.9, Denoising curve: Linear" in result.pictures[1].infotext
    assert result.grid.image.size == (128, 64)


def test_loopback_may_add_what_the_picture_before_shows(app):
    seen = []
    means = replace(app.scripts.means, caption=lambda image: seen.append(image) or f"word {len(seen)}")
    scripts = Scripts(app.scripts.troubles, means)
    scripts.add(Loopback())
    asked = {"init_images": [Image.new("RGBA", (64, 64), "red")], "script_name": "Loopback"}
    request = Img2Img(**SMALL, **UNSAVED, **asked, script_args=[2, 0.5, "Linear", "CLIP"])
    result = app.queue.submit(
        "test", lambda progress: app.engine.run(means.planner(request), progress, scripts.hooks(progress))
    ).wait(120)
    assert [one.infotext.split("\n")[0] for one in result.pictures] == ["a red hat, word 1", "a red hat, word 2"]
    assert seen[0].mode == "RGB" and seen[1] == result.pictures[0].image
    with pytest.raises(ParameterError, match="no DeepBooru model"):
        scripts.check(replace(request, script_args=[2, 0.5, "Linear", "DeepBooru"]))


def test_sd_upscale_puts_tiles_together(app):
    result, _ = over(app, "sd upscale", [None, 32, "Lanczos", 1.5], denoising_strength=0.2, batch_size=3)
    assert [one.image.size for one in result.pictures] == [(96, 96)]
    assert "SD upscale overlap: 32, SD upscale upscaler: Lanczos" in result.pictures[0].infotext


@pytest.mark.parametrize(
    ("title", "args"),
    [
        ("outpainting mk2", [None, 32, 4, ["left", "down"], 1.0, 0.05]),
        ("poor man's outpainting", [32, 2, 0, ["left", "down"]]),
    ],
)
def test_outpainting_grows_and_keeps_the_picture(app, title, args):
    result, image = over(app, title, args, denoising_strength=0.8)
    picture = result.pictures[0].image
    assert picture.size == (128, 128)
    kept = (80, 0, 128, 48) if title.startswith("poor") else (64 + 24, 0, 128, 40)
    old = image.crop((kept[0] - 64, kept[1], kept[2] - 64, kept[3]))
    difference = np.abs(np.asarray(picture.crop(kept), int) - np.asarray(old, int))
    assert difference.mean() < 40  # what stays goes through the VAE at its rims alone
    assert np.asarray(picture.crop((0, 80, 48, 128))).std() > 1  # what is new is drawn


def test_sides_grow_to_multiples_of_64():
    made = growth(Image.new("RGB", (100, 128)), 30, ("left", "right"))
    assert (made.left, made.right, made.up, made.width, made.height) == (46, 46, 0, 192, 128)


def test_the_alternative_test_finds_noise_that_draws_the_picture_again(app):
    args = [None, True, True, "", "", True, 20, True, 1.0, 0.0, False]
    result, image = over(app, "img2img alternative test", args, cfg_scale=1.0)
    plain, _ = over(app, "", [], steps=20, denoising_strength=1.0, cfg_scale=1.0)

    def distance(other):
        return np.abs(np.asarray(image, float) - np.asarray(other.pictures[0].image, float)).mean()

    assert "Decode steps: 20" in result.pictures[0].infotext
    assert distance(result) < distance(plain)


def test_noise_goes_on_from_a_picture():
    image, hole = np.zeros((32, 32, 3)), np.zeros((32, 32, 3))
    image[:, :16] = np.random.default_rng(1).random((32, 16, 3)) * [1, 0.5, 0.1]
    hole[:, 16:] = 1
    made = continued(image, hole, 1.0, 0.05)
    assert np.array_equal(made[:, :16], image[:, :16])
    assert made[:, 16:].mean(axis=(0, 1)) == pytest.approx(image[:, :16].mean(axis=(0, 1)), abs=0.05)
    assert np.sort(matched(np.array([[3.0], [1.0], [2.0]]), np.array([[10.0], [20.0], [30.0]])).ravel()).tolist() == [
        10,
        20,
        30,
    ]


def test_legends_take_room_and_strike_through():
    sheet = Image.new("RGB", (200, 100), "red")
    plain = annotated(sheet, (100, 100), [[Word("")], [Word("")]], [[Word("")]])
    assert plain.size == (200, 100) and plain == sheet
    made = annotated(sheet, (100, 100), [[Word("on")], [Word("off", active=False)]], [[Word("row")]], margin=10)
    assert made.width == 75 + 210 and made.height > 100
    colours = {colour for _, colour in made.crop((75 + 110, 0, made.width, made.height - 100)).getcolors(100000)}
    assert (153, 153, 153) in colours and (0, 0, 0) not in colours
