"""Every kind of network against its formula, composed on its own in float64 by numpy."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from modules.weights.networks.formats import add
from modules.weights.networks.overlay import Applied, Overlay
from modules.weights.networks.reading import arranged

RNG = np.random.RandomState(0)
OUT, IN, RANK = 12, 8, 4


def drawn(*shape):
    return RNG.standard_normal(shape)


LINEAR, CONV = drawn(OUT, IN), drawn(OUT, IN, 3, 3)


def kron(a, b):
    """a[i, j] · b[k, l, …] at [i·K + k, j·L + l, …]."""
    made = np.einsum("ij,kl...->ikjl...", a, b)
    return made.reshape(a.shape[0] * b.shape[0], a.shape[1] * b.shape[1], *b.shape[2:])


def cayley(blocks):
    skew = blocks - np.swapaxes(blocks, -1, -2)
    one = np.eye(skew.shape[-1])
    return (one + skew) @ np.linalg.inv(one - skew)


def rotated(weight, turns):
    """Each run of rows times the transposed turn."""
    size = turns.shape[-1]
    return np.concatenate([turn.T @ weight[i * size : (i + 1) * size] for i, turn in enumerate(turns)])


def butterflied(weight, stages):
    """Row r of a stage's input meets those whose number differs in the stage's digit only: written out row by row."""
    for stage, turns in enumerate(stages):
        size = turns.shape[-1]
        gap = 2**stage * size // 2
        rows = np.arange(len(weight))
        order = np.concatenate(
            [
                rows[start + offset : start + 2 * gap : gap]
                for start in range(0, len(rows), 2 * gap)
                for offset in range(gap)
            ]
        )
        mixed = weight[order].reshape(-1, size, weight.shape[1])
        mixed = np.stack([turn @ block for turn, block in zip(turns, mixed, strict=True)]).reshape(weight.shape)
        weight = np.empty_like(weight)
        weight[order] = mixed
    return weight


def decomposed(weight, delta, magnitudes, axis):
    changed = weight + delta
    others = tuple(i for i in range(weight.ndim) if i != axis)
    return changed / np.sqrt((changed**2).sum(others, keepdims=True)) * magnitudes - weight


def cases():
    """(name, W, tensors of the file, ΔW)"""
    up, down = drawn(OUT, RANK), drawn(RANK, IN)
    linear = {"lora_up.weight": up, "lora_down.weight": down, "alpha": 2.0}
    yield "lora", LINEAR, linear, up @ down * 2 / RANK
    yield "lora without alpha", LINEAR, {k: v for k, v in linear.items() if k != "alpha"}, up @ down
    yield "lora as 1x1 convolution", LINEAR, linear | {"lora_up.weight": up[..., None, None]}, up @ down * 2 / RANK

    down3 = drawn(RANK, IN, 3, 3)
    conv = {"lora_up.weight": up[..., None, None], "lora_down.weight": down3, "alpha": 1.0}
    yield "locon", CONV, conv, np.einsum("or,rixy->oixy", up, down3) / RANK
    core = drawn(RANK, RANK, 3, 3)
    tucker = {"lora_up.weight": up[..., None, None], "lora_down.weight": down[..., None, None], "lora_mid.weight": core}
    yield "locon with a core", CONV, tucker, np.einsum("op,prxy,ri->oixy", up, core, down)

    a1, b1, a2, b2 = drawn(OUT, RANK), drawn(RANK, IN), drawn(OUT, RANK), drawn(RANK, IN)
    loha = {"hada_w1_a": a1, "hada_w1_b": b1, "hada_w2_a": a2, "hada_w2_b": b2, "alpha": 3.0}
    yield "loha", LINEAR, loha, (a1 @ b1) * (a2 @ b2) * 3 / RANK
    t1, t2 = drawn(RANK, RANK, 3, 3), drawn(RANK, RANK, 3, 3)
    cores = {"hada_w1_a": a1.T, "hada_w1_b": b1, "hada_w2_a": a2.T, "hada_w2_b": b2, "hada_t1": t1, "hada_t2": t2}
    halves = [np.einsum("op,prxy,ri->oixy", a, t, b) for a, t, b in ((a1, t1, b1), (a2, t2, b2))]
    yield "loha with cores", CONV, cores, halves[0] * halves[1]

    w1, w2 = drawn(3, 2), drawn(4, 4)
    yield "lokr", LINEAR, {"lokr_w1": w1, "lokr_w2": w2, "alpha": 5.0}, kron(w1, w2)
    low = {"lokr_w1": w1, "lokr_w2_a": drawn(4, 2), "lokr_w2_b": drawn(2, 4), "alpha": 1.0}
    yield "lokr of low rank", LINEAR, low, kron(w1, low["lokr_w2_a"] @ low["lokr_w2_b"]) / 2
    both = {"lokr_w1_a": drawn(3, 1), "lokr_w1_b": drawn(1, 2), "lokr_w2": w2}
    yield "lokr, the other half", LINEAR, both, kron(both["lokr_w1_a"] @ both["lokr_w1_b"], w2)
    w2c = drawn(4, 4, 3, 3)
    yield "lokr on a convolution", CONV, {"lokr_w1": w1, "lokr_w2": w2c}, kron(w1, w2c)
    cored = {"lokr_w1": w1, "lokr_w2_a": drawn(2, 4), "lokr_w2_b": drawn(2, 4), "lokr_t2": drawn(2, 2, 3, 3)}
    part = np.einsum("po,prxy,ri->oixy", cored["lokr_w2_a"], cored["lokr_t2"], cored["lokr_w2_b"])
    yield "lokr with a core", CONV, cored, kron(w1, part)

    yield "ia3 on outputs", CONV, {"weight": (f := drawn(OUT)), "on_input": 0.0}, CONV * f[:, None, None, None]
    yield "ia3 on inputs", LINEAR, {"weight": (g := drawn(IN)), "on_input": 1.0}, LINEAR * g[None]
    yield "full", CONV, {"diff": (d := drawn(OUT, IN, 3, 3))}, d
    yield "norm", drawn(OUT), {"w_norm": (n := drawn(OUT)), "b_norm": drawn(OUT)}, n
    glora = {"a1.weight": drawn(RANK, IN), "a2.weight": drawn(IN, RANK), "b1.weight": b1, "b2.weight": a1}
    yield "glora", LINEAR, glora, a1 @ b1 + LINEAR @ glora["a2.weight"] @ glora["a1.weight"]

    blocks = drawn(3, 4, 4) * 0.2
    yield "oft", LINEAR, {"oft_diag": blocks}, rotated(LINEAR, cayley(blocks)) - LINEAR
    bound = 0.01 * OUT / np.linalg.norm(blocks - np.swapaxes(blocks, 1, 2))
    yield (
        "oft, bounded",
        LINEAR,
        {"oft_blocks": blocks, "alpha": 0.01},
        rotated(LINEAR, cayley(blocks * bound)) - LINEAR,
    )
    stages, rows = drawn(2, 4, 4, 4) * 0.2, drawn(16, IN)
    yield "boft", rows, {"oft_blocks": stages}, butterflied(rows, cayley(stages)) - rows

    per_input = np.abs(drawn(1, IN))
    yield "dora", LINEAR, linear | {"dora_scale": per_input}, decomposed(LINEAR, up @ down * 2 / RANK, per_input, 1)
    delta, lengths = np.einsum("or,rixy->oixy", up, down3) / RANK, np.abs(drawn(OUT, 1, 1, 1))
    yield "dora per output", CONV, conv | {"dora_scale": lengths}, decomposed(CONV, delta, lengths, 0)


CASES = list(cases())


def network(tensors, name="lora_unet_layer"):
    named = {f"{name}.{key}": torch.as_tensor(np.asarray(value), dtype=torch.float32) for key, value in tensors.items()}
    return arranged(Path("net.safetensors"), named)


@pytest.mark.parametrize(("weight", "tensors", "delta"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
@pytest.mark.parametrize("multiplier", [1.0, -0.6])
def test_a_format_is_its_formula(weight, tensors, delta, multiplier):
    (piece,) = network(tensors).pieces.values()
    before = torch.as_tensor(weight, dtype=torch.float32)
    made, _ = add(piece, before.clone(), multiplier)
    expected = weight + multiplier * delta
    assert np.abs(made.double().numpy() - expected).max() < 1e-5 * np.abs(expected).max()


def test_a_rank_is_cut():
    tensors = {"lora_up.weight": drawn(OUT, RANK), "lora_down.weight": drawn(RANK, IN), "alpha": 2.0}
    (piece,) = network(tensors).pieces.values()
    made, _ = add(piece, torch.zeros(OUT, IN), 1.0, 2)
    expected = tensors["lora_up.weight"][:, :2] @ tensors["lora_down.weight"][:2] * 2 / RANK
    assert np.allclose(made.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("with_bias", [True, False])
def test_a_bias_is_changed_and_put_back(with_bias):
    layer = nn.Linear(IN, OUT, bias=with_bias)
    own = layer.bias
    change = drawn(OUT)
    overlay = Overlay({("unet", "layer"): layer})
    overlay.apply([Applied(network({"diff": drawn(OUT, IN), "diff_b": change}), unet=0.5)])
    before = own.detach().numpy() if with_bias else 0
    assert np.allclose(layer.bias.numpy(), before + 0.5 * change, atol=1e-6)
    overlay.apply([])
    assert layer.bias is own


def test_fewer_input_channels_leave_the_rest_alone():
    """An ordinary network on the first layer of an inpainting model."""
    (piece,) = network({"diff": drawn(OUT, 4, 3, 3)}).pieces.values()
    weight = torch.as_tensor(CONV, dtype=torch.float32)
    made, _ = add(piece, weight, 1.0)
    assert torch.equal(made[:, 4:], weight[:, 4:]) and not torch.equal(made[:, :4], weight[:, :4])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float8_e4m3fn])
def test_files_of_few_bits(dtype):
    up, down = torch.randn(OUT, RANK).to(dtype), torch.randn(RANK, IN).to(dtype)
    tensors = {"lora_unet_layer.lora_up.weight": up, "lora_unet_layer.lora_down.weight": down}
    (piece,) = arranged(Path("x.safetensors"), tensors).pieces.values()
    made, _ = add(piece, torch.zeros(OUT, IN), 1.0)
    assert torch.allclose(made, up.float() @ down.float(), atol=1e-5)
