"""Pictures by their address: off unless a setting allows it, and then never from this machine or its neighbours."""

import base64
import ipaddress
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from modules import remote
from modules.exceptions import Forbidden, ParameterError
from modules.webapi import outside

IMG2IMG = {"steps": 1, "width": 16, "height": 16}


class Site(BaseHTTPRequestHandler):
    """Serves a picture, redirects, floods and drips; counts who comes."""

    protocol_version = "HTTP/1.0"

    def do_GET(self):
        self.server.seen.append((self.headers["Host"], self.path))
        how, _, rest = self.path.strip("/").partition("/")
        if how == "to":
            self.send_response(302)
            self.send_header("Location", base64.urlsafe_b64decode(rest).decode())
            return self.end_headers()
        self.send_response(200 if how != "missing" else 404)
        self.end_headers()
        if how == "picture":
            self.wfile.write(self.server.picture)
        if how == "flood":
            while True:
                self.wfile.write(b"x" * 65536)
        if how == "drip":
            while True:
                self.wfile.write(b"x")
                time.sleep(0.05)

    def log_message(self, *words):
        pass


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


@pytest.fixture(scope="module")
def site(png):
    with Quiet(("127.0.0.1", 0), Site) as server:
        server.picture = base64.b64decode(png)
        server.seen = []
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def friend(site, monkeypatch):
    """An address out there that is the site; every other name is what it is."""
    site.seen.clear()
    real = remote.Guarded._address
    monkeypatch.setattr(
        remote.Guarded,
        "_address",
        lambda self, host, port: "127.0.0.1" if host == "friend" else real(self, host, port),
    )
    return f"http://friend:{site.server_port}"


def locals_of(port):
    """Ways to write this machine and its neighbours."""
    hosts = ("127.0.0.1", "localhost", "LOCALHOST.", "[::1]", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0")
    hosts += ("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "[::]", "169.254.169.254", "10.0.0.1")
    hosts += ("192.168.1.1", "172.16.0.1", "100.64.0.1", "[fe80::1]", "[fc00::1]", "[64:ff9b::7f00:1]")
    hosts += ("[2002:7f00:1::]", "224.0.0.1", "255.255.255.255")
    return [f"http://{host}:{port}/picture" for host in hosts]


def test_addresses():
    for text in ("8.8.8.8", "1.1.1.1", "2606:4700:4700::1111"):
        assert remote.is_public(ipaddress.ip_address(text))
    for text in ("127.0.0.1", "::1", "10.1.2.3", "::ffff:10.0.0.1", "2001:0:7f00:1::", "fe80::1", "0.0.0.0", "::"):
        assert not remote.is_public(ipaddress.ip_address(text))


def test_a_picture_comes_from_out_there(site, friend):
    assert outside.fetch(f"{friend}/picture") == site.picture
    there = base64.urlsafe_b64encode(f"{friend}/picture".encode()).decode()
    assert outside.fetch(f"{friend}/to/{there}") == site.picture
    assert site.seen[0] == (f"friend:{site.server_port}", "/picture")


def test_nothing_of_this_machine_is_asked(site, friend):
    for url in locals_of(site.server_port):
        with pytest.raises((Forbidden, ParameterError)):
            outside.fetch(url)
        with pytest.raises((Forbidden, ParameterError)):
            remote.post(url, b"{}", {})
    assert site.seen == []
    for url in locals_of(site.server_port)[:4]:
        path = base64.urlsafe_b64encode(url.encode()).decode()
        with pytest.raises((Forbidden, ParameterError)):
            outside.fetch(f"{friend}/to/{path}")
    assert all(host.startswith("friend") for host, _ in site.seen)


def test_a_name_that_is_judged_is_the_one_that_is_asked(site, monkeypatch):
    """A name server that answers first with a good address, then with this machine's."""
    answers = iter(["93.184.216.34", "127.0.0.1"])
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *given, **words: [(2, 1, 6, "", (next(answers), site.server_port))]
    )
    asked = []
    monkeypatch.setattr(
        remote.httpcore.SyncBackend, "connect_tcp", lambda self, host, *rest: asked.append(host) or 1 / 0
    )
    with pytest.raises(ZeroDivisionError):
        outside.fetch("http://rebinding.example/picture")
    assert asked == ["93.184.216.34"]


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/hostname", "ftp://friend/", "gopher://friend/", "http://", "http://friend:99999/", "http://[::1/",
        "http://ann:key@friend/", "http://friend/\r\nX: y", "http://friend/\x00", "//friend/", "http:///x",
        "http://" + "a" * 300 + "/",
    ],
)  # fmt: skip
def test_odd_addresses(friend, url):
    with pytest.raises((Forbidden, ParameterError)):
        outside.fetch(url)


def test_what_does_not_end_is_ended(friend, monkeypatch):
    monkeypatch.setattr(outside, "LARGEST", 1 << 20)
    monkeypatch.setattr(outside, "SECONDS", 0.3)
    loop = friend + "/to/" + base64.urlsafe_b64encode(b"?").decode()
    for url, word in (
        (f"{friend}/flood", "larger"),
        (f"{friend}/drip", "longer"),
        (f"{friend}/missing", "404"),
        (loop, "redirects"),
    ):
        began = time.monotonic()
        with pytest.raises(ParameterError, match=word):
            outside.fetch(url)
        assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("img2img", lambda url: {"init_images": [url], **IMG2IMG}),
        ("extra-single-image", lambda url: {"image": url, "upscaler_1": "Lanczos"}),
        ("extra-batch-images", lambda url: {"imageList": [{"data": url, "name": "x"}]}),
        ("png-info", lambda url: {"image": url}),
        ("interrogate", lambda url: {"image": url}),
    ],
)
def test_routes_ask_only_where_the_setting_is_on(client, program, site, friend, route, body, monkeypatch):
    monkeypatch.setattr(type(program), "extras", lambda *given, **words: program.load_checkpoint())
    monkeypatch.setattr("modules.webapi.extras.answer", lambda job: ("", []))
    answer = client.post(f"/sdapi/v1/{route}", json=body(f"{friend}/picture"))
    assert answer.status_code == 403 and "setting" in answer.json()["errors"] and site.seen == []
    turned = client.post("/sdapi/v1/options", json={"api_enable_requests": True})
    assert turned.status_code == 403  # the API may not open this door itself
    override = {"override_settings": {"api_enable_requests": True}} if route == "img2img" else {}
    assert client.post(f"/sdapi/v1/{route}", json=body(f"{friend}/picture") | override).status_code == 403
    program.options.change({"api_enable_requests": True})
    try:
        opened = client.post(f"/sdapi/v1/{route}", json=body(f"{friend}/picture"))
        assert opened.status_code == (501 if route == "interrogate" else 200), opened.text
        near = client.post(f"/sdapi/v1/{route}", json=body(f"http://127.0.0.1:{site.server_port}/picture"))
        assert near.status_code == 403 and "out of bounds" in near.json()["errors"]
        assert [host for host, _ in site.seen] == [f"friend:{site.server_port}"]
        assert client.post(f"/sdapi/v1/{route}", json=body(f"{friend}/empty")).status_code == 422
    finally:
        program.options.change({"api_enable_requests": False})
