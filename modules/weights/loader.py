"""A single checkpoint file becomes modules on a device; no hub, no code from the file."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import init_empty_weights
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint, convert_ldm_vae_checkpoint
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel

from modules.exceptions import CorruptFile, UnknownArchitecture
from modules.sampling.prediction import Condition, Eps, Levels, V
from modules.weights import openclip
from modules.weights.alterations import Altered
from modules.weights.arch import CLIP, Arch, Tower, detect
from modules.weights.devices import Place
from modules.weights.dimensions import UNET, VAE
from modules.weights.library import Checkpoint
from modules.weights.networks.keys import ldm_names, modules
from modules.weights.networks.overlay import Overlay
from modules.weights.networks.reading import Target
from modules.weights.tensorfile import Tensors, read_tensors
from modules.weights.text import TextEncoder
from modules.weights.vae import Vae

log = logging.getLogger(__name__)

OLD_CLIP = "cond_stage_model.transformer."  # where some early files have what belongs below `text_model`


@dataclass(frozen=True, slots=True)
class Model:
    """A checkpoint ready to run. `towers`: its text encoders by the name that networks know them by."""

    checkpoint: Checkpoint
    arch: Arch
    unet: UNet2DConditionModel
    vae: Vae
    towers: Mapping[str, TextEncoder]
    levels: Levels
    place: Place
    altered: Altered
    overlay: Overlay
    predicts: str = "eps"  # or v

    def denoise(self, x: Tensor, t: Tensor, condition: Condition) -> Tensor:
        """The UNet's answer in float32, computed in its own precision."""
        dtype = self.place.dtype
        seen = x if condition.image is None else torch.cat([x, condition.image], dim=1)
        vector = None if condition.vector is None else condition.vector.to(dtype)
        answer: Tensor = self.unet(
            seen.to(dtype), t.to(dtype), condition.context.to(dtype), class_labels=vector, return_dict=False
        )[0]
        return answer.float()

    def prediction(self, levels: Levels | None = None, whole: bool = False) -> Eps | V:
        """x₀ of a noisy latent; `levels` in place of the model's own. `whole`: as DDIM's family reads a v, see `V`."""
        if self.predicts == "v":
            return V(self.denoise, levels or self.levels, self.levels if whole else None)
        return Eps(self.denoise, levels or self.levels)


def load(checkpoint: Checkpoint, place: Place) -> Model:
    """Read a checkpoint. UnknownArchitecture or CorruptFile with a sentence when it cannot be used."""
    started = time.monotonic()
    tensors = _named_alike(read_tensors(checkpoint.path))
    arch = detect(checkpoint, {key: tuple(tensor.shape) for key, tensor in tensors.items()})
    unet = _assigned(
        _empty(UNet2DConditionModel, arch.unet, checkpoint),
        _unet_tensors(tensors, arch),
        checkpoint,
        place.device,
        place.dtype,
    )
    vae = _assigned(
        _empty(AutoencoderKL, arch.vae, checkpoint),
        _vae_tensors(tensors, arch),
        checkpoint,
        place.device,
        place.vae_dtype,
    )
    towers = {tower.part: _text_encoder(tower, tensors, checkpoint, place) for tower in arch.towers}
    levels = Levels.scaled_linear(*arch.betas).altered(zero_snr=arch.zero_snr)
    model = Model(
        checkpoint,
        arch,
        unet,
        Vae(vae, arch.scale_factor),
        towers,
        levels,
        place,
        Altered(unet, vae),
        _overlay(unet, towers, tensors, arch),
        arch.predicts or ("v" if _predicts_v(unet, arch, place) else "eps"),
    )
    log.info("Loaded %s in %.1f s.", checkpoint.name, time.monotonic() - started)
    return model


def _named_alike(tensors: Tensors) -> Tensors:
    """All CLIP text encoders under the name that most files have."""
    if not any(key.startswith(OLD_CLIP + "embeddings.") for key in tensors):
        return tensors
    new = "cond_stage_model." + CLIP
    return {new + key.removeprefix(OLD_CLIP) if key.startswith(OLD_CLIP) else key: one for key, one in tensors.items()}


@torch.inference_mode()
def _predicts_v(unet: UNet2DConditionModel, arch: Arch, place: Place) -> bool:
    """Whether a network predicts v: in nearly pure noise, ε is what it is given, and v = −x₀ has nothing of it."""
    noise = torch.randn(1, arch.unet["in_channels"], 16, 16, generator=torch.Generator().manual_seed(0))
    context = torch.zeros(1, 77, arch.unet["cross_attention_dim"])
    x, context = (tensor.to(place.device, place.dtype) for tensor in (noise, context))
    answer = unet(x, torch.tensor([999], device=place.device), context, return_dict=False)[0].float().cpu()
    alike = torch.corrcoef(torch.stack([answer.flatten(), noise[:, : arch.latent_channels].flatten()]))[0, 1]
    return bool(alike < 0.5)


def _overlay(unet: nn.Module, towers: Mapping[str, TextEncoder], tensors: Tensors, arch: Arch) -> Overlay:
    """The networks' way to the modules, those of the UNet by their ldm names as well."""
    keys: Any = {key: key for key in tensors if key.startswith(UNET)}
    also = ldm_names(convert_ldm_unet_checkpoint(keys, arch.unet).items())
    parts = {"unet": modules(unet, also)} | {part: modules(tower.model) for part, tower in towers.items()}
    places: dict[Target, nn.Module] = {
        (part, name): module for part, named in parts.items() for name, module in named.items()
    }
    groups: dict[Target, tuple[Target, ...]] = {
        (tower.part, name): tuple((tower.part, one) for one in group)
        for tower in arch.towers
        if tower.open_clip
        for name, group in openclip.fused_groups(parts[tower.part]).items()
    }
    return Overlay(places, lambda part: None if part == "unet" else towers[part].forget(), groups)


def _unet_tensors(tensors: Tensors, arch: Arch) -> Tensors:
    part = {key: tensor for key, tensor in tensors.items() if key.startswith(UNET)}
    made: Tensors = convert_ldm_unet_checkpoint(part, arch.unet)
    return made


def _vae_tensors(tensors: Tensors, arch: Arch) -> Tensors:
    part = {key: tensor for key, tensor in tensors.items() if key.startswith(VAE)}
    made: Tensors = convert_ldm_vae_checkpoint(part, arch.vae)
    return made


def _text_encoder(tower: Tower, tensors: Tensors, checkpoint: Checkpoint, place: Place) -> TextEncoder:
    model = _empty(CLIPTextModel, {"config": CLIPTextConfig(**tower.config)}, checkpoint)
    own = {key.removeprefix(tower.prefix): one for key, one in tensors.items() if key.startswith(tower.prefix)}
    projection = openclip.projection(own) if tower.pooled else None
    if tower.pooled and projection is None:
        raise CorruptFile(f"{checkpoint.path.name} does not hold a whole text encoder: text_projection is missing.")
    own.pop("embeddings.position_ids", None)
    inner = "text_model." if hasattr(model, "text_model") else ""
    named = {inner + key: one for key, one in (openclip.converted(own) if tower.open_clip else own).items()}
    _assigned(model, named, checkpoint, place.device, place.dtype)
    return TextEncoder(
        model, place.device, tower, None if projection is None else projection.to(place.device, place.dtype)
    )


def _empty(cls: Any, config: dict[str, Any], checkpoint: Checkpoint) -> Any:
    """The module without memory for its parameters."""
    try:
        with init_empty_weights(include_buffers=False):
            return cls(**config)
    except (ValueError, TypeError, KeyError, IndexError, ArithmeticError) as error:
        brief = (str(error).splitlines() or [type(error).__name__])[0][:120].rstrip(".")
        raise UnknownArchitecture(
            f"{checkpoint.path.name} holds a {cls.__name__} of sizes that do not fit together ({brief})."
        ) from error


def _assigned(model: Any, tensors: Tensors, checkpoint: Checkpoint, device: torch.device, dtype: torch.dtype) -> Any:
    """The module with the file's tensors in place of its empty ones."""
    wanted: nn.Module = model
    moved = {key: tensor.to(device, dtype) for key, tensor in tensors.items()}
    try:
        wanted.load_state_dict(moved, strict=True, assign=True)
    except RuntimeError as error:
        part = type(model).__name__
        raise CorruptFile(f"{checkpoint.path.name} does not hold a whole {part}: {_first_fault(error)}.") from error
    return wanted.eval().requires_grad_(False)


def _first_fault(error: RuntimeError) -> str:
    lines = [line.strip() for line in str(error).splitlines()[1:]]
    return lines[0][:200].rstrip(".") if lines else str(error)[:200]
