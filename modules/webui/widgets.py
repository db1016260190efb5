"""A gradio component for a Spec; nothing here knows a parameter but the table of A1111's element ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from modules.declare import Spec, specs

Catalogs = Mapping[str, Callable[[], list[str]]]

ELEM_IDS = {"negative_prompt": "neg_prompt", "sampler_name": "sampling", "n_iter": "batch_count"}  # A1111's own words


def elem_id(tab: str, name: str) -> str:
    """The id of a field's element on a tab."""
    return f"{tab}_{ELEM_IDS.get(name, name)}"


def face(spec: Spec, catalogs: Catalogs, value: Any) -> dict[str, Any]:
    """The properties of a field's component that follow from its value now: also what an update of it sets."""
    choices = catalogs[spec.choices]() if isinstance(spec.choices, str) else list(spec.choices)
    if spec.type is list:
        return {"choices": list(dict.fromkeys([*choices, *value])), "value": list(value)}
    if spec.choices:
        unknown = [value] if value and value not in choices else []
        return {"choices": [*choices, *unknown], "value": value or next(iter(choices), None)}
    if spec.slider:
        value = spec.slider.low if value is None else value
        high = max(spec.slider.high, value)  # a valid value beyond what the slider offers widens it
        return {"minimum": spec.slider.low, "maximum": high, "value": max(spec.slider.low, value)}
    return {"value": value}


def widget(spec: Spec, tab: str, catalogs: Catalogs, value: Any = None, **words: Any) -> Any:
    """The component that edits a field; `words` are more properties of it."""
    made: dict[str, Any] = {"label": spec.label, "elem_id": elem_id(tab, spec.name), "interactive": True} | words
    made |= face(spec, catalogs, spec.default if value is None else value)
    if spec.type is list:
        return gr.Dropdown(multiselect=True, allow_custom_value=True, **made)
    if spec.choices:
        return gr.Dropdown(**made)
    if spec.slider:
        return gr.Slider(step=spec.slider.step, **made)
    if spec.type is bool:
        return gr.Checkbox(**made)
    if spec.type in (int, float):
        return gr.Number(precision=0 if spec.type is int else None, **made)
    return gr.Textbox(**made)


def form(cls: type, tab: str, catalogs: Catalogs, looks: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The components of the fields in `looks` by name, not yet placed: the layout renders each where it stands."""
    known = specs(cls)
    return {name: widget(known[name], tab, catalogs, render=False, **words) for name, words in looks.items()}


def hints(cls: type, tab: str) -> dict[str, str]:
    """What the fields are for, by element id."""
    return {elem_id(tab, name): spec.doc for name, spec in specs(cls).items() if spec.doc}
