"""Where a job stands, asked the A1111 way: /sdapi/v1/progress, interrupt, skip, and what A1111's page polls."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from modules.app import App
from modules.exceptions import Interrupted, NotFound, WebuiError
from modules.imaging import pixels
from modules.jobs.queue import Job, Queue
from modules.settings.reach import User
from modules.webapi.rights import Who, job_of
from modules.webapi.watch import Watch

BEGUN = 0.01  # A1111 says this of a job without a step; clients take 0 for "idle"
KINDS = ((b"\x89PNG", "image/png"), (b"\xff\xd8", "image/jpeg"), (b"RIFF", "image/webp"))


class ProgressResponse(BaseModel):
    """Of whatever runs now."""

    progress: float = Field(description="0 to 1; 0 when nothing runs.")
    eta_relative: float = Field(title="ETA in secs")
    state: dict[str, Any]
    current_image: str | None = Field(None, description="The newest preview in base64.")
    textinfo: str | None = None


class TaskRequest(BaseModel):
    """Which task, and which preview the asker has already."""

    id_task: str | None = None
    id_live_preview: int = -1
    live_preview: bool = True


class TaskProgress(BaseModel):
    """Of one task."""

    active: bool
    queued: bool
    completed: bool
    progress: float | None = None
    eta: float | None = None
    live_preview: str | None = Field(default=None, description="A data: URI.")
    id_live_preview: int | None = None
    textinfo: str | None = None


def media_type(data: bytes) -> str:
    """What kind of picture these bytes are."""
    return next((kind for head, kind in KINDS if data.startswith(head)), "application/octet-stream")


def snapshot(queue: Queue, job: Job) -> dict[str, Any]:
    """All that the page wants to know of a job, as its event stream sends it."""
    progress, position = job.progress, queue.position(job)
    return {
        "id_task": job.id,
        "state": job.state,
        "active": job.state == "running",
        "queued": job.state == "queued",
        "completed": job.completed,
        "progress": 1.0 if job.state == "done" else progress.fraction,
        "eta": None if job.completed else progress.eta,
        "step": progress.step,
        "steps": progress.steps,
        "batch": progress.batch,
        "batches": progress.batches,
        "id_live_preview": progress.preview_id,
        "queue_position": position,
        "textinfo": f"In queue: {position}" if position else progress.text,
        "error": failure(job),
    }


def failure(job: Job) -> str | None:
    """What a job failed with, as one sentence; None where it did not, or was only stopped."""
    if job.error is None or isinstance(job.error, Interrupted):
        return None
    if isinstance(job.error, WebuiError):
        return str(job.error)
    return f"Something went wrong here ({type(job.error).__name__}); see the log."


def routes(app: App, watch: Watch) -> APIRouter:
    """The routes that ask and stop."""
    router = APIRouter()

    def running(user: User) -> Job | None:
        """What runs, if this user may see it."""
        job = app.queue.current
        return job if job and user.sees(job.owner) else None

    @router.get("/sdapi/v1/progress")
    def progress(user: Who, skip_current_image: bool = False) -> ProgressResponse:
        job = running(user)
        image = job.progress.preview() if job and not skip_current_image else None
        return ProgressResponse(
            progress=max(BEGUN, job.progress.fraction) if job else 0.0,
            eta_relative=(job.progress.eta or 0.0) if job else 0.0,
            state=_state(job),
            current_image=pixels.to_base64(image[1]) if image else None,
            textinfo=job.progress.text if job else "",
        )

    @router.post("/sdapi/v1/interrupt")
    def interrupt(user: Who) -> dict[str, Any]:
        if (job := app.queue.current) is not None and user.stops(job.owner):
            app.queue.cancel(job)
        return {}

    @router.post("/sdapi/v1/skip")
    def skip(user: Who) -> None:
        if (job := app.queue.current) is not None and user.stops(job.owner):
            job.progress.stop.skipped = True

    @router.get("/internal/ping")
    async def ping() -> dict[str, Any]:
        return {}

    @router.get("/internal/pending-tasks")
    def pending_tasks(user: Who) -> dict[str, Any]:
        tasks = [job.id for job in app.queue.waiting() if user.sees(job.owner)]
        return {"size": len(tasks), "tasks": tasks}

    @router.post("/internal/progress")
    def task_progress(body: TaskRequest, user: Who) -> TaskProgress:
        return _task(app.queue, body, user)

    return router


def _state(job: Job | None) -> dict[str, Any]:
    """A1111's shape; zeros when nothing runs."""
    stop, at = (job.progress.stop, job.progress) if job else (None, None)
    return {
        "skipped": bool(stop and stop.skipped),
        "interrupted": bool(stop and stop.interrupted),
        "stopping_generation": bool(stop and stop.after_current),
        "job": job.kind if job else "",
        "job_count": at.batches if at else 0,
        "job_timestamp": time.strftime("%Y%m%d%H%M%S", time.localtime(job.created)) if job else "0",
        "job_no": at.batch if at else 0,
        "sampling_step": at.step if at else 0,
        "sampling_steps": at.steps if at else 0,
    }


def _task(queue: Queue, asked: TaskRequest, user: User) -> TaskProgress:
    try:
        job = job_of(queue, asked.id_task or "", user)
    except NotFound:
        return TaskProgress(active=False, queued=False, completed=False, id_live_preview=-1, textinfo="Waiting...")
    told = TaskProgress.model_validate(snapshot(queue, job))
    told.id_live_preview = asked.id_live_preview
    if told.active and asked.live_preview and job.progress.preview_id != asked.id_live_preview:
        image = job.progress.preview()
        if image is not None:
            told.id_live_preview = image[0]
            told.live_preview = f"data:{media_type(image[1])};base64,{pixels.to_base64(image[1])}"
    return told
