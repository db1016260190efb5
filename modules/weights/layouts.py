"""The names that different programs give to the same tensors of a checkpoint, brought to one."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from modules.weights.arch import SD1
from modules.weights.dimensions import UNET, VAE

OLD_CLIP = "cond_stage_model.transformer."  # where some early files have what belongs below `text_model`
BARE = ("input_blocks.0.0.weight", "joint_blocks.0.x_block.attn.qkv.weight", "double_blocks.0.img_attn.qkv.weight")
OTHER_VAE = "vae."
WHOLE = (UNET, VAE, OTHER_VAE, "cond_stage_model.", "conditioner.", "text_encoders.", "model_ema.")
SCALE = ".scale_weight"  # of a tensor in 8 bits: what its numbers are multiplied by
BESIDE = (".scale_input", "scaled_fp8", ".logit_scale", ".spiece_model")


def named_alike(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A checkpoint's tensors under the names that most files have; numbers in 8 bits with a scale multiplied by it."""
    old = any(key.startswith(OLD_CLIP + "embeddings.") for key in tensors)
    bare = any(key in tensors for key in BARE)
    made = {_renamed(key, old, bare): tensor for key, tensor in tensors.items() if not key.endswith(BESIDE)}
    for key in [key for key in made if key.endswith(SCALE)]:
        scale, weight = made.pop(key), key.removesuffix(SCALE) + ".weight"
        if weight in made and scale.numel() == 1:
            made[weight] = (made[weight].float() * scale.float()).to(torch.bfloat16)
    return made


def _renamed(key: str, old: bool, bare: bool) -> str:
    if old and key.startswith(OLD_CLIP):
        return SD1 + key.removeprefix(OLD_CLIP)
    if key.startswith(OTHER_VAE):
        return VAE + key.removeprefix(OTHER_VAE)
    return UNET + key if bare and not key.startswith(WHOLE) else key
