"""A checkpoint becomes modules on a device; no hub, no code from the file."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from accelerate import init_empty_weights
from diffusers import AutoencoderKL
from torch import Tensor, nn
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    T5Config,
    T5EncoderModel,
)

from modules.exceptions import UnknownArchitecture
from modules.sampling.prediction import Condition, Eps, Flow, FlowLevels, Levels, V
from modules.weights import openclip
from modules.weights.alterations import Alterations, Altered
from modules.weights.arch import Arch, Tower
from modules.weights.bodies import BODIES
from modules.weights.companions import Companions
from modules.weights.devices import Place, free
from modules.weights.eight import compute_in
from modules.weights.filling import Filling
from modules.weights.gguffile import is_packed
from modules.weights.library import Checkpoint
from modules.weights.networks.keys import modules, plain
from modules.weights.networks.overlay import Overlay
from modules.weights.networks.reading import Target
from modules.weights.parts import Parts, parts_of
from modules.weights.repository import parts_of_folder
from modules.weights.sight import Sight
from modules.weights.t5 import T5Encoder
from modules.weights.tensorfile import read_ahead
from modules.weights.text import TextEncoder
from modules.weights.turns import BODY, SAYS, Turns, Way, bytes_of, empty, way_for
from modules.weights.vae import Vae

log = logging.getLogger(__name__)

NEVER, FOR_SDXL, ALWAYS = "Disable", "Enable for SDXL", "Enable"  # when to keep weights in 8 bits


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """A checkpoint ready to run. `towers`: its text encoders by the name that networks know them by; `t5` beside them.

    `unet` is what denoises, a transformer in the families that have one. `sight`: an unCLIP model's image encoder.
    `size`: bytes of its tensors. `packed`: it computes with weights that are stored in another way.
    """

    checkpoint: Checkpoint
    arch: Arch
    unet: Any
    vae: Vae
    towers: Mapping[str, TextEncoder]
    t5: T5Encoder | None = None
    sight: Sight | None = None
    levels: Levels
    place: Place
    altered: Altered
    overlay: Overlay
    turns: Turns
    predicts: str = "eps"  # or v, or flow
    size: int
    packed: bool = False

    def denoise(self, x: Tensor, t: Tensor, condition: Condition) -> Tensor:
        """The network's answer in float32, computed in its own precision, in pieces where memory is short."""
        dtype = self.place.dtype
        x, condition = x.to(dtype), condition.to(dtype)
        ask = BODIES[self.arch.body].ask
        return self.turns.sparing(lambda rows: ask(self.unet, x[rows], t[rows], condition.rows(rows)), len(x)).float()

    def stripped(self) -> Model:
        """Without networks, alterations, words and VAE files: as it was loaded."""
        self.overlay.apply([])
        self.altered.apply(Alterations())
        self.vae.wear(None)
        for tower in self.towers.values():
            tower.learn({})
            tower.forget()
        if self.t5:
            self.t5.forget()
        return self

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


def load(
    checkpoint: Checkpoint,
    place: Place,
    companions: Companions | None = None,
    fp8: str = NEVER,
    spares: list[Model] | None = None,
) -> Model:
    """Read a checkpoint. UnknownArchitecture, CorruptFile or MissingNetwork with a sentence when it cannot be used.

    `fp8`: whether the network's weights are kept in 8 bits, in an option's words. `spares`: models that nobody uses any
    more; one of the same sizes is filled anew, and all are taken out of the list.
    """
    started = time.monotonic()
    known = companions or Companions()
    whole = checkpoint.path.is_dir()
    if not whole:
        read_ahead(checkpoint.path)
    parts = parts_of_folder(checkpoint.path, known) if whole else parts_of(checkpoint, known)
    place = place.of(parts.arch.predicts == "flow")
    eight = fp8 == ALWAYS or (fp8 == FOR_SDXL and parts.arch.family == "SDXL")
    model = _Loading(checkpoint, place, parts, eight, _taken(spares, parts.arch, place, eight)).model()
    log.info("Loaded %s in %.1f s.", checkpoint.name, time.monotonic() - started)
    return model


def _taken(spares: list[Model] | None, arch: Arch, place: Place, fp8: bool) -> Model | None:
    """A model whose modules will do; the others' memory is free after this."""
    found = next((one for one in spares or [] if _fits(one, arch, place) and not fp8), None)
    others = [one for one in spares or [] if one is not found]
    if spares:
        spares.clear()
    if others:
        others.clear()
        empty(place.device)
    return None if found is None else found.stripped()


def _fits(model: Model, arch: Arch, place: Place) -> bool:
    old = model.arch
    sizes = [(one.body, one.unet, one.vae, one.t5, one.sight) for one in (old, arch)]
    towers = [[(one.part, one.config) for one in known.towers] for known in (old, arch)]
    alike = sizes[0] == sizes[1] and towers[0] == towers[1] and model.place == place
    return alike and model.turns.way == Way.WHOLE and not model.packed


class _Loading:
    """One checkpoint on its way; the modules of `old`, if there is one, become its own."""

    def __init__(self, checkpoint: Checkpoint, place: Place, parts: Parts, fp8: bool, old: Model | None):
        self._checkpoint, self._place, self._parts, self._old = checkpoint, place, parts, old
        self._fp8 = fp8
        self._name = checkpoint.path.name
        self.way = self._way()
        home = place.device if self.way == Way.WHOLE else torch.device("cpu")
        self._filling = Filling(name=self._name, device=home, dtype=place.dtype, mapped=parts.mapped)

    def model(self) -> Model:
        """Filled and ready."""
        arch, parts, old = self._parts.arch, self._parts, self._old
        unet = old.unet if old else _empty(BODIES[arch.body].cls, arch.unet, self._name)
        in_eight = replace(self._filling, storage=torch.float8_e4m3fn) if self._fp8 else self._filling
        in_eight.fill(unet, parts.body)
        vae = old.vae.model if old else _empty(AutoencoderKL, arch.vae, self._name)
        replace(self._filling, dtype=self._place.vae_dtype).fill(vae, parts.vae)
        towers = {tower.part: self._text_encoder(tower) for tower in arch.towers}
        long = self._t5()
        encoders: dict[str, Any] = {**towers, **({"te3": long} if long else {})}
        there: dict[str, nn.Module] = {BODY: unet, "vae": vae} | {part: one.model for part, one in encoders.items()}
        if sight := self._sight():
            there["sight"] = sight.model
        turns = Turns(self._place.device, there, self.way)
        for part, one in encoders.items():
            one.enter = functools.partial(turns.enter, part)
        if sight:
            sight.enter = functools.partial(turns.enter, "sight")
        if self._fp8 and old is None:
            compute_in(unet, self._place.dtype)
        turns.enter(BODY)
        packed = self._fp8 or any(is_packed(one) for kind in (parts.body, parts.t5) for one in kind.values())
        parameters = (one for module in there.values() for one in module.parameters())
        return Model(
            size=old.size if old and not packed else sum(one.numel() * one.itemsize for one in parameters),
            packed=packed,
            checkpoint=self._checkpoint,
            arch=arch,
            unet=unet,
            predicts=arch.predicts or ("v" if _predicts_v(unet, arch, self._place) else "eps"),
            vae=Vae(vae, arch.scale_factor, arch.offset, functools.partial(turns.enter, "vae")),
            towers=towers,
            t5=long,
            sight=sight,
            levels=_levels(arch),
            place=self._place,
            altered=old.altered if old else Altered(unet, vae),
            overlay=old.overlay if old else _overlay(unet, encoders, parts),
            turns=turns,
        )

    def _way(self) -> Way:
        """How much of it is on the device at a time; told where that is not all."""
        parts, place = self._parts, self._place
        body = torch.float8_e4m3fn if self._fp8 else place.dtype
        sizes = {BODY: bytes_of([*parts.body.values()], body), "vae": bytes_of([*parts.vae.values()], place.vae_dtype)}
        sizes |= {part: bytes_of([*one.values()], place.dtype) for part, one in parts.towers.items()}
        sizes["sight"] = bytes_of([*parts.sight.values()], place.dtype)
        sizes["te3"] = bytes_of([*parts.t5.values()], place.dtype)
        if place.device.type == "cpu" or self._old is not None:
            return Way.WHOLE
        way, why = way_for(sizes, free(place.device), place.spare, parts.arch.family)
        if way != Way.WHOLE:
            log.info("%s: %s: %s.", self._name, SAYS[way], why)
        return way

    def _text_encoder(self, tower: Tower) -> TextEncoder:
        place, parts = self._place, self._parts
        known = self._old.towers[tower.part] if self._old else None
        config = {"config": CLIPTextConfig(**tower.config)}
        model = known.model if known else _empty(CLIPTextModel, config, self._name)
        inner = "text_model." if hasattr(model, "text_model") else ""
        self._filling.fill(model, {inner + key: one for key, one in parts.towers[tower.part].items()})
        projection = parts.projections.get(tower.part)
        there = None if projection is None else projection.to(place.device, place.dtype)
        if known is None:
            return TextEncoder(model, place.device, tower, there)
        known.become(tower, there)
        return known

    def _t5(self) -> T5Encoder | None:
        """T5, whose widest layer stays in 32 bits where the rest has 16, for it would overflow."""
        place, parts = self._place, self._parts
        if not parts.arch.t5 or parts.vocabulary is None:
            return None
        known = self._old.t5 if self._old else None
        model = known.model if known else _empty(T5EncoderModel, {"config": T5Config(**parts.arch.t5)}, self._name)
        model.encoder.set_input_embeddings(model.shared)
        wide = place.dtype == torch.float16
        replace(self._filling, keeps=lambda key: wide and ".wo." in key).fill(model, parts.t5)
        return T5Encoder(model, place.device, parts.vocabulary)

    def _sight(self) -> Sight | None:
        """An unCLIP model's image encoder."""
        if not self._parts.sight:
            return None
        config = {"config": CLIPVisionConfig(**self._parts.arch.sight)}
        known = self._old.sight if self._old else None
        model = known.model if known else _empty(CLIPVisionModelWithProjection, config, self._name)
        self._filling.fill(model, self._parts.sight)
        return known or Sight(model, self._place.device)


def _levels(arch: Arch) -> Levels:
    if arch.predicts == "flow":
        return FlowLevels(arch.shift, arch.levels)
    return Levels.scaled_linear(*arch.betas).altered(zero_snr=arch.zero_snr)


@torch.inference_mode()
def _predicts_v(unet: Any, arch: Arch, place: Place) -> bool:
    """Whether a network predicts v: in nearly pure noise, ε is what it is given, and v = −x₀ has nothing of it."""
    noise = torch.randn(1, arch.unet["in_channels"], 16, 16, generator=torch.Generator().manual_seed(0))
    context = torch.zeros(1, 77, arch.unet["cross_attention_dim"])
    vector = torch.zeros(1, arch.unet.get("projection_class_embeddings_input_dim", 0))
    x, context, vector = (tensor.to(place.device, place.dtype) for tensor in (noise, context, vector))
    told = {"class_labels": vector} if arch.sight else {}
    answer = unet(x, torch.tensor([999], device=place.device), context, return_dict=False, **told)[0].float().cpu()
    alike = torch.corrcoef(torch.stack([answer.flatten(), noise[:, : arch.latent_channels].flatten()]))[0, 1]
    return bool(alike < 0.5)


def _overlay(unet: nn.Module, encoders: Mapping[str, Any], parts: Parts) -> Overlay:
    """The networks' way to the modules, those of the UNet by their names in the file as well."""
    found = {BODY: modules(unet, parts.names)} | {part: modules(one.model) for part, one in encoders.items()}
    places: dict[Target, nn.Module] = {
        (part, name): module for part, named in found.items() for name, module in named.items()
    }
    groups: dict[Target, tuple[Target, ...]] = {
        (tower.part, name): tuple((tower.part, one) for one in group)
        for tower in parts.arch.towers
        if tower.open_clip
        for name, group in openclip.fused_groups(found[tower.part]).items()
    }
    fused = {
        (BODY, plain(theirs)): tuple(((BODY, plain(ours)), rows) for ours, rows in several)
        for theirs, several in parts.fused.items()
    }
    return Overlay(places, lambda part: None if part == BODY else encoders[part].forget(), groups, fused)


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
