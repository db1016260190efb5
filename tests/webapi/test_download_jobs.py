"""Downloads as jobs of the API: who may, what the answer tells, what is refused."""

import http.server
import threading
from functools import partial

import httpx
import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.webapi.conftest import drawing_program, serving

SECONDS = 20


@pytest.fixture
def address(tmp_path):
    """Where a LoRA lies."""
    save_file({"lora_unet_x.lora_down.weight": np.ones((4, 4), np.float32)}, tmp_path / "ink.safetensors")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as site:
        threading.Thread(target=site.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{site.server_port}/ink.safetensors"
        site.shutdown()


def test_a_download_is_a_job(tmp_path_factory, address):
    app = drawing_program(tmp_path_factory.mktemp("downloads"))
    body = {"kind": "download", "request": {"source": address}}
    with serving(app) as url, httpx.Client(base_url=url, timeout=SECONDS) as client:
        near = client.post("/v2/jobs", json=body).json()
        app.queue.find(near["id"]).finished.wait(SECONDS)
        refused = client.get(f"/v2/jobs/{near['id']}").json()
        assert refused["state"] == "failed" and "out of bounds" in refused["error"]
        option = {"download_from_neighbours": True}
        assert client.post("/sdapi/v1/options", json=option).status_code == 403  # the API may not open this door itself
        app.options.change(option)
        made = client.post("/v2/jobs", json=body)
        assert made.status_code == 202
        app.queue.find(made.json()["id"]).wait(SECONDS)
        result = client.get(f"/v2/jobs/{made.json()['id']}/result").json()
        assert result["kind"] == "LoRA" and not result["checked"] and len(result["sha256"]) == 64
        assert result["path"] == str(app.folders.loras[0] / "ink.safetensors") and result["path"] in result["info"]
        odd = client.post("/v2/jobs", json={"kind": "download", "request": {"source": "castle"}})
        assert odd.status_code == 422 and "nothing to download" in odd.json()["errors"]
    app.queue.close()
