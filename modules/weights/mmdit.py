"""Transformers that see picture and text together, SD3's and Flux's: their sizes, and their names in diffusers.

Esser et al. 2024 (arXiv 2403.03206) for SD3; Black Forest Labs' released code for Flux.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from modules.weights.dimensions import HEAD, UNET, Shapes

PATCH = 2  # latent pixels on a side of what becomes one token
SD3_MARK, FLUX_MARK = UNET + "joint_blocks.0.x_block.attn.qkv.weight", UNET + "double_blocks.0.img_attn.qkv.weight"
Names = Mapping[str, str | tuple[str, ...]]

MLP = {"mlp.0": "linear_1", "mlp.2": "linear_2"}
IN_OUT = {"in_layer": "linear_1", "out_layer": "linear_2"}
TIME, TEXT, GUIDANCE = (f"time_text_embed.{one}_embedder." for one in ("timestep", "text", "guidance"))
QKV, ADDED = ("attn.to_q", "attn.to_k", "attn.to_v"), ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj")
TOP: Names = {
    **{f"t_embedder.{old}": TIME + new for old, new in MLP.items()},
    **{f"y_embedder.{old}": TEXT + new for old, new in MLP.items()},
    **{f"time_in.{old}": TIME + new for old, new in IN_OUT.items()},
    **{f"vector_in.{old}": TEXT + new for old, new in IN_OUT.items()},
    **{f"guidance_in.{old}": GUIDANCE + new for old, new in IN_OUT.items()},
    "x_embedder.proj": "pos_embed.proj",
    "img_in": "x_embedder",
    "txt_in": "context_embedder",
    "final_layer.linear": "proj_out",
    "final_layer.adaLN_modulation.1": "norm_out.linear",
}
BLOCKS: Mapping[str, tuple[str, Names]] = {  # a block's name → diffusers', and what is in it
    "joint_blocks": (
        "transformer_blocks",
        {
            "x_block.attn.qkv": QKV,
            "x_block.attn.ln_q": "attn.norm_q",
            "x_block.attn.ln_k": "attn.norm_k",
            "x_block.attn.proj": "attn.to_out.0",
            "x_block.attn2.qkv": tuple(name.replace("attn", "attn2") for name in QKV),
            "x_block.attn2.ln_q": "attn2.norm_q",
            "x_block.attn2.ln_k": "attn2.norm_k",
            "x_block.attn2.proj": "attn2.to_out.0",
            "x_block.adaLN_modulation.1": "norm1.linear",
            "x_block.mlp.fc1": "ff.net.0.proj",
            "x_block.mlp.fc2": "ff.net.2",
            "context_block.attn.qkv": ADDED,
            "context_block.attn.ln_q": "attn.norm_added_q",
            "context_block.attn.ln_k": "attn.norm_added_k",
            "context_block.attn.proj": "attn.to_add_out",
            "context_block.adaLN_modulation.1": "norm1_context.linear",
            "context_block.mlp.fc1": "ff_context.net.0.proj",
            "context_block.mlp.fc2": "ff_context.net.2",
        },
    ),
    "double_blocks": (
        "transformer_blocks",
        {
            "img_mod.lin": "norm1.linear",
            "img_attn.qkv": QKV,
            "img_attn.norm.query_norm": "attn.norm_q",
            "img_attn.norm.key_norm": "attn.norm_k",
            "img_attn.proj": "attn.to_out.0",
            "img_mlp.0": "ff.net.0.proj",
            "img_mlp.2": "ff.net.2",
            "txt_mod.lin": "norm1_context.linear",
            "txt_attn.qkv": ADDED,
            "txt_attn.norm.query_norm": "attn.norm_added_q",
            "txt_attn.norm.key_norm": "attn.norm_added_k",
            "txt_attn.proj": "attn.to_add_out",
            "txt_mlp.0": "ff_context.net.0.proj",
            "txt_mlp.2": "ff_context.net.2",
        },
    ),
    "single_blocks": (
        "single_transformer_blocks",
        {
            "modulation.lin": "norm.linear",
            "linear1": (*QKV, "proj_mlp"),
            "linear2": "proj_out",
            "norm.query_norm": "attn.norm_q",
            "norm.key_norm": "attn.norm_k",
        },
    ),
}
SHIFT_FIRST = ("norm_out.linear", "norm1_context.linear")  # diffusers wants scale before shift where there are but two
LAST = ("norm_out.linear",)  # whose rows are the other way round
BLOCK = re.compile(rf"({'|'.join(BLOCKS)})\.(\d+)\.(.+)")


def sd3_arguments(shapes: Shapes) -> dict[str, Any]:
    """Of diffusers' SD3Transformer2DModel."""
    width, channels, patch, _ = shapes[UNET + "x_embedder.proj.weight"]
    names = [key.removeprefix(UNET + "joint_blocks.") for key in shapes if key.startswith(UNET + "joint_blocks.")]
    return {
        "patch_size": patch,
        "in_channels": channels,
        "out_channels": shapes[UNET + "final_layer.linear.weight"][0] // patch**2,
        "num_layers": len({name.split(".")[0] for name in names}),
        "attention_head_dim": HEAD,
        "num_attention_heads": width // HEAD,
        "joint_attention_dim": shapes[UNET + "context_embedder.weight"][1],
        "caption_projection_dim": width,
        "pooled_projection_dim": shapes[UNET + "y_embedder.mlp.0.weight"][1],
        "pos_embed_max_size": round(shapes[UNET + "pos_embed"][1] ** 0.5),
        "dual_attention_layers": tuple(sorted({int(name.split(".")[0]) for name in names if ".attn2." in name})),
        "qk_norm": "rms_norm" if any(".ln_q." in name for name in names) else None,
    }


def flux_arguments(shapes: Shapes) -> dict[str, Any]:
    """Of diffusers' FluxTransformer2DModel."""
    width, seen = shapes[UNET + "img_in.weight"]
    head = shapes[UNET + "double_blocks.0.img_attn.norm.query_norm.scale"][0]
    return {
        "in_channels": seen,
        "out_channels": shapes[UNET + "final_layer.linear.weight"][0],
        "num_layers": _count(shapes, UNET + "double_blocks."),
        "num_single_layers": _count(shapes, UNET + "single_blocks."),
        "attention_head_dim": head,
        "num_attention_heads": width // head,
        "joint_attention_dim": shapes[UNET + "txt_in.weight"][1],
        "pooled_projection_dim": shapes[UNET + "vector_in.in_layer.weight"][1],
        "guidance_embeds": UNET + "guidance_in.in_layer.weight" in shapes,
        "axes_dims_rope": (head // 8, head * 7 // 16, head * 7 // 16),  # of 128: 16, 56, 56
    }


def _count(shapes: Shapes, prefix: str) -> int:
    return len({key.removeprefix(prefix).split(".")[0] for key in shapes if key.startswith(prefix)})


def converted(tensors: Mapping[str, Tensor], arguments: Mapping[str, Any]) -> dict[str, Tensor]:
    """A transformer's tensors under diffusers' names; what is known to neither keeps its own."""
    width = arguments["num_attention_heads"] * arguments["attention_head_dim"]
    made: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        if not key.startswith(UNET):
            continue
        names, own = _renamed(key.removeprefix(UNET))
        if len(names) > 1:
            ends = [width, 2 * width, 3 * width, len(tensor)]
            for number, name in enumerate(names):
                made[name + own] = tensor[number * width : ends[number]]
        elif names[0].endswith(SHIFT_FIRST) and len(tensor) == 2 * width:
            made[names[0] + own] = torch.cat([tensor[width:], tensor[:width]])
        else:
            made[names[0] + own] = tensor
    return made


def alike(keys: list[str]) -> dict[str, str]:
    """The file's modules → diffusers', of those that are one in both."""
    pairs = ((key.removeprefix(UNET), _renamed(key.removeprefix(UNET))) for key in keys if key.startswith(UNET))
    return {
        key.rpartition(".")[0]: names[0] for key, (names, own) in pairs if len(names) == 1 and own and names != LAST
    }


def fused(keys: list[str], arguments: Mapping[str, Any]) -> dict[str, tuple[tuple[str, slice], ...]]:
    """The file's modules that are several in diffusers', each with its share of the rows."""
    width = arguments["num_attention_heads"] * arguments["attention_head_dim"]
    rows = [slice(0, width), slice(width, 2 * width), slice(2 * width, 3 * width), slice(3 * width, None)]
    named = {key.removeprefix(UNET).rpartition(".")[0]: _renamed(key.removeprefix(UNET))[0] for key in keys}
    return {key: tuple(zip(names, rows, strict=False)) for key, names in named.items() if len(names) > 1}


def _renamed(key: str) -> tuple[tuple[str, ...], str]:
    """diffusers' modules for a tensor, and the tensor's name in them with its point: `.weight`."""
    if key == "pos_embed":
        return ("pos_embed.pos_embed",), ""
    module, _, own = key.rpartition(".")
    start, names = "", TOP
    if found := BLOCK.fullmatch(module):
        block, names = BLOCKS[found[1]]
        start, module = f"{block}.{found[2]}.", found[3]
    new = names.get(module, module)
    return tuple(start + one for one in ((new,) if isinstance(new, str) else new)), "." + own.replace("scale", "weight")
