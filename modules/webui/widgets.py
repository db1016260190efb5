"""A gradio component for a Spec; nothing here knows a parameter but the table of A1111's element ids."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from modules.declare import Spec, specs
from modules.host.script import Script, Tab
from modules.settings.defaults import VALUE, Defaults

log = logging.getLogger(__name__)

BOUNDS = ("minimum", "maximum", "step")
Catalogs = Mapping[str, Callable[[], list[str]]]

ELEM_IDS = {  # A1111's own words
    "negative_prompt": "neg_prompt",
    "sampler_name": "sampling",
    "n_iter": "batch_count",
    "enable_hr": "hr-checkbox",
    "hr_second_pass_steps": "hires_steps",
    "refiner_checkpoint": "checkpoint",
    "refiner_switch_at": "switch_at",
    "inpainting_mask_invert": "mask_mode",
    "extras_upscaler_2_visibility": "upscaler_2_visibility",
    "max_side_length": "upscale_max_side_length",
    "multiplier": "interp_amount",
    "config_source": "config_method",
    "add_merge_recipe": "add_recipe",
    "copy_metadata_fields": "copy_metadata",
}
ALONE = {  # and where A1111 does not say the tab
    "hr_checkpoint_name": "hr_checkpoint",
    "hr_sampler_name": "hr_sampler",
    "hr_scheduler": "hr_scheduler",
    "hr_prompt": "hires_prompt",
    "hr_negative_prompt": "hires_neg_prompt",
    "resize_mode": "resize_mode",
    "soft_inpainting": "soft_inpainting_enabled-checkbox",
    "mask_blend_power": "mask_blend_power",
    "mask_blend_scale": "mask_blend_scale",
    "inpaint_detail_preservation": "inpaint_detail_preservation",
    "composite_mask_influence": "composite_mask_influence",
    "composite_difference_threshold": "composite_difference_threshold",
    "composite_difference_contrast": "composite_difference_contrast",
}


def elem_id(tab: str, name: str) -> str:
    """The id of a field's element on a tab."""
    return ALONE.get(name) or f"{tab}_{ELEM_IDS.get(name, name)}"


def script_id(tab: Tab, script: Script, name: str) -> str:
    """The id of an element of a script's form, as A1111 makes it: with the tab where the script is on both."""
    title = re.sub(r"[^a-z_0-9]", "", re.sub(r"\s", "_", script.title.lower()))
    return f"script_{f'{tab}_' if len(script.tabs) > 1 else ''}{title}_{name}"


def face(spec: Spec, catalogs: Catalogs, value: Any, unsaid: str = "") -> dict[str, Any]:
    """The properties of a field's component that follow from its value now: also what an update of it sets.

    `unsaid` is how a menu calls the choice of nothing, if that may be chosen.
    """
    choices = catalogs[spec.choices]() if isinstance(spec.choices, str) else list(spec.choices)
    more = {} if (whole := _whole(spec, catalogs)) is None else {"allow_custom_value": len(whole) > len(choices)}
    if spec.type is list:
        return {"choices": list(dict.fromkeys([*choices, *value])), "value": list(value)}
    if spec.choices:
        unknown = [value] if value and value not in choices else []
        first = [(unsaid, "")] if unsaid else []
        without = "" if unsaid else next(iter(choices), None)
        return {"choices": [*first, *choices, *unknown], "value": value or without} | more
    if spec.slider:
        value = spec.slider.low if value is None else value
        high = max(spec.slider.high, value)  # a valid value beyond what the slider offers widens it
        return {"minimum": spec.slider.low, "maximum": high, "value": max(spec.slider.low, value)}
    return {"value": value}


def _whole(spec: Spec, catalogs: Catalogs) -> list[str] | None:
    """All that may be chosen in a menu from which the user can hide some; None for any other."""
    listed = catalogs.get(f"all {spec.choices}") if isinstance(spec.choices, str) else None
    return None if listed is None else listed()


def usual(spec: Spec, catalogs: Catalogs) -> Any:
    """What a field begins with: its default, or the first there is where the user has hidden that."""
    whole = _whole(spec, catalogs) or []
    seen = catalogs[str(spec.choices)]() if spec.default in whole else []
    return seen[0] if seen and spec.default not in seen else spec.default


def widget(spec: Spec, tab: str, catalogs: Catalogs, value: Any = None, unsaid: str = "", **words: Any) -> Any:
    """The component that edits a field; `words` are more properties of it, for a number maybe words to choose from.

    `radio`: choices stand side by side. `own`: what the user wants otherwise, by the names of ui-config.json.
    """
    radio, own = words.pop("radio", False), accepted(spec, words.pop("own", {}))
    words = words | own
    value = words.pop("value", value)
    made: dict[str, Any] = {"label": spec.label, "elem_id": elem_id(tab, spec.name), "interactive": True} | words
    made |= face(spec, catalogs, usual(spec, catalogs) if value is None else value, unsaid)
    made |= {name: wanted for name, wanted in own.items() if name != VALUE}
    if "choices" in words:
        return gr.Radio(**made | {"choices": words["choices"], "value": int(made["value"])})
    if spec.type is list and radio:
        return gr.CheckboxGroup(**made)
    if spec.type is list:
        return gr.Dropdown(multiselect=True, allow_custom_value=True, **made)
    if spec.choices:
        return (gr.Radio if radio else gr.Dropdown)(**made)
    if spec.slider:
        return gr.Slider(**{"step": spec.slider.step} | made)
    if spec.type is bool:
        return gr.Checkbox(**made)
    if spec.type in (int, float):
        return gr.Number(precision=0 if spec.type is int else None, **made)
    return gr.Textbox(**made)


def accepted(spec: Spec, own: Mapping[str, Any]) -> dict[str, Any]:
    """What of a user's wishes a field can have: a valid value, bounds for a slider, and whether it is seen."""
    made: dict[str, Any] = {name: wish for name, wish in own.items() if name == "visible" and isinstance(wish, bool)}
    bounds = {name: wish for name, wish in own.items() if name in BOUNDS and isinstance(wish, (int, float))}
    made |= bounds if spec.slider and bounds.get("step", 1) > 0 else {}
    if VALUE in own:
        try:
            made[VALUE] = spec.check(own[VALUE])
        except ValueError as error:
            log.warning("ui-config.json: %s", error)
    return made


def form(
    cls: type, tab: str, catalogs: Catalogs, looks: Mapping[str, Mapping[str, Any]], defaults: Defaults | None = None
) -> dict[str, Any]:
    """The components of the fields in `looks` by name, not yet placed: the layout renders each where it stands.

    `defaults`: what the user has them begin with.
    """
    known = specs(cls)
    own = {name: wishes(defaults, tab, known[name], words) for name, words in looks.items()}
    return {
        name: widget(known[name], tab, catalogs, render=False, own=own[name], **words) for name, words in looks.items()
    }


def wishes(defaults: Defaults | None, tab: str, spec: Spec, look: Mapping[str, Any]) -> dict[str, Any]:
    """What ui-config.json says of a field."""
    return {} if defaults is None else defaults.of(tab, str(look.get("label", spec.label)))


def differing(component: Any, words: Mapping[str, Any]) -> Any:
    """The update that makes a component, as a page just opened shows it, have these properties.

    What it has already is left out: for each property sent, gradio's browser half walks through the whole page.
    """
    new = {name: value for name, value in words.items() if _plain(getattr(component, name, None)) != _plain(value)}
    return gr.update(**new) if new else gr.skip()


def _plain(value: Any) -> Any:
    """A property to compare: gradio keeps each choice as a pair."""
    return [(one, one) if isinstance(one, str) else tuple(one) for one in value] if _is_choices(value) else value


def _is_choices(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, (str, tuple, list)) for one in value)


def hints(cls: type, tab: str) -> dict[str, str]:
    """What the fields are for, by element id."""
    return {elem_id(tab, name): spec.doc for name, spec in specs(cls).items() if spec.doc}
