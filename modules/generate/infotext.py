"""Request and facts ↔ infotext, derived from the Specs; only the order of keys and a few joint keys are told here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from modules import VERSION
from modules.declare import Spec, specs
from modules.exceptions import ParameterError
from modules.generate.backcompat import VERSION_KEY, switches
from modules.generate.plan import Plan
from modules.generate.request import Img2Img, Request, Txt2Img
from modules.generate.wording import NEGATIVE_TEMPLATE, TEMPLATE
from modules.prompts import infotext
from modules.settings.options import View
from modules.weights.library import Checkpoint

T = TypeVar("T")
R = TypeVar("R", bound=Request)

MODEL, MODEL_HASH = "Model", "Model hash"

VAE, VAE_HASH, LORA_HASHES, TI_HASHES = "VAE", "VAE hash", "Lora hashes", "TI hashes"
LocalName = Callable[[str, str], str | None]  # a shelf and a hash → the name that the file has here

HIRES = "Hires upscale", "Hires resize", "Hires steps", "Hires upscaler"
ORDER = (  # A1111's; what is not named here comes between these and Version, in order of declaration
    "Steps", "Sampler", "Schedule type", "CFG scale", "Distilled CFG Scale", "Image CFG scale", "Seed", "Size",
    MODEL_HASH, MODEL, VAE_HASH, VAE, "Variation seed", "Variation seed strength", "Seed resize from",
    "Denoising strength", "Conditional mask weight", "Clip skip", "ENSD",
    "Token merging ratio", "Token merging ratio hr", "RNG", "NGMS", "Tiling", "Soft inpainting enabled",
    "Soft inpainting schedule bias", "Soft inpainting preservation strength",
    "Soft inpainting transition contrast boost", "Soft inpainting mask influence",
    "Soft inpainting difference threshold", "Soft inpainting difference contrast", "Hires checkpoint",
    "Hires sampler", "Hires prompt", "Hires negative prompt", "Hires schedule type", *HIRES, "Mask mode", "Mask blur",
    "Inpaint area", "Masked area padding", "Masked content", LORA_HASHES, TI_HASHES,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Codec:
    """A key that stands for several fields. `write` answers None to leave it out; `read` raises ValueError."""

    key: str
    write: Callable[[Any], str | None]
    read: Callable[[str], dict[str, Any]]
    field: str = "width"  # whose requests it is for: those that have this field


def _size(text: str, width: str, height: str) -> dict[str, Any]:
    first, second = text.lower().split("x")
    return {width: int(first), height: int(second)}


def _resized(request: Request) -> str | None:
    sides = request.seed_resize_from_w, request.seed_resize_from_h
    return f"{sides[0]}x{sides[1]}" if min(sides) > 0 else None


def _hires_size(request: Txt2Img) -> str | None:
    sides = request.hr_resize_x, request.hr_resize_y
    return f"{sides[0]}x{sides[1]}" if request.enable_hr and max(sides) > 0 else None


def _mask_blur(request: Img2Img) -> str | None:
    across, along = request.blur
    return str(across) if request.mask is not None and across == along and across > 0 else None


def _choice(name: str, words: Sequence[str], usual: int) -> tuple[Callable[[Any], str | None], Callable[[str], Any]]:
    """How a number is told by a word, unless it is the usual one or there is no mask."""

    def write(request: Img2Img) -> str | None:
        number = int(getattr(request, name))
        return None if request.mask is None or number == usual else words[number]

    return write, lambda text: {name: words.index(text)}


CODECS = (
    Codec("Size", lambda r: f"{r.width}x{r.height}", lambda text: _size(text, "width", "height")),
    Codec("Seed resize from", _resized, lambda text: _size(text, "seed_resize_from_w", "seed_resize_from_h")),
    Codec("Hires resize", _hires_size, lambda text: _size(text, "hr_resize_x", "hr_resize_y"), "enable_hr"),
    Codec("Mask blur", _mask_blur, lambda text: {"mask_blur": int(text)}, "mask"),
    Codec("Mask mode", *_choice("inpainting_mask_invert", ("Inpaint masked", "Inpaint not masked"), 0), "mask"),
    Codec("Inpaint area", *_choice("inpaint_full_res", ("Whole picture", "Only masked"), 0), "mask"),
    Codec(
        "Masked area padding",
        lambda r: str(r.inpaint_full_res_padding) if r.mask is not None and r.inpaint_full_res else None,
        lambda text: {"inpaint_full_res_padding": int(text)},
        "mask",
    ),
    Codec(
        "Masked content", *_choice("inpainting_fill", ("fill", "original", "latent noise", "latent nothing"), 1), "mask"
    ),
)


def _codecs(kind: type) -> list[Codec]:
    known = specs(kind)
    return [codec for codec in CODECS if codec.field in known]


@dataclass(frozen=True, slots=True)
class Reading:
    """What an infotext says: request fields and options by name, and the pairs that nothing here understands."""

    values: dict[str, Any] = field(default_factory=dict)
    overrides: dict[str, Any] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)

    def request(self, kind: type[R] = Txt2Img) -> R:  # type: ignore[assignment]
        """The request it asks for, options included."""
        return kind(**self.values, override_settings=self.overrides)


def write(plan: Plan, index: int, checkpoint: Checkpoint, extra: Mapping[str, Any] | None = None) -> str:
    """The infotext of image `index`. `extra` pairs follow A1111's fixed ones."""
    request, view = plan.request_for(index), plan.view
    pairs: dict[str, Any] = {}
    for name, spec in specs(type(request)).items():
        if spec.infotext and not (spec.omit and spec.omit(request)):
            pairs[spec.infotext] = getattr(request, name)
    pairs |= {codec.key: codec.write(request) for codec in _codecs(type(request))}
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
    text: str,
    options: Mapping[str, Spec],
    compatible: bool = True,
    local: LocalName = lambda shelf, digits: None,
    kind: type[Request] = Txt2Img,
) -> Reading:
    """Understand an infotext; a pair whose value makes no sense counts as unknown, never as an error.

    `options`: the known ones by name (`view.specs()`). A key that is absent stands for its option's `absent` value.
    `compatible`: what older versions of A1111 drew in their own way is asked for that way. `local` knows files by hash.
    """
    found = infotext.read(text)
    pairs = dict(found.pairs)
    prompt = _localised(found.prompt, pairs.pop(LORA_HASHES, ""), local) + _hypernetwork(pairs)
    values: dict[str, Any] = {"prompt": prompt, "negative_prompt": found.negative_prompt}
    if kind is Txt2Img and pairs:
        values["enable_hr"] = "Denoising strength" in pairs and any(key in pairs for key in HIRES)
    for codec in _codecs(kind):
        values |= _taken(pairs, (codec.key,), codec.read) or {}
    for name, spec in specs(kind).items():
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
