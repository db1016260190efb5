"""What kind of model a file holds, read from its tensors' names and shapes and from the sidecar yaml beside it.

The layout is that of the CompVis/ldm code base (`model.diffusion_model.`, `first_stage_model.`, `cond_stage_model.`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from modules.exceptions import ModelError, UnknownArchitecture
from modules.weights.library import Checkpoint

UNET, VAE, TEXT = "model.diffusion_model.", "first_stage_model.", "cond_stage_model.transformer.text_model."
Shapes = Mapping[str, tuple[int, ...]]

OTHER_KINDS = (  # first match names a file that is no SD 1.x checkpoint
    (re.compile(r"(?:lora_|.*\.lora_(?:up|down|A|B)\.|.*\.hada_w1)"), "a LoRA; put it into models/Lora"),
    (re.compile(r"conditioner\.embedders\."), "an SDXL checkpoint, which is not supported yet"),
    (re.compile(r"cond_stage_model\.model\."), "an SD 2.x checkpoint, which is not supported yet"),
    (
        re.compile(r"(?:model\.diffusion_model\.)?(?:double_blocks|joint_blocks)\."),
        "an SD3 or Flux checkpoint, which is not supported yet",
    ),
    (re.compile(r"(?:emb_params|string_to_param)"), "a textual inversion embedding; put it into embeddings"),
    (re.compile(r"(?:first_stage_model\.)?(?:encoder|decoder)\.(?:conv_in|mid)"), "a VAE without a model"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Arch:
    """An SD 1.x-shaped model: constructor arguments of its parts and the facts that sampling needs."""

    unet: dict[str, Any]
    vae: dict[str, Any]
    text: dict[str, Any]
    scale_factor: float = 0.18215  # latent = scale_factor · VAE mean
    beta_start: float = 0.00085
    beta_end: float = 0.012
    latent_channels: int = 4
    downscale: int = 8


@dataclass(frozen=True, slots=True)
class Sidecar:
    """The yaml beside a checkpoint, in the ldm convention; empty where there is none."""

    path: Path | None = None
    params: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Sidecar:
        """Read it; ModelError with a sentence if it cannot be."""
        path = checkpoint.sidecar
        if path is None:
            return cls()
        try:
            params = yaml.safe_load(path.read_text(encoding="utf-8"))["model"]["params"]
        except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError) as error:
            raise ModelError(f"{path} is no ldm model description (model: params: …); mend or remove it.") from error
        return cls(path, params if isinstance(params, dict) else {})

    def part(self, name: str) -> dict[str, Any]:
        """The parameters of `unet_config`, `first_stage_config` or `cond_stage_config`."""
        found = self.params.get(name) or {}
        params = found.get("params") if isinstance(found, dict) else None
        return params if isinstance(params, dict) else {}

    def text_config(self) -> dict[str, Any] | None:
        """config.json of the text encoder in the folder beside the yaml that `version` names."""
        version = self.part("cond_stage_config").get("version")
        if self.path is None or not isinstance(version, str) or Path(version).name != version:
            return None
        path = self.path.parent / version / "config.json"
        try:
            config = json.loads(path.read_text(encoding="utf-8"))
            return dict(config.get("text_config") or config)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, AttributeError) as error:
            raise ModelError(f"{path} is no text encoder configuration; mend or remove it.") from error


def detect(checkpoint: Checkpoint, shapes: Shapes) -> Arch:
    """The architecture of a checkpoint. UnknownArchitecture says what else the file is, if that can be told."""
    name = checkpoint.path.name
    first = shapes.get(UNET + "input_blocks.0.0.weight")
    if first is None or not any(key.startswith(TEXT) for key in shapes) or VAE + "decoder.conv_in.weight" not in shapes:
        for pattern, what in OTHER_KINDS:
            if any(pattern.match(key) for key in shapes):
                raise UnknownArchitecture(f"{name} is {what}.")
        raise UnknownArchitecture(f"{name} is no model that is known here; SD 1.x checkpoints are.")
    if first[1] != 4:
        raise UnknownArchitecture(
            f"{name} is an inpainting or editing model ({first[1]} input channels), not supported yet."
        )
    sidecar = Sidecar.of(checkpoint)
    if sidecar.params.get("parameterization", "eps") != "eps":
        raise UnknownArchitecture(
            f"{name} is a {sidecar.params['parameterization']}-prediction model, not supported yet."
        )
    try:
        return Arch(
            unet=_unet(shapes, sidecar.part("unet_config")),
            vae=_vae(shapes),
            text=sidecar.text_config() or _text(shapes),
            scale_factor=float(sidecar.params.get("scale_factor", 0.18215)),
            beta_start=float(sidecar.params.get("linear_start", 0.00085)),
            beta_end=float(sidecar.params.get("linear_end", 0.012)),
        )
    except (KeyError, IndexError, StopIteration, TypeError, ValueError) as error:
        raise UnknownArchitecture(f"{name} has parts of an SD 1.x model that do not fit together ({error}).") from error


def _unet(shapes: Shapes, said: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of diffusers' UNet2DConditionModel; only the number of heads cannot be read from shapes."""
    channels, attention, layers, number = [], [], 0, 1
    while any(key in shapes for key in _input_block(number)):
        resnet, _ = _input_block(number)
        if resnet in shapes:
            channels.append(shapes[resnet][0])
            attention.append(UNET + f"input_blocks.{number}.1.norm.weight" in shapes)
        elif not layers:
            layers = len(channels)
        number += 1
    layers = layers or len(channels)
    levels, attends = channels[::layers], attention[::layers]
    inside = next(key for key in shapes if key.startswith(UNET) and key.endswith("attn2.to_k.weight"))
    head_channels = said.get("num_head_channels", -1)
    heads = [width // head_channels for width in levels] if head_channels > 0 else said.get("num_heads", 8)
    return {
        "in_channels": shapes[UNET + "input_blocks.0.0.weight"][1],
        "out_channels": shapes[UNET + "out.2.weight"][0],
        "block_out_channels": levels,
        "layers_per_block": layers,
        "down_block_types": ["CrossAttnDownBlock2D" if one else "DownBlock2D" for one in attends],
        "up_block_types": ["CrossAttnUpBlock2D" if one else "UpBlock2D" for one in reversed(attends)],
        "cross_attention_dim": shapes[inside][1],
        "attention_head_dim": heads,  # diffusers' name for the number of heads
        "use_linear_projection": len(shapes[UNET + "middle_block.1.proj_in.weight"]) == 2,
    }


def _input_block(number: int) -> tuple[str, str]:
    """Keys by which a residual block and a downsampler are known."""
    return UNET + f"input_blocks.{number}.0.in_layers.2.weight", UNET + f"input_blocks.{number}.0.op.weight"


def _vae(shapes: Shapes) -> dict[str, Any]:
    levels: list[int] = []
    while (key := VAE + f"encoder.down.{len(levels)}.block.0.conv1.weight") in shapes:
        levels.append(shapes[key][0])
    layers = sum(
        1
        for key in shapes
        if re.fullmatch(VAE.replace(".", r"\.") + r"encoder\.down\.0\.block\.\d+\.conv1\.weight", key)
    )
    return {
        "in_channels": 3,
        "out_channels": 3,
        "down_block_types": ["DownEncoderBlock2D"] * len(levels),
        "up_block_types": ["UpDecoderBlock2D"] * len(levels),
        "block_out_channels": levels,
        "layers_per_block": layers,
        "latent_channels": shapes[VAE + "decoder.conv_in.weight"][1],
    }


def _text(shapes: Shapes) -> dict[str, Any]:
    """OpenAI's CLIP towers have heads of 64 channels."""
    tokens, width = shapes[TEXT + "embeddings.token_embedding.weight"]
    layers = {key.removeprefix(TEXT).split(".")[2] for key in shapes if key.startswith(TEXT + "encoder.layers.")}
    return {
        "vocab_size": tokens,
        "hidden_size": width,
        "intermediate_size": shapes[TEXT + "encoder.layers.0.mlp.fc1.weight"][0],
        "num_hidden_layers": len(layers),
        "num_attention_heads": max(1, width // 64),
        "max_position_embeddings": shapes[TEXT + "embeddings.position_embedding.weight"][0],
        "hidden_act": "quick_gelu",
    }
