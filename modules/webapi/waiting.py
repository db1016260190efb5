"""The queue as the page shows it: what runs, what waits, what is just done; put first, or taken out."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from modules.app import App
from modules.exceptions import Forbidden
from modules.jobs.queue import Job, Queue
from modules.settings.reach import User
from modules.webapi.progress import snapshot
from modules.webapi.rights import Who, job_of
from modules.webapi.watch import Watch

KINDS = ("txt2img", "img2img", "extras")
DONE = 8  # finished jobs that are told
WORDS = 160  # letters of the prompt


class Waiting(BaseModel):
    """A job in the list."""

    id: str
    kind: str
    state: str
    text: str = Field(description="The beginning of its prompt.")
    owner: str
    own: bool = Field(description="Whether whoever asks may stop it.")
    progress: float
    position: int
    eta: float | None


def routes(app: App, watch: Watch) -> APIRouter:
    """The routes; everyone sees the jobs that are his to see."""
    router = APIRouter(prefix="/internal/queue")

    @router.get("")
    def queue(user: Who) -> list[Waiting]:
        return [_told(app.queue, job, user) for job in _listed(app.queue) if user.sees(job.owner)]

    @router.post("/{task_id}/first")
    def first(task_id: str, user: Who) -> None:
        app.queue.put_first(_own(app.queue, task_id, user))

    @router.post("/{task_id}/cancel")
    def cancel(task_id: str, user: Who) -> None:
        app.queue.cancel(_own(app.queue, task_id, user))

    return router


def _listed(queue: Queue) -> list[Job]:
    """What runs, what waits in its order, then the newest that are over."""
    current, waiting = queue.current, queue.waiting()
    over = sorted((job for job in queue.recent() if job.completed), key=lambda job: job.ended)[-DONE:]
    return [job for job in [current, *waiting, *reversed(over)] if job is not None and job.kind in KINDS]


def _own(queue: Queue, task_id: str, user: User) -> Job:
    job = job_of(queue, task_id, user)
    if not user.stops(job.owner):
        raise Forbidden("Only whoever began this job may change it.")
    return job


def _told(queue: Queue, job: Job, user: User) -> Waiting:
    now = snapshot(queue, job)
    row = queue.store.row(job.id) or {}
    request: dict[str, Any] = json.loads(row.get("request") or "{}") or {}
    return Waiting(
        id=job.id,
        kind=job.kind,
        state=now["state"],
        text=str(request.get("prompt", ""))[:WORDS],
        owner=job.owner,
        own=user.stops(job.owner),
        progress=now["progress"],
        position=now["queue_position"],
        eta=now["eta"],
    )
