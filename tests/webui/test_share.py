"""--share through gradio's own tunnel code, with a stand-in for the client program that it starts."""

import sys
import time

import httpx
import pytest
from gradio import networking, tunneling

from modules.settings.sections import Launch
from modules.webapi import security
from modules.webui.share import Share
from tests.webapi.conftest import drawing_program, serving

CLIENT = """#!{python}
import sys, time
{what}
"""
OPENS = 'print("[I] start proxy success: https://ABC123.gradio.live", flush=True); time.sleep(60)'
REFUSES = 'print("[W] login to server failed: no route", flush=True); time.sleep(60)'


@pytest.fixture
def client_program(tmp_path, monkeypatch):
    """Puts a program in the place of the tunnel client."""
    monkeypatch.setattr(networking, "GRADIO_SHARE_SERVER_ADDRESS", "127.0.0.1:1")

    def put(what):
        path = tmp_path / "frpc"
        path.write_text(CLIENT.format(python=sys.executable, what=what))
        path.chmod(0o755)
        monkeypatch.setattr(tunneling, "BINARY_PATH", str(path))

    return put


def ask(url, **words):
    return httpx.get(f"{url}/internal/ping", headers={"Host": "abc123.gradio.live"}, **words)


def test_a_shared_server_is_reached_behind_a_login_until_it_is_closed(tmp_path, client_program):
    client_program(OPENS)
    app = drawing_program(tmp_path, share=True)
    rules = security.rules(app.launch)
    owner, guest = (tuple(login.split(":", 1)) for login in rules.made_up)
    assert (owner[0], guest[0]) == ("webui", "guest")
    with serving(app, rules) as url:
        share = url.api.state.share
        assert ask(url).status_code == 403  # nobody by that name yet
        said = share.open("127.0.0.1", 1)
        assert "https://ABC123.gradio.live" in said and "Stop sharing" in said
        assert ask(url).status_code == 401
        assert ask(url, auth=owner).status_code == 200 and ask(url, auth=guest).status_code == 200
        origin = {"Host": "abc123.gradio.live", "Origin": "https://abc123.gradio.live"}
        assert httpx.post(f"{url}/sdapi/v1/interrupt", headers=origin, auth=owner).status_code == 200
        state = f"{url}/internal/share"
        assert httpx.delete(state, auth=guest).status_code == 403
        told = httpx.get(state, auth=owner).json()
        assert told["url"].endswith("gradio.live") and told["until"] > time.time() + 23 * 3600
        process = tunneling.CURRENT_TUNNELS[-1].proc
        assert process.poll() is None
        assert httpx.delete(state, auth=owner).json() == {"url": None, "until": None}
        assert ask(url, auth=owner).status_code == 403 and process.poll() is not None
    app.queue.close()


def test_it_ends_by_itself(client_program):
    client_program(OPENS)
    hosts = set()
    share = Share(hosts, 0.3 / 3600)
    share.open("127.0.0.1", 1)
    assert hosts == {"abc123.gradio.live"}
    until = time.monotonic() + 10
    while hosts:
        assert time.monotonic() < until
    while share.state.url:
        assert time.monotonic() < until


@pytest.mark.parametrize("what", [REFUSES, None])
def test_a_tunnel_that_cannot_be_is_told_in_a_sentence(client_program, tmp_path, monkeypatch, what):
    if what:
        client_program(what)
    else:  # the client is not there and cannot be fetched
        monkeypatch.setattr(networking, "GRADIO_SHARE_SERVER_ADDRESS", "127.0.0.1:1")
        monkeypatch.setattr(tunneling, "BINARY_PATH", str(tmp_path / "none"))
        monkeypatch.setattr(tunneling, "BINARY_FOLDER", tmp_path)
        monkeypatch.setattr(tunneling, "BINARY_URL", "http://127.0.0.1:1/frpc")
    hosts = set()
    said = Share(hosts, 1).open("127.0.0.1", 1)
    assert said.count("\n") == 0 and "could not be opened" in said and "cloudflared" in said and not hosts


def test_a_shared_server_always_asks_for_a_login():
    rules = security.rules(Launch(share=True))
    assert len(rules.made_up) == 2 and len(rules.page.logins) == 2
    own = security.rules(Launch(share=True, gradio_auth="ann:x"))
    assert own.made_up == () and len(own.page.logins) == 1
