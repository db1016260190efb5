"""Jobs that make no pictures: a button, a bar, and a sentence of what came of it, found again after a reload."""

from __future__ import annotations

import asyncio
import html
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from modules.app import App
from modules.exceptions import NotFound, WebuiError
from modules.jobs.queue import Job
from modules.settings.reach import User
from modules.webui.controls import AS_IS, FREE, QUIET
from modules.webui.submit import finished, refused, told, who

Start = Callable[[str, Mapping[str, Any], User], Job]


@dataclass(frozen=True, slots=True)
class Errand:
    """The handlers behind a button. `start` queues the job under a task id; `tell` is what came of it, as HTML."""

    app: App
    start: Start
    tell: Callable[[Any], str]

    async def submit(self, task: str, request: gr.Request, **values: Any) -> tuple[str, str]:
        """Queue the job: (nothing, its id), or the reason why not."""
        try:
            said = {name: value for name, value in values.items() if value is not None}
            await asyncio.to_thread(self.start, task, said, who(request))
        except (WebuiError, ValueError) as error:
            return told(error), ""
        return "", task

    async def fetch(self, task: str, request: gr.Request) -> tuple[Any, str]:
        """What came of a job, awaited if need be."""
        try:
            job = self.app.queue.find(task)
        except NotFound:
            return refused(task, "")[3], task
        if not who(request).sees(job.owner):
            return "", task
        await finished(self.app.queue, job)
        return (told(job.error) if job.error else self.tell(job.result)), task

    def stop(self, task: str, request: gr.Request) -> None:
        """Interrupt the job, or take it out of the queue."""
        try:
            job = self.app.queue.find(task)
        except NotFound:
            return
        if who(request).stops(job.owner):
            self.app.queue.cancel(job)


def place(errand: Errand, tab: str, button: Any, fields: Mapping[str, Any]) -> tuple[Any, Any]:
    """The bar and the sentence, here in the layout, bound to the button: (the sentence, the event of its coming)."""
    with gr.Column(elem_id=f"{tab}_results_panel", elem_classes=["errand"]):
        with gr.Row(elem_id=f"{tab}_gallery_container", elem_classes=["errand-bar"]):
            stop = gr.Button("Interrupt", elem_id=f"{tab}_interrupt", elem_classes=["interrupt"], size="sm")
        result = gr.HTML(elem_id=f"{tab}_result", elem_classes=["hides-empty"], padding=False)
        task = gr.Textbox(visible="hidden", elem_id=f"{tab}_task")
        restore = gr.Button("🌀", elem_id=f"{tab}_restore_progress", elem_classes=["out-of-sight"])
    shown, sent = f"() => [shownTask('{tab}')]", dict(fields)
    names = json.dumps(["task", *sent])
    button.click(
        errand.submit,
        inputs=[task],
        inputs_kwargs=sent,
        outputs=[result, task],
        js=f"(...values) => submit('{tab}', {names}, values)",
        trigger_mode="multiple",
        **AS_IS,
    ).then(None, inputs=[task], js=f"(task) => submitted('{tab}', task)", **QUIET)
    over = restore.click(
        errand.fetch, inputs=[task], outputs=[result, task], js=shown, trigger_mode="multiple", **FREE
    ).then(None, inputs=[task], js=f"(task) => ended('{tab}', task)", **QUIET)
    stop.click(errand.stop, inputs=[task], js=f"() => [stopTask('{tab}')]", queue=False, **QUIET)
    return result, over


def line(text: str) -> str:
    """A sentence as the errand's HTML."""
    return f"<p>{html.escape(text)}</p>"
