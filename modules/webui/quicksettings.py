"""The row at the top of the page: chosen options that change the moment they are touched."""

from __future__ import annotations

import asyncio
import html
import logging
from collections.abc import Callable
from typing import Any

import gradio as gr

from modules.app import App
from modules.exceptions import WebuiError
from modules.settings.reach import Role
from modules.webui.controls import AS_IS
from modules.webui.options_form import as_json, option_widget, update
from modules.webui.submit import who

log = logging.getLogger(__name__)

CHECKPOINT = "sd_model_checkpoint"


def names(app: App) -> list[str]:
    """The options to show, in the user's order."""
    wanted = list(dict.fromkeys(app.options.view().quicksettings_list))
    for name in wanted:
        if name not in app.options.specs:
            log.warning("quicksettings_list: there is no option %r.", name)
    return [name for name in wanted if name in app.options.specs]


def build(app: App, settings_json: Any) -> dict[str, Any]:
    """Place the row; gives the components by option name."""
    made = {}
    with gr.Row(elem_id="quicksettings"):
        for name in names(app):
            with gr.Row(elem_classes=["quicksetting"]):
                made[name] = option_widget(app, name, min_width=160)
            trigger(made[name])(changer(app, name), inputs=[made[name]], outputs=[made[name], settings_json], **AS_IS)
    wanted = gr.Textbox(visible="hidden", elem_id="wanted_checkpoint")
    choose = gr.Button("Choose the checkpoint", elem_id="change_checkpoint", elem_classes=["out-of-sight"])
    shown = made.get(CHECKPOINT, gr.State())
    js = "() => [desiredCheckpointName]"
    choose.click(changer(app, CHECKPOINT), inputs=[wanted], outputs=[shown, settings_json], js=js, **AS_IS)
    return made


def trigger(component: Any) -> Any:
    """The event that ends a user's change: a slider let go, a text finished, anything else at once."""
    if isinstance(component, gr.Slider):
        return component.release
    if isinstance(component, (gr.Textbox, gr.Number)):
        return component.blur
    return component.input


def changer(app: App, name: str) -> Callable[[Any, gr.Request], Any]:
    """The handler that changes one option."""

    async def change(value: Any, request: gr.Request) -> tuple[Any, str]:
        try:
            who(request).need(Role.ADMIN, "change settings")
            await asyncio.to_thread(app.options.change, {name: value})
        except WebuiError as error:
            gr.Warning(html.escape(str(error)))
        return update(app, name), as_json(app)

    return change
