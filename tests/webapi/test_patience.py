"""Requests that never end (slow loris), bodies that never end, and those behind them who are served all the same."""

import socket
import threading
import time

import httpx
import pytest

from modules.webapi import patience
from tests.webapi.conftest import drawing_program, serving


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    app = drawing_program(tmp_path_factory.mktemp("patience"), timeout_keep_alive=1)
    with serving(app) as made:
        yield made
    app.queue.close()


@pytest.fixture
def hurried(monkeypatch):
    monkeypatch.setattr(patience, "LOOK", 0.1)
    monkeypatch.setattr(patience, "GRACE", 0.5)


def connected(url):
    return socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=10)


def closed_within(connection, drip, seconds):
    """Whether the other side ends a connection on which a byte is sent now and then."""
    until = time.monotonic() + seconds
    connection.settimeout(0.1)
    while time.monotonic() < until:
        try:
            if drip:
                connection.sendall(drip)
            if connection.recv(4096) == b"":
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


HEAD = b"POST /sdapi/v1/txt2img HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    ("begins", "drip"),
    [
        (b"", b""),
        (b"", b"G"),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"X-A: b\r\n"),
        (HEAD + b"Content-Length: 100000\r\n\r\n", b"{"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
)
def test_who_sends_too_slowly_is_dropped(url, hurried, begins, drip):
    with connected(url) as slow:
        slow.sendall(begins)
        assert closed_within(slow, drip, 8)


def test_a_slow_second_request_is_dropped_too(url, hurried):
    with connected(url) as slow:
        slow.sendall(b"GET /internal/ping HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b"200" in slow.recv(4096)
        assert closed_within(slow, b"G", 8)


def test_a_request_that_waits_for_its_answer_is_left_alone(tmp_path, hurried):
    app = drawing_program(tmp_path)
    app.engine.go.clear()
    threading.Timer(2, app.engine.go.set).start()
    with serving(app) as url:
        body = {"steps": 1, "width": 16, "height": 16}
        assert httpx.post(f"{url}/sdapi/v1/txt2img", json=body, timeout=20).status_code == 200
    app.queue.close()


def test_many_slow_ones_keep_nobody_else_out(url):
    slow = [connected(url) for _ in range(150)]
    for one in slow:
        one.sendall(b"GET / HTTP/1.1\r\nHost: 127")
    began = time.monotonic()
    assert httpx.get(f"{url}/internal/ping").status_code == 200 and time.monotonic() - began < 5
    for one in slow:
        one.close()


def test_a_body_that_is_too_large_is_refused_unread(url):
    with connected(url) as big:
        big.sendall(HEAD + b"Content-Length: 999999999999\r\n\r\n")
        assert b"413" in big.recv(4096)


@pytest.mark.parametrize("path", ["/sdapi/v1/txt2img", "/v2/jobs", "/sdapi/v1/options", "/sdapi/v1/png-info"])
def test_a_body_of_unknown_size_is_read_no_further_than_the_largest(url, monkeypatch, path):
    monkeypatch.setattr(patience, "LARGEST", 100_000)
    sent = 0

    def endless():
        nonlocal sent
        yield b'{"prompt": "'
        while sent < 50_000_000:
            sent += 10_000
            yield b"x" * 10_000

    try:
        answer = httpx.post(f"{url}{path}", content=endless(), headers={"Content-Type": "application/json"})
        assert answer.status_code == 413 and "too large" in answer.json()["errors"]
    except httpx.TransportError:
        pass  # closed while we were still sending
    assert sent < 20_000_000 and httpx.get(f"{url}/internal/ping").status_code == 200
