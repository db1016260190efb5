"""Names of all dialects, and files that are no networks."""

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from modules.exceptions import CorruptFile
from modules.weights.networks.keys import ldm_names, modules, split
from modules.weights.networks.reading import read

ATTENTION = "down_blocks_0_attentions_0_transformer_blocks_0_attn1"


@pytest.mark.parametrize(
    ("key", "meaning"),
    [
        (f"lora_unet_{ATTENTION}_to_q.lora_down.weight", ("unet", f"{ATTENTION}_to_q", "lora_down.weight")),
        (f"lora_unet_{ATTENTION}_to_out_0.alpha", ("unet", f"{ATTENTION}_to_out_0", "alpha")),
        ("lora_unet_input_blocks_1_1_proj_in.lora_mid.weight", ("unet", "input_blocks_1_1_proj_in", "lora_mid.weight")),
        (
            "lora_te_text_model_encoder_layers_0_mlp_fc1.hada_w1_a",
            ("te1", "encoder_layers_0_mlp_fc1", "hada_w1_a"),
        ),
        (
            "lora_te2_text_model_encoder_layers_3_self_attn_q_proj.lokr_w2",
            ("te2", "encoder_layers_3_self_attn_q_proj", "lokr_w2"),
        ),
        (
            "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight",
            ("unet", f"{ATTENTION}_to_q", "lora_down.weight"),
        ),
        (
            "base_model.model.unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_k.lora_B.default.weight",
            ("unet", f"{ATTENTION}_to_k", "lora_up.weight"),
        ),
        (
            "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_out_lora.up.weight",
            ("unet", f"{ATTENTION}_to_out_0", "lora_up.weight"),
        ),
        (
            "text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_linear_layer.down.weight",
            ("te1", "encoder_layers_0_self_attn_q_proj", "lora_down.weight"),
        ),
        (
            "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_v.lora_magnitude_vector.weight",
            ("unet", f"{ATTENTION}_to_v", "dora_scale"),
        ),
        ("lora_unet_conv_in.diff_b", ("unet", "conv_in", "diff_b")),
        ("lora_unet_conv_in.oft_blocks", ("unet", "conv_in", "oft_blocks")),
        (f"lora_unet_{ATTENTION}_to_k.weight", ("unet", f"{ATTENTION}_to_k", "weight")),
        ("model.diffusion_model.input_blocks.0.0.weight", ("unet", "input_blocks_0_0", "weight")),
        ("first_stage_model.encoder.conv_in.weight", None),
        ("string_to_param.*", None),
    ],
)
def test_a_key_says_which_module(key, meaning):
    assert split(key) == meaning


def test_modules_go_by_their_ldm_names_too():
    part = nn.ModuleDict({"down": nn.ModuleDict({"proj": nn.Linear(2, 2)})})
    names = ldm_names([("down.proj.weight", "model.diffusion_model.input_blocks.1.weight")])
    found = modules(part, names)
    assert found["down_proj"] is found["input_blocks_1"] is part["down"]["proj"]


class Hostile:
    def __reduce__(self):
        return Path.touch, (Path("/tmp/opened"),)


def written(folder, kind):
    path = folder / ("bad.pt" if kind in ("pickle", "list", "no zip") else "bad.safetensors")
    tensors = {"lora_unet_x.lora_up.weight": torch.zeros(2, 2)}
    if kind == "pickle":
        torch.save({"lora_unet_x.lora_up.weight": Hostile()}, path)
    elif kind == "list":
        torch.save([torch.zeros(2)], path)
    elif kind == "no zip":
        path.write_bytes(pickle.dumps({"a": 1}, protocol=2)[:-2])
    elif kind == "cut":
        save_file(tensors, path)
        path.write_bytes(path.read_bytes()[:-4])
    elif kind == "nothing":
        path.write_bytes(b"")
    else:
        save_file({"somebody.else": torch.zeros(2)}, path)
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("pickle", "bad.pt holds more than tensors \\(.*\\) and is not opened"),
        ("list", "bad.pt holds no table of tensors"),
        ("no zip", "bad.pt (is no complete file of tensors|holds more than tensors)"),
        ("cut", "bad.safetensors is no complete safetensors file"),
        ("nothing", "bad.safetensors is no complete safetensors file"),
        ("foreign", "bad.safetensors holds no network that is known here \\(it begins with 'somebody.else'\\)"),
    ],
)
def test_a_bad_file_is_a_sentence(tmp_path, kind, words):
    with pytest.raises(CorruptFile, match=words):
        read(written(tmp_path, kind))
    assert not Path("/tmp/opened").exists()


def test_a_pickle_of_tensors_is_read(tmp_path):
    path = tmp_path / "old.pt"
    torch.save({"state_dict": {"lora_unet_x.lora_up.weight": torch.ones(2, 2)}}, path)
    assert ("unet", "x") in read(path).pieces


def test_bundled_embeddings_come_along(tmp_path):
    path = tmp_path / "net.safetensors"
    save_file({"lora_unet_x.diff": torch.ones(2), "bundle_emb.cat.string_to_param.*": torch.ones(3, 8)}, path)
    assert read(path).bundled["cat"]["string_to_param.*"].shape == (3, 8)
