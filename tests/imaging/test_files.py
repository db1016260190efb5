"""Saved pictures keep their text, get free names and hold the same pixels."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modules.exceptions import ParameterError, WebuiError
from modules.imaging.files import SaveOptions, encode, extension, next_number, numbered_save, save
from modules.imaging.metadata import read_text

TEXT = "a cat, 世界 😀 é\nNegative prompt: “blurry”\nSteps: 20, Sampler: Euler a"
FORMATS = ["png", "jpg", "jpeg", "webp", "avif", "gif"]


def noise(width: int = 16, height: int = 16, channels: int = 3, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8))


def opened(source: Path | bytes) -> Image.Image:
    image = Image.open(io.BytesIO(source if isinstance(source, bytes) else source.read_bytes()))
    image.load()
    return image


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("text", ["plain", TEXT])
def test_text_round_trips_and_save_writes_what_encode_gives(form, text, tmp_path):
    options = SaveOptions(format=form)
    path = save(noise(), tmp_path, "x", text, options)
    assert path == tmp_path / f"x.{form}"
    assert path.read_bytes() == encode(noise(), text, options)
    assert read_text(opened(path)) == (text, {})


@pytest.mark.parametrize("form", FORMATS)
def test_without_metadata_nothing_is_told(form):
    image = noise()
    image.info |= {"comment": b"an old secret", "parameters": "secret", "exif": b"secret"}
    data = encode(image, "secret", SaveOptions(format=form, embed_metadata=False), {"note": "secret"})
    assert read_text(opened(data)) == (None, {})
    assert b"secret" not in data


def test_png_and_lossless_webp_keep_every_pixel():
    image = noise(channels=4)
    for options in (SaveOptions(), SaveOptions(format="webp", webp_lossless=True)):
        assert opened(encode(image, None, options)).tobytes() == image.tobytes()


def test_png_holds_more_items_and_the_text_wins():
    image = opened(encode(noise(), "new", SaveOptions(), {"parameters": "old", "extras": "Scale: 2"}))
    assert read_text(image) == ("new", {"extras": "Scale: 2"})


@pytest.mark.parametrize("form", ["jpg", "webp", "avif"])
def test_quality_counts(form):
    small, large = (len(encode(noise(64, 64), None, SaveOptions(format=form, jpeg_quality=q))) for q in (20, 95))
    assert small < large / 2


def test_jpeg_shows_the_background_through_holes():
    image = opened(encode(Image.new("RGBA", (8, 8)), None, SaveOptions(format="jpg", background="#0000ff")))
    red, green, blue = image.getpixel((4, 4))
    assert (image.mode, red < 5, green < 5, blue > 250) == ("RGB", True, True, True)


@pytest.mark.parametrize("form", ["png", "webp", "avif", "gif", "tiff"])
@pytest.mark.parametrize(("mode", "key"), [("RGB", (0, 0, 0)), ("L", 0), ("P", b"\0\x60")])
def test_a_transparent_colour_stays_transparent(form, mode, key):
    keyed = Image.new(mode, (4, 4))
    keyed.info["transparency"] = key
    image = opened(encode(opened(encode(keyed, None, SaveOptions())), None, SaveOptions(format=form)))
    assert image.convert("RGBA").getpixel((0, 0))[3] == 0


def test_colour_profile_is_kept():
    image = noise()
    image.info["icc_profile"] = b"profile"
    for form in ("png", "jpg", "webp"):
        assert opened(encode(image, None, SaveOptions(format=form))).info["icc_profile"] == b"profile"


@pytest.mark.parametrize("form", [*FORMATS, "bmp", "tiff"])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "I", "I;16", "F", "RGBA", "CMYK", "YCbCr", "HSV", "LAB"])
def test_every_mode_can_be_saved(form, mode):
    assert opened(encode(Image.new(mode, (6, 5)), "text", SaveOptions(format=form))).size == (6, 5)


@pytest.mark.parametrize(("form", "side"), [("jpg", 65500), ("webp", 16383), ("avif", 32768)])
def test_what_a_format_cannot_hold_becomes_png(form, side, tmp_path):
    options = SaveOptions(format=form, export_4chan=False)
    assert extension(Image.new("L", (side, 1)), None, options) == form
    if form != "avif":  # which takes a second for it
        assert opened(encode(Image.new("L", (side, 1)), None, options)).size == (side, 1)
    path = save(Image.new("L", (1, side + 1)), tmp_path, "x", "text", options)
    assert (path.name, opened(path).format, opened(path).size) == ("x.png", "PNG", (1, side + 1))


def test_a_text_too_long_for_jpeg_makes_it_a_png():
    fits, long = "x" * 32_739, "x" * 32_740
    assert read_text(opened(encode(noise(), fits, SaveOptions(format="jpg")))) == (fits, {})
    image = opened(encode(noise(), long, SaveOptions(format="jpg")))
    assert (image.format, read_text(image)[0]) == ("PNG", long)
    assert opened(encode(noise(), long, SaveOptions(format="jpg", embed_metadata=False))).format == "JPEG"


def test_the_format_may_be_written_freely_but_must_exist():
    assert opened(encode(noise(), None, SaveOptions(format=".PNG"))).format == "PNG"
    with pytest.raises(ParameterError, match="“exe”; choose one of png, jpg"):
        encode(noise(), None, SaveOptions(format="exe"))


def test_a_damaged_source_is_a_plain_error():
    data = encode(noise(64, 64), None, SaveOptions())
    with (
        Image.open(io.BytesIO(data[: len(data) // 2])) as image,
        pytest.raises(WebuiError, match="could not be written"),
    ):
        encode(image, None, SaveOptions())


def test_the_text_may_lie_beside_the_picture(tmp_path):
    path = save(noise(), tmp_path, "x", TEXT, SaveOptions(save_txt=True, embed_metadata=False))
    assert names(tmp_path) == ["x.png", "x.txt"]
    assert path.with_suffix(".txt").read_text("utf-8") == TEXT + "\n"
    save(noise(), tmp_path, "y", None, SaveOptions(save_txt=True))
    assert names(tmp_path) == ["x.png", "x.txt", "y.png"]


def test_a_wide_picture_gets_a_smaller_copy(tmp_path):
    options = SaveOptions(target_side_length=100)
    save(noise(200, 50), tmp_path, "x", TEXT, options)
    copy = opened(tmp_path / "x.jpg")
    assert (copy.format, copy.size, read_text(copy)[0]) == ("JPEG", (100, 25), TEXT)
    assert opened(tmp_path / "x.png").size == (200, 50)
    save(noise(100, 100), tmp_path, "y", TEXT, options)
    assert names(tmp_path) == ["x.jpg", "x.png", "y.png"]


def test_a_heavy_picture_gets_a_copy_of_its_size(tmp_path):
    heavy = SaveOptions(img_downscale_threshold=0.005)
    save(noise(60, 60), tmp_path, "x", None, heavy)
    assert opened(tmp_path / "x.jpg").size == (60, 60)
    save(noise(60, 60), tmp_path, "y", None, SaveOptions(img_downscale_threshold=0.005, export_4chan=False))
    save(noise(60, 60), tmp_path, "z", None, SaveOptions(img_downscale_threshold=0.001, format="jpeg"))
    assert names(tmp_path) == ["x.jpg", "x.png", "y.png", "z.jpeg"]


def test_the_copy_of_a_jpeg_has_its_own_name(tmp_path):
    path = save(noise(200, 100), tmp_path, "x", None, SaveOptions(format="jpg", target_side_length=100))
    assert names(tmp_path) == ["x-downscaled.jpg", "x.jpg"]
    assert opened(path).size == (200, 100)


def test_nothing_is_overwritten_by_picture_text_or_copy(tmp_path):
    for taken in ("x.txt", "x-1.jpg", "x-2.png"):
        (tmp_path / taken).write_text("mine")
    path = save(noise(200, 50), tmp_path, "x", TEXT, SaveOptions(save_txt=True, target_side_length=100))
    assert path.name == "x-3.png"
    assert names(tmp_path) == ["x-1.jpg", "x-2.png", "x-3.jpg", "x-3.png", "x-3.txt", "x.txt"]
    assert {(tmp_path / taken).read_text() for taken in ("x.txt", "x-1.jpg", "x-2.png")} == {"mine"}


def test_an_empty_stem_still_names_a_file(tmp_path):
    assert save(noise(), tmp_path, "...", None, SaveOptions()).name == "image.png"


def test_numbers_go_on_from_the_largest(tmp_path):
    assert next_number(tmp_path / "missing") == next_number(tmp_path) == 0
    for taken in ("00007-a.png", "00012.jpg", "grid-0003.png", "grid-0009-x.png", "20x.png", "cat-99.png"):
        (tmp_path / taken).touch()
    (tmp_path / "2026-11-22").mkdir()
    assert next_number(tmp_path) == 13
    assert next_number(tmp_path, "grid") == 10
    assert next_number(tmp_path, "mask") == 0


def test_numbered_names(tmp_path):
    def made(name: str, head: str = "") -> str:
        return numbered_save(noise(), tmp_path, name, None, SaveOptions(), head=head).relative_to(tmp_path).as_posix()

    assert [made("a"), made("a"), made("")] == ["00000-a.png", "00001-a.png", "00002.png"]
    assert [made("", head="grid"), made("s", head="grid")] == ["grid-0000.png", "grid-0001-s.png"]
    assert [made("sub/b"), made("sub/b")] == ["sub/00000-b.png", "sub/00001-b.png"]


def test_numbers_skip_names_that_are_taken(tmp_path):
    (tmp_path / "00000-a.png").mkdir()
    assert numbered_save(noise(), tmp_path, "a", None, SaveOptions()).name == "00001-a.png"


@pytest.mark.parametrize(("numbered", "each"), [(True, 25), (False, 6)])
def test_eight_writers_of_one_image_lose_and_mix_nothing(numbered, each, tmp_path):
    image = noise()
    options = SaveOptions(save_txt=True)

    def write(writer: int) -> list[tuple[Path, str]]:
        put = numbered_save if numbered else save
        texts = [f"{writer}/{number}" for number in range(each)]
        return [(put(image, tmp_path, "same", text, options), text) for text in texts]

    with ThreadPoolExecutor(8) as pool:
        made = dict(pair for pairs in pool.map(write, range(8)) for pair in pairs)
    assert len(made) == 8 * each
    assert len(names(tmp_path)) == 16 * each
    for path, text in made.items():
        assert read_text(opened(path))[0] == text == path.with_suffix(".txt").read_text("utf-8").rstrip("\n")
