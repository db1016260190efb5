"""The History tab: every picture ever made, searched; one click brings its parameters back."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import gradio as gr

from modules.app import App
from modules.exceptions import WebuiError
from modules.settings.reach import Role
from modules.webui import extras_tab
from modules.webui.controls import FREE, QUIET
from modules.webui.form import Form
from modules.webui.paste import filled
from modules.webui.send import PLACES, bind_to, updates
from modules.webui.shelf import Shelf
from modules.webui.submit import who


def build(app: App, shelf: Shelf, txt2img: Form, img2img: Form, extras: Form) -> None:
    """Place the tab's components and bind them; the scripts draw the pictures and say which one is chosen."""
    with gr.Row(elem_id="history_columns", elem_classes=["columns"]):
        with gr.Column(scale=3, min_width=320):
            gr.HTML('<div class="history-browser" id="history_browser"></div>', padding=False)
        with gr.Column(scale=2, min_width=320, elem_id="history_details"):
            with gr.Row(elem_id="history_buttons"):
                restore = gr.Button("Restore to txt2img", elem_id="history_restore", variant="primary", min_width=120)
                others = {
                    name: gr.Button(f"Send to {name}", elem_id=f"history_{name}", min_width=120) for name in PLACES
                }
                finish = gr.Button("Send to extras", elem_id="history_extras", min_width=120)
            chosen = gr.Textbox(visible="hidden", elem_id="history_chosen")
            gr.HTML('<div id="history_picture"></div>', padding=False)

    def picture(number: str | None, request: gr.Request) -> tuple[Path, str] | None:
        """Path and text of the chosen picture; what is wrong is told."""
        try:
            who(request).need(Role.USER, "look at everyone's pictures")
            row = app.history.picture(int(number)) if number else None
        except WebuiError as error:
            gr.Warning(html.escape(str(error)))
            return None
        return None if row is None else (Path(row.path), row.infotext)

    def restored(number: str | None, request: gr.Request) -> list[Any]:
        found = picture(number, request)
        return filled(app, txt2img, found[1] if found else "")

    def sent(number: str | None, request: gr.Request) -> list[Any]:
        found = picture(number, request)
        if found is None:
            return updates(app, img2img, None, "")
        return updates(app, img2img, {"path": shelf.public(found[0])}, found[1])

    def finished(number: str | None, request: gr.Request) -> Any:
        found = picture(number, request)
        return shelf.public(found[0]) if found else gr.skip()

    restore.click(restored, inputs=[chosen], outputs=txt2img.components(), **FREE).then(
        None, js=f"() => openTabs('tab_{txt2img.tab}', '{txt2img.tab}_generation')", **QUIET
    )
    for name, button in others.items():
        bind_to(button, name, sent, [chosen], img2img)
    extras_tab.receive(finish, finished, [chosen], extras)
