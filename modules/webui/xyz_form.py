"""The form of the X/Y/Z plot: three axes, each with a box or a menu for its values, and what the sheet looks like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any, Literal

import gradio as gr

from modules.host import axis_values
from modules.host.builtin.xyz import LETTERS, NOTHING, XYZPlot
from modules.host.script import TABS, Tab
from modules.webui.controls import AS_IS, QUIET, tool
from modules.webui.widgets import script_id

# But on the page: what is not there at all may be sent to a handler as it was before.
HIDDEN: Literal["hidden"] = "hidden"
NAMES = "type", "values", "values_dropdown"  # of one axis, each after its letter
ROWS = (  # of what is below the axes
    ("draw_legend", "include_lone_images", "include_sub_grids"),
    tuple(f"vary_seeds_{letter}" for letter in LETTERS),
    ("no_fixed_seeds", "csv_mode"),
    ("margin_size",),
)


def place(script: XYZPlot, tab: Tab, made: Callable[..., Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """(components by argument, words of events for whenever the form has opened); `made(name, **words)` makes one."""
    fields: dict[str, Any] = {}
    fills = []
    for letter in LETTERS:
        with gr.Row(elem_classes=["xyz-axis"]):
            kind, written, chosen = (f"{letter}_{name}" for name in NAMES)
            fields[kind] = made(kind, min_width=120)
            fields[written] = made(written, lines=1, min_width=160, scale=2)
            fields[chosen] = made(chosen, visible=HIDDEN, min_width=160, scale=2)
            fills.append(_fill(script, tab, letter))
    for names in ROWS:
        with gr.Row():
            fields |= {name: made(name, min_width=150) for name in names}
    with gr.Row():
        _swaps(fields, tab)
    return fields, _bind(script, tab, fields, fills)


def _fill(script: XYZPlot, tab: Tab, letter: str) -> Any:
    button = tool("📒", script_id(tab, script, f"fill_{letter}_tool_button"), "list")
    button.visible = False
    return button


def _axis(fields: Mapping[str, Any], letter: str) -> list[Any]:
    return [fields[f"{letter}_{name}"] for name in NAMES]


def _swaps(fields: Mapping[str, Any], tab: Tab) -> None:
    first = "" if tab == TABS[0] else f"{tab}_"  # A1111 has these ids on both tabs; an id can be had only once
    for one, other in combinations(LETTERS, 2):
        elem_id = f"{first}{one}{other}_grid_swap_axes_button"
        button = gr.Button(f"Swap {one.upper()}/{other.upper()} axes", elem_id=elem_id, size="sm")
        both = [*_axis(fields, one), *_axis(fields, other)]
        button.click(None, inputs=both, outputs=both, js="swapAxes", **QUIET)


def _bind(script: XYZPlot, tab: Tab, fields: dict[str, Any], fills: list[Any]) -> list[dict[str, Any]]:
    """Each axis shows the box or the menu that its values are written in or chosen from.

    What is shown follows from the axis's type, whoever changes it. Values are moved only where the user changes it: a
    text that is pasted brings its own, and some of the form may not have them yet when the type's change is told.
    The events that it gives are for whenever the form opens: gradio shows everything in it then.
    """
    csv = fields["csv_mode"]

    def faces(label: str | None, as_text: bool) -> list[Any]:
        choices = script.choices(tab, label or NOTHING)
        listed = choices is not None and not as_text
        return [
            gr.update(visible=HIDDEN if listed else True),
            gr.update(visible=True, choices=choices) if listed else gr.update(visible=HIDDEN),
            gr.update(visible=choices is not None),
        ]

    def moved(label: str | None, written: str | None, chosen: list[str] | None, as_text: bool) -> list[Any]:
        choices = script.choices(tab, label or NOTHING)
        if choices is None:
            return [gr.skip(), gr.skip()]
        entries = [one for one in chosen or axis_values.split(written or "") if one in choices]
        return [axis_values.joined(entries), gr.skip()] if as_text else [gr.skip(), entries]

    def filled(label: str | None, as_text: bool) -> list[Any]:
        choices = script.choices(tab, label or NOTHING) or []
        return [axis_values.joined(choices), gr.skip()] if as_text else [gr.skip(), choices]

    opening: list[dict[str, Any]] = []
    for letter, fill in zip(LETTERS, fills, strict=True):
        kind, *boxes = _axis(fields, letter)
        looks: dict[str, Any] = {"queue": False} | AS_IS
        words = {"fn": faces, "inputs": [kind, csv], "outputs": [*boxes, fill]} | looks
        gr.on([kind.change, csv.change], **words)
        opening.append(words)
        gr.on([kind.input, csv.input], moved, inputs=[kind, *boxes, csv], outputs=boxes, **looks)
        fill.click(filled, inputs=[kind, csv], outputs=boxes, **looks)
    return opening


def pasted(script: XYZPlot, tab: Tab, pairs: Mapping[str, str]) -> dict[str, Any]:
    """The axes that an infotext tells; the others are nothing."""
    labels = {axis.label for axis in script.axes(tab)}
    values: dict[str, Any] = {}
    for letter in LETTERS:
        kind, written, chosen = (f"{letter}_{name}" for name in NAMES)
        label = pairs.get(f"{letter.upper()} Type", NOTHING)
        values[kind] = label if label in labels else NOTHING
        values[written] = text = pairs.get(f"{letter.upper()} Values", "")
        values[chosen] = axis_values.split(text) if script.choices(tab, values[kind]) is not None else []
    return values
