"""From the form to the queue and back: values by name become a request, a finished job becomes what the page shows."""

from __future__ import annotations

import asyncio
import contextlib
import html
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from modules.app import App
from modules.exceptions import Forbidden, Interrupted, NotFound, WebuiError
from modules.generate.infotext import parse_chip
from modules.generate.plan import request_from
from modules.generate.request import Request
from modules.generate.result import Result
from modules.jobs.queue import Job, Queue
from modules.settings.reach import User
from modules.webui import extra_options, script_form
from modules.webui.form import Form
from modules.webui.shelf import Shelf

log = logging.getLogger(__name__)

Outputs = tuple[Any, ...]  # gallery, generation info, infotext, log line, task id, index of the picture looked at


async def finished(queue: Queue, job: Job) -> None:
    """Wait until the job is over, holding no thread."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()

    def told(changed: Job) -> None:
        if changed is job and job.completed:
            with contextlib.suppress(RuntimeError):  # the loop has ended with the server
                loop.call_soon_threadsafe(over.set)

    end = queue.listen(told)
    try:
        if not job.completed:
            await over.wait()
    finally:
        end()


def who(request: gr.Request) -> User:
    """Who uses the page."""
    if request.request is None:  # it came by no way that the guard watches
        raise Forbidden("Nobody asks for this.")
    user: User = request.request.state.user
    return user


@dataclass(frozen=True, slots=True)
class Runs:
    """The handlers behind Generate, Interrupt, Skip and the picture that a page left behind."""

    app: App
    shelf: Shelf
    form: Form
    understand: Callable[[dict[str, Any]], dict[str, Any]] = dict  # what was sent → the request's fields

    def request(self, chosen: Sequence[str], values: Mapping[str, Any]) -> Request:
        """What the form asks for. An emptied field was not said; WebuiError for a bad value."""
        known = self.app.options.specs
        options, own = extra_options.taken(self.app, self.form, values)
        asked: Request = request_from(self.understand(self.said(own)), self.form.kind)
        return replace(asked, override_settings=options | dict(parse_chip(text, known) for text in chosen or ()))

    def said(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What counts of what was sent."""
        idle = {name for key, fold in self.form.folds.items() if not values[key] for name in fold.names}
        return {name: value for name, value in values.items() if value is not None and name not in idle}

    def queue(self, task_id: str, chosen: Sequence[str], values: Mapping[str, Any], user: User) -> None:
        """Queue what the form asks for; WebuiError where it cannot be done."""
        own, wishes = self.apart(values)
        self.app.generate(self.request(chosen, own), task_id, user, wishes)

    def apart(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """(what was sent for the form itself, what it asks of guests)"""
        own, wishes = dict(values), dict[str, Any]()
        asked, of_guest = script_form.taken(self.app, self.form, own)
        for guest in self.app.guests:
            wishes |= guest.sent(self.form, own, of_guest)
        return own | asked, wishes

    async def submit(self, task_id: str, chosen: list[str], request: gr.Request, **values: Any) -> tuple[str, str]:
        """Queue the form's request under the page's task id: (log line, the id, or nothing where it was refused).

        Nothing is awaited: the page hears of the end by its event stream and then asks for the result, the same way
        whether it was there all the time or has just come back.
        """
        try:
            await asyncio.to_thread(self.queue, task_id, chosen, values, who(request))
        except WebuiError as error:
            return told(error), ""
        return "", task_id

    async def fetch(self, task_id: str, request: gr.Request) -> Outputs:
        """What came of a task, awaited if need be: asked as often as one likes, by any page."""
        job = self._job(task_id)
        if job is None or not who(request).sees(job.owner):
            return refused(task_id, "")
        await finished(self.app.queue, job)
        try:
            if job.error is not None:
                raise job.error
            files = await asyncio.to_thread(self.shelf.files, job)
        except Exception as error:  # noqa: BLE001 - the worker has logged it; here it is shown
            return refused(task_id, told(error))
        return self.shown(task_id, job.result, files)

    def shown(self, task_id: str, result: Any, files: list[str]) -> Outputs:
        """What the page shows for a result."""
        return shown(task_id, result, [] if self.app.options.view().do_not_show_images else files)

    def stop(self, task_id: str, request: gr.Request) -> None:
        """Interrupt the page's own job, or take it out of the queue; never another page's.

        Where it is to finish the current picture, only the second time ends it at once.
        """
        if (job := self._job(task_id)) is None or not who(request).stops(job.owner):
            return
        if self.app.options.view().interrupt_after_current and job is self.app.queue.current:
            job.progress.stop.interrupted = job.progress.stop.after_current
            job.progress.stop.after_current = True
        else:
            self.app.queue.cancel(job)

    def skip(self, task_id: str, request: gr.Request) -> None:
        """End the current batch of the page's own job."""
        job = self._job(task_id)
        if job is not None and job is self.app.queue.current and who(request).stops(job.owner):
            self.app.queue.skip()

    def _job(self, task_id: str) -> Job | None:
        try:
            return self.app.queue.find(task_id)
        except NotFound:
            return None


def shown(task_id: str, result: Result, files: list[str]) -> Outputs:
    """The outputs for pictures."""
    texts = [picture.infotext for picture in result.shown]
    info = {
        "infotexts": texts,
        "index_of_first_image": result.index_of_first_image,
        "all_seeds": result.plan.seeds,
        "all_subseeds": result.plan.subseeds,
    }
    said = "Interrupted after" if result.interrupted else "Time taken:"
    line = f'<p class="time">{said} <span class="measurement">{duration(result.seconds)}</span></p>'
    line += "".join(f'<p class="comment">{html.escape(text)}</p>' for text in result.comments)
    gallery = gr.update(value=files, selected_index=0 if files else None)
    return gallery, json.dumps(info), infotext(texts[0] if texts else ""), line, task_id, 0


def refused(task_id: str, line: str) -> Outputs:
    """The outputs for a log line in place of pictures; what the gallery showed stays."""
    return gr.skip(), gr.skip(), gr.skip(), line, task_id, gr.skip()


def told(error: Exception) -> str:
    """Show an error where it cannot be missed; the log line that says it again."""
    sentence = str(error) if isinstance(error, WebuiError) else f"{type(error).__name__}: {error}"
    if not isinstance(error, Interrupted):
        gr.Warning(html.escape(sentence))
    return f'<p class="error">{html.escape(sentence)}</p>'


def looked_at(info: str, event: gr.SelectData) -> tuple[Any, Any]:
    """The infotext of the picture that was chosen in the gallery, and its index."""
    try:
        return infotext(json.loads(info)["infotexts"][event.index]), event.index
    except (ValueError, LookupError, TypeError):
        return gr.skip(), gr.skip()


def infotext(text: str) -> str:
    """An infotext as HTML; its line breaks are kept by the style sheet."""
    return f'<p class="infotext">{html.escape(text)}</p>' if text else ""


def duration(seconds: float) -> str:
    """As A1111 writes it: `1.2 sec.`, `2 min. 3.4 sec.`."""
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)} min. {rest:.1f} sec." if minutes else f"{rest:.1f} sec."
