"""The axes of the X/Y/Z plot: each row of the table is a field of the request or an option, and A1111's name for it."""

from __future__ import annotations

import ntpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from modules.declare import Spec, specs
from modules.exceptions import ParameterError
from modules.generate.request import Img2Img, Request, Txt2Img
from modules.host import axis_values
from modules.host.axis import Axis, Change, choices, fixed, short
from modules.host.script import Catalogs, Tab
from modules.settings.options import Options


def _value(label: str, value: Any) -> str:
    return str(short(value))


def _file(label: str, value: Any) -> str:
    return ntpath.basename(str(value))


def _nothing(label: str, value: Any) -> str:
    return ""


def _row(label: str, value: Any) -> str:
    return ", ".join(value)


def of_field(name: str) -> Change:
    """A field of the request."""
    return lambda request, value, values: replace(request, **{name: value})


def of_option(name: str) -> Change:
    """An option for this picture alone."""
    return lambda request, value, values: replace(request, override_settings={**request.override_settings, name: value})


def searched(request: Request, value: str, values: Sequence[str]) -> Request:
    """Prompt S/R: the first of the values is replaced by this one, in both prompts."""
    first = values[0]
    if first not in request.prompt and first not in request.negative_prompt:
        raise ParameterError(f"Prompt S/R: {first[:60]!r} is in neither prompt; begin its values with words that are.")
    prompts = request.prompt.replace(first, value), request.negative_prompt.replace(first, value)
    return replace(request, prompt=prompts[0], negative_prompt=prompts[1])


def reordered(request: Request, value: Sequence[str], values: Sequence[Any]) -> Request:
    """Prompt order: the parts change places where they stand in the prompt."""
    rest, pieces = request.prompt, []
    for part in sorted(value, key=request.prompt.find):
        before, found, rest = rest.partition(part)
        if not found:
            raise ParameterError(f"Prompt order: {part[:60]!r} is not in the prompt.")
        pieces.append(before)
    made = "".join(before + part for before, part in zip(pieces, value, strict=True))
    return replace(request, prompt=made + rest)


def sized(request: Request, value: str, values: Sequence[str]) -> Request:
    """Size: `512x768`."""
    width, found, height = value.lower().partition("x")
    if not found or not width.strip().isdigit() or not height.strip().isdigit():
        raise ParameterError(f"Size: {value[:40]!r} is no size; write it as 512x768.")
    return replace(request, width=int(width), height=int(height))


def styled(request: Request, value: str, values: Sequence[str]) -> Request:
    """Styles: one or several with commas, after those that are chosen."""
    return replace(request, styles=[*request.styles, *(one.strip() for one in value.split(",") if one.strip())])


def _absent(usual: str, what: str) -> Change:
    def change(request: Request, value: str, values: Sequence[str]) -> Request:
        if value in (usual, "None", ""):
            return request
        raise ParameterError(f"{what} is not built yet; {usual} is the only value of this axis.")

    return change


def _listed(catalog: str, *first: str) -> Callable[[Catalogs], list[str]]:
    return lambda catalogs: [*first, *sorted(catalogs[catalog](), key=str.casefold)]


_OR_NONE = _listed("checkpoints", "None")

# Label → the field or option, and what differs from a plain one. The order is A1111's: clients send a place in it.
ROWS: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("Nothing", "", {"told": _nothing}),
    ("Seed", "seed", {"seeds": True}),
    ("Var. seed", "subseed", {"seeds": True}),
    ("Var. strength", "subseed_strength", {}),
    ("Steps", "steps", {}),
    ("Hires steps", "hr_second_pass_steps", {}),
    ("CFG Scale", "cfg_scale", {}),
    ("Image CFG Scale", "image_cfg_scale", {}),
    ("Prompt S/R", "", {"change": searched, "told": _value}),
    ("Prompt order", "", {"change": reordered, "told": _row, "parse": axis_values.orders}),
    ("Sampler", "sampler_name", {"told": _value}),
    ("Hires sampler", "hr_sampler_name", {"told": _value}),
    ("Checkpoint name", "sd_model_checkpoint", {"told": _file, "cost": 1.0, "choices": _listed("checkpoints")}),
    ("Negative Guidance minimum sigma", "s_min_uncond", {}),
    ("Sigma Churn", "s_churn", {}),
    ("Sigma min", "s_tmin", {}),
    ("Sigma max", "s_tmax", {}),
    ("Sigma noise", "s_noise", {}),
    ("Schedule type", "scheduler", {}),
    ("Schedule min sigma", "sigma_min", {}),
    ("Schedule max sigma", "sigma_max", {}),
    ("Schedule rho", "rho", {}),
    ("Eta", "eta", {}),
    ("Clip skip", "CLIP_stop_at_last_layers", {}),
    ("Denoising", "denoising_strength", {}),
    ("Initial noise multiplier", "initial_noise_multiplier", {}),
    ("Extra noise", "img2img_extra_noise", {}),
    ("Hires upscaler", "hr_upscaler", {}),
    ("Cond. Image Mask Weight", "inpainting_mask_weight", {"tabs": ("img2img",)}),
    ("VAE", "sd_vae", {"cost": 0.7}),
    ("Styles", "", {"change": styled, "choices": _listed("styles")}),
    ("UniPC Order", "uni_pc_order", {"cost": 0.5}),
    ("Face restore", "", {"change": _absent("None", "Face restoration"), "told": _value, "choices": fixed("None")}),
    ("Token merging ratio", "token_merging_ratio", {}),
    ("Token merging ratio high-res", "token_merging_ratio_hr", {}),
    ("Always discard next-to-last sigma", "always_discard_next_to_last_sigma", {}),
    ("SGM noise multiplier", "sgm_noise_multiplier", {}),
    ("Refiner checkpoint", "refiner_checkpoint", {"told": _file, "cost": 1.0, "choices": _OR_NONE}),
    ("Refiner switch at", "refiner_switch_at", {}),
    ("RNG source", "randn_source", {}),
    ("FP8 mode", "fp8_storage", {"cost": 0.9}),
    ("Size", "", {"change": sized}),
    ("Beta schedule alpha", "beta_dist_alpha", {}),
    ("Beta schedule beta", "beta_dist_beta", {}),
    ("Hires schedule type", "hr_scheduler", {}),
)  # fmt: skip
KINDS: dict[Tab, type[Request]] = {"txt2img": Txt2Img, "img2img": Img2Img}


def axes(tab: Tab, options: Options) -> list[Axis]:
    """All axes of a tab, in A1111's order, and after them every other number and choice that an infotext tells."""
    fields = specs(KINDS[tab])
    named = {name for _, name, _ in ROWS}
    made = [
        _axis(label, name, words, fields, options)
        for label, name, words in ROWS
        if tab in words.get("tabs", (tab,)) and (not name or name in fields or name in options.specs)
    ]
    for name, spec in {**options.specs, **fields}.items():
        taken = {one.label for one in made}
        if (
            spec.infotext
            and spec.infotext not in taken
            and name not in named
            and spec.type in (int, float, bool)
            and spec.label
        ):
            made.append(_axis(spec.infotext, name, {}, fields, options))
    return made


def _axis(label: str, name: str, words: Mapping[str, Any], fields: Mapping[str, Spec], options: Options) -> Axis:
    spec = fields.get(name) or options.specs.get(name)
    made: dict[str, Any] = {"label": label, "spec": spec, "choices": choices(spec)}
    if name:
        made["change"] = of_field(name) if name in fields else of_option(name)
    return Axis(**made | dict(words))
