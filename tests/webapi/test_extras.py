"""The API of Extras: A1111's bodies and answers, and whatever else is sent."""

import base64
import io
import struct
import zlib

import httpx
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from modules.app import build
from modules.imaging.pixels import MAX_PIXELS
from modules.settings.sections import Launch
from tests.webapi.conftest import serving

# (type, default) by field, from the OpenAPI description that A1111 1.8.0 serves.
A1111_FIELDS = {
    "resize_mode": ("integer", 0),
    "show_extras_results": ("boolean", True),
    "gfpgan_visibility": ("number", 0),
    "codeformer_visibility": ("number", 0),
    "codeformer_weight": ("number", 0),
    "upscaling_resize": ("number", 2),
    "upscaling_resize_w": ("integer", 512),
    "upscaling_resize_h": ("integer", 512),
    "upscaling_crop": ("boolean", True),
    "upscaler_1": ("string", "None"),
    "upscaler_2": ("string", "None"),
    "extras_upscaler_2_visibility": ("number", 0),
    "upscale_first": ("boolean", False),
}
LANCZOS = {"upscaler_1": "Lanczos"}
TOLD = "<p>Postprocess upscale by: 2.0, Postprocess upscaler: Lanczos</p>"


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("extras")
    (folder / "models/RealESRGAN").mkdir(parents=True)
    (folder / "models/RealESRGAN/RealESRGAN_x2plus.pth").write_bytes(b"")
    app = build(Launch(data_dir=str(folder), nowebui=True))
    with serving(app) as url, httpx.Client(base_url=url + "/sdapi/v1/", timeout=60) as made:
        made.folder = folder
        yield made
    app.queue.close()


def sent(image, form="PNG", **words):
    buffer = io.BytesIO()
    image.save(buffer, form, **words)
    return base64.b64encode(buffer.getvalue()).decode()


def opened(text):
    return Image.open(io.BytesIO(base64.b64decode(text, validate=True)))


def picture():
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 40, 3), np.uint8))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header_bomb(side):
    """A PNG that says it is large and holds next to nothing."""
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(bytes(1000))), chunk(b"IEND", b"")
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode()


@pytest.mark.parametrize("name", ["Single", "Batch"])
def test_every_field_of_a1111_has_its_type_and_default(client, name):
    schemas = client.get(str(client.base_url).replace("sdapi/v1/", "openapi.json")).json()["components"]["schemas"]
    body = "ExtrasSingleImageRequest" if name == "Single" else "ExtrasBatchImagesRequest"
    found = schemas[body]["properties"]
    for field, described in A1111_FIELDS.items():
        assert (found[field]["type"], found[field]["default"]) == described, field
    assert schemas["FileData"]["required"] == ["data", "name"]
    assert ("image" if name == "Single" else "imageList") in found


def test_a_single_image(client):
    info = PngInfo()
    info.add_text("parameters", "a cat")
    answer = client.post("extra-single-image", json={"image": sent(picture(), pnginfo=info), **LANCZOS})
    assert answer.status_code == 200 and list(answer.json()) == ["html_info", "image"]
    assert answer.json()["html_info"] == TOLD
    made = opened(answer.json()["image"])
    assert made.size == (80, 48)
    assert made.info == {"parameters": "a cat", "postprocessing": TOLD[3:-4]}
    assert np.array_equal(np.asarray(made), np.asarray(picture().resize((80, 48), Image.Resampling.LANCZOS)))
    assert not list((client.folder / "outputs").glob("**/*.png"))


def test_a_batch(client):
    files = [{"data": sent(picture().resize((side, side))), "name": f"{side}.png"} for side in (8, 16)]
    answer = client.post("extra-batch-images", json={"imageList": files, **LANCZOS}).json()
    assert [opened(one).size for one in answer["images"]] == [(16, 16), (32, 32)]
    assert answer["html_info"] == TOLD


def test_nothing_asked_for_is_nothing_done(client):
    body = {"image": sent(picture()), "rb_enabled": False, "upscaler_2": None}
    answer = client.post("extra-single-image", json=body).json()
    assert answer["html_info"] == "<p></p>" and opened(answer["image"]).tobytes() == picture().tobytes()


def test_the_lists(client):
    names = [one["name"] for one in client.get("upscalers").json()]
    assert names == ["None", "Lanczos", "Nearest", "R-ESRGAN 2x+"]
    assert client.get("upscalers").json()[0] == {
        "name": "None", "model_name": None, "model_path": None, "model_url": None, "scale": 4.0,
    }  # fmt: skip
    (model,) = client.get("realesrgan-models").json()
    assert model == {
        "name": "R-ESRGAN 2x+",
        "path": str(client.folder / "models/RealESRGAN/RealESRGAN_x2plus.pth"),
        "scale": 2,
    }
    assert client.get("face-restorers").json() == [{"name": name, "cmd_dir": None} for name in ("CodeFormer", "GFPGAN")]
    assert [one["name"] for one in client.get("latent-upscale-modes").json()] == [
        "Latent", "Latent (antialiased)", "Latent (bicubic)", "Latent (bicubic antialiased)", "Latent (nearest)",
        "Latent (nearest-exact)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("image", "size"),
    [
        (lambda: sent(Image.new("RGB", (1, 1))), (8, 8)),
        (lambda: sent(Image.new("CMYK", (40, 24)), "JPEG"), (80, 48)),
        (
            lambda: sent(Image.new("P", (8, 8)), "GIF", save_all=True, append_images=[Image.new("P", (8, 8), 9)]),
            (16, 16),
        ),
        (lambda: "data:image/png;base64," + sent(picture().convert("RGBA")), (80, 48)),
    ],
)
def test_odd_pictures(client, image, size):
    answer = client.post("extra-single-image", json={"image": image(), **LANCZOS})
    assert answer.status_code == 200 and opened(answer.json()["image"]).size == size


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"image": header_bomb(20_000)}, 422, ("too large", str(MAX_PIXELS // 10**6))),
        ({"image": sent(picture())[:400]}, 422, ("not an image",)),
        ({"image": "no base64!"}, 422, ("not an image",)),
        ({}, 422, ("not an image",)),
        ({"upscaler_1": "Lanczoz"}, 404, ("Lanczos",)),
        ({"upscaler_1": "R-ESRGAN 2x+"}, 500, ("RealESRGAN_x2plus.pth",)),
        ({"image": sent(Image.new("L", (3000, 3000))), "upscaling_resize": 64} | LANCZOS, 422, ("megapixels",)),
        ({"gfpgan_visibility": 0.5}, 404, ("GFPGAN", "models")),
        ({"codeformer_visibility": 1}, 404, ("CodeFormer", "models")),
        ({"upscaling_resize": 0}, 422, ("upscaling_resize",)),
        ({"upscaling_resize_w": -1}, 422, ("upscaling_resize_w",)),
        ({"resize_mode": 2}, 422, ("resize_mode",)),
        ({"extras_upscaler_2_visibility": 1.5}, 422, ("extras_upscaler_2_visibility",)),
        ({"image": 5}, 422, ("image",)),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_sentence(client, body, status, words):
    image = {} if not body else {"image": sent(picture())}
    answer = client.post("extra-single-image", json=image | body)
    assert answer.status_code == status, answer.text
    told = answer.json()["errors"]
    assert told[-1] in ".?" and "\n" not in told and "Traceback" not in answer.text
    assert all(word in told for word in words)
    assert client.post("extra-single-image", json={"image": sent(picture())}).status_code == 200


@pytest.mark.parametrize("files", [[], None, "x", [{"data": "x"}], [{"data": "x", "name": "x"}]])
def test_a_batch_that_is_none(client, files):
    assert client.post("extra-batch-images", json={"imageList": files}).status_code == 422
