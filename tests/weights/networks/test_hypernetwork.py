"""Hypernetworks: the formula, their hold on attention, and files that are none."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.models.attention_processor import Attention

from modules.exceptions import CorruptFile
from modules.weights.networks.hypernetwork import put_on, read

CPU = torch.device("cpu")


def written(path, width=4, **said):
    """A file of two networks of two linear layers with a norm after each."""
    generator = torch.Generator().manual_seed(1)

    def state():
        shapes = {"linear.0": (2 * width, width), "linear.1": (2 * width,), "linear.2": (width, 2 * width)}
        return {
            f"{name}.{kind}": torch.randn(shape if kind == "weight" else shape[:1], generator=generator)
            for name, shape in shapes.items()
            for kind in ("weight", "bias")
        }

    content = {width: [state(), state()], "layer_structure": [1, 2, 1], "name": "x", "step": 5} | said
    torch.save(content, path)
    return content


def composed(x, state, activation, at_end):
    state = {key: value.double().numpy() for key, value in state.items()}
    x = activation(x @ state["linear.0.weight"].T + state["linear.0.bias"])
    spread = np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    x = (x - x.mean(-1, keepdims=True)) / spread * state["linear.1.weight"] + state["linear.1.bias"]
    x = x @ state["linear.2.weight"].T + state["linear.2.bias"]
    return activation(x) if at_end else x


@pytest.mark.parametrize(
    ("said", "activation", "at_end"),
    [
        ({}, lambda x: x, False),
        ({"activation_func": "linear"}, lambda x: x, False),
        ({"activation_func": "relu"}, lambda x: np.maximum(x, 0), True),
        ({"activation_func": "Tanh", "activate_output": False}, np.tanh, False),
        ({"activation_func": "swish", "activate_output": True}, lambda x: x * np.clip(x + 3, 0, 6) / 6, True),
    ],
)
def test_the_formula(tmp_path, said, activation, at_end):
    content = written(tmp_path / "h.pt", is_layer_norm=True, **said)
    pair = read(tmp_path / "h.pt", CPU).bends[4]
    x = torch.randn(2, 3, 4)
    for bend, state in zip(pair, content[4], strict=True):
        assert np.allclose(bend(x).numpy(), composed(x.double().numpy(), state, activation, at_end), atol=1e-4)


def test_attention_sees_bent_keys_and_values_until_it_comes_off(tmp_path):
    written(tmp_path / "h.pt", activation_func="relu")
    network = read(tmp_path / "h.pt", CPU)
    layer = Attention(query_dim=8, cross_attention_dim=4, heads=2, dim_head=4).eval()
    x, context = torch.randn(1, 5, 8), torch.randn(1, 7, 4)
    seen = []
    with torch.no_grad():
        plain = layer(x, context)
        handles = put_on(layer, [(network, 0.5)])
        layer.to_v.register_forward_hook(lambda module, given, answer: seen.append(given[0]))
        assert not torch.allclose(layer(x, context), plain)
        assert torch.allclose(seen[0], context + 0.5 * network.bends[4][1](context))
        for handle in handles:
            handle.remove()
        assert torch.equal(layer(x, context), plain)


def test_a_width_it_does_not_have_is_left_alone(tmp_path):
    written(tmp_path / "h.pt", width=6)
    layer = Attention(query_dim=8, cross_attention_dim=4, heads=2, dim_head=4).eval()
    x, context = torch.randn(1, 5, 8), torch.randn(1, 7, 4)
    with torch.no_grad():
        plain = layer(x, context)
        put_on(layer, [(read(tmp_path / "h.pt", CPU), 1.0)])
        assert torch.equal(layer(x, context), plain)


def test_the_first_files_had_two_bare_layers(tmp_path):
    torch.save({4: [{"linear1.weight": torch.eye(4), "linear2.weight": 2 * torch.eye(4)}] * 2}, tmp_path / "h.pt")
    x = torch.randn(1, 2, 4)
    assert torch.allclose(read(tmp_path / "h.pt", CPU).bends[4][0](x), 2 * x)


class Hostile:
    def __reduce__(self):
        return Path.touch, (Path("/tmp/opened"),)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"name": "x"}, "it has no layers"),
        ({4: Hostile()}, "holds more than tensors"),
        ([1], "is no hypernetwork"),
        ({4: 3}, "is no hypernetwork"),
        ({4: [{"linear.0.weight": torch.eye(4)}] * 2, "activation_func": "evil"}, "activation 'evil' is not known"),
    ],
)
def test_a_bad_file_is_a_sentence(tmp_path, content, words):
    torch.save(content, tmp_path / "h.pt")
    with pytest.raises(CorruptFile, match=words):
        read(tmp_path / "h.pt", CPU)
    assert not Path("/tmp/opened").exists()
