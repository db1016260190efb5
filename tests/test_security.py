"""Who may come in: logins, hosts and origins over page, API and files; and what gradio must not give away."""

import asyncio
import base64
import itertools
import json

import httpx
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from modules import server
from modules.app import build
from modules.exceptions import ParameterError
from modules.settings.sections import Launch
from modules.webapi import logins, security

HOME = "http://127.0.0.1:7860"
PAGE_LOGIN, API_LOGIN = ("ann", "page:key"), ("bob", "api key")
MARK = {"meta": {"_type": "gradio.FileData"}}  # of what gradio takes for a file
FILES = {"image", "file", "gallery", "uploadbutton"}
NUMBERS = itertools.count()
FLAGS = {"gradio_auth": "ann:page:key", "api_auth": "bob:api key"}


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch):
    """scrypt as it is costs these tests some fifty milliseconds a login; webapi/test_logins.py tries it."""
    monkeypatch.setattr(logins, "_scrypt", lambda password, salt: (salt + password).ljust(32, b"\0"))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Makes the ASGI application of some flags, without the page; the same one for the same flags."""
    apps, known = [], {}

    def make(**flags):
        key = tuple(sorted(flags.items()))
        if key not in known:
            apps.append(build(Launch(data_dir=str(tmp_path_factory.mktemp("data")), nowebui=True, **flags)))
            known[key] = server.create(apps[-1])
        return known[key]

    yield make
    for app in apps:
        app.queue.close()


def ask(api, method, path, base=HOME, address=None, **words):
    """One request, straight into the application; from its own address, so that no test slows another's logins."""

    async def act():
        transport = httpx.ASGITransport(api, client=(address or f"client {next(NUMBERS)}", 1))
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            return await client.request(method, path, **words)

    return asyncio.run(act())


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


# -- logins


@pytest.mark.parametrize("path", ["/sdapi/v1/samplers", "/internal/ping", "/openapi.json", "/", "/nowhere"])
@pytest.mark.parametrize(
    ("login", "lets_in"),
    [
        (None, ""),
        (("ann", "wrong"), ""),
        (("nobody", "page:key"), ""),
        (("bob", "page:key"), ""),
        (PAGE_LOGIN, "page api"),
        (API_LOGIN, "api"),
    ],
)
def test_the_matrix_of_logins(made, path, login, lets_in):
    answer = ask(made(**FLAGS), "GET", path, auth=login)
    wanted = "api" if path.startswith("/sdapi/") else "page"
    assert (answer.status_code != 401) == (wanted in lets_in.split())
    if answer.status_code == 401:
        assert (
            answer.headers["www-authenticate"].startswith("Basic ")
            and " key" not in answer.text
            and ":key" not in answer.text
        )


def test_an_api_login_alone_leaves_the_page_open(made):
    api = made(api_auth="bob:x")
    assert ask(api, "GET", "/sdapi/v1/samplers").status_code == 401
    assert ask(api, "GET", "/sdapi/v1/samplers", auth=("bob", "x")).status_code == 200
    assert ask(api, "GET", "/internal/ping").status_code == 200


def test_posts_are_behind_the_login_too(made):
    api = made(**FLAGS)
    for path in (
        "/sdapi/v1/txt2img",
        "/sdapi/v1/options",
        "/sdapi/v1/interrupt",
        "/internal/progress",
        "/gradio_api/upload",
    ):
        assert ask(api, "POST", path, json={}).status_code == 401


@pytest.mark.parametrize(
    "path", ["/SDAPI/v1/samplers", "//sdapi/v1/samplers", "/sdapi", "/x/../sdapi/v1/options", "/%2Fsdapi/v1"]
)
def test_odd_paths_do_not_make_a_page_of_the_api(made, path):
    api = made(api_auth="bob:x")  # the page is open here, so what counts is that the API's answer is not given
    answer = ask(api, "GET", path)
    assert answer.status_code in (401, 404)


def test_behind_a_sub_path(made):
    api = made(subpath="/sd/", api_auth="bob:x")
    for path in ("/sd/sdapi/v1/samplers", "/sdapi/v1/samplers"):
        assert ask(api, "GET", path).status_code == 401
        assert ask(api, "GET", path, auth=("bob", "x")).json()[0]["name"]


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Bearer abc", "basic " + "A" * 5000, "Basic " + base64.b64encode(b"ann").decode()]
)
def test_broken_headers_are_wrong_logins(made, header):
    answer = ask(made(**FLAGS), "GET", "/sdapi/v1/samplers", headers={"Authorization": header})
    assert answer.status_code == 401 and answer.json()["errors"]


def test_several_logins_and_odd_characters(made):
    api = made(gradio_auth=" ann:a , zoë:ü:1 ")
    for login in (("ann", "a"), ("zoë", "ü:1")):
        header = {"Authorization": basic(*login)}
        assert ask(api, "GET", "/internal/ping", headers=header).status_code == 200
    assert ask(api, "GET", "/internal/ping", headers={"Authorization": basic("ann", "ü:1")}).status_code == 401


def test_guessing_is_slowed_down_by_address(made):
    api = made(gradio_auth="eve:key")
    for _ in range(logins.FREE_TRIES):
        assert ask(api, "GET", "/internal/ping", address="a", auth=("eve", "guess")).status_code == 401
    answer = ask(api, "GET", "/internal/ping", address="a", auth=("eve", "guess"))
    assert answer.status_code == 429 and int(answer.headers["retry-after"]) >= 1
    assert ask(api, "GET", "/internal/ping", address="a", auth=("eve", "key")).status_code == 429
    assert ask(api, "GET", "/internal/ping", address="b", auth=("eve", "key")).status_code == 200
    # who is known already is not held up by a neighbour's guesses
    assert ask(api, "GET", "/internal/ping", address="a", auth=("eve", "key")).status_code == 200


# -- open servers


@pytest.mark.parametrize(
    ("flags", "opened"),
    [
        ({}, False),
        ({"listen": True}, True),
        ({"server_name": "127.0.0.1"}, False),
        ({"server_name": "localhost"}, False),
        ({"server_name": "::1"}, False),
        ({"server_name": "0.0.0.0"}, True),
        ({"server_name": "192.168.1.5"}, True),
        ({"server_name": "drawing-room"}, True),
    ],
)
def test_an_open_server_has_a_login(made, flags, opened):
    rules = security.rules(Launch(**flags))
    assert rules.opened == opened == bool(rules.made_up) == bool(rules.page.logins)
    base = f"http://{flags.get('server_name', '127.0.0.1').replace('::1', '[::1]')}:7860"
    assert ask(made(**flags), "GET", "/internal/ping", base).status_code == (401 if opened else 200)


def test_a_made_up_login_is_another_each_time_and_works(made, tmp_path):
    first, second = (security.rules(Launch(listen=True)) for _ in range(2))
    assert first.made_up != second.made_up and len(first.made_up[0]) > 14
    assert first.page.opens(basic(*first.made_up[0].split(":")).encode(), "a")
    assert first.api.opens(basic(*first.made_up[0].split(":")).encode(), "a")
    assert not first.page.opens(basic(*second.made_up[0].split(":")).encode(), "a")


def test_with_its_own_login_none_is_made_up():
    rules = security.rules(Launch(listen=True, gradio_auth="ann:x"))
    assert rules.made_up == () and len(rules.page.logins) == 1


# -- hosts


@pytest.mark.parametrize(
    ("host", "closed", "opened"),
    [
        ("localhost:7860", 200, 200),
        ("LOCALHOST", 200, 200),
        ("localhost.:7860", 200, 200),
        ("127.0.0.1:7860", 200, 200),
        ("127.0.0.2", 200, 200),
        ("[::1]:7860", 200, 200),
        ("192.168.1.5:7860", 403, 200),
        ("[fe80::1]:7860", 403, 200),
        ("drawing-room:7860", 403, 200),
        ("drawing-room.local", 403, 200),
        ("sd.example.com", 200, 200),
        ("evil.example:7860", 403, 403),
        ("localhost.evil.example", 403, 403),
        ("127.0.0.1.evil.example", 403, 403),
        ("evil@127.0.0.1", 400, 400),
        ("127.0.0.1/x", 400, 400),
        ("[::1", 400, 400),
        ("", 400, 400),
    ],
)
def test_hosts(made, monkeypatch, host, closed, opened):
    monkeypatch.setattr(security.socket, "gethostname", lambda: "Drawing-Room.lan")
    trusted = {"cors_allow_origins": "https://sd.example.com"}
    for flags, status in (({}, closed), ({"listen": True, "gradio_auth": "ann:x"}, opened)):
        answer = ask(made(**flags, **trusted), "GET", "/internal/ping", headers={"Host": host}, auth=("ann", "x"))
        assert answer.status_code == status, answer.text
        if status != 200:
            assert answer.json()["errors"].endswith(".")


def test_two_hosts_are_none(made):
    answer = ask(made(), "GET", "/internal/ping", headers=[("Host", "127.0.0.1"), ("Host", "evil.example")])
    assert answer.status_code == 400


# -- origins


@pytest.mark.parametrize(
    ("origin", "lets_in"),
    [
        (None, True),
        (HOME, True),
        ("http://127.0.0.1:9999", False),
        ("http://localhost:7860", False),
        ("https://127.0.0.1:7860", True),  # behind a proxy that ends TLS
        ("http://evil.example", False),
        ("http://127.0.0.1:7860.evil.example", False),
        ("null", False),
        ("file://", False),
        ("https://friend.example", True),
        ("https://FRIEND.example", True),
        ("http://friend.example", False),
    ],
)
@pytest.mark.parametrize(
    ("method", "path", "accept"),
    [("POST", "/sdapi/v1/interrupt", "*/*"), ("GET", "/internal/live/x", "text/event-stream"), ("DELETE", "/x", "*/*")],
)
def test_origins(made, monkeypatch, origin, lets_in, method, path, accept):
    monkeypatch.setattr("modules.webapi.live.PATIENCE", 0)
    headers = {"Accept": accept} | ({"Origin": origin} if origin else {})
    answer = ask(
        made(cors_allow_origins="https://friend.example, https://other.example/"), method, path, headers=headers
    )
    assert (answer.status_code != 403) == lets_in


def test_only_named_origins_may_read(made):
    api = made(cors_allow_origins="https://friend.example")
    for origin, allowed in (("https://friend.example", True), ("https://evil.example", False), (HOME, False)):
        answer = ask(api, "GET", "/sdapi/v1/samplers", headers={"Origin": origin})
        assert answer.status_code == 200
        assert ("access-control-allow-origin" in answer.headers) == allowed
        if allowed:
            assert answer.headers["access-control-allow-origin"] == origin
            assert answer.headers["access-control-allow-credentials"] == "true" and answer.headers["vary"] == "Origin"


def test_a_preflight_needs_no_login_but_the_right_origin(made):
    api = made(cors_allow_origins="https://friend.example", **FLAGS)
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,x-mine"}
    good = ask(api, "OPTIONS", "/sdapi/v1/txt2img", headers={**asked, "Origin": "https://friend.example"})
    assert good.status_code == 200 and "POST" in good.headers["access-control-allow-methods"]
    assert good.headers["access-control-allow-headers"] == "authorization,x-mine"
    bad = ask(api, "OPTIONS", "/sdapi/v1/txt2img", headers={**asked, "Origin": "https://evil.example"})
    assert bad.status_code == 403 and "access-control-allow-origin" not in bad.headers
    # the refusal of a login must be readable by the named page too
    login = ask(api, "POST", "/sdapi/v1/txt2img", headers={"Origin": "https://friend.example"}, json={})
    assert login.status_code == 401 and login.headers["access-control-allow-origin"] == "https://friend.example"


def test_origins_may_be_named_by_a_pattern(made):
    api = made(cors_allow_origins_regex=r"https://[a-z]+\.friend\.example")
    for origin, status in (
        ("https://a.friend.example", 200),
        ("https://a.friend.example.evil.example", 403),
        ("https://1.friend.example", 403),
    ):
        answer = ask(api, "POST", "/sdapi/v1/interrupt", headers={"Origin": origin})
        assert answer.status_code == status
        assert (answer.headers.get("access-control-allow-origin") == origin) == (status == 200)
    with pytest.raises(ParameterError, match="regex"):
        security.rules(Launch(cors_allow_origins_regex="("))


def test_a_flood_of_guesses_from_everywhere_is_held_up(made, monkeypatch):
    monkeypatch.setattr(logins, "TOGETHER", 7)
    api = made(gradio_auth="mallory:key", port=7867)
    for number in range(7):
        assert ask(api, "GET", "/internal/ping", address=f"x{number}", auth=("mallory", "guess")).status_code == 401
    assert ask(api, "GET", "/internal/ping", address="new", auth=("mallory", "key")).status_code == 429


def test_a_star_allows_every_page_but_no_credentials(made):
    answer = ask(made(cors_allow_origins="*"), "POST", "/sdapi/v1/interrupt", headers={"Origin": "https://any.example"})
    assert answer.status_code == 200 and answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


def test_what_the_parts_inside_say_of_cors_does_not_get_out():
    async def inside(scope, receive, send):
        headers = [(b"Access-Control-Allow-Origin", b"http://evil.example"), (b"x-mine", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body"})

    answer = ask(
        security.Guard(inside, security.rules(Launch())), "GET", "/", headers={"Origin": "http://evil.example"}
    )
    assert answer.headers["x-mine"] == "1" and "access-control-allow-origin" not in answer.headers


def test_the_passwords_are_told_to_nobody(made):
    answer = ask(made(**FLAGS), "GET", "/sdapi/v1/cmd-flags", auth=API_LOGIN)
    assert (
        answer.status_code == 200
        and " key" not in answer.text
        and ":key" not in answer.text
        and '"ann' not in answer.text
    )


# -- the page


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The whole application, page and all."""
    app = build(Launch(data_dir=str(tmp_path_factory.mktemp("page"))))

    async def make():  # on a loop, or gradio makes some of its own and leaves them open
        return server.create(app)

    yield app, asyncio.run(make())
    app.queue.close()


@pytest.mark.parametrize("mark", [MARK, {"meta": {}}, {}])
def test_no_file_is_read_that_a_client_names(page, tmp_path, mark, monkeypatch):
    """A mounted gradio hands any path of the server to the page's functions, unless `has_launched` is set.

    Then it refuses those that bear its mark; what bears none the functions themselves must refuse.
    """
    app, api = page
    monkeypatch.setattr(type(app), "generate", lambda *given: pytest.fail("work began on a file that was not uploaded"))
    monkeypatch.setattr(type(app), "extras", lambda *given, **words: pytest.fail("so it did on the Extras tab"))
    secret = tmp_path / "secret.png"
    words = PngInfo()
    words.add_text("parameters", "the password is swordfish")
    Image.new("RGB", (8, 8)).save(secret, pnginfo=words)
    config = ask(api, "GET", "/config").json()
    kinds = {one["id"]: one["type"] for one in config["components"]}
    tried = 0
    for function in config["dependencies"]:
        takes = [kinds[one] for one in function["inputs"]]
        if FILES.isdisjoint(takes) or not function["backend_fn"]:
            continue
        tried += 1
        named = {"path": str(secret), "orig_name": "x.png", "mime_type": "image/png", **mark}
        data = [
            [{"image": named}] if kind == "gallery" else [named] if kind == "file" else named if kind in FILES else None
            for kind in takes
        ]
        answer = ask(api, "POST", "/gradio_api/run/predict", json={"data": data, "fn_index": function["id"]})
        assert "swordfish" not in answer.text and answer.status_code == (500 if mark == MARK else 403)
        for word in json.dumps(answer.json()).split('"'):  # a copy in gradio's cache would be served
            if word.endswith(secret.name):
                assert ask(api, "GET", f"/gradio_api/file={word}").status_code == 403
    assert tried, "the page takes no picture any more: give this test another way in"


def test_the_page_has_launched(page):
    """The switch itself, as the way in above depends on what the page happens to hold."""
    _, api = page
    blocks = [one.app.get_blocks() for one in api.routes if hasattr(getattr(one, "app", None), "get_blocks")]
    assert blocks and all(one.has_launched for one in blocks)


@pytest.mark.parametrize("path", ["/etc/hostname", "/gradio_api/file=/etc/hostname", "/gradio_api/file=config.json"])
def test_files_outside_the_outputs_are_not_served(page, path):
    app, api = page
    app.folders.config.write_text("{}")
    assert ask(api, "GET", path).status_code in (403, 404)


def test_the_page_is_compressed_and_event_streams_are_not(page, monkeypatch):
    monkeypatch.setattr("modules.webapi.live.PATIENCE", 0)
    _, api = page
    for path, encoding in (("/", "gzip"), ("/config", "gzip"), ("/sdapi/v1/options", None), ("/internal/live/x", None)):
        answer = ask(api, "GET", path, headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200 and answer.headers.get("content-encoding") == encoding


def test_foreign_pages_may_not_use_gradio(page):
    _, api = page
    body = {"data": [], "fn_index": 0, "session_hash": "abcdefgh"}
    answer = ask(api, "POST", "/gradio_api/run/predict", json=body, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403
