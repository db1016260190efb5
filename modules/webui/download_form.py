"""A model fetched from Hugging Face, Civitai or any address, beside the Checkpoint Merger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from modules.app import App
from modules.declare import checked
from modules.jobs.queue import Job
from modules.settings.reach import User
from modules.webui.errands import Errand, line, place
from modules.webui.widgets import form
from modules.weights.downloads.request import Download

TAB = "download"
HINT = "owner/name, owner/name/file, the address of a page or file, or a hash"
LOOKS: dict[str, dict[str, Any]] = {
    "source": {"placeholder": HINT},
    "kind": {"min_width": 120},
    "name": {"min_width": 120, "placeholder": "as it is called there"},
    "sha256": {"min_width": 120, "placeholder": "as the service tells it"},
}


def build(app: App) -> Any:
    """Place the form; gives the event of a download's end."""
    fields = form(Download, TAB, app.catalogs, LOOKS, app.defaults)

    def start(task: str, said: Mapping[str, Any], user: User) -> Job:
        return app.download(Download(**checked(Download, dict(said))), task, user)

    with gr.Accordion("Download a model", open=False, elem_id=TAB):
        fields["source"].render()
        with gr.Row():
            for name in ("kind", "name", "sha256"):
                fields[name].render()
        button = gr.Button("Download", elem_id=f"{TAB}_start", variant="primary")
        _, over = place(Errand(app, start, lambda arrived: line(str(arrived))), TAB, button, fields)
    return over
