"""Plans, batches, invariants, stopping, saving; on the drawn model."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from modules.app import build
from modules.exceptions import NotFound, OutOfMemory, ParameterError, WebuiError
from modules.generate import infotext
from modules.generate.plan import plan, request_from
from modules.imaging.metadata import read_text
from modules.settings.sections import Launch

QUICK = {"prompt": "a cat", "steps": 2, "width": 64, "height": 64, "seed": 5}


def unsaved(**values):
    return request_from(QUICK | {"do_not_save_samples": True, "do_not_save_grid": True} | values)


def pixels(picture):
    return np.asarray(picture.image, np.int16)


def reread(text, view):
    reading = infotext.read(text, view.specs())
    reading.overrides.pop("sd_model_checkpoint")
    assert not reading.unknown
    return reading.request()


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"prompt": 'a "b": (c:1.2), [d]\nBREAK e', "negative_prompt": "f, g: h", "cfg_scale": 7.5},
        {"batch_size": 2, "n_iter": 2, "sampler_name": "DPM++ 2M Karras"},
        {"batch_size": 3, "subseed": 9, "subseed_strength": 0.25, "sampler_name": "Euler a", "scheduler": "Automatic"},
        {"seed_resize_from_w": 128, "seed_resize_from_h": 96, "sampler_name": "DPM++ 2M", "scheduler": "automatic"},
        {
            "sampler_name": "Euler a",
            "eta": 0.5,
            "override_settings": {"eta_noise_seed_delta": 31337, "CLIP_stop_at_last_layers": 2},
        },
        {
            "sampler_name": "Euler",
            "s_churn": 3,
            "s_tmax": 5,
            "s_noise": 1.01,
            "override_settings": {"randn_source": "CPU"},
        },
        {"sampler_name": "Euler", "scheduler": "Karras", "override_settings": {"sigma_min": 0.1, "rho": 5}, "seed": -1},
        {"sampler_name": "Euler", "override_settings": {"eta_noise_seed_delta": 4, "sigma_min": 0.1}},
    ],
)
def test_an_infotext_reads_back_to_the_request_of_its_image(values, app):
    """The invariant: the text of image i is the request that makes image i alone."""
    planned = plan(unsaved(**values), app.options, app.library)
    for index in range(planned.count):
        wanted = planned.request_for(index)
        text = infotext.write(planned, index, app.library.hashed(planned.checkpoint))
        assert reread(text, planned.view) == replace(wanted, do_not_save_samples=False, do_not_save_grid=False)


def test_the_text_of_a_batch_image_makes_that_image_alone(app):
    result = app.txt2img(
        unsaved(batch_size=2, n_iter=2, sampler_name="Euler a", override_settings={"CLIP_stop_at_last_layers": 2})
    ).wait(60)
    assert len(result.pictures) == 4
    third = result.pictures[3]
    alone = app.txt2img(reread(third.infotext, result.plan.view)).wait(60)
    assert alone.pictures[0].infotext == third.infotext
    assert np.abs(pixels(alone.pictures[0]) - pixels(third)).max() <= 1
    assert np.abs(pixels(result.pictures[0]) - pixels(third)).max() > 10


def test_files_and_grid(app, checkpoint_folder):
    result = app.txt2img(request_from(QUICK | {"batch_size": 2})).wait(60)
    folder = result.plan.created.strftime("%Y-%m-%d")
    names = [
        one.path.relative_to(checkpoint_folder / "outputs/txt2img-images" / folder).as_posix()
        for one in result.pictures
    ]
    assert [name[5:] for name in names] == ["-5.png", "-6.png"] and all(name[:5].isdigit() for name in names)
    assert result.grid.path.parent == checkpoint_folder / "outputs/txt2img-grids" / folder
    assert result.index_of_first_image == 1 and result.shown[0].image.size == (128, 64)
    with Image.open(result.pictures[1].path) as saved:
        assert read_text(saved)[0] == result.pictures[1].infotext
        assert np.array_equal(np.asarray(saved), np.asarray(result.pictures[1].image))


def stop_at(app, request, when, how):
    """Run a request and stop it when `when(progress)` first holds."""
    job = None
    reached = threading.Event()

    def listener(told):
        if told is job and when(told.progress) and not reached.is_set():
            reached.set()
            how()

    end = app.queue.listen(listener)
    hold = threading.Event()
    app.queue.submit("hold", lambda progress: hold.wait(10))
    job = app.txt2img(request)
    hold.set()
    try:
        return job.wait(60), reached.is_set()
    finally:
        end()


def test_interrupt_keeps_what_there_is_and_the_next_job_works(app):
    request = request_from(QUICK | {"steps": 50, "n_iter": 3, "width": 128, "height": 128})
    result, reached = stop_at(app, request, lambda p: p.batch == 1 and p.step == 2, app.queue.interrupt)
    assert reached and result.interrupted and len(result.pictures) == 2
    assert result.pictures[0].path and result.pictures[1].path is None  # the stopped one is shown, not saved
    assert len(app.txt2img(unsaved()).wait(60).pictures) == 1


def test_a_job_that_ends_after_the_current_picture_makes_it_whole(app):
    request = unsaved(steps=20, n_iter=3)

    def after():
        app.queue.current.progress.stop.after_current = True

    result, reached = stop_at(app, request, lambda p: p.batch == 0 and p.step == 2, after)
    assert reached and result.interrupted and len(result.pictures) == 1
    assert np.array_equal(pixels(result.pictures[0]), pixels(app.txt2img(unsaved(steps=20)).wait(60).pictures[0]))


def test_skip_ends_one_batch_only(app):
    request = unsaved(steps=20, n_iter=2)
    result, reached = stop_at(app, request, lambda p: p.batch == 0 and p.step == 2, app.queue.skip)
    assert reached and not result.interrupted and len(result.pictures) == 2
    assert np.array_equal(
        pixels(result.pictures[1]), pixels(app.txt2img(unsaved(steps=20, seed=6)).wait(60).pictures[0])
    )


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        ({"sampler_name": "Eular"}, NotFound, "no sampler 'Eular'; did you mean 'Euler"),
        ({"width": 0}, ParameterError, "Width: 0 is outside 8 to 16384."),
        ({"steps": 0}, ParameterError, "Sampling steps: 0"),
        ({"cfg_scale": float("nan")}, ParameterError, "CFG Scale: nan is not a number."),
        ({"override_settings": {"CLIP_stop_at_last_layer": 2}}, NotFound, "did you mean 'CLIP_stop_at_last_layers'"),
        ({"override_settings": {"CLIP_stop_at_last_layers": 0}}, ParameterError, "Clip skip: 0 is outside 1 to 12."),
        ({"override_settings": {"sd_model_checkpoint": "nope"}}, NotFound, "There is no checkpoint 'nope'"),
    ],
)
def test_bad_requests_are_refused_with_a_sentence(values, error, words, app):
    with pytest.raises(error) as caught:
        app.txt2img(unsaved(**values))
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_a_huge_prompt_is_drawn(app):
    """100,000 characters: 67 chunks and more, as A1111 would."""
    result = app.txt2img(unsaved(prompt="a red castle, (very:1.1) big " * 3500, steps=1)).wait(100)
    assert len(result.pictures) == 1


@pytest.mark.parametrize("kind", [torch.OutOfMemoryError, RuntimeError])
def test_latents_that_cannot_be_decoded_are_kept(app, monkeypatch, kind):
    def fails(*_):
        raise kind("no convolution was found")

    monkeypatch.setattr("modules.weights.vae.Vae.decode", fails)
    expected = OutOfMemory if kind is torch.OutOfMemoryError else WebuiError
    with pytest.raises(expected, match="the latents are kept in ") as told:
        app.txt2img(unsaved(batch_size=2)).wait(60)
    kept = load_file(str(told.value).split("kept in ")[1].rstrip("."))
    assert kept["latent"].shape == (2, 4, 8, 8)


def test_out_of_memory_is_a_sentence(app, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("modules.generate.engine.denoise", full)
    with pytest.raises(OutOfMemory, match="64x64 in batches of 1"):
        app.txt2img(unsaved()).wait(60)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"just some text\n" * 100, "no complete safetensors file"),
        (None, "no complete safetensors file"),
        (b"", "no complete safetensors file"),
    ],
)
def test_a_file_that_is_no_checkpoint(content, words, tmp_path, checkpoint_folder):
    good = next((checkpoint_folder / "models/Stable-diffusion").glob("*.safetensors"))
    folder = tmp_path / "models/Stable-diffusion"
    folder.mkdir(parents=True)
    (folder / "bad.safetensors").write_bytes(good.read_bytes()[:100_000] if content is None else content)
    made = build(Launch(data_dir=str(tmp_path), ckpt_dir=str(good.parent)))
    try:
        with pytest.raises(Exception, match=words) as caught:
            made.txt2img(unsaved(override_settings={"sd_model_checkpoint": "bad"})).wait(60)
        assert "bad.safetensors" in str(caught.value) and "\n" not in str(caught.value)
        assert made.txt2img(unsaved(override_settings={"sd_model_checkpoint": "tiny-sd1"})).wait(60).pictures
    finally:
        made.queue.close()


def test_no_checkpoint_at_all(fresh_app):
    assert fresh_app.folders.checkpoints[0].is_dir()  # made, so that the sentence can be followed
    with pytest.raises(NotFound, match="models/Stable-diffusion"):
        fresh_app.txt2img(unsaved())


def test_a_prompt_changes_at_its_step(app):
    """[a:b:1.0] is all a; what holds until call k decides the picture up to there."""

    def picture(prompt):
        return pixels(app.txt2img(unsaved(prompt=prompt, steps=6)).wait(60).pictures[0])

    cat, dog, both = picture("a cat"), picture("a dog"), picture("a [cat:dog:0.35]")
    assert np.array_equal(picture("a [cat:dog:1.0]"), cat) and np.array_equal(picture("a [cat:dog:0.0]"), dog)
    assert np.abs(both - cat).max() > 2 and np.abs(both - dog).max() > 2
    assert np.array_equal(picture("a cat :1.0"), cat)


def test_previews_are_small_pictures(app):
    previews = []
    end = app.queue.listen(lambda job: previews.append(job.progress.preview()))
    try:
        app.txt2img(unsaved(steps=4)).wait(60)
    finally:
        end()
    shown = {preview[0]: preview[1] for preview in previews if preview}
    assert sorted(shown) == [1, 2, 3, 4] and all(data[:3] == b"\xff\xd8\xff" for data in shown.values())
    assert len(set(shown.values())) == 4


def test_chips_are_read_back():
    view = build_view()
    text = infotext.chip("CLIP_stop_at_last_layers", 2, view.specs())
    assert text == "Clip skip: 2" and infotext.parse_chip(text, view.specs()) == ("CLIP_stop_at_last_layers", 2)
    with pytest.raises(ParameterError):
        infotext.parse_chip("Nonsense: 1", view.specs())


def build_view():
    from modules.settings.options import Options
    from modules.settings.store import Store

    return Options(Store(Path("nowhere.json"))).view()


def test_only_what_differs_is_overridden():
    view = build_view()
    reading = infotext.read(
        "a\nSteps: 1, Sampler: Euler, Seed: 1, Clip skip: 2, Model hash: 0123456789, Model: x", view.specs()
    )
    assert infotext.differing(reading.overrides, view) == {"CLIP_stop_at_last_layers": 2, "randn_source": "GPU"}
    open_view = view.over(disable_weights_auto_swap=False)
    assert infotext.differing(reading.overrides, open_view)["sd_model_checkpoint"] == "x [0123456789]"


def test_nonsense_in_an_infotext_is_left_unknown():
    view = build_view()
    reading = infotext.read("a\nSteps: many, Size: wide, Seed: 3, Hyper upscale: 2, CFG scale: 5", view.specs())
    assert reading.unknown == {"Steps": "many", "Size": "wide", "Hyper upscale": "2"}
    assert reading.values["seed"] == 3 and reading.values["cfg_scale"] == 5
