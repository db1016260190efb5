"""What the chosen checkpoint is made for: a native size, offered beside the sizes, and perhaps editing."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

from modules.app import App
from modules.exceptions import WebuiError
from modules.generate.request import Txt2Img
from modules.settings.defaults import VALUE
from modules.webui.controls import AS_IS, QUIET
from modules.webui.form import SIZE, Form
from modules.weights.inputs import edits
from modules.weights.sidecar import Sidecar


def told(app: App) -> str:
    """The chosen checkpoint's name, native side and whether it edits, for the scripts, as JSON; empty without one."""
    try:
        now = app.options.view().sd_model_checkpoint
        chosen = app.library.find(now) if now else app.library.first()
        side = Sidecar.of(chosen).side if chosen else None
    except WebuiError:
        return ""
    return json.dumps({"name": chosen.model_name, "side": side, "edits": edits(chosen)}) if chosen else ""


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


def bind(app: App, settings_json: Any, forms: tuple[Form, ...]) -> Any:
    """Tell the scripts when the checkpoint changes, and let the buttons work; gives the component that tells them."""
    text = gr.Textbox(visible="hidden", elem_id="native_size")
    settings_json.change(lambda: told(app), outputs=[text], queue=False, **AS_IS)
    text.change(None, inputs=[text], js="readNativeSize", **QUIET)
    for form in forms:
        pair = [form.fields[name] for name in SIZE]
        form.buttons["native"].click(None, inputs=pair, outputs=pair, js="takeNativeSize", **QUIET)
    return text
