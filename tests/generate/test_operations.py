"""Extras: A1111's own pictures, order and text of the operations, what a picture keeps, names and folders."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from modules.exceptions import NotFound, ParameterError
from modules.generate.extras import Source, pictures_in
from modules.generate.operations import OPERATIONS, Extras, Known, Piece, choose, target
from modules.imaging.metadata import read_text
from modules.imaging.pixels import from_file

GOLDEN = Path(__file__).parents[1] / "golden"
LANCZOS = {"upscaler_1": "Lanczos"}


def picture(width=40, height=24, mode="RGB"):
    channels = len(Image.new(mode, (1, 1)).getbands())
    values = np.random.default_rng(width).integers(0, 256, (height, width, channels), np.uint8)
    return Image.fromarray(values, mode) if channels > 1 else Image.fromarray(values[:, :, 0], mode)


def given(image, name=None):
    return Source(partial(Image.Image.copy, image), name)


def ran(app, images, folder=None, **wishes):
    sources = [one if isinstance(one, Source) else given(one) for one in images]
    return app.extras(Extras(**wishes), sources, folder).wait(60)


@pytest.mark.parametrize(
    ("name", "source", "wishes", "told"),
    [
        (
            "to_size_200x200_crop",
            "init192x128",
            {"resize_mode": 1, "upscaling_resize_w": 200, "upscaling_resize_h": 200},
            "Postprocess upscale to: 200x200, Postprocess crop to: 200x200, Postprocess upscaler: Lanczos",
        ),
        (
            "two_upscalers_0.4",
            "init128",
            {"upscaler_2": "Nearest", "extras_upscaler_2_visibility": 0.4},
            "Postprocess upscale by: 2.0, Postprocess upscaler: Lanczos, Postprocess upscaler 2: Nearest",
        ),
    ],
)
def test_the_picture_is_a1111s(name, source, wishes, told, fresh_app):
    with Image.open(GOLDEN / "inputs" / f"{source}.png") as image:
        result = ran(fresh_app, [image], **LANCZOS, **wishes)
    with Image.open(GOLDEN / f"extras-{name}-0.png") as theirs:
        assert theirs.info["postprocessing"] == result.told == told
        difference = np.asarray(result.shown[0].image, np.int16) - np.asarray(theirs, np.int16)
    assert np.abs(difference).max() <= 1


def test_without_an_upscaler_nothing_happens(fresh_app):
    image = picture()
    result = ran(fresh_app, [image], upscaler_2="Nearest", extras_upscaler_2_visibility=1)
    assert result.told == "" and result.shown[0].image.tobytes() == image.tobytes()


@pytest.mark.parametrize(
    ("wishes", "size", "factor", "told"),
    [
        ({"upscaling_resize": 4}, (100, 50), 4, {"Postprocess upscale by": 4}),
        ({"upscaling_resize": 4, "max_side_length": 400}, (100, 50), 4, {"Postprocess upscale by": 4}),
        (
            {"upscaling_resize": 4, "max_side_length": 200},
            (50, 100),
            2,
            {"Postprocess upscale by": 4, "Max side length": 200},
        ),
        (
            {"resize_mode": 1, "upscaling_resize_w": 300, "upscaling_resize_h": 50, "upscaling_crop": False},
            (100, 50),
            3,
            {"Postprocess upscale to": "300x50"},
        ),
    ],
)
def test_the_target(wishes, size, factor, told):
    aim = target(Extras(**wishes), size)
    assert (aim.factor, aim.frame, aim.told) == (factor, None, told)


def test_opacity_is_kept_and_the_colours_are_as_without_it(fresh_app):
    image = picture(mode="RGBA")
    made = ran(fresh_app, [image], **LANCZOS).shown[0].image
    plain = ran(fresh_app, [image.convert("RGB")], **LANCZOS).shown[0].image
    assert made.mode == "RGBA" and made.convert("RGB").tobytes() == plain.tobytes()
    frame = {"resize_mode": 1, "upscaling_resize_w": 64, "upscaling_resize_h": 64}
    cut = ran(fresh_app, [image], **LANCZOS, **frame).shown[0].image
    assert cut.size == (64, 64) and cut.getchannel("A").getextrema()[1] > 0


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "I;16", "F", "LA"])
def test_any_mode_becomes_colours(mode):
    image = Image.new(mode, (16, 8)) if mode in ("1", "P", "I;16", "F") else picture(16, 8, mode)
    image.info["icc_profile"] = b"of these channels"
    piece = Piece.of(image)
    assert piece.image.mode == "RGB" and (piece.alpha is not None) == (mode == "LA")
    assert piece.whole().info == ({"icc_profile": b"of these channels"} if mode == "P" else {})


TO = {"resize_mode": 1, "upscaling_resize_w": 16, "upscaling_resize_h": 16}


def test_copies_are_flipped_and_saved_too(fresh_app, tmp_path):
    image = picture(mode="RGBA")
    ways = ["Horizontal", "Vertical", "Both"]
    result = ran(fresh_app, [given(image, "cat.png")], tmp_path / "out", flipped_copies=ways)
    own, *copies = (np.asarray(one.image) for one in result.shown)
    assert np.array_equal(own, np.asarray(image))
    for copy, flipped in zip(copies, (own[:, ::-1], own[::-1], own[::-1, ::-1]), strict=True):
        assert np.array_equal(copy, flipped)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"cat.png", "cat-1.png", "cat-2.png", "cat-3.png"}


def test_a_long_picture_is_split_and_each_part_is_copied(fresh_app):
    def sizes(**wishes):
        return [one.image.size for one in ran(fresh_app, [picture(64, 16)], split_oversized=True, **wishes).shown]

    assert sizes(**TO) == [(16, 16)] * 5
    assert sizes(**TO, split_threshold=0.2) == [(64, 16)]  # a quarter is not that long
    assert sizes() == [(64, 16)]  # there is no size to split to
    ways = {"flipped_copies": ["Vertical"]}
    assert sizes(**TO, **ways) == [(16, 16)] * 10
    fresh_app.options.change({"postprocessing_operation_order": ["Split oversized images"]})
    assert sizes(**TO, **ways) == [(16, 16)] * 10


def test_the_focal_point_is_cut_out_and_shown(fresh_app, tmp_path):
    image = picture(64, 32)
    cut, shown = ran(
        fresh_app, [given(image, "cat.png")], tmp_path / "out", focal_crop=True, focal_debug=True, **TO
    ).shown
    assert cut.image.size == (16, 16) and shown.image.size == (32, 16)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"cat.png", "cat-1.png"}


def test_the_best_size_is_cut(fresh_app):
    assert ran(fresh_app, [picture(700, 700)], autosized_crop=True).shown[0].image.size == (640, 640)
    small = ran(fresh_app, [picture(70, 7)], autosized_crop=True)
    assert small.shown[0].image.size == (70, 7) and "no size fits" in small.told


def test_a_photo_is_turned_upright():
    image = picture(16, 8)
    image.getexif()[0x0112] = 6  # to be turned by a quarter
    image.info["exif"] = image.getexif().tobytes()
    assert Piece.of(image).image.size == (8, 16)
    image.info["exif"] = b"Exif\0\0broken"
    assert Piece.of(image).image.size in ((8, 16), (16, 8))


def test_a_saved_picture_keeps_its_texts_and_gets_new_ones(fresh_app, tmp_path):
    source = tmp_path / "cat.png"
    info = PngInfo()
    info.add_text("Title", "a title")
    info.add_text("parameters", "a cat\nSteps: 1, Sampler: Euler, Seed: 3")
    picture().save(source, pnginfo=info)
    result = ran(fresh_app, [Source(partial(from_file, source))], tmp_path / "out", **LANCZOS)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["00000.png"]
    with Image.open(tmp_path / "out" / "00000.png") as made:
        assert list(made.info) == ["Title", "parameters", "postprocessing", "extras"]
        assert made.info["postprocessing"] == made.info["extras"] == result.told
        assert made.info["parameters"] == "a cat\nSteps: 1, Sampler: Euler, Seed: 3" == result.shown[0].infotext
    assert result.shown[0].picture is None and result.shown[0].image.size == (80, 48)


def test_a_format_of_one_text_keeps_the_parameters_or_tells_what_was_done(fresh_app, tmp_path):
    fresh_app.options.change({"samples_format": "jpg"})
    made = picture()
    made.info["parameters"] = "a cat"
    paths = [one.path for one in ran(fresh_app, [made, picture()], tmp_path / "out", **LANCZOS).shown]
    texts = [read_text(from_file(path))[0] for path in paths]
    assert texts == ["a cat", "Postprocess upscale by: 2.0, Postprocess upscaler: Lanczos"]


def test_names_of_a_batch(fresh_app, tmp_path):
    folder = tmp_path / "out"
    batch = [given(picture(), "cat.jpg"), given(picture(), "C:\\pets/dog.jpg"), given(picture(), "../../up.png")]
    ran(fresh_app, batch, folder, **LANCZOS)
    assert sorted(path.name for path in folder.iterdir()) == ["cat.png", "dog.png", "up.png"]
    ran(fresh_app, batch[:1], folder, **LANCZOS)
    fresh_app.options.change({"use_upscaler_name_as_suffix": True})
    ran(fresh_app, batch[:1], folder, **LANCZOS)
    fresh_app.options.change({"use_original_name_batch": False})
    ran(fresh_app, batch[:1], folder, **LANCZOS)
    names = {"cat.png", "dog.png", "up.png", "cat-1.png", "cat-Lanczos.png", "00000-Lanczos.png"}
    assert {path.name for path in folder.iterdir()} == names


def test_a_folder_gives_its_pictures_by_name(fresh_app, tmp_path):
    for name in ("b.png", "a.jpg"):
        picture().save(tmp_path / name)
    (tmp_path / "c.png").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("no picture either")
    (tmp_path / "d.png").mkdir()
    sources = pictures_in(tmp_path)
    assert [one.name for one in sources] == ["a.jpg", "b.png", "c.png"]
    result = ran(fresh_app, sources, tmp_path / "out", **LANCZOS)
    assert len(result.shown) == 2 and "c.png" in result.comments[0]
    with pytest.raises(ParameterError, match=r"c\.png"):
        ran(fresh_app, sources[2:], **LANCZOS)
    with pytest.raises(ParameterError, match="no folder"):
        pictures_in(tmp_path / "none")


def test_what_is_not_to_be_shown_is_only_saved(fresh_app, tmp_path):
    job = fresh_app.extras(Extras(**LANCZOS), [given(picture())], tmp_path / "out", shows=False)
    assert job.wait(60).shown == () and len(list((tmp_path / "out").iterdir())) == 1


def test_the_user_stops_between_pictures(fresh_app):
    def stopping():
        fresh_app.queue.interrupt()
        return picture()

    result = ran(fresh_app, [given(picture()), Source(stopping), given(picture())], **LANCZOS)
    assert result.interrupted and len(result.shown) <= 2


@pytest.mark.parametrize(
    ("wishes", "error", "words"),
    [
        ({"upscaler_1": "Lanczoz"}, NotFound, "did you mean 'Lanczos'"),
        ({"upscaler_2": "4x-None"}, NotFound, "no upscaler"),
    ],
)
def test_a_bad_request_is_refused_at_once(wishes, error, words, fresh_app):
    with pytest.raises(error, match=words):
        fresh_app.extras(Extras(**wishes), [given(picture())])
    with pytest.raises(ParameterError, match="no picture"):
        fresh_app.extras(Extras(), [])


def test_the_order_of_operations_is_the_options(fresh_app):
    usual = tuple(OPERATIONS)
    known = Known(fresh_app.upscalers, fresh_app.restorers)
    view = fresh_app.options.view()
    assert choose(Extras(), view, known).order == usual
    turned = view.over(postprocessing_operation_order=["Unknown", *reversed(usual)])
    assert choose(Extras(), turned, known).order == tuple(reversed(usual))
    assert choose(Extras(upscale_first=True), turned, known).order[0] == "Upscale"
