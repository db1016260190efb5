"""The network files as A1111's clients ask for them."""

import json

import pytest
import torch

from modules.weights.networks import shelf as shelves

TENSOR = {"lora_unet_x.alpha": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
VECTORS = {"emb_params": {"dtype": "F32", "shape": [3, 64], "data_offsets": [0, 768]}}


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(shelves, "LOOK", -1.0)


def written(path, metadata=None, header=TENSOR, size=4):
    text = json.dumps({"__metadata__": metadata or {}} | header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(size))
    return str(path)


def test_loras(client, program):
    folder = program.folders.loras[0]
    tags = {"10_tiny": {"tiny": 10}}
    first = written(folder / "b 2.safetensors", {"ss_output_name": "x", "ss_tag_frequency": json.dumps(tags)})
    second = written(folder / "deep/b 10.safetensors")
    third = written(program.folders.loras[1] / 'quote " and é.safetensors')
    assert client.get("/sdapi/v1/loras").json() == [
        {"name": "b 2", "alias": "x", "path": first, "metadata": {"ss_tag_frequency": tags, "ss_output_name": "x"}},
        {"name": "b 10", "alias": "b 10", "path": second, "metadata": {}},
        {"name": 'quote " and é', "alias": 'quote " and é', "path": third, "metadata": {}},
    ]
    written(folder / "new.safetensors")
    assert client.post("/sdapi/v1/refresh-loras").json() is None
    assert [one["name"] for one in client.get("/sdapi/v1/loras").json()] == ["b 2", "new", "b 10", 'quote " and é']


def test_of_two_loras_with_one_name_the_last_is_told(client, program):
    written(program.folders.loras[0] / "same/a/twin.safetensors")
    last = written(program.folders.loras[0] / "same/b/twin.safetensors")
    assert [one["path"] for one in client.get("/sdapi/v1/loras").json() if one["name"] == "twin"] == [last]


def test_embeddings(client, program):
    folder = program.folders.embeddings
    written(folder / "tinyti3.safetensors", header=VECTORS, size=768)
    one = {"string_to_param": {"*": torch.zeros(1, 64)}, "name": "other", "step": 499, "sd_checkpoint": None}
    torch.save(one | {"sd_checkpoint_name": "m"}, folder / "Tiny-ti-one.pt")
    (folder / "empty.pt").touch()
    nothing = {"step": None, "sd_checkpoint": None, "sd_checkpoint_name": None}
    told = client.get("/sdapi/v1/embeddings").json()
    assert told == {
        "loaded": {
            "Tiny-ti-one": {"step": 499, "sd_checkpoint": None, "sd_checkpoint_name": "m", "shape": 64, "vectors": 1},
            "tinyti3": nothing | {"shape": 64, "vectors": 3},
        },
        "skipped": {},
    }
    assert list(told["loaded"]) == ["Tiny-ti-one", "tinyti3"]
    assert client.post("/sdapi/v1/refresh-embeddings").json() is None


def test_hypernetworks(client, program):
    assert client.get("/sdapi/v1/hypernetworks").json() == []
    folder = program.folders.hypernetworks
    for name in ("b.pt", "sub/A.pt", "None.pt", "c.txt"):
        written(folder / name)
    assert client.get("/sdapi/v1/hypernetworks").json() == [
        {"name": "b", "path": str(folder / "b.pt")},
        {"name": "A", "path": str(folder / "sub/A.pt")},
    ]


def test_vaes(client, program):
    vaes, checkpoints = program.folders.vaes[0], program.folders.checkpoints[0]
    for path in (vaes / "v10.safetensors", vaes / "sub/V9.pt", checkpoints / "tiny.vae.pt"):
        written(path)
    assert client.get("/sdapi/v1/sd-vae").json() == [
        {"model_name": "tiny.vae.pt", "filename": str(checkpoints / "tiny.vae.pt")},
        {"model_name": "V9.pt", "filename": str(vaes / "sub/V9.pt")},
        {"model_name": "v10.safetensors", "filename": str(vaes / "v10.safetensors")},
    ]
    assert client.post("/sdapi/v1/refresh-vae").json() is None
    (checkpoints / "tiny.vae.pt").unlink()
