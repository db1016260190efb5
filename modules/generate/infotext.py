"""Request and facts ↔ infotext, derived from the Specs; only the order of keys and a few joint keys are told here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from modules import VERSION
from modules.declare import Spec, specs
from modules.exceptions import ParameterError
from modules.generate.backcompat import VERSION_KEY, switches
from modules.generate.plan import Plan
from modules.generate.request import Txt2Img
from modules.generate.wording import NEGATIVE_TEMPLATE, TEMPLATE
from modules.prompts import infotext
from modules.settings.options import View
from modules.weights.library import Checkpoint

T = TypeVar("T")

MODEL, MODEL_HASH = "Model", "Model hash"

VAE, VAE_HASH, LORA_HASHES, TI_HASHES = "VAE", "VAE hash", "Lora hashes", "TI hashes"
LocalName = Callable[[str, str], str | None]  # a shelf and a hash → the name that the file has here

ORDER = (  # A1111's; what is not named here comes between these and Version, in order of declaration
    "Steps", "Sampler", "Schedule type", "CFG scale", "Seed", "Size", MODEL_HASH, MODEL, VAE_HASH, VAE,
    "Variation seed", "Variation seed strength", "Seed resize from", "Denoising strength", "Clip skip", "ENSD",
    "Token merging ratio", "RNG", "NGMS", "Tiling", LORA_HASHES, TI_HASHES,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Codec:
    """A key that stands for several fields. `write` answers None to leave it out; `read` raises ValueError."""

    key: str
    write: Callable[[Txt2Img], str | None]
    read: Callable[[str], dict[str, Any]]


def _size(text: str, width: str, height: str) -> dict[str, Any]:
    first, second = text.lower().split("x")
    return {width: int(first), height: int(second)}


def _resized(request: Txt2Img) -> str | None:
    sides = request.seed_resize_from_w, request.seed_resize_from_h
    return f"{sides[0]}x{sides[1]}" if min(sides) > 0 else None


CODECS = (
    Codec("Size", lambda r: f"{r.width}x{r.height}", lambda text: _size(text, "width", "height")),
    Codec("Seed resize from", _resized, lambda text: _size(text, "seed_resize_from_w", "seed_resize_from_h")),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What an infotext says: request fields and options by name, and the pairs that nothing here understands."""

    values: dict[str, Any] = field(default_factory=dict)
    overrides: dict[str, Any] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)

    def request(self) -> Txt2Img:
        """The request it asks for, options included."""
        return Txt2Img(**self.values, override_settings=self.overrides)


def write(plan: Plan, index: int, checkpoint: Checkpoint, extra: Mapping[str, Any] | None = None) -> str:
    """The infotext of image `index`. `extra` pairs follow A1111's fixed ones."""
    request, view = plan.request_for(index), plan.view
    pairs: dict[str, Any] = {}
    for name, spec in specs(Txt2Img).items():
        if spec.infotext and not (spec.omit and spec.omit(request)):
            pairs[spec.infotext] = getattr(request, name)
    pairs |= {codec.key: codec.write(request) for codec in CODECS}
    pairs[MODEL_HASH] = checkpoint.short_hash if view.add_model_hash_to_info else None
    pairs[MODEL] = checkpoint.model_name.replace(",", "").replace(":", "") if view.add_model_name_to_info else None
    for name, value in request.override_settings.items():
        spec = view.specs()[name]
        pairs[spec.infotext or name] = None if value == spec.absent else value
    pairs |= {**plan.wording.extra, **(extra or {})}
    rank = {key: place for place, key in enumerate(ORDER)}
    ordered = sorted(pairs, key=lambda key: rank.get(key, len(ORDER)))
    told = {key: pairs[key] for key in ordered} | {VERSION_KEY: VERSION if view.add_version_to_infotext else None}
    return infotext.write(request.prompt, request.negative_prompt, told)


def read(
    text: str, options: Mapping[str, Spec], compatible: bool = True, local: LocalName = lambda shelf, digits: None
) -> Reading:
    """Understand an infotext; a pair whose value makes no sense counts as unknown, never as an error.

    `options`: the known ones by name (`view.specs()`). A key that is absent stands for its option's `absent` value.
    `compatible`: what older versions of A1111 drew in their own way is asked for that way. `local` knows files by hash.
    """
    found = infotext.read(text)
    pairs = dict(found.pairs)
    prompt = _localised(found.prompt, pairs.pop(LORA_HASHES, ""), local) + _hypernetwork(pairs)
    values: dict[str, Any] = {"prompt": prompt, "negative_prompt": found.negative_prompt}
    for codec in CODECS:
        values |= _taken(pairs, (codec.key,), codec.read) or {}
    for name, spec in specs(Txt2Img).items():
        if spec.infotext and (value := _taken(pairs, (spec.infotext, *spec.also), spec.parse)) is not None:
            values[name] = value
    overrides: dict[str, Any] = {}
    for name, spec in options.items() if found.pairs else ():
        if spec.infotext:
            value = _taken(pairs, (spec.infotext, *spec.also), spec.parse)
            overrides[name] = spec.absent if value is None else value
    overrides |= {name: True for name in switches(found) if compatible and name in options}
    overrides |= _checkpoint(pairs) | _vae(pairs, local)
    for key in (VERSION_KEY, TI_HASHES, TEMPLATE, NEGATIVE_TEMPLATE):
        pairs.pop(key, None)
    return Reading(values, overrides, pairs)


def _taken(pairs: dict[str, str], keys: tuple[str, ...], parse: Callable[[str], T]) -> T | None:
    """The value of the first key that is there, which is then used up; None without one or if it makes no sense."""
    for key in keys:
        if key in pairs:
            try:
                value = parse(pairs[key])
            except ValueError:
                return None
            del pairs[key]
            return value
    return None


def _hypernetwork(pairs: dict[str, str]) -> str:
    """The tag of a hypernetwork, which was a pair before there were tags."""
    name, strength = pairs.pop("Hypernet", ""), pairs.pop("Hypernet strength", "1.0")
    return f"<hypernet:{name}:{strength}>" if name else ""


def _checkpoint(pairs: dict[str, str]) -> dict[str, Any]:
    """The checkpoint as a title; a hash finds the file whatever its name."""
    name, digits = pairs.pop(MODEL, ""), pairs.pop(MODEL_HASH, "")
    if not name and not digits:
        return {}
    return {"sd_model_checkpoint": f"{name} [{digits}]".strip() if digits else name}


def _vae(pairs: dict[str, str], local: LocalName) -> dict[str, Any]:
    """The VAE file, by the name it has here."""
    name, digits = pairs.pop(VAE, ""), pairs.pop(VAE_HASH, "")
    found = local("vaes", digits) if digits else None
    return {"sd_vae": found or name} if found or name else {}


def _localised(prompt: str, hashes: str, local: LocalName) -> str:
    """The prompt's LoRA tags by the names that the files with these hashes have here: `name: 0123456789ab, …`."""
    for pair in hashes.split(","):
        alias, _, digits = (part.strip() for part in pair.rpartition(":"))
        name = local("loras", digits) if alias else None
        if name:
            prompt = prompt.replace(f"<lora:{alias}:", f"<lora:{name}:")
    return prompt


def differing(overrides: Mapping[str, Any], view: View) -> dict[str, Any]:
    """The overrides that would change something now; the checkpoint only if the options do not disregard it."""
    kept = {name: value for name, value in overrides.items() if value != getattr(view, name)}
    if view.disable_weights_auto_swap:
        kept.pop("sd_model_checkpoint", None)
    return kept


def chip(name: str, value: Any, options: Mapping[str, Spec]) -> str:
    """An override as the page shows it: `Clip skip: 2`."""
    return f"{_chip_key(name, options[name])}: {value}"


def parse_chip(text: str, options: Mapping[str, Spec]) -> tuple[str, Any]:
    """(option, value) of a chip; ParameterError with a sentence if it is none."""
    key, _, value = text.partition(":")
    for name, spec in options.items():
        if key.strip() == _chip_key(name, spec):
            try:
                return name, spec.parse(value)
            except ValueError as error:
                raise ParameterError(str(error)) from error
    raise ParameterError(f"{text[:80]!r} is no option; take it out of the override settings.")


def _chip_key(name: str, spec: Spec) -> str:
    """A1111 shows checkpoint and VAE under their infotext keys too."""
    return {"sd_model_checkpoint": MODEL_HASH, "sd_vae": VAE}.get(name) or spec.infotext or spec.name
