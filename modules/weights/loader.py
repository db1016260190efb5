"""A checkpoint becomes modules on a device; no hub, no code from the file."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from accelerate import init_empty_weights
from diffusers import AutoencoderKL
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

from modules.exceptions import UnknownArchitecture
from modules.sampling.prediction import Condition, Eps, Flow, FlowLevels, Levels, V
from modules.weights import openclip
from modules.weights.alterations import Altered
from modules.weights.arch import Arch, Tower
from modules.weights.bodies import BODIES
from modules.weights.companions import Companions
from modules.weights.devices import Place
from modules.weights.filling import Filling
from modules.weights.library import Checkpoint
from modules.weights.networks.keys import modules
from modules.weights.networks.overlay import Overlay
from modules.weights.networks.reading import Target
from modules.weights.parts import Parts, parts_of
from modules.weights.repository import parts_of_folder
from modules.weights.t5 import T5Encoder
from modules.weights.text import TextEncoder
from modules.weights.vae import Vae

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """A checkpoint ready to run. `towers`: its text encoders by the name that networks know them by; `t5` beside them.

    `unet` is what denoises, a transformer in the families that have one.
    """

    checkpoint: Checkpoint
    arch: Arch
    unet: Any
    vae: Vae
    towers: Mapping[str, TextEncoder]
    t5: T5Encoder | None = None
    levels: Levels
    place: Place
    altered: Altered
    overlay: Overlay
    predicts: str = "eps"  # or v, or flow

    def denoise(self, x: Tensor, t: Tensor, condition: Condition) -> Tensor:
        """The network's answer in float32, computed in its own precision."""
        dtype = self.place.dtype
        return BODIES[self.arch.body].ask(self.unet, x.to(dtype), t.to(dtype), condition.to(dtype)).float()

    def prediction(self, levels: Levels | None = None, whole: bool = False, as_eps: bool = False) -> Eps | V | Flow:
        """x₀ of a noisy latent; `levels` in place of the model's own. `whole`: as DDIM's family reads a v, see `V`.

        `as_eps`: a v counts for ε, as A1111's LCM takes it.
        """
        levels = levels or self.levels
        if self.predicts == "flow":
            return Flow(self.denoise, levels)
        if self.predicts == "v" and not as_eps:
            return V(self.denoise, levels, self.levels if whole else None)
        return Eps(self.denoise, levels)


def load(checkpoint: Checkpoint, place: Place, companions: Companions | None = None) -> Model:
    """Read a checkpoint. UnknownArchitecture, CorruptFile or MissingNetwork with a sentence when it cannot be used."""
    started = time.monotonic()
    known = companions or Companions()
    whole = checkpoint.path.is_dir()
    parts = parts_of_folder(checkpoint.path, known) if whole else parts_of(checkpoint, known)
    arch = parts.arch
    place = place.of(arch.predicts == "flow")
    name = checkpoint.path.name
    filling = Filling(name=name, device=place.device, dtype=place.dtype, mapped=parts.mapped)
    unet = filling.fill(_empty(BODIES[arch.body].cls, arch.unet, name), parts.body)
    vae = replace(filling, dtype=place.vae_dtype).fill(_empty(AutoencoderKL, arch.vae, name), parts.vae)
    towers = {tower.part: _text_encoder(tower, parts, filling, place) for tower in arch.towers}
    long = _t5(parts, filling, place)
    model = Model(
        checkpoint=checkpoint,
        arch=arch,
        unet=unet,
        vae=Vae(vae, arch.scale_factor, arch.offset),
        towers=towers,
        t5=long,
        levels=_levels(arch),
        place=place,
        altered=Altered(unet, vae),
        overlay=_overlay(unet, towers, long, parts),
        predicts=arch.predicts or ("v" if _predicts_v(unet, arch, place) else "eps"),
    )
    log.info("Loaded %s in %.1f s.", checkpoint.name, time.monotonic() - started)
    return model


def _levels(arch: Arch) -> Levels:
    if arch.predicts == "flow":
        return FlowLevels(arch.shift, arch.levels)
    return Levels.scaled_linear(*arch.betas).altered(zero_snr=arch.zero_snr)


@torch.inference_mode()
def _predicts_v(unet: Any, arch: Arch, place: Place) -> bool:
    """Whether a network predicts v: in nearly pure noise, ε is what it is given, and v = −x₀ has nothing of it."""
    noise = torch.randn(1, arch.unet["in_channels"], 16, 16, generator=torch.Generator().manual_seed(0))
    context = torch.zeros(1, 77, arch.unet["cross_attention_dim"])
    x, context = (tensor.to(place.device, place.dtype) for tensor in (noise, context))
    answer = unet(x, torch.tensor([999], device=place.device), context, return_dict=False)[0].float().cpu()
    alike = torch.corrcoef(torch.stack([answer.flatten(), noise[:, : arch.latent_channels].flatten()]))[0, 1]
    return bool(alike < 0.5)


def _overlay(unet: nn.Module, towers: Mapping[str, TextEncoder], long: T5Encoder | None, parts: Parts) -> Overlay:
    """The networks' way to the modules, those of the UNet by their names in the file as well."""
    encoders: dict[str, Any] = {**towers, **({"te3": long} if long else {})}
    found = {"unet": modules(unet, parts.names)} | {part: modules(one.model) for part, one in encoders.items()}
    places: dict[Target, nn.Module] = {
        (part, name): module for part, named in found.items() for name, module in named.items()
    }
    groups: dict[Target, tuple[Target, ...]] = {
        (tower.part, name): tuple((tower.part, one) for one in group)
        for tower in parts.arch.towers
        if tower.open_clip
        for name, group in openclip.fused_groups(found[tower.part]).items()
    }
    return Overlay(places, lambda part: None if part == "unet" else encoders[part].forget(), groups)


def _text_encoder(tower: Tower, parts: Parts, filling: Filling, place: Place) -> TextEncoder:
    model = _empty(CLIPTextModel, {"config": CLIPTextConfig(**tower.config)}, filling.name)
    inner = "text_model." if hasattr(model, "text_model") else ""
    filling.fill(model, {inner + key: one for key, one in parts.towers[tower.part].items()})
    projection = parts.projections.get(tower.part)
    there = None if projection is None else projection.to(place.device, place.dtype)
    return TextEncoder(model, place.device, tower, there)


def _t5(parts: Parts, filling: Filling, place: Place) -> T5Encoder | None:
    """T5, whose widest layer stays in 32 bits where the rest has 16, for it would overflow."""
    if not parts.arch.t5 or parts.vocabulary is None:
        return None
    model = _empty(T5EncoderModel, {"config": T5Config(**parts.arch.t5)}, filling.name)
    model.encoder.set_input_embeddings(model.shared)
    wide = place.dtype == torch.float16
    replace(filling, keeps=lambda key: wide and ".wo." in key).fill(model, parts.t5)
    return T5Encoder(model, place.device, parts.vocabulary)


def _empty(cls: Any, config: dict[str, Any], name: str) -> Any:
    """The module without memory for its parameters."""
    try:
        with init_empty_weights(include_buffers=False):
            return cls(**config)
    except (ValueError, TypeError, KeyError, IndexError, ArithmeticError) as error:
        brief = (str(error).splitlines() or [type(error).__name__])[0][:120].rstrip(".")
        raise UnknownArchitecture(
            f"{name} holds a {cls.__name__} of sizes that do not fit together ({brief})."
        ) from error
