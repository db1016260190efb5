"""A job as it happens: server-sent events, and the newest preview as plain bytes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse

from modules.app import App
from modules.exceptions import NotFound
from modules.jobs.queue import Job
from modules.settings.reach import HOST, User
from modules.webapi.progress import media_type, snapshot
from modules.webapi.rights import Who, job_of
from modules.webapi.watch import HEARTBEAT, Watch, Watcher

PATIENCE = 10.0  # seconds; the page opens the stream before its request has arrived
NEVER_STORED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def routes(app: App, watch: Watch) -> APIRouter:
    """The routes behind the page's progress bar and preview."""
    router = APIRouter(prefix="/internal")

    @router.get("/live/{task_id}")
    async def live(task_id: str, user: Who) -> StreamingResponse:
        return StreamingResponse(events(watch, task_id, user), media_type="text/event-stream", headers=NEVER_STORED)

    @router.get("/preview/{task_id}")
    def preview(task_id: str, user: Who, v: int = 0) -> Response:
        image = job_of(app.queue, task_id, user).progress.preview()
        if image is None:
            raise NotFound("There is no preview of this job yet.")
        return Response(image[1], media_type=media_type(image[1]), headers=NEVER_STORED)

    return router


async def events(watch: Watch, task_id: str, user: User = HOST) -> AsyncIterator[str]:
    """The stream's text: where the job stands at once and after each change, until it is over."""
    with watch.on(task_id) as watcher:
        job = await watch.arrival(task_id, watcher, PATIENCE)
        if job is None or not user.sees(job.owner):
            yield _event("gone", {"id_task": task_id})
            return
        async for text in _follow(watch, watcher, job):
            yield text


async def _follow(watch: Watch, watcher: Watcher, job: Job) -> AsyncIterator[str]:
    sent = None
    while not watch.stopping:
        watcher.look()
        told = snapshot(watch.queue, job)
        if (news := {**told, "eta": None}) != sent:
            sent = news
            yield _event("progress", told)
        if told["completed"]:
            return
        while not await watcher.change(HEARTBEAT):
            yield ": ping\n\n"


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
