"""Weights kept in 8 bits, as A1111's FP8 option has it: a layer computes with a copy that lives as long as its call."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

EIGHT = (torch.float8_e4m3fn, torch.float8_e5m2)


def compute_in(model: nn.Module, dtype: torch.dtype) -> None:
    """Let every linear layer and convolution whose parameters are in 8 bits compute in a wider precision."""
    for layer in model.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            layer.register_forward_pre_hook(lambda module, given: _widen(module, dtype))
            layer.register_forward_hook(lambda module, given, answer: _narrow(module), always_call=True)


def _widen(layer: Any, dtype: torch.dtype) -> None:
    kept = {name: one for name, one in layer._parameters.items() if one is not None and one.dtype in EIGHT}
    layer.kept_in_eight = kept
    for name, one in kept.items():
        layer._parameters[name] = nn.Parameter(one.to(dtype), requires_grad=False)


def _narrow(layer: Any) -> None:
    layer._parameters |= layer.__dict__.pop("kept_in_eight", {})
