"""Weights in 4 bits against a packing written out anew; files that do not fit together."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from modules.exceptions import CorruptFile
from modules.weights.devices import place
from modules.weights.four import STATE, widened
from modules.weights.library import Checkpoint
from modules.weights.loader import load

TABLE = np.sort(np.random.RandomState(0).uniform(-1, 1, 16)).astype(np.float32)
WIDE = np.sort(np.random.RandomState(1).uniform(-1, 1, 256)).astype(np.float32)


def nearest(values, table):
    return np.abs(values[..., None] - table).argmin(-1).astype(np.uint8)


def packed(name, weight, block=64, nested=False, kind="nf4"):
    """The tensors that stand for a weight, and what it is then."""
    flat = weight.astype(np.float32).ravel()
    blocks = np.pad(flat, (0, -len(flat) % block)).reshape(-1, block)
    scale = np.abs(blocks).max(1) + 1e-6
    numbers = nearest(blocks / scale[:, None], TABLE)
    told = {"quant_type": kind, "blocksize": block, "dtype": "float16", "shape": list(weight.shape)}
    made = {f"{name}.quant_map": TABLE, f"{name}.absmax": scale}
    if nested:
        offset, wide = float(scale.mean()), np.float32([np.abs(scale - scale.mean()).max() + 1e-6])
        small = nearest((scale - offset) / wide, WIDE)
        scale = WIDE[small] * wide + offset
        told |= {"nested_blocksize": 1 << 20, "nested_offset": offset, "nested_dtype": "float32"}
        made |= {f"{name}.absmax": small, f"{name}.nested_absmax": wide, f"{name}.nested_quant_map": WIDE}
    known = (TABLE[numbers] * scale[:, None]).ravel()[: len(flat)].reshape(weight.shape).astype(np.float16)
    pairs = np.pad(numbers.ravel()[: len(flat)], (0, len(flat) % 2)).reshape(-1, 2)
    made |= {
        name: (pairs[:, :1] << 4 | pairs[:, 1:]).astype(np.uint8),
        f"{name}{STATE}{kind}": np.frombuffer(json.dumps(told).encode(), np.uint8).copy(),
    }
    return {key: torch.from_numpy(np.ascontiguousarray(value)) for key, value in made.items()}, torch.from_numpy(known)


@pytest.mark.parametrize("kind", ["nf4", "fp4"])
@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("shape", [(32, 8), (3, 5, 7), (1,)])
def test_numbers_come_back(shape, nested, kind):
    weight = np.random.RandomState(2).standard_normal(shape)
    tensors, known = packed("x.weight", weight, nested=nested, kind=kind)
    made = widened(tensors | {"y": torch.ones(2), "z.absmax": torch.ones(1)}, "file")
    assert set(made) == {"x.weight", "y", "z.absmax"} and made["x.weight"].dtype == torch.float16
    assert torch.allclose(made["x.weight"].float(), known.float(), atol=1e-3)


def test_a_checkpoint_in_4_bits_is_read(checkpoint_folder, tmp_path):
    tensors = load_file(checkpoint_folder / "models/Stable-diffusion/tiny-sd1.safetensors")
    name = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.ff.net.2.weight"
    four, known = packed(name, tensors[name].float().numpy())
    path = tmp_path / "four.safetensors"
    save_file(tensors | four, path)
    unet = load(Checkpoint(path, path.name), place(use_cpu=True)).unet
    found = unet.down_blocks[0].attentions[0].transformer_blocks[0].ff.net[2].weight
    assert torch.allclose(found, known.float())


@pytest.mark.parametrize(
    "harm",
    [
        lambda made: made.pop("x.weight.absmax"),
        lambda made: made.pop("x.weight.quant_map"),
        lambda made: made.update({"x.weight": torch.zeros(3, dtype=torch.uint8)}),
        lambda made: made.update({"x.weight.quant_map": torch.zeros(3)}),
        lambda made: made.update({"x.weight.absmax": torch.zeros(1)}),
        lambda made: made.update({f"x.weight{STATE}nf4": torch.zeros(9, dtype=torch.uint8)}),
        lambda made: made.update({f"x.weight{STATE}nf4": torch.tensor(list(b'{"shape": [-1]}'), dtype=torch.uint8)}),
        lambda made: made.update({f"x.weight{STATE}nf4": torch.zeros(4, 4)}),
        lambda made: made.update(
            {
                f"x.weight{STATE}nf4": torch.tensor(
                    list(b'{"shape": [1000000000000], "blocksize": 64, "dtype": "float16"}'), dtype=torch.uint8
                )
            }
        ),
    ],
)
def test_what_does_not_fit_is_named(harm):
    tensors, _ = packed("x.weight", np.ones((32, 8)))
    harm(tensors)
    with pytest.raises(CorruptFile, match=r"^file: x\.weight in 4 bits does not fit"):
        widened(tensors, "file")
