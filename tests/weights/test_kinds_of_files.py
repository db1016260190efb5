"""Checkpoints of every kind and of no kind: what they are taken for, how they are read, what broken ones end as."""

import argparse
import collections
import io
import json
import os
import pickle
import random
import resource
import struct
import subprocess
import time
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from modules.exceptions import CorruptFile, ModelError, UnknownArchitecture
from modules.sampling.prediction import Condition, Eps, Levels, V
from modules.weights import openclip
from modules.weights.arch import detect
from modules.weights.devices import place
from modules.weights.library import Checkpoint
from modules.weights.loader import load
from modules.weights.networks.formats import Piece
from modules.weights.networks.overlay import Applied, Overlay
from modules.weights.networks.reading import Network
from modules.weights.tensorfile import read_tensors
from tests import flowing

CPU = place(use_cpu=True)
LEVELS = Levels.scaled_linear()
SHARE = 1 << 28  # bytes of memory that reading any broken file may take at most


@pytest.fixture(scope="module")
def small(checkpoint_folder, tmp_path_factory):
    """The drawn model with a short vocabulary."""
    tensors = load_file(checkpoint_folder / "models/Stable-diffusion/tiny-sd1.safetensors")
    table = next(key for key in tensors if key.endswith("token_embedding.weight"))
    tensors[table] = tensors[table][:99].clone()
    path = tmp_path_factory.mktemp("small") / "small.safetensors"
    save_file(tensors, path)
    return path


def tried(path):
    """What comes of reading a file: a model, or one sentence that names it."""
    try:
        return load(Checkpoint(path, path.name), CPU)
    except ModelError as error:
        sentence = str(error)
        assert path.name in sentence and "\n" not in sentence and sentence.endswith(".") and len(sentence) < 400
        return sentence


def header_of(data):
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def with_header(header, rest):
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + rest


def truncated(data, rng):
    return data[: int(len(data) * rng.random() ** 3)]


def flipped(data, rng):
    place = rng.randrange(8 + int.from_bytes(data[:8], "little"))
    return data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]


def reshaped(data, rng):
    header, rest = header_of(data)
    tensor = header[rng.choice(list(header))]
    huge = [1 << rng.randrange(20, 60)]
    tensor["shape"] = rng.choice([huge, huge * 3, [*huge, 0], [0], [], tensor["shape"][::-1], [-1], [1] * 30])
    if rng.random() < 0.5 and 0 in tensor["shape"]:
        tensor["data_offsets"] = [tensor["data_offsets"][0]] * 2
    return with_header(header, rest)


def retyped(data, rng):
    header, rest = header_of(data)
    header[rng.choice(list(header))]["dtype"] = rng.choice(["BF16", "I16", "U16", "F64", "F8_E4M3", "BOOL", "X", 3])
    return with_header(header, rest)


def without_a_tensor(data, rng):
    header, rest = header_of(data)
    del header[rng.choice(list(header))]
    return with_header(header, rest)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("harm", [truncated, flipped, reshaped, retyped, without_a_tensor])
def test_a_broken_file_is_a_sentence(harm, seed, small, tmp_path):
    path = tmp_path / "broken.safetensors"
    path.write_bytes(harm(small.read_bytes(), random.Random(f"{harm.__name__} {seed}")))
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    made = tried(path)
    assert isinstance(made, str) or harm is not truncated
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < SHARE / 1024
    assert time.monotonic() - started < 20


@pytest.fixture(scope="module")
def flowing_file(tmp_path_factory):
    """A small SD3 file with a short vocabulary."""
    shapes = flowing.sd3_shapes()
    shapes |= {key: (99, shape[1]) for key, shape in shapes.items() if key.endswith("token_embedding.weight")}
    path = tmp_path_factory.mktemp("flow") / "flow.safetensors"
    flowing.write(path, shapes, dtype=torch.float16)
    return path


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("harm", [truncated, flipped, reshaped, retyped, without_a_tensor])
def test_a_broken_file_of_a_flow_is_a_sentence(harm, seed, flowing_file, tmp_path):
    path = tmp_path / "broken.safetensors"
    path.write_bytes(harm(flowing_file.read_bytes(), random.Random(f"{harm.__name__} {seed}")))
    made = tried(path)
    assert isinstance(made, str) or harm not in (truncated, without_a_tensor)


class Runs:
    """Pickles as a call."""

    def __init__(self, call, *given):
        self.call, self.given = call, given

    def __reduce__(self):
        return self.call, self.given


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("call", [os.system, eval, exec, subprocess.getoutput, os.execlp, getattr, __import__, open])
def test_a_hostile_pickle_is_not_run(call, protocol, small, tmp_path):
    trap, path = tmp_path / "trap", tmp_path / "hostile.ckpt"
    given = {eval: (f"open({str(trap)!r}, 'w')",), exec: (f"open({str(trap)!r}, 'w')",), open: (str(trap), "w")}
    hostile = Runs(call, *given.get(call, (f"touch {trap}", "x")))
    torch.save({"state_dict": load_file(small), "more": hostile}, path, pickle_protocol=protocol)
    assert "holds more than tensors" in tried(path) and not trap.exists()


def archive_of(told, storages, **how):
    """torch's archive, written by hand."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", **how) as archive:
        archive.writestr("archive/data.pkl", told)
        for name, content in storages.items():
            archive.writestr(f"archive/data/{name}", content)
    return made.getvalue()


def pickled_tensor(count=4, offset=0, size=(4,), stride=(1,), name="0", kind="FloatStorage"):
    """A pickle of one tensor under a checkpoint's key, with whatever it says of itself."""

    class Pickler(pickle.Pickler):
        def persistent_id(self, thing):
            return thing.told if isinstance(thing, Storage) else None

    class Storage:
        told = ("storage", getattr(torch, kind), name, "cpu", count)

    made = io.BytesIO()
    built = Runs(torch._utils._rebuild_tensor_v2, Storage(), offset, size, stride, False, collections.OrderedDict())
    Pickler(made, protocol=2).dump({"state_dict": {"cond_stage_model.x": built}})
    return made.getvalue()


MEMO = b"\x80\x02}r\xff\xff\xff\x7f."  # an empty table, remembered under a number of 2³¹ − 1
ARCHIVES = {
    "a storage that is not there": archive_of(pickled_tensor(name="9"), {"0": bytes(16)}),
    "a storage longer than its record": archive_of(pickled_tensor(count=1 << 40), {"0": bytes(16)}),
    "a tensor beyond its storage": archive_of(pickled_tensor(offset=1 << 40), {"0": bytes(16)}),
    "a tensor that repeats its storage": archive_of(
        pickled_tensor(size=(1 << 20, 1 << 20), stride=(0, 0)), {"0": bytes(16)}
    ),
    "a negative size": archive_of(pickled_tensor(size=(-4,)), {"0": bytes(16)}),
    "no tuple for a size": archive_of(pickled_tensor(size=None), {"0": bytes(16)}),
    "compressed records": archive_of(pickled_tensor(), {"0": bytes(1 << 20)}, compression=zipfile.ZIP_DEFLATED),
    "a pickle of zeros": archive_of(bytes(1000), {}),
    "no pickle": archive_of(b"", {}),
    "a memo out of all bounds": archive_of(MEMO, {}),
    "a text of an enormous length": archive_of(b"\x80\x04\x8d" + struct.pack("<Q", 1 << 60) + b"x.", {}),
    "bytes of an enormous length": archive_of(b"\x80\x05\x96" + struct.pack("<Q", 1 << 60) + b"x.", {}),
    "a table in a table": archive_of(pickle.dumps([[[]]]), {}),
    "nothing": b"",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(99),
    "text": b"<!doctype html>",
}


@pytest.mark.parametrize("what", ARCHIVES)
def test_a_broken_archive_is_a_sentence(what, tmp_path):
    path = tmp_path / "broken.ckpt"
    path.write_bytes(ARCHIVES[what])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert isinstance(tried(path), str)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < SHARE / 1024


@pytest.mark.parametrize("seed", range(60))
def test_a_flipped_or_cut_archive_is_a_sentence(seed, tmp_path):
    rng, path = random.Random(seed), tmp_path / "broken.ckpt"
    torch.save({"state_dict": {f"key.{i}": torch.ones(3) for i in range(20)}}, path)
    data = bytearray(path.read_bytes())
    for _ in range(rng.randrange(1, 9)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data[: rng.choice([len(data), rng.randrange(len(data))])])
    assert isinstance(tried(path), str)


def test_what_real_files_carry_beside_tensors_falls_away(small, tmp_path):
    tensors, path = load_file(small), tmp_path / "trained.ckpt"
    table = collections.OrderedDict(tensors)
    table._metadata = {"": {"version": 1}}
    beside = {
        "lr": np.float64(0.5),
        "hyper_parameters": argparse.Namespace(a=1),
        "optimizer_states": [{"state": {0: {"exp_avg": torch.ones(2)}}}],
        "rng": np.arange(3),
        "seen": {1, 2},
        "best": collections.Counter("aab"),
        "parameter": nn.Parameter(torch.ones(2)),
    }
    torch.save({"state_dict": table, **beside}, path)
    read = read_tensors(path)
    assert read.keys() == tensors.keys() and all(torch.equal(read[key], tensors[key]) for key in tensors)
    assert tried(path).arch.family == "SD1"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("conditioner.embedders.0.transformer.text_model.embeddings.token_embedding.weight", "no model"),
        ("cond_stage_model.model.token_embedding.weight", "no model"),
        ("lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight", "a LoRA"),
        ("base_model.model.unet.x.lora_A.weight", "a LoRA"),
        ("input_blocks.0.0.weight", "a bare UNet"),
        ("model.diffusion_model.double_blocks.0.x", "part of a Flux model"),
        ("clip_g", "a textual inversion embedding"),
    ],
)
def test_what_is_no_checkpoint_is_named(key, words, tmp_path):
    path = tmp_path / "x.safetensors"
    with pytest.raises(UnknownArchitecture, match=f"x.safetensors is {words}"):
        detect(Checkpoint(path, path.name), {key: (4, 4)})


def test_a_model_with_other_input_channels_is_named(small, tmp_path):
    tensors = load_file(small)
    first = "model.diffusion_model.input_blocks.0.0.weight"
    tensors[first] = torch.zeros(tensors[first].shape[0], 6, 3, 3)
    path = tmp_path / "other.safetensors"
    save_file(tensors, path)
    assert tried(path) == "other.safetensors is a model with 6 input channels, which is not supported yet."


def test_an_early_files_text_encoder_is_found(small, tmp_path):
    path = tmp_path / "early.safetensors"
    save_file({key.replace(".text_model.", "."): tensor for key, tensor in load_file(small).items()}, path)
    assert tried(path).arch.family == "SD1"


def test_v_and_eps_of_one_network_agree():
    x0, eps, sigma = torch.randn(2, 4, 4, 4), torch.randn(2, 4, 4, 4), LEVELS.sigmas[500]
    alpha = 1 / (1 + sigma**2)
    v = alpha**0.5 * eps - (1 - alpha) ** 0.5 * x0
    x = x0 + sigma * eps
    condition = Condition(torch.zeros(2, 77, 8))
    for prediction in (V(lambda *_: v, LEVELS), V(lambda *_: v, LEVELS, LEVELS), Eps(lambda *_: eps, LEVELS)):
        assert torch.allclose(prediction(x, sigma, condition), x0, atol=1e-4)


def test_open_clips_names_are_transformers():
    block = "transformer.resblocks.0."
    fused = torch.arange(12.0).reshape(6, 2)
    made = openclip.converted({f"{block}attn.in_proj_weight": fused, f"{block}ln_1.bias": fused, "logit_scale": fused})
    start = "encoder.layers.0."
    assert torch.equal(made[f"{start}self_attn.k_proj.weight"], fused[2:4]) and f"{start}layer_norm1.bias" in made
    assert len(made) == 4
    turned = {"text_projection.weight": fused}
    assert torch.equal(openclip.projection(turned), fused.T) and openclip.projection({}) is None


def test_fused_attention_changes_whole_or_not_at_all(tmp_path):
    names = [f"encoder_layers_0_self_attn_{one}" for one in openclip.ATTENTION]
    places = {("te2", name): nn.Linear(2, 2) for name in (*names, "encoder_layers_0_mlp_fc1")}
    groups = {
        ("te2", name): tuple(("te2", one) for one in group) for name, group in openclip.fused_groups(names).items()
    }
    piece = Piece({"lora_up.weight": torch.ones(2, 1), "lora_down.weight": torch.ones(1, 2)})
    own = {target: module.weight for target, module in places.items()}

    def changed(targets):
        overlay = Overlay(places, groups=groups)
        overlay.apply([Applied(Network(tmp_path / "x", dict.fromkeys(targets, piece)))])
        found = {target for target, module in places.items() if module.weight is not own[target]}
        overlay.apply([])
        return found

    assert changed(places) == set(places)
    assert changed(list(places)[1:]) == {("te2", "encoder_layers_0_mlp_fc1")}


def test_a_corrupt_text_encoder_is_named(small, tmp_path):
    tensors = load_file(small)
    sizes = {"position_embedding.weight": (77, 63)}
    for ending, shape in sizes.items():
        tensors[next(key for key in tensors if key.endswith(ending))] = torch.zeros(shape)
    path = tmp_path / "odd.safetensors"
    save_file(tensors, path)
    with pytest.raises(CorruptFile, match="odd.safetensors does not hold a whole CLIPTextModel"):
        load(Checkpoint(path, path.name), CPU)
