"""Embeddings of every layout, found by the ids of their names; files that are none."""

import base64
import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from safetensors.torch import save_file
from torch import nn

from modules.exceptions import CorruptFile
from modules.prompts.chunks import Word
from modules.weights.networks.embedding import Embedding, Words, read

TWO = torch.arange(16.0).reshape(2, 8)


def picture(path, content):
    text = PngInfo()
    text.add_text("sd-ti-embedding", content)
    Image.new("RGB", (4, 4)).save(path, pnginfo=text)


def written(folder, kind):
    path = folder / {"safetensors": "cat.safetensors", "png": "cat.png", "bin": "cat.bin"}.get(kind, "cat.pt")
    if kind == "safetensors":
        save_file({"emb_params": TWO}, path)
    elif kind == "png":
        said = {"string_to_param": {"*": {"TORCHTENSOR": TWO.tolist()}}, "name": "named"}
        picture(path, base64.b64encode(json.dumps(said).encode()).decode())
    elif kind == "bin":
        torch.save({"<cat>": TWO.half()}, path)
    elif kind == "one vector":
        torch.save({"string_to_param": {"*": TWO[0]}}, path)
    elif kind == "parameters":
        torch.save({"string_to_param": nn.ParameterDict({"*": nn.Parameter(TWO)}), "name": "other", "step": 5}, path)
    else:
        torch.save({"string_to_token": {"*": 265}, "string_to_param": {"*": nn.Parameter(TWO)}, "name": "x"}, path)
    return path


@pytest.mark.parametrize("kind", ["safetensors", "png", "bin", "pt", "parameters", "one vector"])
def test_layouts(tmp_path, kind):
    found = read(written(tmp_path, kind))
    assert found.name == ("named" if kind == "png" else "cat")
    assert torch.equal(found.vectors["te1"], TWO[:1] if kind == "one vector" else TWO)
    assert found.count == (1 if kind == "one vector" else 2) and found.widths == {"te1": 8}


def test_sdxl_has_vectors_for_both_encoders(tmp_path):
    save_file({"clip_l": TWO, "clip_g": torch.zeros(2, 12)}, tmp_path / "xl.safetensors")
    assert read(tmp_path / "xl.safetensors").widths == {"te1": 8, "te2": 12}


class Hostile:
    def __reduce__(self):
        return Path.touch, (Path("/tmp/opened"),)


def bad(folder, kind):
    path = folder / ("bad.png" if "picture" in kind else "bad.safetensors" if kind == "two" else "bad.pt")
    if kind == "hostile":
        torch.save({"string_to_param": {"*": Hostile()}}, path)
    elif kind == "two":
        save_file({"a": TWO, "b": TWO + 1}, path)
    elif kind == "too long":
        torch.save({"x": torch.zeros(76, 8)}, path)
    elif kind == "plain picture":
        Image.new("RGB", (4, 4)).save(path)
    elif kind == "torn picture":
        picture(path, "{}!")
    elif kind == "lying picture":
        picture(path, base64.b64encode(b'{"string_to_param": {"*": 3}}').decode())
    else:
        path.write_bytes(b"x" * 40)
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("hostile", "bad.pt holds more than tensors"),
        ("two", "it holds 2 tensors"),
        ("too long", "its tensor is \\[76, 8\\]"),
        ("plain picture", "the picture holds none"),
        ("torn picture", "bad.png is no textual inversion"),
        ("lying picture", "it holds no tensor"),
        ("noise", "bad.pt"),
    ],
)
def test_a_bad_file_is_a_sentence(tmp_path, kind, words):
    with pytest.raises(CorruptFile, match=words):
        read(bad(tmp_path, kind))
    assert not Path("/tmp/opened").exists()


def test_the_longest_name_wins_anywhere():
    cat, catfish = (Embedding(name, Path(name), {"te1": TWO}) for name in ("cat", "catfish"))
    words = Words([(cat, [5]), (catfish, [5, 9]), (cat, [])])
    assert words.find([1, 5, 9, 5], 1) == Word("catfish", 2, 2)
    assert words.find([1, 5, 9, 5], 3) == Word("cat", 1, 2)
    assert words.find([1, 5, 9, 5], 0) is None
