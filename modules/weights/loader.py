"""A single checkpoint file becomes modules on a device; no hub, no code from the file."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import init_empty_weights
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint, convert_ldm_vae_checkpoint
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel

from modules.exceptions import CorruptFile
from modules.sampling.prediction import Eps, Levels
from modules.weights.alterations import Altered
from modules.weights.arch import TEXT, UNET, VAE, Arch, detect
from modules.weights.devices import Place
from modules.weights.library import Checkpoint
from modules.weights.networks.keys import ldm_names, modules
from modules.weights.networks.overlay import Overlay
from modules.weights.networks.reading import Target
from modules.weights.tensorfile import Tensors, read_tensors
from modules.weights.text import TextEncoder
from modules.weights.vae import Vae

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Model:
    """A checkpoint ready to run."""

    checkpoint: Checkpoint
    arch: Arch
    unet: UNet2DConditionModel
    vae: Vae
    text: TextEncoder
    levels: Levels
    place: Place
    altered: Altered
    overlay: Overlay

    def denoise(self, x: Tensor, t: Tensor, context: Tensor) -> Tensor:
        """The UNet's answer in float32, computed in its own precision."""
        dtype = self.place.dtype
        answer: Tensor = self.unet(x.to(dtype), t.to(dtype), context.to(dtype), return_dict=False)[0]
        return answer.float()

    def prediction(self, levels: Levels | None = None) -> Eps:
        """x₀ of a noisy latent; `levels` in place of the model's own."""
        return Eps(self.denoise, levels or self.levels)


def load(checkpoint: Checkpoint, place: Place) -> Model:
    """Read a checkpoint. UnknownArchitecture or CorruptFile with a sentence when it cannot be used."""
    started = time.monotonic()
    tensors = read_tensors(checkpoint.path)
    arch = detect(checkpoint, {key: tuple(tensor.shape) for key, tensor in tensors.items()})
    unet = _assigned(
        _empty(UNet2DConditionModel, arch.unet), _unet_tensors(tensors, arch), checkpoint, place.device, place.dtype
    )
    vae = _assigned(
        _empty(AutoencoderKL, arch.vae), _vae_tensors(tensors, arch), checkpoint, place.device, place.vae_dtype
    )
    tower = _text_encoder(arch, tensors, checkpoint, place)
    text = TextEncoder(tower, place.device)
    model = Model(
        checkpoint,
        arch,
        unet,
        Vae(vae, arch.scale_factor),
        text,
        Levels.scaled_linear(arch.beta_start, arch.beta_end),
        place,
        Altered(unet, vae),
        Overlay(_places(unet, tower, tensors, arch), lambda part: None if part == "unet" else text.forget()),
    )
    log.info("Loaded %s in %.1f s.", checkpoint.name, time.monotonic() - started)
    return model


def _unet_tensors(tensors: Tensors, arch: Arch) -> Tensors:
    part = {key: tensor for key, tensor in tensors.items() if key.startswith(UNET)}
    made: Tensors = convert_ldm_unet_checkpoint(part, arch.unet)
    return made


def _places(unet: nn.Module, text: nn.Module, tensors: Tensors, arch: Arch) -> dict[Target, nn.Module]:
    """The modules that networks may change; those of the UNet by their ldm names as well."""
    keys: Any = {key: key for key in tensors if key.startswith(UNET)}
    also = ldm_names(convert_ldm_unet_checkpoint(keys, arch.unet).items())
    parts = {"unet": modules(unet, also), "te1": modules(text)}
    return {(part, name): module for part, named in parts.items() for name, module in named.items()}


def _vae_tensors(tensors: Tensors, arch: Arch) -> Tensors:
    part = {key: tensor for key, tensor in tensors.items() if key.startswith(VAE)}
    made: Tensors = convert_ldm_vae_checkpoint(part, arch.vae)
    return made


def _text_encoder(arch: Arch, tensors: Tensors, checkpoint: Checkpoint, place: Place) -> CLIPTextModel:
    model = _empty(CLIPTextModel, {"config": CLIPTextConfig(**arch.text)})
    inner = "text_model." if hasattr(model, "text_model") else ""
    unused = TEXT + "embeddings.position_ids"
    part = {
        inner + key.removeprefix(TEXT): one for key, one in tensors.items() if key.startswith(TEXT) and key != unused
    }
    return _assigned(model, part, checkpoint, place.device, place.dtype)


def _empty(cls: Any, config: dict[str, Any]) -> Any:
    """The module without memory for its parameters."""
    with init_empty_weights(include_buffers=False):
        return cls(**config)


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
