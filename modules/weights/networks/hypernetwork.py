"""Hypernetworks: small networks that bend what attention makes its keys and values from, as A1111 trains them.

A file holds for each width two networks (keys, values): x + m · f(x), f of linear layers with an activation and a layer
norm between. It is a pickle of tensors and plain values, and is read as such.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.models.attention_processor import Attention
from torch import Tensor, nn
from torch.nn import functional

from modules.exceptions import CorruptFile
from modules.weights.tensorfile import read_pickle

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": functional.relu,
    "leakyrelu": functional.leaky_relu,
    "elu": functional.elu,
    "swish": functional.hardswish,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "mish": functional.mish,
    "selu": functional.selu,
    "celu": functional.celu,
    "relu6": functional.relu6,
    "softplus": functional.softplus,
    "softsign": functional.softsign,
    "hardtanh": functional.hardtanh,
    "hardswish": functional.hardswish,
    "hardsigmoid": functional.hardsigmoid,
    "logsigmoid": functional.logsigmoid,
}
Layer = tuple[Tensor, Tensor | None]  # weight and bias: two dimensions are linear, one is a norm's


@dataclass(frozen=True, slots=True)
class Bend:
    """One of the two networks for a width."""

    layers: tuple[Layer, ...]
    activation: Callable[[Tensor], Tensor] | None
    at_end: bool  # the last linear layer is activated too

    def __call__(self, x: Tensor) -> Tensor:
        """f(x) in float32, `[B,n,D]`."""
        last = max(i for i, (weight, _) in enumerate(self.layers) if weight.dim() == 2)
        for i, (weight, bias) in enumerate(self.layers):
            if weight.dim() == 1:
                x = functional.layer_norm(x, weight.shape, weight, bias)
                continue
            x = functional.linear(x, weight, bias)
            if self.activation is not None and (i < last or self.at_end):
                x = self.activation(x)
        return x


@dataclass(frozen=True, slots=True, eq=False)
class Hypernetwork:
    """One file: by width, the networks for keys and for values."""

    path: Path
    bends: Mapping[int, tuple[Bend, Bend]]


def read(path: Path, device: torch.device) -> Hypernetwork:
    """The hypernetwork in a file; CorruptFile with a sentence where there is none."""
    loaded = read_pickle(path)
    try:
        widths = [key for key in loaded if isinstance(key, int)]
        if not widths:
            raise ValueError("it has no layers")
        return Hypernetwork(path, {width: _pair(loaded[width], loaded, device) for width in widths})
    except (RuntimeError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise CorruptFile(f"{path.name} is no hypernetwork ({str(error)[:100]}).") from error


def _pair(states: Sequence[Mapping[str, Tensor]], said: Mapping[Any, Any], device: torch.device) -> tuple[Bend, Bend]:
    keys, values = (_bend({name: t.to(device).float() for name, t in state.items()}, said) for state in states[:2])
    return keys, values


def _bend(state: Mapping[str, Tensor], said: Mapping[Any, Any]) -> Bend:
    name = str(said.get("activation_func") or "linear").lower()
    if name != "linear" and name not in ACTIVATIONS:
        raise ValueError(f"its activation {name[:30]!r} is not known")
    # Layers are `linear.3.weight`; the first files had `linear1.weight` and `linear2.weight`.
    numbers = sorted({key.rpartition(".")[0] for key in state}, key=lambda n: int("".join(c for c in n if c.isdigit())))
    layers = tuple((state[f"{n}.weight"], state.get(f"{n}.bias")) for n in numbers)
    return Bend(layers, ACTIVATIONS.get(name), bool(said.get("activate_output", True)))


def put_on(unet: nn.Module, wanted: Sequence[tuple[Hypernetwork, float]]) -> list[Any]:
    """Let all attention of a UNet see its context bent by these, in order. Answers hooks; removing them ends it."""
    handles = []
    for layer in unet.modules() if wanted else ():
        if isinstance(layer, Attention):
            handles += [
                linear.register_forward_pre_hook(_bending(wanted, half))
                for half, linear in enumerate((layer.to_k, layer.to_v))
            ]
    return handles


def _bending(wanted: Sequence[tuple[Hypernetwork, float]], half: int) -> Callable[[nn.Module, tuple[Tensor, ...]], Any]:
    def bend(module: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        context = given[0]
        for network, strength in wanted:
            pair = network.bends.get(context.shape[-1])
            if pair is not None and strength:
                context = context + (pair[half](context.float()) * strength).to(context.dtype)
        return (context, *given[1:])

    return bend
