"""Generation as tools for language models: the protocol's words, what they make, and what they refuse."""

import httpx
import pytest

from tests.webapi.conftest import drawing_program, serving


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    app = drawing_program(tmp_path_factory.mktemp("mcp"), mcp=True)
    with serving(app) as url, httpx.Client(base_url=url, timeout=20) as made:
        yield made
    app.queue.close()


def call(client, method, **params):
    answer = client.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_greeting_and_tools(client):
    told = call(client, "initialize", protocolVersion="2025-03-26", capabilities={}, clientInfo={"name": "x"})
    assert told["result"]["protocolVersion"] == "2025-03-26" and told["result"]["capabilities"] == {"tools": {}}
    assert call(client, "initialize", protocolVersion="1999")["result"]["protocolVersion"] == "2025-06-18"
    noted = client.post("/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert noted.status_code == 202 and noted.content == b""
    tools = {one["name"]: one for one in call(client, "tools/list")["result"]["tools"]}
    assert set(tools) == {"txt2img", "img2img", "list_choices"}
    fields = tools["txt2img"]["inputSchema"]["properties"]
    assert fields["steps"]["maximum"] == 9999 and "init_images" in tools["img2img"]["inputSchema"]["properties"]
    assert client.get("/mcp").status_code == 405


def test_pictures(client, png):
    small = {"steps": 1, "width": 16, "height": 16, "prompt": "a castle"}
    for name, arguments in (("txt2img", small), ("img2img", {**small, "init_images": [png]})):
        result = call(client, "tools/call", name=name, arguments=arguments)["result"]
        assert result["isError"] is False and [one["type"] for one in result["content"]] == ["image", "text"]
        assert result["content"][0]["mimeType"] == "image/png" and "a castle" in result["content"][1]["text"]
    assert "Euler" in call(client, "tools/call", name="list_choices")["result"]["content"][0]["text"]


def test_what_is_refused(client):
    for arguments, word in (({"steps": 0}, "steps"), ({"sampler_name": "Oiler"}, "Oiler")):
        result = call(client, "tools/call", name="txt2img", arguments=arguments)["result"]
        assert result["isError"] and word in result["content"][0]["text"]
    assert call(client, "tools/call", name="rm")["error"]["code"] == -32602
    assert call(client, "resources/list")["error"]["code"] == -32601
    for body in (b"{", b"[]", b"[" * 99999, b'{"jsonrpc": "2.0"}', b'{"jsonrpc": "2.0", "method": "ping", "id": {}}'):
        answer = client.post("/mcp", content=body)
        assert answer.status_code == 400 and answer.json()["error"]["code"] in (-32700, -32600)


def test_without_the_flag_there_is_nothing(tmp_path):
    app = drawing_program(tmp_path)
    with serving(app) as url:
        assert httpx.post(f"{url}/mcp", json={}).status_code == 404
    app.queue.close()
