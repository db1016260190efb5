"""What a guest, a user and an administrator may do: by route, by job, by file."""

import base64
import time

import httpx
import pytest
from PIL import Image

from modules import server
from modules.generate.request import Txt2Img
from modules.settings.reach import Role, User
from modules.webapi import logins, rights
from modules.webui.shelf import Shelf
from tests.webapi.conftest import drawing_program, serving

FILE = "\ufeffann:key\n# who else\n\n[user]\nbob:key, carl:key\n[guest]\ndora:key\neve:key\n"
SMALL = {"steps": 1, "width": 16, "height": 16}


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("roles")
    (folder / "logins.txt").write_text(FILE, encoding="utf-8")
    app = drawing_program(folder, gradio_auth_path=str(folder / "logins.txt"), api_server_stop=True)
    yield app
    app.queue.close()


@pytest.fixture(scope="module")
def address(program):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logins, "_scrypt", lambda password, salt: (salt + password).ljust(32, b"\0"))
        with serving(program) as url:
            yield url


@pytest.fixture
def as_(address):
    """Ask as somebody."""
    clients = {}

    def client(name):
        if name not in clients:
            clients[name] = httpx.Client(base_url=address, auth=(name, "key"), timeout=20)
        return clients[name]

    yield client
    for one in clients.values():
        one.close()


def test_a_file_gives_roles(tmp_path):
    (tmp_path / "f").write_text(FILE, encoding="utf-8")
    found = {login.who.name: login.who.role.name for login in logins.read_file(tmp_path / "f", "--x")}
    assert found == {"ann": "ADMIN", "bob": "USER", "carl": "USER", "dora": "GUEST", "eve": "GUEST"}


def test_passwords_in_a_file_become_hashes_that_still_open(tmp_path):
    path = tmp_path / "logins"
    path.write_text(FILE, encoding="utf-8")
    assert logins.hash_file(path, "--x") == 5 and logins.hash_file(path, "--x") == 0
    assert ":key" not in path.read_text() and "# who else" in path.read_text() and path.stat().st_mode & 0o77 == 0
    door = logins.Door(logins.read_file(path, "--x"))
    header = b"Basic " + base64.b64encode(b"dora:key")
    assert door.opens(header, "a") == User("dora", Role.GUEST) == door.remembers(header)
    assert door.opens(b"Basic " + base64.b64encode(b"dora:Key"), "a") is None


@pytest.mark.parametrize("text", ["", "[guest]\n", "ann\n", "ann:scrypt:A:B\n"])
def test_a_file_that_is_none_stops_the_start(tmp_path, text):
    (tmp_path / "f").write_text(text)
    with pytest.raises(logins.ParameterError, match="--x"):
        logins.read_file(tmp_path / "f", "--x")
    with pytest.raises(logins.ParameterError, match="cannot be read"):
        logins.read_file(tmp_path / "none", "--x")


@pytest.mark.parametrize(
    ("method", "path", "admin", "user", "guest"),
    [
        ("GET", "/sdapi/v1/samplers", 200, 200, 200),
        ("GET", "/sdapi/v1/samplers/", 404, 404, 404),
        ("GET", "/sdapi/v1/options", 200, 200, 403),
        ("POST", "/sdapi/v1/options", 200, 403, 403),
        ("POST", "/sdapi/v1/options/", 404, 403, 403),
        ("GET", "/sdapi/v1/cmd-flags", 200, 403, 403),
        ("GET", "/internal/sysinfo", 200, 403, 403),
        ("POST", "/sdapi/v1/refresh-checkpoints", 200, 200, 403),
        ("POST", "/sdapi/v1/unload-checkpoint", 200, 403, 403),
        ("POST", "/sdapi/v1/server-kill", None, 403, 403),
        ("POST", "/controlnet/detect", 404, 404, 403),
        ("GET", "/controlnet/version", 404, 404, 403),
        ("PUT", "/sdapi/v1/options", 404, 403, 403),
        ("DELETE", "/internal/share", 404, 403, 403),
    ],
)
def test_routes(as_, method, path, admin, user, guest):
    for name, status in (("ann", admin), ("bob", user), ("dora", guest)):
        if status is not None:
            assert as_(name).request(method, path, json={}).status_code == status, name


def test_no_route_that_changes_something_is_open_to_guests_unless_it_is_named(program):
    for path, methods in server.create(program).openapi()["paths"].items():
        for method in methods:
            if method != "get" and rights.may(User("eve", Role.GUEST), method.upper(), path):
                assert rights._among(path, rights.GUESTS_WRITING)


def test_a_guest_sees_and_stops_only_his_own(as_, program):
    program.engine.go.clear()
    try:
        program.generate(small(), "task(ann)", User("ann"))
        wait_for(lambda: program.queue.current)
        assert as_("ann").get("/sdapi/v1/progress").json()["progress"] > 0
        assert as_("bob").get("/sdapi/v1/progress").json()["progress"] > 0
        assert as_("dora").get("/sdapi/v1/progress").json()["progress"] == 0
        assert as_("dora").post("/internal/progress", json={"id_task": "task(ann)"}).json()["active"] is False
        assert as_("dora").get("/internal/preview/task(ann)").status_code == 404
        assert "event: gone" in as_("dora").get("/internal/live/task(ann)").text
        program.generate(small(), "task(eve)", User("eve", Role.GUEST))
        assert as_("dora").get("/internal/pending-tasks").json() == {"size": 0, "tasks": []}
        assert as_("eve").get("/internal/pending-tasks").json()["tasks"] == ["task(eve)"]
        for name in ("dora", "bob"):
            as_(name).post("/sdapi/v1/interrupt")
            as_(name).post("/sdapi/v1/skip")
            assert not program.queue.current.progress.stop.interrupted
            assert not program.queue.current.progress.stop.skipped
        as_("ann").post("/sdapi/v1/interrupt")
        assert program.queue.current.progress.stop.interrupted
    finally:
        program.engine.go.set()
    program.queue.find("task(eve)").wait(10)


def test_who_may_not_change_settings_may_not_override_them_either(as_):
    wild = {"override_settings": {"outdir_samples": "/", "samples_filename_pattern": "x"}, "save_images": True}
    tame = {"override_settings": {"CLIP_stop_at_last_layers": 2, "sd_model_checkpoint": "tiny"}}
    for name, status in (("bob", 403), ("dora", 403)):
        assert as_(name).post("/sdapi/v1/txt2img", json=SMALL | wild).status_code == status
        assert as_(name).post("/sdapi/v1/txt2img", json=SMALL | tame).status_code == 200
        stays = tame | {"override_settings_restore_afterwards": False}
        assert as_(name).post("/sdapi/v1/txt2img", json=SMALL | stays).status_code == 403


def test_a_guest_may_not_fill_the_queue(as_, program, monkeypatch):
    monkeypatch.setattr("modules.app.GUESTS_JOBS", 2)
    program.engine.go.clear()
    guest = User("eve", Role.GUEST)
    try:
        jobs = [program.generate(small(), None, User("ann"))]
        wait_for(lambda: program.queue.current)
        jobs += [program.generate(small(), None, guest) for _ in range(2)]
        answer = as_("eve").post("/sdapi/v1/txt2img", json=SMALL)
        assert answer.status_code == 429 and "2 jobs" in answer.json()["errors"]
    finally:
        program.engine.go.set()
    for job in jobs:
        job.wait(10)


def small():
    return Txt2Img(**SMALL)


def wait_for(told):
    until = time.monotonic() + 10
    while not told():
        assert time.monotonic() < until


def test_a_guest_fetches_only_what_he_was_shown(tmp_path):
    app = drawing_program(tmp_path)
    shelf = Shelf(app.folders, app.options.view())
    job = app.generate(small(), None, User("eve", Role.GUEST))
    job.wait(10)
    (path,) = shelf.files(job)
    Image.open(path).close()
    assert shelf.may_fetch(User("eve", Role.GUEST), path) and shelf.may_fetch(User("bob", Role.USER), path)
    assert not shelf.may_fetch(User("dora", Role.GUEST), path)
    assert not shelf.may_fetch(User("eve", Role.GUEST), str(tmp_path / "outputs/txt2img-images/x.png"))
    app.queue.close()
