"""Arrays and base64 become images and back."""

import base64
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from modules.exceptions import ParameterError
from modules.imaging.pixels import MAX_PIXELS, flatten, from_base64, thumbnail_jpeg, to_base64, to_images


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def hollow_png(width: int, height: int) -> bytes:
    """Make a PNG that claims a size and holds almost nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_levels_are_cut_not_rounded():
    x = np.array([-7, -1, -0.001, 0, 0.99999, 1, 7], dtype=np.float32)
    column = np.asarray(to_images(np.broadcast_to(x[None, :, None, None], (1, 7, 1, 3)))[0])[:, 0, 0]
    assert column.tolist() == [0, 0, 127, 127, 254, 255, 255]


def test_every_level_survives_a_trip_through_floats():
    levels = np.arange(256)
    x = ((levels + 0.5) / 255 * 2 - 1).astype(np.float32).reshape(1, 16, 16, 1).repeat(3, axis=3)
    assert np.asarray(to_images(x)[0])[:, :, 1].ravel().tolist() == levels.tolist()


def test_both_layouts_give_the_same_pictures():
    x = np.random.default_rng(0).uniform(-1, 1, (2, 5, 4, 3)).astype(np.float32)
    last, first = to_images(x), to_images(np.moveaxis(x, 3, 1))
    assert [image.size for image in last] == [(4, 5), (4, 5)]
    assert [image.tobytes() for image in last] == [image.tobytes() for image in first]
    assert last[0].tobytes() != last[1].tobytes()


def test_of_two_axes_of_three_the_last_is_colour():
    x = np.full((1, 3, 5, 3), -1.0)
    x[..., 0] = 1
    assert {image.getpixel((4, 2)) for image in to_images(x)} == {(255, 0, 0)}


def test_nan_is_black():
    assert to_images(np.full((1, 1, 1, 3), np.nan))[0].getpixel((0, 0)) == (0, 0, 0)


@pytest.mark.parametrize("shape", [(4, 4, 3), (1, 4, 4, 4)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ParameterError, match="shape"):
        to_images(np.zeros(shape))


def test_flatten_shows_the_background_only_through_holes():
    image = Image.new("RGBA", (2, 1), (255, 0, 0, 255))
    image.putpixel((1, 0), (255, 0, 0, 0))
    flat = flatten(image, "#0000ff")
    assert (flat.mode, flat.getpixel((0, 0)), flat.getpixel((1, 0))) == ("RGB", (255, 0, 0), (0, 0, 255))


def test_flatten_scales_16_bit_grey():
    grey = Image.fromarray(np.array([[0, 0x80FF, 0xFFFF]], dtype=np.uint16))
    assert [flatten(grey).getpixel((x, 0))[0] for x in range(3)] == [0, 0x80, 0xFF]


def test_flatten_refuses_what_is_no_colour():
    with pytest.raises(ParameterError, match="nocolour"):
        flatten(Image.new("RGBA", (1, 1)), "nocolour")


@pytest.mark.parametrize(("size", "expected"), [((400, 100), (64, 16)), ((100, 400), (16, 64)), ((20, 10), (20, 10))])
def test_thumbnails_fit_and_never_grow(size, expected):
    with Image.open(io.BytesIO(thumbnail_jpeg(Image.new("RGBA", size, "red"), 64, 70))) as small:
        assert (small.format, small.size) == ("JPEG", expected)


@pytest.mark.parametrize("form", ["{}", "data:image/png;base64,{}", " data:image/webp;charset=x;base64,\n{}\n"])
def test_base64_is_read_bare_and_as_data_uri(form):
    image = Image.effect_noise((7, 5), 50).convert("RGB")
    assert from_base64(form.format(to_base64(png(image)))).tobytes() == image.tobytes()


def test_base64_may_lack_padding_and_be_wrapped():
    data = png(Image.new("RGB", (3, 3), "teal"))
    wrapped = base64.encodebytes(data + bytes(-len(data) % 3 + 1)).decode().replace("=", "")
    assert from_base64(wrapped).size == (3, 3)


@pytest.mark.parametrize(
    "text", ["", "data:,", "not base64!", "é", to_base64(b"hello there"), to_base64(b"%!PS-Adobe\n")]
)
def test_what_is_no_image_is_refused(text):
    with pytest.raises(ParameterError, match="is not an image"):
        from_base64(text)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_truncated_image_is_refused(form):
    out = io.BytesIO()
    Image.effect_noise((64, 64), 90).convert("RGB").save(out, form)
    with pytest.raises(ParameterError, match="is not an image"):
        from_base64(to_base64(out.getvalue()[: len(out.getvalue()) // 2]))


def test_formats_that_run_programs_are_refused():
    out = io.BytesIO()
    Image.new("RGB", (4, 4)).save(out, "EPS")
    with pytest.raises(ParameterError, match="is not an image"):
        from_base64(to_base64(out.getvalue()))


@pytest.mark.parametrize("side", [20_000, 10_000])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_bomb_is_refused_before_it_is_unpacked(side):
    assert side * side > MAX_PIXELS
    with pytest.raises(ParameterError, match="too large"):
        from_base64(to_base64(hollow_png(side, side)))
