"""How wide and deep the parts of a checkpoint are, read from the shapes of its tensors; arguments for their classes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

UNET, VAE = "model.diffusion_model.", "first_stage_model."
HEAD = 64  # channels of an attention head, where a model has not always eight of them
Shapes = Mapping[str, tuple[int, ...]]


def unet_arguments(shapes: Shapes, said: Mapping[str, Any]) -> dict[str, Any]:
    """Of diffusers' UNet2DConditionModel; only the number of heads cannot be read from shapes: `said` may tell."""
    channels, depths, layers = _input_blocks(shapes)
    levels = channels[::layers]
    down = [depths[first : first + layers] for first in range(0, len(depths), layers)]
    up = [
        [_depth(shapes, f"output_blocks.{first + number}.1") for number in range(layers + 1)]
        for first in range(0, len(levels) * (layers + 1), layers + 1)
    ]
    inside = next(key for key in shapes if key.startswith(UNET) and key.endswith("attn2.to_k.weight"))
    linear = len(next(shapes[key] for key in shapes if key.startswith(UNET) and key.endswith("proj_in.weight"))) == 2
    head = said.get("num_head_channels", -1)
    if head == -1 and linear and "num_heads" not in said:
        head = HEAD
    arguments: dict[str, Any] = {
        "in_channels": shapes[UNET + "input_blocks.0.0.weight"][1],
        "out_channels": shapes[UNET + "out.2.weight"][0],
        "block_out_channels": levels,
        "layers_per_block": layers,
        "down_block_types": ["CrossAttnDownBlock2D" if any(depth) else "DownBlock2D" for depth in down],
        "up_block_types": ["CrossAttnUpBlock2D" if any(depth) else "UpBlock2D" for depth in up],
        "cross_attention_dim": shapes[inside][1],
        # diffusers' name for the number of heads
        "attention_head_dim": [width // head for width in levels] if head > 0 else said.get("num_heads", 8),
        "use_linear_projection": linear,
    } | _attention(shapes, down, up)
    if (vector := UNET + "label_emb.0.0.weight") in shapes:
        arguments |= {"class_embed_type": "projection", "projection_class_embeddings_input_dim": shapes[vector][1]}
    return arguments


def _attention(shapes: Shapes, down: list[list[int]], up: list[list[int]]) -> dict[str, Any]:
    """How deep the transformers are: a number for each level, lists where a pruned model varies."""
    middle = _depth(shapes, "middle_block.1")
    even = [depths[0] for depths in down]
    mirrored = [[depth] * (len(down[0]) + 1) for depth in reversed(even)]
    if middle and up == mirrored and all(len(set(depths)) == 1 for depths in down):
        return {"transformer_layers_per_block": [depth or 1 for depth in even[:-1]] + [middle]}
    whole = UNET + "middle_block.0.in_layers.2.weight" in shapes
    return {
        "transformer_layers_per_block": [[depth or 1 for depth in depths] for depths in down[:-1]]
        + [middle if middle and not any(down[-1]) else [depth or 1 for depth in down[-1]]],
        "reverse_transformer_layers_per_block": [[depth or 1 for depth in depths] for depths in up],
    } | ({} if middle else {"mid_block_type": "UNetMidBlock2D" if whole else None})


def _input_blocks(shapes: Shapes) -> tuple[list[int], list[int], int]:
    """(channels of each residual block, depth of the transformer behind it, residual blocks on a level)"""
    channels: list[int] = []
    depths: list[int] = []
    layers, number = 0, 1
    while True:
        block = f"input_blocks.{number}"
        if (resnet := UNET + block + ".0.in_layers.2.weight") in shapes:
            channels.append(shapes[resnet][0])
            depths.append(_depth(shapes, block + ".1"))
        elif UNET + block + ".0.op.weight" not in shapes:
            return channels, depths, layers or len(channels)
        elif not layers:
            layers = len(channels)
        number += 1


def _depth(shapes: Shapes, block: str) -> int:
    """How many transformer layers there are; 0 without attention."""
    depth = 0
    while f"{UNET}{block}.transformer_blocks.{depth}.norm1.weight" in shapes:
        depth += 1
    return depth


def vae_arguments(shapes: Shapes) -> dict[str, Any]:
    """Of diffusers' AutoencoderKL."""
    levels: list[int] = []
    while (key := VAE + f"encoder.down.{len(levels)}.block.0.conv1.weight") in shapes:
        levels.append(shapes[key][0])
    block = re.compile(re.escape(VAE) + r"encoder\.down\.0\.block\.\d+\.conv1\.weight")
    return {
        "in_channels": 3,
        "out_channels": 3,
        "down_block_types": ["DownEncoderBlock2D"] * len(levels),
        "up_block_types": ["UpDecoderBlock2D"] * len(levels),
        "block_out_channels": levels,
        "layers_per_block": sum(1 for key in shapes if block.fullmatch(key)),
        "latent_channels": shapes[VAE + "decoder.conv_in.weight"][1],
        "use_quant_conv": VAE + "quant_conv.weight" in shapes,
        "use_post_quant_conv": VAE + "post_quant_conv.weight" in shapes,
    }


def clip_arguments(shapes: Shapes, prefix: str) -> dict[str, Any]:
    """Of transformers' CLIPTextConfig for a tower under transformers' own names. OpenAI's has heads of 64 channels."""
    tokens, width = shapes[prefix + "embeddings.token_embedding.weight"]
    return {
        "vocab_size": tokens,
        "hidden_size": width,
        "intermediate_size": shapes[prefix + "encoder.layers.0.mlp.fc1.weight"][0],
        "num_hidden_layers": layers_of(shapes, prefix + "encoder.layers."),
        "num_attention_heads": max(1, width // HEAD),
        "max_position_embeddings": shapes[prefix + "embeddings.position_embedding.weight"][0],
        "hidden_act": "quick_gelu",
    }


def open_clip_arguments(shapes: Shapes, prefix: str) -> dict[str, Any]:
    """The same for a tower under open_clip's names, whose GELU is the exact one."""
    tokens, width = shapes[prefix + "token_embedding.weight"]
    return {
        "vocab_size": tokens,
        "hidden_size": width,
        "intermediate_size": shapes[prefix + "transformer.resblocks.0.mlp.c_fc.weight"][0],
        "num_hidden_layers": layers_of(shapes, prefix + "transformer.resblocks."),
        "num_attention_heads": max(1, width // HEAD),
        "max_position_embeddings": shapes[prefix + "positional_embedding"][0],
        "hidden_act": "gelu",
    }


def layers_of(shapes: Shapes, prefix: str) -> int:
    """How many numbered parts there are under a prefix."""
    return len({key.removeprefix(prefix).split(".")[0] for key in shapes if key.startswith(prefix)})
