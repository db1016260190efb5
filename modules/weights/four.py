"""Weights in 4 bits as bitsandbytes stores them (Dettmers et al. 2023, arXiv 2305.14314), unpacked when a file is read.

Beside NAME, two numbers to a byte: NAME.quant_map, the 16 values that there are; NAME.absmax, what each block is
multiplied by; NAME.quant_state.…, JSON with shape and precision. absmax may be packed in the same way, in 8 bits.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from modules.exceptions import CorruptFile

STATE = ".quant_state.bitsandbytes__"
BESIDE = (".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map")
PRECISIONS = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def widened(tensors: Mapping[str, Tensor], name: str) -> Mapping[str, Tensor]:
    """The tensors of a file, with those in 4 bits in the precision they had. CorruptFile where they do not fit."""
    states = {key.partition(STATE)[0]: tensor for key, tensor in tensors.items() if STATE in key}
    if not states:
        return tensors
    made = {}
    for key, tensor in tensors.items():
        if STATE in key or (key.endswith(BESIDE) and key.rpartition(".")[0] in states):
            continue
        if key in states:
            try:
                tensor = _unpacked(key, tensor, states[key], tensors)
            except (ValueError, LookupError, TypeError, RuntimeError, ArithmeticError, RecursionError) as error:
                brief = (str(error).splitlines() or [type(error).__name__])[0][:120].rstrip(".")
                raise CorruptFile(f"{name}: {key[:120]} in 4 bits does not fit together ({brief}).") from error
        made[key] = tensor
    return made


def _unpacked(key: str, packed: Tensor, state: Tensor, tensors: Mapping[str, Tensor]) -> Tensor:
    told: dict[str, Any] = json.loads(bytes(state.tolist()))
    shape, block = [int(side) for side in told["shape"]], int(told["blocksize"])
    count = math.prod(shape)
    if min(shape, default=0) < 1 or block < 1 or (count + 1) // 2 != packed.numel() or packed.dtype != torch.uint8:
        raise ValueError(f"{packed.numel()} bytes are not {shape}")
    scale = tensors[key + ".absmax"]
    if "nested_blocksize" in told:
        table, wide = tensors[key + ".nested_quant_map"].float(), tensors[key + ".nested_absmax"].float()
        scale = _scaled(table[scale.long()], wide, int(told["nested_blocksize"])) + float(told["nested_offset"])
    bytes_ = packed.flatten()
    numbers = torch.stack([bytes_ >> 4, bytes_ & 15], dim=1).flatten()[:count]
    values = tensors[key + ".quant_map"].float()[numbers.int()]
    return _scaled(values, scale.float(), block).to(PRECISIONS[told["dtype"]]).reshape(shape)


def _scaled(values: Tensor, scale: Tensor, block: int) -> Tensor:
    """Each block of numbers times its own."""
    if scale.numel() != -(-len(values) // block):
        raise ValueError(f"{scale.numel()} scales for {len(values)} numbers in blocks of {block}")
    return values * scale.flatten().repeat_interleave(block)[: len(values)]
