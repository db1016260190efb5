"""Network files of all kinds, and shelves that show them."""

import json

import pytest
import torch

from modules.weights.networks import hasher
from modules.weights.networks import shelf as shelves
from modules.weights.networks.catalogue import Catalogue
from modules.weights.networks.entries import Kind
from modules.weights.networks.shelf import Shelf


def written(path, metadata=None, shapes=None, body=None):
    """A safetensors file of zeros, or one whose tensors are `body`."""
    header, end = ({"__metadata__": metadata} if metadata is not None else {}), 0
    for name, shape in (shapes or {"lora_unet_x.alpha": []}).items():
        size = 4 * torch.Size(shape).numel()
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(text).to_bytes(8, "little") + text + (body or bytes(end)))
    return path


def saved(path, content, old=False):
    torch.save(content, path, _use_new_zipfile_serialization=not old)
    return path


def names(shelf, *words, **more):
    return [one.name for one in shelf.entries(*words, **more)]


@pytest.fixture
def impatient(monkeypatch):
    """Look at every call, and never in the background."""
    monkeypatch.setattr(shelves, "LOOK", -1.0)
    monkeypatch.setattr(hasher.Hasher, "begin", lambda *_: None)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "Lora"
    path.mkdir()
    return path


@pytest.fixture
def catalogue(tmp_path):
    return Catalogue(tmp_path / "cache" / "networks.sqlite3")


@pytest.fixture
def shelf(folder, catalogue):
    """Of LoRAs; looks when first asked."""
    return Shelf(Kind.LORA, [folder], catalogue)
