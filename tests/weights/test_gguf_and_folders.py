"""Quantised files, and folders in diffusers' layout."""

import json
import random
import shutil

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from modules.exceptions import ModelError
from modules.weights.companions import Companions
from modules.weights.devices import place
from modules.weights.gguffile import is_packed, unpacked
from modules.weights.hashing import Hashes
from modules.weights.library import Checkpoint, Library
from modules.weights.loader import load
from modules.weights.networks.formats import Piece
from modules.weights.networks.overlay import Applied
from modules.weights.networks.reading import Network
from modules.weights.repository import _with_class_embedding
from modules.weights.t5 import vocabulary
from tests import flowing

CPU = place(use_cpu=True)
Q8 = gguf.GGMLQuantizationType.Q8_0


def write_gguf(path, tensors, kind=Q8, more=()):
    writer = gguf.GGUFWriter(path, "flux")
    for add in more:
        add(writer)
    for key, tensor in tensors.items():
        values = tensor.float().numpy()
        if values.ndim == 2 and values.shape[1] % 32 == 0:
            writer.add_tensor(key, gguf.quants.quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(key, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """A quantised Flux transformer with its companions; T5 is quantised too, and brings its vocabulary."""
    folder = tmp_path_factory.mktemp("gguf")
    tensors = flowing.drawn(flowing.flux())
    write_gguf(folder / "flux.gguf", tensors)
    flowing.write(folder / "text_encoder/clip_l.safetensors", flowing.clip(flowing.L))
    flowing.write(folder / "VAE/ae.safetensors", flowing.vae())
    names = {
        "shared": "token_embd", "encoder.final_layer_norm": "enc.output_norm", "layer.0.layer_norm": "attn_norm",
        "layer.1.layer_norm": "ffn_norm", "layer.0.SelfAttention.q": "attn_q", "layer.0.SelfAttention.k": "attn_k",
        "layer.0.SelfAttention.v": "attn_v", "layer.0.SelfAttention.o": "attn_o",
        "layer.0.SelfAttention.relative_attention_bias": "attn_rel_b", "layer.1.DenseReluDense.wi_0": "ffn_gate",
        "layer.1.DenseReluDense.wi_1": "ffn_up", "layer.1.DenseReluDense.wo": "ffn_down",
    }  # fmt: skip
    long = {}
    for key, tensor in flowing.drawn(flowing.t5()).items():
        for theirs, ours in names.items():
            key = key.replace(theirs, ours)
        long[key.replace("encoder.block.", "enc.blk.")] = tensor
    words = ["<pad>", "</s>", "<unk>", "\u2581a", "\u2581red", "\u2581castle"]
    write_gguf(
        folder / "text_encoder/t5.gguf", long,
        more=[lambda w: w.add_token_list(words), lambda w: w.add_token_scores([0.0, 0.0, -9.0, -2.0, -2.0, -2.0])],
    )  # fmt: skip
    return folder, tensors


def opened(folder, name="flux.gguf"):
    path = folder / name
    return load(Checkpoint(path, path.name), CPU, Companions((folder / "text_encoder",), (folder / "VAE",)))


def test_a_quantised_file_stays_quantised_and_answers_as_the_whole_one(packed, tmp_path):
    folder, tensors = packed
    model = opened(folder)
    assert is_packed(model.unet.transformer_blocks[0].attn.to_k.weight)
    assert model.t5.tokens("a red castle") == [3, 4, 5] and is_packed(
        model.t5.model.encoder.block[0].layer[1].DenseReluDense.wo.weight
    )
    save_file(tensors, tmp_path / "whole.safetensors")
    shutil.copytree(folder / "text_encoder", tmp_path / "text_encoder")
    shutil.copytree(folder / "VAE", tmp_path / "VAE")
    whole = opened(tmp_path, "whole.safetensors")
    x, t, told = torch.randn(1, 16, 4, 4), torch.tensor([0.5]), flowing.condition(7, flowing.L, 3.5)
    with torch.inference_mode():
        ours, theirs = model.denoise(x, t, told), whole.denoise(x, t, told)
    assert float((ours - theirs).norm() / theirs.norm()) < 0.05
    read = unpacked(model.unet.transformer_blocks[1].attn.to_v.weight, torch.float32)
    assert torch.allclose(read, tensors["double_blocks.1.img_attn.qkv.weight"][256:384], atol=0.01)


def test_a_network_goes_over_quantised_weights_and_comes_off(packed, tmp_path):
    model = opened(packed[0])
    name = "single_transformer_blocks_0_proj_out"
    layer = model.unet.single_transformer_blocks[0].proj_out
    before = layer.weight
    piece = Piece({"lora_up.weight": torch.ones(128, 1), "lora_down.weight": torch.ones(1, 640) / 640})
    x = torch.ones(1, 640)
    with torch.inference_mode():
        plain = layer(x)
        model.overlay.apply([Applied(Network(tmp_path / "x", {("unet", name): piece}))])
        changed = layer(x)
        model.overlay.apply([])
        assert torch.allclose(changed, plain + 1, atol=1e-3) and torch.equal(layer(x), plain)
    assert layer.weight is before


@pytest.mark.parametrize("seed", range(60))
def test_a_broken_quantised_file_is_a_sentence(seed, packed, tmp_path):
    rng, path = random.Random(seed), tmp_path / "broken.gguf"
    data = bytearray((packed[0] / "flux.gguf").read_bytes())
    end = data.find(b"double_blocks") if seed % 2 else 9000
    for _ in range(rng.randrange(1, 6)):
        data[rng.randrange(end)] ^= 1 << rng.randrange(8)
    path.write_bytes(data[: rng.choice([len(data), int(len(data) * rng.random() ** 3)])])
    try:
        load(Checkpoint(path, path.name), CPU, Companions((packed[0] / "text_encoder",), (packed[0] / "VAE",)))
    except ModelError as error:
        assert "broken.gguf" in str(error) and "\n" not in str(error) and len(str(error)) < 400


def write_repository(folder, model, index):
    """A loaded model in diffusers' layout."""
    folder.mkdir()
    (folder / "model_index.json").write_text(json.dumps({"_class_name": index}))
    parts = {"vae": model.vae.model}
    parts["unet" if model.arch.body == "unet" else "transformer"] = model.unet
    for name, part in parts.items():
        part.save_pretrained(folder / name)
        said = json.loads((folder / name / "config.json").read_text())
        said |= {"scaling_factor": model.vae.scale_factor, "shift_factor": model.vae.offset} if name == "vae" else {}
        (folder / name / "config.json").write_text(json.dumps(said))
    for number, tower in enumerate(model.towers.values()):
        where = folder / f"text_encoder{f'_{number + 1}' if number else ''}"
        where.mkdir()
        tensors = {f"text_model.{key}": one for key, one in tower.model.state_dict().items()}
        save_file({key: one.contiguous() for key, one in tensors.items()}, where / "model.safetensors")
        (where / "config.json").write_text(json.dumps(tower.model.config.to_dict()))
    if model.t5:
        where = folder / "text_encoder_2"
        where.mkdir()
        tensors = {key: one for key, one in model.t5.model.state_dict().items() if "embed_tokens" not in key}
        save_file(tensors, where / "model.safetensors")
        (where / "config.json").write_text(json.dumps(model.t5.model.config.to_dict()))
        flowing.write_vocabulary(folder / "tokenizer_2")
    (folder / "scheduler").mkdir()
    said = {"shift": 1.0, "use_dynamic_shifting": model.arch.guided, "max_shift": 1.15}
    (folder / "scheduler/scheduler_config.json").write_text(json.dumps(said))


@pytest.fixture(scope="module")
def tiny(checkpoint_folder):
    path = checkpoint_folder / "models/Stable-diffusion/tiny-sd1.safetensors"
    return load(Checkpoint(path, path.name), CPU)


def same(ours, theirs):
    a, b = ours.state_dict(), theirs.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def test_a_folder_is_a_checkpoint(tiny, tmp_path):
    write_repository(tmp_path / "sd1", tiny, "StableDiffusionPipeline")
    (tmp_path / "other.safetensors").write_bytes(b"x")
    library = Library((tmp_path,), Hashes(tmp_path / "h.json"))
    assert [one.name for one in library.checkpoints()] == ["other.safetensors", "sd1"]
    model = load(library.hashed(library.find("sd1")), CPU)
    assert same(model.unet, tiny.unet) and same(model.vae.model, tiny.vae.model)
    assert same(model.towers["te1"].model, tiny.towers["te1"].model)
    assert (model.arch.family, model.vae.scale_factor, model.predicts) == ("SD1", tiny.vae.scale_factor, "eps")
    (tmp_path / "sd1/unet/config.json").unlink()
    with pytest.raises(ModelError, match=r"sd1 lacks unet/config\.json"):
        load(library.find("sd1"), CPU)


def test_a_folder_of_flux_is_a_checkpoint(tmp_path):
    flowing.write(tmp_path / "whole.safetensors", flowing.flux_shapes())
    flowing.write_vocabulary(tmp_path / "text_encoder")
    whole = opened(tmp_path, "whole.safetensors")
    write_repository(tmp_path / "flux", whole, "FluxPipeline")
    model = load(Checkpoint(tmp_path / "flux", "flux"), CPU)
    assert same(model.unet, whole.unet) and same(model.t5.model, whole.t5.model)
    assert (model.arch.guided, model.arch.least, model.vae.offset) == (True, 256, whole.vae.offset)
    assert model.levels.shift == pytest.approx(whole.levels.shift)
    assert model.t5.tokens("a red castle") == whole.t5.tokens("a red castle")


def test_sdxls_pooled_text_and_sizes_go_the_same_way(tmp_path):
    """diffusers has them under another name."""
    tensors = {"add_embedding.linear_1.weight": torch.ones(2)}
    made, arguments = _with_class_embedding(tensors, {"addition_embed_type": "text_time"})
    assert list(made) == ["class_embedding.linear_1.weight"] and arguments["class_embed_type"] == "projection"


def test_letters_that_spell_a_vocabulary(tmp_path):
    """sentencepiece's own file, written by hand: field 1, repeated, of a text and a score."""
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581a", -1.0), ("\u2581castle", -2.0), ("s", -3.0)]
    data = b""
    for text, score in pieces:
        inner = (
            b"\x0a" + bytes([len(text.encode())]) + text.encode() + b"\x15" + np.float32(score).tobytes() + b"\x18\x01"
        )
        data += b"\x0a" + bytes([len(inner)]) + inner
    (tmp_path / "spiece.model").write_bytes(data + b"\x12\x02\x08\x01")
    assert vocabulary(tmp_path / "spiece.model").encode("a  castles\n", add_special_tokens=False).ids == [3, 4, 5]
    (tmp_path / "spiece.model").write_bytes(data[:30])
    with pytest.raises(ModelError, match="no vocabulary of T5"):
        vocabulary(tmp_path / "spiece.model")
