"""What files say about themselves: families, sizes, notes beside them; and files that mean harm."""

import base64
import json
import os
from pathlib import Path

import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from modules.weights.networks import entries
from modules.weights.networks.entries import Kind
from modules.weights.networks.shelf import Shelf
from tests.weights.networks.conftest import names, saved, written

pytestmark = pytest.mark.usefixtures("impatient")
ATTENTION = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight"


@pytest.mark.parametrize(
    ("metadata", "shapes", "family"),
    [
        ({"ss_base_model_version": "sdxl_base_v1-0", "ss_v2": "False"}, {}, "SDXL"),
        ({"ss_base_model_version": "sd_v1"}, {}, "SD1"),
        ({"ss_base_model_version": "sd_v2_v", "ss_v2": "True"}, {}, "SD2"),
        ({"ss_base_model_version": "flux1", "ss_v2": "False"}, {"lora_te1_text_model_x.alpha": []}, "Unknown"),
        ({"ss_v2": "True"}, {}, "SD2"),
        ({"ss_v2": "False"}, {}, "SD1"),
        ({"ss_v2": "False"}, {"lora_te2_text_model_encoder_layers_0_mlp_fc1.alpha": []}, "SDXL"),
        ({"modelspec.architecture": "stable-diffusion-xl-v1-base/lora"}, {}, "SDXL"),
        ({"modelspec.architecture": "stable-diffusion-v1/lora"}, {}, "SD1"),
        ({"modelspec.architecture": "stable-diffusion-v2-768-v/lora"}, {}, "SD2"),
        ({"modelspec.architecture": "stable-diffusion-3-medium/lora"}, {}, "Unknown"),
        ({}, {ATTENTION: [4, 768]}, "SD1"),
        (None, {ATTENTION: [4, 1024]}, "SD2"),
        (None, {ATTENTION: [4, 2048]}, "SDXL"),
        (None, {ATTENTION: [4, 64]}, "Unknown"),
        (None, {ATTENTION.replace("lora_down.weight", "hada_w1_b"): [4, 768]}, "SD1"),
        (None, {"unet.up_blocks.1.attentions.0.transformer_blocks.0.attn2.to_v.lora_A.weight": [4, 1024]}, "SD2"),
        (None, {"unet.down_blocks.0.attentions.0.b.0.attn2.processor.to_k_lora.down.weight": [4, 768]}, "SD1"),
        (None, {"lora_unet_input_blocks_7_1_transformer_blocks_3_ff_net_2.lokr_w1": [4, 4]}, "SDXL"),
        (None, {"lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": [4, 768]}, "SD1"),
        (None, {"text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_A.weight": [4, 1024]}, "SD2"),
        (None, {"text_encoder_2.text_model.encoder.layers.0.mlp.fc1.lora_A.weight": [4, 1280]}, "SDXL"),
        (None, {"transformer.transformer_blocks.10.attn.to_k.lora_A.weight": [4, 3072]}, "Unknown"),
    ],
)
def test_the_family_is_told_or_measured(shelf, folder, metadata, shapes, family):
    written(folder / "net.safetensors", metadata, shapes)
    assert shelf.find("net").family == family
    assert names(shelf, family=family) == ["net"] and names(shelf, family="SD3") == []


def test_metadata_is_as_a1111_shows_it(shelf, folder):
    told = {"ss_z": "1", "ss_tag_frequency": '{"a": {"b": 1}}', "ss_sd_model_name": "m", "ssmd_cover_images": "[…]"}
    written(folder / "net.safetensors", told | {"odd": "{not json", "bad": '{"a": NaN}'})
    (entry, text), *_ = shelf.described()
    assert list(shelf.metadata(entry).items()) == list(json.loads(text).items()) == [
        ("ss_sd_model_name", "m"), ("ss_tag_frequency", {"a": {"b": 1}}), ("ss_z", "1"), ("odd", "{not json"),
        ("bad", '{"a": NaN}'),
    ]  # fmt: skip


@pytest.mark.parametrize("old", [False, True])
def test_an_embedding_says_how_many_vectors_it_has(tmp_path, catalogue, old):
    plain = {"string_to_token": {"*": 265}, "string_to_param": {"*": torch.zeros(3, 768)}, "name": "x", "step": 499}
    saved(tmp_path / "a.pt", plain | {"sd_checkpoint": "abc", "sd_checkpoint_name": None}, old)
    saved(tmp_path / "b.bin", {"<cat>": torch.zeros(1024)}, old)
    torch.save({"clip_g": torch.zeros(2, 1280), "clip_l": torch.zeros(2, 768)}, tmp_path / "e.pt", pickle_protocol=4)
    saved(tmp_path / "c.pt", {"string_to_param": torch.nn.ParameterDict({"*": torch.ones(2, 768)})}, old)
    written(tmp_path / "d.safetensors", shapes={"clip_g": [2, 1280], "clip_l": [2, 768]})
    shelf = Shelf(Kind.EMBEDDING, [tmp_path], catalogue)
    assert [(one.name, one.facts.vectors, one.facts.width, one.family) for one in shelf.entries()] == [
        ("a", 3, 768, "SD1"), ("b", 1, 1024, "SD2"), ("c", 2, 768, "SD1"), ("d", 2, 2048, "SDXL"),
        ("e", 2, 2048, "SDXL"),
    ]  # fmt: skip
    told = {"step": 499, "sd_checkpoint": "abc", "sd_checkpoint_name": None}
    assert shelf.metadata(shelf.find("a")) == told and not any(one.fault for one in shelf.entries())


def test_a_picture_counts_if_it_holds_an_embedding(tmp_path, catalogue):
    said = {"string_to_param": {"*": {"TORCHTENSOR": [[0.5] * 768] * 4}}, "step": 7}
    info = PngInfo()
    info.add_text("sd-ti-embedding", base64.b64encode(json.dumps(said).encode()).decode())
    Image.new("RGB", (8, 8)).save(tmp_path / "word.png", pnginfo=info)
    Image.new("RGB", (8, 8)).save(tmp_path / "photo.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "word.png").read_bytes()[:60])
    cut, whole = Shelf(Kind.EMBEDDING, [tmp_path], catalogue).entries()
    assert (whole.name, whole.facts.vectors, whole.family) == ("word", 4, "SD1")
    assert cut.fault.startswith("cut.png is no complete file of tensors (") and cut.facts.vectors == 0


def test_a_hypernetwork_is_as_wide_as_the_text(tmp_path, catalogue):
    parts = {"linear.0.weight": torch.zeros(1536, 768), "linear.0.bias": torch.zeros(1536)}
    saved(
        tmp_path / "hyper.pt", {768: [parts, parts], 320: [{"linear.0.weight": torch.zeros(640, 320)}] * 2, "step": 1}
    )
    (only,) = Shelf(Kind.HYPERNETWORK, [tmp_path], catalogue).entries()
    assert only.family == "SD1" and only.fault is None


def test_what_lies_beside_a_file(shelf, folder):
    written(folder / "net.v1.safetensors")
    written(folder / "bare.safetensors")
    for name in ("net.v1.webp", "net.v1.preview.png", "net.png"):
        (folder / name).touch()
    notes = {"description": "d", "sd version": "SDXL", "activation text": "ink", "preferred weight": "0.7", "notes": 3}
    (folder / "net.v1.json").write_text(json.dumps(notes | {"negative text": "blur", "else": 1}), encoding="utf-8-sig")
    (folder / "bare.json").write_text('["no table"]')
    bare, net = shelf.entries()
    assert net.preview == folder / "net.v1.preview.png" and bare.preview is None
    user = net.user
    assert (user.description, user.sd_version, user.activation_text, user.negative_text) == ("d", "SDXL", "ink", "blur")
    assert (user.preferred_weight, user.notes, bare.user) == (0.7, "", entries.UserMetadata())


@pytest.mark.parametrize(
    "text", ["{", "[" * 100_000, '{"preferred weight": "much"}', '{"preferred weight": 1e999}', ""]
)
def test_notes_that_are_none(shelf, folder, text):
    written(folder / "net.safetensors")
    (folder / "net.json").write_text(text)
    assert shelf.find("net").user == entries.UserMetadata()


class Hostile:
    def __reduce__(self):
        return Path.touch, (Path("opened"),)


def header(said, body=b""):
    text = said if isinstance(said, bytes) else json.dumps(said).encode()
    return len(text).to_bytes(8, "little") + text + body


TENSOR = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "its header is not all there"),
        (b"\x00\x00", "its header is not all there"),
        (b"<!DOCTYPE html><html>Not found</html>", "its header is not all there"),
        ((1 << 63).to_bytes(8, "little") + b"{}", "its header is not all there"),
        (header(b"{" * 50), "no complete safetensors file"),
        (header(b"[" * 200_000), "no complete safetensors file"),
        (header(b"[1, 2]"), "its header is no table"),
        (header(b"\xff\xfe{}"), "no complete safetensors file"),
        (header({"x": 5}), "no complete safetensors file"),
        (header({"x": {"shape": [1]}}), "no complete safetensors file"),
        (header({"x": {"shape": "no", "data_offsets": [0, 4]}}), "no complete safetensors file"),
        (header({"x": {"shape": [1], "data_offsets": [0, "x"]}}), "no complete safetensors file"),
        (header(b'{"x": {"shape": [1e999], "data_offsets": [0, 4]}}'), "no complete safetensors file"),
        (header({"x": TENSOR}, b"abc"), "1 bytes are missing"),
    ],
)
def test_a_bad_file_has_a_fault_and_troubles_no_other(shelf, folder, content, words):
    (folder / "bad.safetensors").write_bytes(content)
    written(folder / "good.safetensors")
    assert words in shelf.find("bad").fault and shelf.find("bad").fault.startswith("bad.safetensors is no complete")
    assert names(shelf) == ["bad", "good"] and shelf.find("good").fault is None
    assert shelf.metadata(shelf.find("bad")) == {} and dict(shelf.described())[shelf.find("bad")] == "{}"


@pytest.mark.parametrize(
    "metadata",
    [
        [1], "text", {"ss_output_name": 3}, {"ss_output_name": '{"a": 1}'}, {"ss_tag_frequency": '{"a": [1], "b": 2}'},
        {"ss_tag_frequency": "{" * 5000}, {"ss_tag_frequency": '{"a": {"b": "c", "d": null}}'},
        {"sshs_model_hash": "{}"},
        {"ss_x": '{"a": ' * 3000 + "1" + "}" * 3000}, {"ss_x": '{"a": 1e999}'}, {"ss_output_name": "half \ud800"},
        {"ss_tag_frequency": '{"a": {"\\ud800": 1}}'}, {"ss_v2": None, "ss_base_model_version": {}},
    ],
)  # fmt: skip
def test_odd_metadata_is_taken_or_left(shelf, folder, metadata):
    (folder / "odd.safetensors").write_bytes(header({"__metadata__": metadata, "x": TENSOR}, bytes(4)))
    entry = shelf.find("odd")
    assert entry.fault is None and json.loads(shelf.described()[0][1]) is not None
    assert isinstance(entry.alias, str) and entry.alias.encode()
    assert names(Shelf(Kind.LORA, [folder], shelf._catalogue)) == ["odd"]


def test_a_pickle_that_would_run_something_is_named_and_never_run(shelf, folder, monkeypatch):
    monkeypatch.chdir(folder)
    saved(folder / "new.pt", {"lora_unet_x.alpha": Hostile()})
    saved(folder / "old.ckpt", {"lora_unet_x.alpha": Hostile()}, old=True)
    saved(folder / "good.pt", {"lora_unet_x.alpha": torch.ones(1)})
    faults = {one.name: one.fault for one in shelf.entries()}
    assert faults.pop("good") is None and not (folder / "opened").exists()
    for fault in faults.values():
        assert "holds more than tensors (" in fault and fault.endswith("is not opened; find it as .safetensors.")


@pytest.mark.parametrize("keep", [0, 1, 30, 200, -30])
@pytest.mark.parametrize("old", [False, True])
def test_a_pickle_that_is_cut_off(shelf, folder, keep, old):
    path = saved(folder / "cut.pt", {f"lora_unet_{i}.lora_up.weight": torch.ones(8, 8) for i in range(9)}, old)
    path.write_bytes(path.read_bytes()[:keep])
    (entry,) = shelf.entries()
    assert entry.fault is None if old and keep == -30 else "is no complete file of tensors" in entry.fault


def test_a_name_that_is_no_text(shelf, folder):
    written(Path(os.fsdecode(os.fsencode(folder) + b"/bad\xff.safetensors")))
    (entry,) = shelf.entries()
    assert entry.name == "bad?" and len(shelf.hash(entry)) == 12 and names(Shelf(Kind.LORA, [folder], shelf._catalogue))
