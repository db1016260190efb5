"""The image encoder of an unCLIP model (Ramesh et al. 2022, arXiv 2204.06125): a picture as what the UNet is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers.image_utils import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD

from modules.weights import openclip
from modules.weights.dimensions import Shapes, layers_of

VISUAL = "embedder.model.visual."
BLOCKS = VISUAL + "transformer.resblocks."
HEADS = 16  # of every CLIP image encoder that unCLIP models were made with
OPENAIS = 1024  # OpenAI's encoder is so wide, open_clip's are wider and have the exact GELU
INNER = "vision_model."
RENAMED = (
    (re.compile(r"^proj$"), "visual_projection.weight"),
    (re.compile(r"^(class_embedding)$"), INNER + r"embeddings.\1"),
    (re.compile(r"^conv1\."), INNER + "embeddings.patch_embedding."),
    (re.compile(r"^(embeddings\.position_embedding\.|encoder\.)"), INNER + r"\1"),
    (re.compile(r"^ln_pre\."), INNER + "pre_layrnorm."),  # so transformers spells it
    (re.compile(r"^ln_post\."), INNER + "post_layernorm."),
)


def arguments(shapes: Shapes) -> dict[str, Any]:
    """Of transformers' CLIPVisionConfig; empty where a checkpoint holds no image encoder."""
    if VISUAL + "proj" not in shapes:
        return {}
    width, channels, patch, _ = shapes[VISUAL + "conv1.weight"]
    side = round((shapes[VISUAL + "positional_embedding"][0] - 1) ** 0.5)
    return {
        "hidden_size": width,
        "num_channels": channels,
        "intermediate_size": shapes[BLOCKS + "0.mlp.c_fc.weight"][0],
        "num_hidden_layers": layers_of(shapes, BLOCKS),
        "num_attention_heads": HEADS,
        "patch_size": patch,
        "image_size": side * patch,
        "projection_dim": shapes[VISUAL + "proj"][1],
        "hidden_act": "quick_gelu" if width <= OPENAIS else "gelu",
    }


def converted(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A checkpoint's image encoder under the names of transformers' CLIPVisionModelWithProjection."""
    own = {key.removeprefix(VISUAL): tensor for key, tensor in tensors.items() if key.startswith(VISUAL)}
    made: dict[str, Tensor] = {}
    for key, tensor in openclip.converted(own).items():
        for pattern, replacement in RENAMED:
            key = pattern.sub(replacement, key)
        made[key] = tensor.T if key == "visual_projection.weight" else tensor
    return made


class Sight:
    """What an unCLIP model sees. `enter` is called before the encoder is used."""

    def __init__(self, model: Any, device: torch.device):
        self.model = model
        self.enter: Callable[[], None] = lambda: None
        self._device = device

    @property
    def width(self) -> int:
        """How many numbers the UNet is told: a picture's vector, and how much noise was added to it."""
        return 2 * int(self.model.config.projection_dim)

    def __call__(self, pixels: Tensor) -> Tensor:
        """`[N,3,H,W]`, -1 to 1 → `[N,width]`, float32.

        The noise is of level 0, as in A1111, whose share of 0.6 % is left out here, for nothing could tell it again.
        """
        self.enter()
        side = self.model.config.image_size
        seen = functional.interpolate(pixels.float().cpu(), (side, side), mode="bicubic", align_corners=True)
        mean, deviation = (torch.tensor(one)[:, None, None] for one in (OPENAI_CLIP_MEAN, OPENAI_CLIP_STD))
        seen = ((seen + 1) / 2 - mean) / deviation
        vector = self.model(seen.to(self._device, self.model.dtype)).image_embeds.float()
        level = torch.zeros_like(vector)
        level[:, : vector.shape[1] // 2] = 1  # cosines and sines of 0
        return torch.cat([vector, level], dim=1)
