"""The routes behind the cards of network files."""

import base64
import json

import pytest
from PIL import Image

from tests.bench.shelf import write


@pytest.fixture(scope="module")
def loras(shared_program):
    folder = shared_program.folders.loras[0]
    (folder / "a/b").mkdir(parents=True, exist_ok=True)
    for number in range(12):
        write(folder / f"style_{number}.safetensors", number)
    write(folder / "a/b" / "deep.safetensors", 50)
    shared_program.shelves.loras.refresh()
    return folder


def names(answer):
    return [one["name"] for one in answer.json()["cards"]]


def test_windows_folders_and_orders(client, loras):
    asked = client.get("/sd_extra_networks/cards", params={"page": "lora", "first": 10, "count": 5}).json()
    assert asked["total"] == 13 and asked["first"] == 10 and len(asked["cards"]) == 3
    assert asked["folders"] == ["a", "a/b"]
    assert names(client.get("/sd_extra_networks/cards?page=lora&folder=a")) == ["deep"]
    by_name = names(client.get("/sd_extra_networks/cards?page=lora&sort=Name&descending=1"))
    assert by_name[:3] == ["style_11", "style_10", "style_9"]
    assert names(client.get("/sd_extra_networks/cards?page=checkpoints")) == ["tiny"]
    assert client.get("/sd_extra_networks/cards?page=elsewhere").status_code == 422
    assert client.get("/sd_extra_networks/cards?page=lora&first=-5&count=-1").json()["cards"] == []


def test_notes_are_kept_beside_what_others_wrote(client, loras):
    (loras / "style_3.json").write_text('{"civitai": [1], "notes": "old"}')
    said = {"page": "lora", "item": "style_3", "description": "d", "preferred_weight": 0.5}
    assert client.post("/sd_extra_networks/notes", json=said).status_code == 200
    kept = json.loads((loras / "style_3.json").read_text())
    assert kept == {"civitai": [1], "notes": "old", "description": "d", "preferred weight": 0.5}
    told = client.get("/sd_extra_networks/notes?page=lora&item=style_3").json()
    assert told["description"] == "d" and told["notes"] == "old"
    for item in ("../style_3", "none", ""):
        assert client.post("/sd_extra_networks/notes", json=said | {"item": item}).status_code == 404
    assert client.post("/sd_extra_networks/notes", json=said | {"preferred_weight": 1e9}).status_code == 422


def test_a_preview_is_a_picture_and_nothing_else(client, loras, png):
    address = "/sd_extra_networks/preview?page=lora&item=style_4"
    assert client.post(address, content=b"<svg onload=alert(1)>").status_code == 422
    assert not (loras / "style_4.png").exists()
    (loras / "style_4.preview.png").write_bytes(base64.b64decode(png))
    assert client.post(address, content=base64.b64decode(png)).status_code == 200
    with Image.open(loras / "style_4.preview.png") as image:
        assert image.size == (8, 8)
    client.post("/sd_extra_networks/refresh?page=lora")
    card = client.get("/sd_extra_networks/cards?page=lora&search=style_4").json()["cards"][0]
    answer = client.get("/" + card["picture"])
    assert answer.headers["content-type"] == "image/jpeg"
