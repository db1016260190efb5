"""Attacks on the whole server, page and all, each of which must fail: what they reach for holds a secret.

Others have their own places: test_security.py (logins, hosts, origins, files that the page's functions are handed),
webapi/test_outside.py (requests to other servers), webapi/test_patience.py (slow and endless requests),
webapi/test_roles.py (roles).
"""

import asyncio
import base64
import dataclasses
import io
import itertools
import json
import struct
import zlib
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from gradio.utils import get_upload_folder
from PIL import Image, PngImagePlugin

from modules import server
from modules.declare import specs
from modules.generate.request import Img2Img, Txt2Img
from modules.webapi import logins, security
from modules.webapi.rights import GUESTS_READING
from modules.webui import submit
from tests.webapi.conftest import drawing_program

SECRET = "swordfish"
SMALL = {"steps": 1, "width": 16, "height": 16}
SCRIPT = "<script>alert('x')</script><img src=x onerror=alert(1)>"
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a program's data folder in it, and secrets around and inside."""
    folder = tmp_path_factory.mktemp("place")
    data = folder / "data"
    for path in (
        "secret.txt",
        "secret.png",
        "data/config.json",
        "data/models/Lora/notes.txt",
        "data/secret.safetensors",
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(json.dumps({"note": SECRET}))
    (data / "models/Lora/known.png").write_bytes(b"\x89PNG")
    return folder


@pytest.fixture(scope="module")
def whole(place):
    """The program and its application, with a login and guests."""
    app = drawing_program(place / "data", gradio_auth="ann:key", api_auth="bob:key")
    app = dataclasses.replace(app, launch=dataclasses.replace(app.launch, nowebui=False))

    async def make():  # on a loop, or gradio makes some of its own and leaves them open
        return server.create(app)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logins, "_scrypt", lambda password, salt: (salt + password).ljust(32, b"\0"))
        rules = security.rules(app.launch)
        patch.setattr(security, "rules", lambda launch: rules)
        yield app, asyncio.run(make())
    app.queue.close()


def ask(whole, method, path, login=("ann", "key"), **words):
    async def act():
        transport = httpx.ASGITransport(whole[1], client=(f"client {next(NUMBERS)}", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:7860") as client:
            return await client.request(method, path, auth=login, **words)

    return asyncio.run(act())


# -- without a login


def test_no_route_opens_without_a_login(whole):
    app, api = whole
    known = {
        (method.upper(), path.replace("{task_id}", "x"))
        for path, methods in api.openapi()["paths"].items()
        for method in methods
    }
    gradios = ("/", "/config", "/info", "/theme.css", "/monitoring", "/login_check", "/assets/x.js", "/manifest.json")
    gradios += tuple(
        f"/gradio_api/{name}" for name in ("info", "app_id", "startup-events", "file=x", "heartbeat/x", "queue/data")
    )
    known |= {("GET", path) for path in gradios}
    posts = (
        "queue/join",
        "upload",
        "run/predict",
        "call/x",
        "cancel",
        "reset",
        "component_server",
        "vibe-edit",
        "stream/x",
    )
    known |= {("POST", f"/gradio_api/{name}") for name in posts} | {("GET", "/docs"), ("GET", "/webui-file/x.js")}
    assert len(known) > 70
    for method, path in sorted(known):
        assert ask(whole, method, path, login=None).status_code == 401, (method, path)
        assert ask(whole, method, path, login=("ann", "Key")).status_code == 401, (method, path)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-User": "ann"}, {"X-Original-URL": "/internal/ping"}, {"X-HTTP-Method-Override": "GET"},
        {"Cookie": "access-token=ann"}, {"Authorization": "Bearer ann:key"}, {"Authorization": "Basic YW5uOg=="},
        {"X-Forwarded-For": "127.0.0.1"}, {"Authorization": "Basic " + base64.b64encode(b"ann:ke").decode()},
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/sdapi/v1/options", "/config", "/internal/ping?auth=ann:key", "/v2/jobs#/internal"])
def test_no_header_stands_for_a_login(whole, path, headers):
    assert ask(whole, "GET", path, login=None, headers=headers).status_code == 401


# -- paths


def ways(path):
    """Ways to write a path that is not meant to be reached."""
    up = "../" * 8
    name = str(path)
    return (
        name, up + name.lstrip("/"), ".." + name, "..\\..\\" + name, "....//....//" + name.lstrip("/"),
        "file://" + name, name + "\0.png", "/./" + name, "//" + name.lstrip("/"), name.upper(), "~/" + name,
        quote(name, safe=""),
        "%2e%2e%2f" * 8 + name.lstrip("/"), "\\\\?\\" + name,
    )  # fmt: skip


def safe(answer):
    assert answer.status_code < 500 or answer.status_code == 501, answer.text
    assert SECRET not in answer.text
    return answer


def test_routes_that_serve_files_serve_no_others(whole, place):
    data = place / "data"
    targets = (place / "secret.png", data / "config.json")
    for target in targets:
        for way in ways(target):
            for route in (
                "gradio_api/file=",
                "gradio_api/file/",
                "file=",
                "webui-file/",
                "static/",
                "assets/",
                "svelte/",
            ):
                safe(ask(whole, "GET", f"/{route}{quote(way, safe='/=%')}"))
            safe(ask(whole, "GET", "/sd_extra_networks/thumb", params={"filename": way}))
            safe(ask(whole, "GET", f"/gradio_api/custom_component/1/client/component/{quote(way)}"))
    shown = ask(whole, "GET", "/sd_extra_networks/thumb", params={"filename": str(data / "models/Lora/known.png")})
    assert shown.status_code == 200


def test_gradio_neither_fetches_nor_edits(whole):
    for path in (
        "proxy=http://127.0.0.1/",
        "file=http://127.0.0.1:1/x",
        "file=HTTPS:/x.example/x",
        "run-history/records",
    ):
        assert ask(whole, "GET", f"/gradio_api/{path}").status_code == 404
    for path in ("vibe-edit", "undo-vibe-edit", "process_recording", "run-history/connect"):
        assert ask(whole, "POST", f"/gradio_api/{path}", json={}).status_code == 404
    named = {"path": "http://127.0.0.1:1/x.png", "meta": {"_type": "gradio.FileData"}}
    body = {"data": [named], "fn_index": 0, "session_hash": "x"}
    for route in ("run/predict", "queue/join", "call/predict"):
        assert ask(whole, "POST", f"/gradio_api/{route}", json=body).status_code == 403


def test_an_upload_lies_where_uploads_lie(whole, place, tmp_path, monkeypatch):
    for name in ("../../../escaped.txt", "/escaped.txt", "..\\escaped.txt", "a/../../escaped.txt", "\0escaped.txt"):
        answer = ask(whole, "POST", "/gradio_api/upload", files={"files": (name, b"escaped")})
        safe(answer)
        if answer.status_code == 200:
            assert Path(answer.json()[0]).resolve().parents[1] == Path(get_upload_folder()).resolve()
    page = ask(whole, "POST", "/gradio_api/upload", files={"files": ("x.html", SCRIPT.encode(), "text/html")}).json()[0]
    served = ask(whole, "GET", f"/gradio_api/file={page}")
    assert "html" not in served.headers["content-type"] or "attachment" in served.headers["content-disposition"]
    assert not list(place.rglob("escaped*"))


@pytest.mark.parametrize(
    "field",
    [
        "prompt", "negative_prompt", "sampler_name", "scheduler", "refiner_checkpoint", "hr_upscaler", "script_name",
        "hr_checkpoint_name", "force_task_id", "styles", "sd_model_checkpoint", "sd_vae", "sd_lora", "infotext",
        "outdir_samples",
    ],
)  # fmt: skip
def test_no_field_of_a_request_reads_or_writes_elsewhere(whole, place, field):
    app, _ = whole
    before = sorted(str(path) for path in place.parent.rglob("*") if "outputs" not in path.parts)
    for way in ways(place / "data/secret.safetensors")[:9]:
        if field in ("prompt", "negative_prompt"):
            value = f"<lora:{way}:1> <hypernet:{way}:1> __{way}__"
        else:
            value = [way] if field == "styles" else way[:190]
        options = field in app.options.specs
        if field == "outdir_samples":
            value = "outputs/elsewhere"  # the administrator's own to choose: within reason it works
        body = SMALL | ({"override_settings": {field: value}} if options else {field: value})
        answer = ask(whole, "POST", "/sdapi/v1/txt2img", json=body | {"save_images": False})
        safe(answer)
        if field == "force_task_id" and answer.status_code == 200:
            safe(ask(whole, "GET", f"/internal/preview/{quote(value, safe='')}"))
    after = sorted(str(path) for path in place.parent.rglob("*") if "outputs" not in path.parts)
    new = [path for path in after if path not in before and "cache" not in path]
    assert [path for path in new if not path.endswith("data/params.txt")] == []  # the last run, kept on purpose


def test_task_ids_make_no_file_names(whole, place):
    for number, name in enumerate(("../../x", "/x", "a\0b", "CON", "x" * 190)):
        body = {"kind": "txt2img", "request": SMALL | {"force_task_id": f"{name}{number}"}}
        made = ask(whole, "POST", "/v2/jobs", json=body)
        assert made.status_code == 202
        whole[0].queue.find(made.json()["id"]).wait(10)
        assert ask(whole, "GET", f"/v2/jobs/{quote(made.json()['id'], safe='')}/result").status_code in (200, 404)
    kept = {path.parent.name for path in place.rglob("*") if len(path.stem) == 64}
    assert kept == {"results"}


# -- bombs


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bomb(width, height):
    """A few kilobytes that claim to be a picture of any size."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 100_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def text_bomb(kind):
    """A small picture whose text unpacks to 20 MB, twenty times what anybody writes."""
    words = zlib.compress(b"a" * 20_000_000, 1)
    data = b"parameters\0\0" + words if kind == b"zTXt" else b"parameters\0\1\0\0\0" + words
    if kind == b"iCCP":
        data = b"profile\0\0" + words
    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0\0\0\0"))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(kind, data) + pixels + chunk(b"IEND", b"")


def other_bomb(form):
    buffer = io.BytesIO()
    Image.new("1", (9_500, 9_500)).save(buffer, form)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "make",
    [
        lambda: png_bomb(60_000, 60_000), lambda: png_bomb(2**31 - 1, 2**31 - 1), lambda: png_bomb(0, 0),
        lambda: text_bomb(b"zTXt"), lambda: text_bomb(b"iTXt"), lambda: text_bomb(b"iCCP"), lambda: other_bomb("GIF"),
        lambda: other_bomb("TIFF"), lambda: b"PK\3\4" + b"\0" * 1000,
        lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n/x (%pipe%id) run",
        lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/hostname"/></svg>',
    ],
)  # fmt: skip
def test_bombs(whole, make):
    image = base64.b64encode(make()).decode()
    for path, body in (
        ("/sdapi/v1/img2img", SMALL | {"init_images": [image]}),
        ("/sdapi/v1/img2img", SMALL | {"init_images": [PNG], "mask": image}),
        ("/sdapi/v1/extra-single-image", {"image": image}),
        ("/sdapi/v1/png-info", {"image": image}),
        ("/v2/jobs", {"kind": "img2img", "request": SMALL | {"init_images": [image]}}),
    ):
        answer = safe(ask(whole, "POST", path, json=body))
        assert answer.status_code in (200, 202, 422) and len(answer.content) < 10_000_000


def encoded(image):
    buffer = io.BytesIO()
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", SCRIPT)
    image.save(buffer, "PNG", pnginfo=info)
    return base64.b64encode(buffer.getvalue()).decode()


PNG = encoded(Image.new("RGB", (16, 16)))


# -- pages that would run what they show


def test_texts_stay_texts(whole):
    """What a picture, a prompt or a name carries is shown, not run."""
    app, _ = whole
    fields = dict.fromkeys(("prompt", "negative_prompt"), SCRIPT)
    job = app.generate(Txt2Img(**SMALL, **fields))
    job.wait(10)
    _, _, infotext, line, *_ = submit.shown("task(x)", job.result, [])
    assert "<script" not in infotext + line and "<img" not in infotext + line
    assert "<script" not in submit.infotext(SCRIPT)
    for name in ("scheduler", "sampler_name", "script_name", "refiner_checkpoint", "hr_upscaler"):
        answer = ask(whole, "POST", "/sdapi/v1/txt2img", json=SMALL | {"enable_hr": True, name: SCRIPT})
        assert answer.headers["content-type"].startswith("application/json")
    told = ask(whole, "POST", "/sdapi/v1/png-info", json={"image": PNG})
    assert told.json()["info"] == SCRIPT and told.headers["content-type"] == "application/json"
    card = ask(
        whole, "GET", "/sd_extra_networks/get-single-card", params={"page": "lora", "name": SCRIPT, "tabname": SCRIPT}
    )
    assert "<script" not in card.text
    for path in (f"/internal/{quote(SCRIPT)}", f"/sdapi/{quote(SCRIPT)}", f"/{quote(SCRIPT)}"):
        answer = ask(whole, "GET", path)
        assert "<script>alert" not in answer.text or answer.headers["content-type"] == "application/json"


def test_every_text_of_a_request_is_taken_for_a_text(whole):
    kinds = {"txt2img": Txt2Img, "img2img": Img2Img}
    for route, kind in kinds.items():
        texts = [name for name, spec in specs(kind).items() if spec.type is str]
        assert len(texts) > 4
        for name in texts:
            body = SMALL | {name: SCRIPT} | ({"init_images": [PNG]} if kind is Img2Img else {})
            answer = ask(whole, "POST", f"/sdapi/v1/{route}", json=body)
            assert answer.status_code in (200, 404, 422) and answer.headers["content-type"] == "application/json"


def test_answers_are_taken_for_what_they_are_said_to_be(whole):
    """A browser must not guess that data is a page."""
    for path in ("/sdapi/v1/options", "/internal/sysinfo", "/openapi.json"):
        assert "html" not in ask(whole, "GET", path).headers["content-type"]


def test_a_form_on_another_page_changes_nothing(whole):
    """What a page can send without asking first: forms, plain text, pictures."""
    app, _ = whole
    before = app.options.view().samples_format
    for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"):
        for origin in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
            headers = {"Content-Type": kind, **origin}
            answer = ask(whole, "POST", "/sdapi/v1/options", content=b'{"samples_format": "webp"}', headers=headers)
            assert answer.status_code in (403, 422) and app.options.view().samples_format == before
    for path in ("/sdapi/v1/interrupt", "/v2/jobs", "/gradio_api/upload", "/internal/progress"):
        answer = ask(whole, "POST", path, headers={"Sec-Fetch-Site": "cross-site"}, json={})
        assert answer.status_code == 403


def test_a_guests_way_in_is_no_way_out():
    """No prefix of what guests may read is so short that it opens everything."""
    assert all(len(path) > 1 or path == "/" for path in GUESTS_READING)
