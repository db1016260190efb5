"""Pictures that are broken, hostile or merely odd, through every door: a clear answer, and the server goes on."""

import base64
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from modules.exceptions import ParameterError
from modules.generate.plan import request_from
from modules.generate.request import Img2Img
from modules.webui import img2img
from tests.webapi.test_bad_input import refused

SMALL = {"width": 32, "height": 32, "steps": 2, "sampler_name": "Euler", "seed": 1}


def encoded(image, form="PNG", **words):
    file = io.BytesIO()
    image.save(file, form, **words)
    return file.getvalue()


def noise(width=40, height=24, mode="RGB"):
    channels = len(Image.new(mode, (1, 1)).getbands())
    values = np.random.default_rng(1).integers(0, 256, (height, width, channels), np.uint8)
    return Image.fromarray(values[:, :, 0] if channels == 1 else values, mode)


def bomb():
    """A PNG of a few bytes whose header says 20,000 by 20,000."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


BROKEN = {
    "bomb": (bomb(), "megapixels"),
    "cut PNG": (encoded(noise())[:-200], "not an image"),
    "cut JPEG": (encoded(noise(), "JPEG")[:300], "not an image"),
    "no picture": (b"GIF89a" + b"\0" * 40, "not an image"),
    "nothing": (b"", "not an image"),
}
ODD = {
    "animated GIF": encoded(noise(), "GIF", save_all=True, append_images=[noise(mode="L")] * 3),
    "CMYK JPEG": encoded(noise(mode="CMYK"), "JPEG"),
    "one pixel": encoded(noise(1, 1)),
    "one row": encoded(noise(500, 1)),
    "16 bits": encoded(Image.fromarray(np.full((24, 40), 40_000, np.uint16))),
    "palette and transparency": encoded(noise().quantize(4), transparency=0),
}


def text(data):
    return base64.b64encode(data).decode()


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_picture_is_refused_everywhere_and_the_server_lives(client, png, name):
    data, words = BROKEN[name]
    sent = text(data)
    over = [{"init_images": [sent]}, {"init_images": [png, sent]}]
    for body in over + ([{"init_images": [png], "mask": sent}] if sent else []):  # a mask of no text is none
        refused(client.post("/sdapi/v1/img2img", json={**SMALL, **body}), 422, words)
    refused(client.post("/sdapi/v1/extra-single-image", json={"image": sent}), 422, words)
    first = {**SMALL, "enable_hr": True, "firstpass_image": sent or "x"}
    refused(client.post("/sdapi/v1/txt2img", json=first), 422, words)
    assert client.post("/sdapi/v1/img2img", json={**SMALL, "init_images": [png]}).status_code == 200


@pytest.mark.parametrize("name", BROKEN)
def test_the_page_refuses_it_with_the_same_words(tmp_path, name):
    data, words = BROKEN[name]
    (tmp_path / "x.png").write_bytes(data)
    with pytest.raises(ParameterError, match=words):
        img2img.understood({"front": img2img.PLAIN, "picture": {"path": str(tmp_path / "x.png")}})


def drawn(app, image, **wishes):
    request = request_from({**SMALL, "init_images": [image], "do_not_save_samples": True, **wishes}, Img2Img)
    return app.generate(request).wait(60).pictures[0].image


@pytest.mark.parametrize("name", ODD)
def test_an_odd_picture_is_drawn_over(app, tmp_path, name):
    (tmp_path / "x").write_bytes(ODD[name])
    sent = img2img.understood({"front": img2img.PLAIN, "picture": {"path": str(tmp_path / "x")}})
    for mode in (0, 1, 2):
        assert drawn(app, sent["init_images"][0], resize_mode=mode).size == (32, 32)


@pytest.mark.parametrize("size", [(1, 1), (16, 64), (300, 20)])
@pytest.mark.parametrize("whole", [True, False])
def test_a_mask_of_another_size_fits(app, size, whole):
    mask = Image.new("L", size)
    mask.paste(255, (0, 0, (size[0] + 1) // 2, size[1]))
    image = noise(64, 64)
    made = drawn(app, image, mask=mask, inpaint_full_res=not whole, mask_blur=0)
    assert made.mode == "RGB" and min(made.size) >= 1


def test_an_empty_mask_changes_nothing_or_is_told(app):
    image = noise(32, 32)
    made = drawn(app, image, mask=Image.new("L", (32, 32)))
    assert np.array_equal(np.asarray(made), np.asarray(image))
    with pytest.raises(ParameterError, match="mask is empty"):
        drawn(app, image, mask=Image.new("L", (32, 32)), inpaint_full_res=True)
    assert drawn(app, image).size == (32, 32)
