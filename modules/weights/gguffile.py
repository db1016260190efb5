"""GGUF files: tensors whose blocks of numbers share a scale; kept so in memory and unpacked when they are used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from modules.exceptions import ModelError


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors, mapped, and metadata. Quantised ones are diffusers' GGUFParameter; ValueError and its like if broken."""
    try:
        from diffusers.quantizers.gguf.utils import SUPPORTED_GGUF_QUANT_TYPES, GGUFParameter
        from gguf import GGMLQuantizationType, GGUFReader
    except ImportError as error:
        raise ModelError(f"{path.name} needs the package gguf; run pip install gguf.") from error
    plain = {
        GGMLQuantizationType.F32: torch.float32,
        GGMLQuantizationType.F16: torch.float16,
        GGMLQuantizationType.BF16: torch.bfloat16,
    }
    reader = GGUFReader(path, "c")
    tensors: dict[str, Tensor] = {}
    for one in reader.tensors:
        values, kind = torch.from_numpy(one.data), one.tensor_type
        if kind in plain:
            wanted = plain[kind]
            tensors[one.name] = values if values.dtype == wanted else values.view(wanted)
        elif kind in SUPPORTED_GGUF_QUANT_TYPES:
            tensors[one.name] = GGUFParameter(values, quant_type=kind)
        else:
            raise ModelError(f"{path.name} is quantised as {kind.name}, which is not supported; choose another GGUF.")
    return tensors, {name: field.contents() for name, field in reader.fields.items()}


def shape_of(tensor: Tensor) -> tuple[int, ...]:
    """Of the numbers, not of the bytes that hold them."""
    return tuple(getattr(tensor, "quant_shape", tensor.shape))


def is_packed(tensor: Tensor) -> bool:
    """Is it quantised?"""
    return hasattr(tensor, "quant_type")


def packed_like(tensor: Any, content: Tensor) -> Any:
    """Other bytes in the same packing."""
    return type(tensor)(content, quant_type=tensor.quant_type)


def unpacked(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """The numbers."""
    from diffusers.quantizers.gguf.utils import dequantize_gguf_tensor

    made: Tensor = dequantize_gguf_tensor(tensor) if is_packed(tensor) else tensor
    return made.as_subclass(Tensor).to(dtype)


def with_packed_layers(model: Any, tensors: dict[str, Tensor], dtype: torch.dtype) -> Any:
    """The model with layers that compute with quantised weights where `tensors` has such."""
    from diffusers.quantizers.gguf.utils import _replace_with_gguf_linear

    return _replace_with_gguf_linear(model, dtype, tensors)
