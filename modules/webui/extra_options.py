"""Options on the generation tabs: each is as in the settings until it is changed, and then so for that tab alone.

What differs from the settings goes along with the tab's jobs as their override settings; nothing else is changed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import gradio as gr

from modules.app import App
from modules.declare import Spec
from modules.exceptions import ParameterError
from modules.webui.form import Form
from modules.webui.options_form import option_widget, titled, value
from modules.webui.widgets import elem_id

log = logging.getLogger(__name__)

LISTS = {"txt2img": "extra_options_txt2img", "img2img": "extra_options_img2img"}  # tab → the option that names them


def names(app: App, tab: str) -> list[str]:
    """The options to show on a tab, in the user's order: those that a picture may set."""
    wanted = dict.fromkeys(getattr(app.options.view(), LISTS[tab]))
    return [name for name in wanted if _may_be_set(app.options.specs.get(name))]


def _may_be_set(spec: Spec | None) -> bool:
    return spec is not None and not spec.hidden and not spec.page_only


def place(app: App, form: Form) -> None:
    """Place the tab's options here in the layout, in rows of as many as the user wants."""
    view, wanted = app.options.view(), names(app, form.tab)
    for name in set(getattr(view, LISTS[form.tab])) - set(wanted):
        log.warning("%s: there is no option %r that a picture may set.", LISTS[form.tab], name)
    if not wanted:
        return
    place_id, across = f"extra_options_{form.tab}", view.extra_options_cols
    folded = view.extra_options_accordion
    around = gr.Accordion("Options", open=False, elem_id=place_id) if folded else gr.Column(elem_id=place_id)
    with around:
        for start in range(0, len(wanted), across):
            row = wanted[start : start + across]
            with gr.Row():
                for name in row:
                    with gr.Column(min_width=160), gr.Row(elem_classes=["extra-option"]):
                        form.options[name] = option_widget(app, name, ids=_ids(form.tab))
                for _ in range(across - len(row) if start else 0):  # the last ones are as wide as those above
                    gr.Column(min_width=160)


def taken(app: App, form: Form, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(the options that are not as in the settings, what else was sent). ParameterError for a bad value."""
    rest, wanted = dict(values), {}
    for name in form.options:
        sent, spec = rest.pop(form.option_key(name), None), app.options.specs[name]
        try:
            made = None if sent is None else spec.check(sent)
        except ValueError as error:
            raise ParameterError(str(error)) from error
        if made is not None and made != value(app, name):
            wanted[name] = made
    return wanted, rest


def pasted(app: App, form: Form, told: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the tab's options for what an infotext tells of all options."""
    return {name: titled(app, name, told[name]) for name in form.options if name in told}


def hints(app: App, tab: str) -> dict[str, str]:
    """What a tab's options are for, by element id."""
    specs = app.options.specs
    return {elem_id(_ids(tab), name): specs[name].doc for name in names(app, tab) if specs[name].doc}


def _ids(tab: str) -> str:
    """What the ids of the components begin with; those in the settings have them without the tab."""
    return f"{tab}_setting"
