"""Model files fetched from services that are played by a server of this machine: found, checked, resumed, refused."""

import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import numpy as np
import pytest
import torch
from safetensors.numpy import save

from modules import tools
from modules.exceptions import CorruptFile, Forbidden, Interrupted, NotFound, ParameterError, WebuiError
from modules.settings.reach import Role, User
from modules.weights.downloads import transfer
from modules.weights.downloads.request import Download, file_name
from modules.weights.downloads.sources import Meant, Services, meant

SECONDS = 60
LORA = save({"lora_unet_x.lora_down.weight": np.ones((4, 300_000), np.float32)})
MODEL = save({"model.diffusion_model.input_blocks.0.0.weight": np.ones((2, 4, 3, 3), np.float32)})
TOKEN = "hf_secret"


def sha(data):
    return hashlib.sha256(data).hexdigest()


class Service(BaseHTTPRequestHandler):
    """Both services, each as far as it is asked here."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server, path = self.server, urlsplit(self.path).path
        server.seen.append((self.path, dict(self.headers)))
        if path in server.descriptions:
            return self._say(200, json.dumps(server.descriptions[path]).encode(), {"Content-Type": "application/json"})
        if found := re.fullmatch(r"/ann/models/resolve/main/(.+)", path):
            data = server.files.get(found[1])
            told = {"Location": f"http://localhost:{server.server_port}/cdn/{found[1]}"}
            return self._say(302, b"", told | {"X-Linked-Etag": f'"{sha(data)}"'})
        if found := re.fullmatch(r"/(?:cdn|api/download/models)/(.+)", path):
            return self._file(found[1])
        if path == "/gated":
            return self._say(401, b"no", {})
        if path == "/page.safetensors":
            return self._say(200, b"<html>log in</html>", {"Content-Type": "text/html; charset=utf-8"})
        return self._say(404, b"{}", {})

    def _file(self, name):
        server, data = self.server, self.server.files[name]
        start = int(re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-"))[1])
        start = start if server.ranges and self.headers.get("If-Range", server.etag) == server.etag else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        if server.sized:
            self.send_header("Content-Length", str(len(data) - start))
        self.send_header("ETag", server.etag)
        self.send_header("Content-Disposition", f'attachment; filename="{name}"')
        self.end_headers()
        rest = data[start:]
        if server.cuts:
            self.wfile.write(rest[: server.cuts.pop()])
        else:
            for place in range(0, len(rest), 1 << 16):
                server.go.wait(10)
                self.wfile.write(rest[place : place + (1 << 16)])
                server.sent.set()
        self.close_connection = True

    def _say(self, status, body, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


@pytest.fixture
def service():
    with Quiet(("127.0.0.1", 0), Service) as server:
        server.files = {"ink.safetensors": LORA, "big/model.safetensors": MODEL, "model.safetensors": MODEL}
        server.seen, server.cuts, server.etag, server.ranges, server.sized = [], [], '"one"', True, True
        server.go, server.sent = threading.Event(), threading.Event()
        server.go.set()
        hub = [{"rfilename": "README.md", "size": 3}]
        hub += [
            {"rfilename": name, "lfs": {"size": len(server.files[name]), "sha256": sha(server.files[name])}}
            for name in ("ink.safetensors", "big/model.safetensors")
        ]
        url = "https://civitai.com/api/download/models/{}"
        version = {
            "id": 2,
            "model": {"type": "Checkpoint"},
            "files": [
                {"name": "notes.zip", "downloadUrl": url.format("x")},
                {
                    "name": "model.safetensors",
                    "primary": True,
                    "sizeKB": 1,
                    "hashes": {"SHA256": sha(MODEL).upper(), "AutoV2": "ABCDEF1234"},
                    "downloadUrl": url.format("model.safetensors"),
                },
            ],
        }
        server.descriptions = {
            "/api/models/ann/models/revision/main": {"siblings": hub},
            "/api/models/ann/two/revision/main": {
                "siblings": [{"rfilename": f"{one}.safetensors", "size": 1} for one in "ab"]
            },
            "/api/models/ann/none/revision/main": {"siblings": [{"rfilename": "README.md"}]},
            "/api/v1/models/1": {"type": "Checkpoint", "modelVersions": [version]},
            "/api/v1/model-versions/2": version,
            "/api/v1/model-versions/by-hash/abcdef1234": version,
            "/api/v1/models/9": {"type": "Checkpoint", "modelVersions": []},
        }
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def program(service, fresh_app, monkeypatch):
    """A program that knows the server as both services, and may ask it."""
    monkeypatch.setattr(transfer, "PAUSE", 0.01)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    base = f"http://127.0.0.1:{service.server_port}"
    mirrors = {"download_huggingface": base, "download_civitai": base + "/", "download_from_neighbours": True}
    fresh_app.options.change(mirrors, by_page=True)
    return fresh_app


def fetched(program, source, **fields):
    return program.download(Download(source=source, **fields)).wait(SECONDS)


def left(program):
    """What downloads have left behind."""
    return [path for path in (program.folders.models / ".downloads").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("ann/model", Meant(service="Hugging Face", repository="ann/model")),
        (
            "ann/model@v2/a/b.gguf",
            Meant(service="Hugging Face", repository="ann/model", revision="v2", file="a/b.gguf"),
        ),
        ("https://huggingface.co/ann/model", Meant(service="Hugging Face", repository="ann/model")),
        (
            "https://hf.co/ann/model/blob/main/x%20y.safetensors?download=true",
            Meant(service="Hugging Face", repository="ann/model", file="x y.safetensors"),
        ),
        ("https://mirror/ann/model/tree/dev", Meant(service="Hugging Face", repository="ann/model", revision="dev")),
        ("https://civitai.com/models/12/name", Meant(service="Civitai", model="12")),
        ("https://civitai.com/models/12?modelVersionId=34", Meant(service="Civitai", version="34")),
        ("https://www.civitai.com/api/download/models/34?type=Model", Meant(service="Civitai", version="34")),
        ("ABCDEF1234", Meant(service="Civitai", hash="ABCDEF1234")),
        ("https://example.org/a.safetensors", Meant(url="https://example.org/a.safetensors")),
    ],
)
def test_words_are_understood(text, wish):
    assert meant(text, Services(hub="https://mirror")) == wish


@pytest.mark.parametrize(
    "text",
    [
        "", "castle", "ann/../x", "https://huggingface.co/ann", "https://huggingface.co/datasets/ann/x", "file:///etc/x",
        "https://civitai.com/user/ann", "https://civitai.com/models/1?modelVersionId=x", "http://ann:key@host/x",
    ],
)  # fmt: skip
def test_words_that_mean_nothing_are_refused_at_once(text, fresh_app):
    with pytest.raises(ParameterError):
        fresh_app.download(Download(source=text))


@pytest.mark.parametrize("wish", ["../x", "a/b.safetensors", ".hidden", "a\\b", "x" * 300, "a\0b"])
def test_a_name_that_leads_elsewhere_is_refused_at_once(wish, fresh_app):
    with pytest.raises(ParameterError):
        fresh_app.download(Download(source="ann/model", name=wish))


def test_the_ending_is_the_files_own():
    assert file_name("ink", "x.SafeTensors") == "ink.safetensors"
    assert file_name("ink.ckpt", "x.safetensors") == "ink.ckpt.safetensors"
    for there in ("x.py", "x.zip", "", "x"):
        with pytest.raises(ParameterError, match="no model file"):
            file_name("ink.py", there)


def test_a_file_of_the_hub_goes_where_its_tensors_say(program, service):
    made = fetched(program, "ann/models/ink.safetensors")
    assert made.path == program.folders.loras[0] / "ink.safetensors" and made.path.read_bytes() == LORA
    assert made.checked and made.sha256 == sha(LORA) and not left(program)
    assert [entry.name for entry in program.shelves.loras.entries()] == ["ink"]
    again = fetched(program, "ann/models/ink.safetensors")
    assert again.here and "already" in str(again)
    assert sum(path.startswith("/cdn") for path, _ in service.seen) == 1


def test_of_a_repository_the_file_on_top_is_taken_and_of_several_none(program):
    assert fetched(program, "ann/models").path.name == "ink.safetensors"
    with pytest.raises(ParameterError, match=r"several.*a\.safetensors, b\.safetensors"):
        fetched(program, "ann/two")
    with pytest.raises(NotFound, match=r"no model file.*README"):
        fetched(program, "ann/none")
    with pytest.raises(NotFound, match="no file 'x.gguf'"):
        fetched(program, "ann/models/x.gguf")
    with pytest.raises(NotFound, match="knows no bob/x"):
        fetched(program, "bob/x")


@pytest.mark.parametrize(
    "source", ["https://civitai.com/models/1", "https://civitai.com/models/1?modelVersionId=2", "abcdef1234"]
)
def test_a_model_of_civitai(program, source):
    made = fetched(program, source, name="castle")
    assert made.path == program.folders.checkpoints[0] / "castle.safetensors" and made.checked
    found = program.library.find("castle")
    assert found.sha256 == sha(MODEL)  # known without reading it again
    with pytest.raises(NotFound, match="names no model file"):
        fetched(program, "https://civitai.com/models/9")


def test_what_is_known_of_it_is_checked(program, service):
    base = f"http://localhost:{service.server_port}/cdn/ink.safetensors"
    free = fetched(program, base, kind="VAE", name="a")
    assert free.path == program.folders.vaes[0] / "a.safetensors" and not free.checked
    assert fetched(program, base, sha256=sha(LORA).upper(), name="b").checked
    with pytest.raises(CorruptFile, match="did not arrive as"):
        fetched(program, base, sha256="0" * 64, name="c")
    with pytest.raises(ParameterError, match="not the one you gave"):
        fetched(program, "ann/models", sha256="0" * 64)
    with pytest.raises(ParameterError, match="no SHA-256"):
        program.download(Download(source=base, sha256="12"))
    assert not left(program)
    with pytest.raises(ParameterError, match="another a.safetensors"):
        fetched(program, f"http://localhost:{service.server_port}/cdn/model.safetensors", kind="VAE", name="a")
    assert free.path.read_bytes() == LORA


@pytest.mark.parametrize("ranges", [True, False])
def test_what_breaks_off_goes_on_where_it_was(program, service, ranges):
    service.ranges, service.cuts = ranges, [1 << 20, 1 << 20]
    assert fetched(program, "ann/models").path.read_bytes() == LORA
    starts = [headers.get("Range") for path, headers in service.seen if path.startswith("/cdn")]
    assert starts == [None, f"bytes={1 << 20}-", f"bytes={2 << 20}-" if ranges else f"bytes={1 << 20}-"]


def test_what_failed_goes_on_at_the_next_wish(program, service):
    service.cuts = [1 << 20] + [0] * (transfer.TRIES - 1)
    service.cuts.reverse()
    with pytest.raises(WebuiError, match="1 MiB are kept, ask again"):
        fetched(program, "ann/models")
    assert not list(program.folders.loras[0].iterdir()) and left(program)
    assert fetched(program, "ann/models").path.read_bytes() == LORA
    assert service.seen[-1][1]["Range"] == f"bytes={1 << 20}-" and not left(program)


def test_another_file_than_before_is_fetched_from_its_beginning(program, service):
    base = f"http://localhost:{service.server_port}/cdn/ink.safetensors"
    service.cuts = [0] * (transfer.TRIES - 1) + [1 << 20]
    with pytest.raises(WebuiError):
        fetched(program, base)
    other = LORA[:-4] + b"\0\0\0\0"
    service.files["ink.safetensors"], service.etag = other, '"two"'
    assert fetched(program, base).path.read_bytes() == other


def test_the_user_stops_it_and_it_goes_on_later_beside_all_other_work(program, service):
    service.go.clear()
    job = program.download(Download(source="ann/models"))
    other = program.queue.submit("x", lambda progress: 7)
    assert other.wait(SECONDS) == 7 and not job.completed  # the queue goes on meanwhile
    second = program.download(Download(source="ann/models"))
    program.queue.cancel(second)  # which waits for the first
    with pytest.raises(Interrupted):
        second.wait(SECONDS)
    service.go.set()
    service.sent.wait(10)
    service.go.clear()
    program.queue.cancel(job)
    service.go.set()
    with pytest.raises(Interrupted):
        job.wait(SECONDS)
    assert fetched(program, "ann/models").path.read_bytes() == LORA


def test_size_and_disk_are_bounds(program, service, monkeypatch):
    program.options.change({"download_largest": 0.001}, by_page=True)
    for service.sized in (True, False):
        with pytest.raises(ParameterError, match="larger than 0.001 GiB"):
            fetched(program, "ann/models")
    service.sized = True
    program.options.change({"download_largest": 1.0}, by_page=True)
    monkeypatch.setattr(transfer.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1 << 20}))
    with pytest.raises(WebuiError, match="make room"):
        fetched(program, "ann/models")


def test_what_is_no_model_is_not_kept(program, service):
    service.files["ink.safetensors"] = b"no tensors at all"
    service.files["evil.ckpt"] = b"cos\nsystem\n(S'touch /tmp/x'\ntR."
    base = f"http://localhost:{service.server_port}"
    for path in ("cdn/ink.safetensors", "cdn/evil.ckpt"):
        with pytest.raises(CorruptFile):
            fetched(program, f"{base}/{path}")
    for path, words in (("page.safetensors", "a page"), ("gated", "some only"), ("none.safetensors", "knows no")):
        with pytest.raises(ParameterError, match=words):
            fetched(program, f"{base}/{path}")
    assert not left(program)


def test_a_login_that_a_service_wants_is_told_with_the_way_to_it(program, service):
    version = service.descriptions["/api/v1/model-versions/2"]
    for path, words in (("gated", "to some only"), ("page.safetensors", "is a page")):
        version["files"][1]["downloadUrl"] = f"https://civitai.com/{path}"
        with pytest.raises(ParameterError, match=f"{words}.*set CIVITAI_API_TOKEN"):
            fetched(program, "abcdef1234", kind="VAE", name=path.partition(".")[0])


def test_a_kind_that_cannot_be_told_is_asked_for_and_nothing_comes_twice(program, service):
    service.files["odd.pt"] = b""
    torch.save({"x": torch.ones(3)}, (path := program.folders.data / "odd.pt"))
    service.files["odd.pt"] = path.read_bytes()
    base = f"http://localhost:{service.server_port}/cdn/odd.pt"
    with pytest.raises(ParameterError, match="say what kind"):
        fetched(program, base)
    assert fetched(program, base, kind="Embedding").path == program.folders.embeddings / "odd.pt"
    assert service.seen[-1][1]["Range"] == f"bytes={len(service.files['odd.pt'])}-"


def test_this_machine_is_asked_only_where_that_is_allowed(program, service):
    program.options.change({"download_from_neighbours": False}, by_page=True)
    for source in ("ann/models", f"http://localhost:{service.server_port}/cdn/ink.safetensors", "abcdef1234"):
        with pytest.raises(Forbidden, match="out of bounds"):
            fetched(program, source)
    assert service.seen == []


def test_a_token_is_told_to_its_service_alone(program, service, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    fetched(program, "ann/models")
    told = [(urlsplit(path).path, headers.get("Authorization")) for path, headers in service.seen]
    bearer = f"Bearer {TOKEN}"
    assert told[:2] == [
        ("/api/models/ann/models/revision/main", bearer),
        ("/ann/models/resolve/main/ink.safetensors", bearer),
    ]
    assert told[2] == ("/cdn/ink.safetensors", None)  # under another name: another host


def test_only_administrators_download(fresh_app):
    for role in (Role.GUEST, Role.USER):
        with pytest.raises(Forbidden):
            fresh_app.download(Download(source="ann/models"), user=User("ann", role))


def test_by_command(program, service, capsys):
    words = ["download", "ann/models", "--kind", "LoRA", "--name", "mine", "--data-dir", str(program.folders.data)]
    assert tools.main(words) == 0
    assert "mine.safetensors; its checksum is right" in capsys.readouterr().out
    assert (program.folders.loras[0] / "mine.safetensors").read_bytes() == LORA
    assert tools.main([*words[:1], "bob/none", *words[-2:]]) == 1
