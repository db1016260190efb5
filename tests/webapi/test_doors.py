"""https, and a path behind a reverse proxy, with real sockets."""

import contextlib
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
import uvicorn

from modules import server
from modules.exceptions import WebuiError
from modules.settings.sections import Launch
from tests.webapi.conftest import drawing_program, serving

TLS = Path(__file__).parent / "tls"  # made for these tests alone
FILES = {"tls_keyfile": str(TLS / "key.pem"), "tls_certfile": str(TLS / "certificate.pem")}
SMALL = {"steps": 1, "width": 16, "height": 16}


def test_https(tmp_path, monkeypatch):
    """Through `serve` itself, which tells uvicorn."""
    app = drawing_program(tmp_path, skip_load_model_at_start=True, **FILES)
    said, ready, running = [], threading.Event(), []
    monkeypatch.setattr(server, "bind", lambda launch, fixed, bind=server.bind: bind(Launch(port=0), True))
    monkeypatch.setattr(server, "_say", lambda text: (said.append(text), ready.set()))
    monkeypatch.setattr(uvicorn.Server, "capture_signals", lambda self: contextlib.nullcontext())
    monkeypatch.setattr(
        server.Server, "run", lambda self, sockets, run=server.Server.run: (running.append(self), run(self, sockets))
    )
    thread = threading.Thread(target=server.serve, args=(app,))
    thread.start()
    assert ready.wait(20)
    url = said[0].split()[-1]
    assert url.startswith("https://127.0.0.1:")
    trusting = ssl.create_default_context(cafile=FILES["tls_certfile"])
    with httpx.Client(verify=trusting) as client:
        assert client.get(f"{url}/internal/ping").status_code == 200
        assert client.post(f"{url}/sdapi/v1/interrupt", headers={"Origin": url}).status_code == 200
        assert client.post(f"{url}/sdapi/v1/interrupt", headers={"Origin": "https://x.example"}).status_code == 403
    with pytest.raises(httpx.TransportError):
        httpx.get(url.replace("https", "http"))
    running[0].stop()
    thread.join(20)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        ({"tls_keyfile": "key.pem"}, "--tls-certfile"),
        ({"tls_certfile": "none.pem"}, "none.pem"),
        ({**FILES, "tls_keyfile": FILES["tls_certfile"]}, "not possible"),
        ({**FILES, "share": True}, "--share"),
    ],
)
def test_https_that_cannot_be_stops_the_start_with_a_sentence(flags, word):
    with pytest.raises(WebuiError, match=word):
        server._tls(Launch(**flags))


class Proxy(BaseHTTPRequestHandler):
    """A reverse proxy in thirty lines: what lies below /sd goes to the server, with or without that prefix."""

    protocol_version = "HTTP/1.0"

    def do_GET(self):
        path = self.path.removeprefix("/sd") if self.server.strips else self.path
        length = int(self.headers.get("Content-Length") or 0)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("connection", "host")}
        headers["Host"] = self.headers["Host"]
        headers["X-Forwarded-Proto"] = "https"
        answer = httpx.request(self.command, self.server.to + path, content=self.rfile.read(length), headers=headers)
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer.headers.get("content-type", ""))
        self.end_headers()
        self.wfile.write(answer.content)

    do_POST = do_GET

    def log_message(self, *words):
        pass


@pytest.mark.parametrize("strips", [True, False])
def test_behind_a_proxy(tmp_path, strips):
    origin = "https://pictures.example"
    app = drawing_program(tmp_path, subpath="sd", cors_allow_origins=origin, gradio_auth="ann:key")
    with serving(app) as url, ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        proxy.to, proxy.strips = str(url), strips
        thread = threading.Thread(target=proxy.serve_forever, args=(0.01,))
        thread.start()
        base = f"http://127.0.0.1:{proxy.server_port}/sd"
        public = {"Host": "pictures.example"}
        with httpx.Client(base_url=base, auth=("ann", "key"), headers=public, timeout=20) as client:
            made = client.post("/sdapi/v1/txt2img", json=SMALL, headers={"Origin": origin})
            assert made.status_code == 200 and made.json()["images"]
            assert client.post("/v2/jobs", json={"kind": "txt2img", "request": SMALL}).status_code == 202
            assert client.get("/openapi.json").json()["servers"] == [{"url": "/sd"}]
            assert client.get("/docs").status_code == 200
            refused = client.post("/sdapi/v1/interrupt", headers={"Origin": "https://evil.example"})
            assert refused.status_code == 403
        assert httpx.get(f"{base}/sdapi/v1/samplers", headers=public).status_code == 401
        proxy.shutdown()
        thread.join()
    app.queue.close()
