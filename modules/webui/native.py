"""What the chosen checkpoint is made for: a native size and parameters of its own, offered, and perhaps editing."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import gradio as gr

from modules.app import App
from modules.exceptions import WebuiError
from modules.generate.infotext import read
from modules.generate.request import Txt2Img
from modules.settings.defaults import VALUE
from modules.webui.controls import AS_IS, FREE, QUIET
from modules.webui.form import SIZE, Form
from modules.webui.paste import filled
from modules.weights.inputs import edits
from modules.weights.library import Checkpoint
from modules.weights.networks.sidecars import user_metadata
from modules.weights.sidecar import Sidecar


def told(app: App) -> str:
    """The chosen checkpoint as the scripts know it, as JSON; empty without one.

    Its name and native side, whether it edits, and whether there are parameters of its own.
    """
    try:
        chosen = _chosen(app)
        side = Sidecar.of(chosen).side if chosen else None
    except WebuiError:
        return ""
    if chosen is None:
        return ""
    own = bool(user_metadata(chosen.path).defaults)
    return json.dumps({"name": chosen.model_name, "side": side, "edits": edits(chosen), "own": own})


def _chosen(app: App) -> Checkpoint | None:
    now = app.options.view().sd_model_checkpoint
    return app.library.find(now) if now else app.library.first()


def own(app: App, form: Form) -> list[Any]:
    """Updates that give the form the parameters in the notes beside the chosen checkpoint, and leave all others."""
    try:
        chosen = _chosen(app)
    except WebuiError:
        chosen = None
    text = user_metadata(chosen.path).defaults if chosen else ""
    view = app.options.view()
    reading = read(text, view.specs(), view.auto_backcompat, app.local_name, form.kind)
    return filled(app, form, text, [name for name, value in reading.values.items() if value != ""] or [""])


def sizes(forms: tuple[Form, ...]) -> list[Any]:
    """The components that `opening` fills."""
    return [form.fields[name] for form in forms for name in SIZE]


def opening(app: App, forms: tuple[Form, ...], text: str) -> list[Any]:
    """Values for the sizes of a page that is opened; what the browser kept of the user's own goes over them."""
    usual = Txt2Img()
    side = json.loads(text)["side"] if text else None
    values = {"width": side or usual.width, "height": side or usual.height}
    named = [(form.tab, form.fields[name].label, values[name]) for form in forms for name in SIZE]
    return [app.defaults.of(tab, label).get(VALUE, value) for tab, label, value in named]


def button(tab: str) -> Any:
    """What takes the native size, shown by the scripts while another is set."""
    return gr.Button("", elem_id=f"{tab}_native_size", elem_classes=["native-size"], size="sm", min_width=0)


def own_button(tab: str) -> Any:
    """What takes the checkpoint's own parameters, shown by the scripts where there are some."""
    return gr.Button("", elem_id=f"{tab}_own_parameters", elem_classes=["native-size"], size="sm", min_width=0)


def bind(app: App, settings_json: Any, forms: tuple[Form, ...]) -> Any:
    """Tell the scripts when the checkpoint changes, and let the buttons work; gives the component that tells them."""
    text = gr.Textbox(visible="hidden", elem_id="native_size")
    settings_json.change(lambda: told(app), outputs=[text], queue=False, **AS_IS)
    text.change(None, inputs=[text], js="readNativeSize", **QUIET)
    for form in forms:
        pair = [form.fields[name] for name in SIZE]
        form.buttons["native"].click(None, inputs=pair, outputs=pair, js="takeNativeSize", **QUIET)
        form.buttons["own"].click(partial(own, app, form), outputs=form.components(), **FREE)
    return text
