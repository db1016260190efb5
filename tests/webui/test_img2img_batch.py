"""The Batch sub-tab: each picture of a folder is drawn over, with masks and texts of others, and saved by its name."""

import json
import random

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from modules.app import build
from modules.exceptions import ParameterError
from modules.generate.request import Img2Img
from modules.imaging.metadata import read_text
from modules.imaging.pixels import from_file
from modules.settings.reach import HOST
from modules.settings.sections import Launch
from modules.webui import img2img
from modules.webui.form import Form
from modules.webui.img2img_batch import FOLDER, FRONT, ImageRuns

TEXT = "a red hat\nNegative prompt: wool\nSteps: 1, Sampler: DPM++ 2M Karras, CFG scale: 3, Seed: 99, Size: 8x8"


@pytest.fixture(scope="module")
def program(checkpoint_folder, tmp_path_factory):
    """A program with a data folder of its own, over the drawn model."""
    folder = tmp_path_factory.mktemp("batch")
    made = build(Launch(data_dir=str(folder), models_dir=str(checkpoint_folder / "models")))
    yield made
    made.queue.close()


@pytest.fixture(scope="module")
def tab(program):
    """(its handlers, what it sends when little has been touched)"""
    form = Form("img2img", Img2Img, {}, {}, None, {})
    small = {"width": 32, "height": 32, "steps": 2, "sampler_name": "Euler", "seed": 5, "prompt": "a cat"}
    return ImageRuns(program, None, form, img2img.understood), small | {"front": FRONT, "batch_source": FOLDER}


@pytest.fixture
def folder(tmp_path):
    """Three pictures, one of them with a text, and something that is none."""
    place = tmp_path / "in"
    place.mkdir()
    for number, name in enumerate(("a[seed].png", "b.jpg", "c.png")):
        info = PngInfo()
        info.add_text("parameters", TEXT)
        image = Image.fromarray(np.random.RandomState(number).randint(0, 255, (40, 48, 3), np.uint8))
        image.save(place / name, **({"pnginfo": info} if name == "c.png" else {}))
    (place / "broken.png").write_bytes(b"no picture")
    return place


def ran(tab, folder, **wishes):
    runs, values = tab
    task = f"task({random.random()})"
    runs.queue(task, [], values | {"batch_input_dir": str(folder)} | wishes, HOST)
    return runs.app.queue.find(task).wait(120)


def saved(folder):
    """Texts of the files by name."""
    return {path.name: read_text(from_file(path))[0] for path in sorted(folder.iterdir())}


def test_a_folder_is_drawn_over_and_saved_by_name(tab, folder, tmp_path):
    result = ran(tab, folder, batch_output_dir=str(tmp_path / "out"), seed=-1, by_scale=True, scale=0.5)
    texts = saved(tmp_path / "out")
    assert list(texts) == ["a[seed].png", "b.png", "c.png"]
    seeds = {text.split("Seed: ")[1].split(",")[0] for text in texts.values()}
    assert len(seeds) == 1 and all("Size: 24x20" in text for text in texts.values())
    assert len(result.pictures) == 3 and len(result.plan.seeds) == 3
    assert len(result.comments) == 1 and "broken.png" in result.comments[0]
    ran(tab, folder, batch_output_dir=str(tmp_path / "out"), batch_size=2)
    assert {"b-1.png", "b-2.png", "b.png"} <= set(saved(tmp_path / "out"))


def test_a_named_folder_is_saved_to_even_where_saving_is_off(tab, folder, program, tmp_path):
    program.options.change({"samples_save": False})
    try:
        ran(tab, folder, batch_output_dir=str(tmp_path / "out"))
        with_none = ran(tab, folder)
    finally:
        program.options.change({"samples_save": True})
    assert list(saved(tmp_path / "out")) == ["a[seed].png", "b.png", "c.png"]
    assert not any(shown.path for shown in with_none.shown)


def test_without_an_output_folder_they_are_saved_as_usual_and_few_are_shown(tab, folder, program):
    program.options.change({"img2img_batch_show_results_limit": 2})
    try:
        assert len(ran(tab, folder).pictures) == 2
    finally:
        program.options.change({"img2img_batch_show_results_limit": 32})
    assert len(list((program.folders.data / "outputs/img2img-images").rglob("*.png"))) == 3


def test_the_pictures_texts_give_what_is_chosen(tab, folder, tmp_path):
    chosen = ["Prompt", "Negative prompt", "Seed", "Sampler", "Model hash"]
    told = {"batch_use_png_info": True, "batch_png_info_props": chosen, "batch_output_dir": str(tmp_path / "out")}
    ran(tab, folder, **told)
    texts = saved(tmp_path / "out")
    assert texts["b.png"].startswith("a cat\nSteps: 2, Sampler: Euler")
    own = texts["c.png"]
    assert own.startswith("a cat a red hat\nNegative prompt: wool\nSteps: 2, Sampler: DPM++ 2M Karras")
    assert "Seed: 99" in own and "CFG scale: 7" in own and "Size: 32x32" in own


@pytest.mark.parametrize("one", [True, False])
def test_masks_of_a_folder(tab, folder, tmp_path, one):
    masks = tmp_path / "masks"
    masks.mkdir()
    for name in ("any",) if one else ("a[seed]", "b"):
        mask = Image.new("L", (48, 40))
        mask.paste(255, (0, 0, 24, 40))
        mask.save(masks / f"{name}.png")
    (folder / "broken.png").unlink()
    where = {"batch_inpaint_mask_dir": str(masks), "batch_output_dir": str(tmp_path / "out"), "mask_blur": 0}
    result = ran(tab, folder, **where, width=48, height=40)
    with Image.open(folder / "a[seed].png") as before, Image.open(tmp_path / "out/a[seed].png") as after:
        same = np.asarray(before) == np.asarray(after)
    assert same[:, 24:].all() and not same[:, :24].all()
    assert len(result.pictures) == (3 if one else 2) and ("c.png" in "".join(result.comments)) == (not one)


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"batch_input_dir": ""}, "no input directory"),
        ({"batch_input_dir": "none such"}, "no folder"),
        ({"batch_inpaint_mask_dir": "none such"}, "no folder"),
        ({"batch_source": "", "batch_files": None}, "put some"),
    ],
)
def test_what_is_missing_is_told(tab, folder, wishes, words):
    with pytest.raises(ParameterError, match=words):
        ran(tab, folder, **wishes)


def test_nothing_but_broken_pictures_is_an_error_and_folders_can_be_closed(tab, folder, tmp_path, checkpoint_folder):
    for name in ("a[seed].png", "b.jpg", "c.png"):
        (folder / name).unlink()
    with pytest.raises(ParameterError, match=r"broken\.png"):
        ran(tab, folder)
    closed = build(Launch(data_dir=str(tmp_path / "home"), models_dir=str(checkpoint_folder), hide_ui_dir_config=True))
    runs, values = tab
    with pytest.raises(ParameterError, match="--hide-ui-dir-config"):
        ImageRuns(closed, None, runs.form, img2img.understood).queue(
            "task(x)", [], values | {"batch_input_dir": str(folder)}, HOST
        )
    closed.queue.close()


def test_uploads_are_a_batch_too(tab, folder):
    files = [{"path": str(folder / name), "orig_name": name} for name in ("b.jpg", "c.png")]
    result = ran(tab, folder, batch_source="", batch_files=files, batch_input_dir="none such")
    assert len(result.pictures) == 2 and json.dumps(result.comments) == "[]"
