"""Jobs that nobody waits for, `/v2/jobs`: an id at once, state and events meanwhile, the result later, a webhook."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import json
import threading
import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response, StreamingResponse

from modules import remote
from modules.app import App
from modules.exceptions import Forbidden, NotFound, ParameterError
from modules.generate.request import Img2Img, Txt2Img
from modules.jobs.queue import Job
from modules.settings.reach import User
from modules.webapi import downloads, extras, generation, outside
from modules.webapi.aftermath import Aftermath
from modules.webapi.errors import Conflict, Gone
from modules.webapi.live import NEVER_STORED, events
from modules.webapi.progress import snapshot
from modules.webapi.results import Results
from modules.webapi.rights import Who, job_of
from modules.webapi.schemas import IMG2IMG, TXT2IMG, Body
from modules.webapi.watch import Watch

MOST, USUAL = 200, 50  # jobs on one page of the list
KEPT = "id", "kind", "state", "created", "started", "finished", "error"
KEYS = uuid.UUID("6f0b7f0e-5d0c-4c0e-9a55-5b3a0f9f1d27")  # the name space of ids made from idempotency keys
States = Literal["queued", "running", "done", "failed", "cancelled", "lost"]


class Asked(Body):
    """What every kind of job has beside its request."""

    webhook: str | None = Field(None, max_length=2000, description="Address that is sent the job's state at its end.")


class Txt2ImgJob(Asked):
    """As POST /sdapi/v1/txt2img."""

    kind: Literal["txt2img"]
    request: TXT2IMG  # type: ignore[valid-type] # made from the Specs


class Img2ImgJob(Asked):
    """As POST /sdapi/v1/img2img."""

    kind: Literal["img2img"]
    request: IMG2IMG  # type: ignore[valid-type] # made from the Specs


class ExtrasJob(Asked):
    """As POST /sdapi/v1/extra-batch-images."""

    kind: Literal["extras"]
    request: extras.BATCH  # type: ignore[valid-type] # made from the Specs


class DownloadJob(Asked):
    """A model file, fetched into the folder of its kind."""

    kind: Literal["download"]
    request: downloads.DOWNLOAD  # type: ignore[valid-type] # made from the Specs


NewJob = Annotated[Txt2ImgJob | Img2ImgJob | ExtrasJob | DownloadJob, Field(discriminator="kind")]


class JobState(BaseModel):
    """Where a job stands."""

    id: str
    kind: str
    state: States
    position: int = Field(0, description="In the queue; 1 is next, 0 does not wait.")
    progress: float = Field(0.0, description="0 to 1.")
    eta: float | None = Field(None, description="Seconds left.")
    text: str = ""
    created: float = Field(description="Seconds since 1970.")
    started: float | None = None
    finished: float | None = None
    error: str | None = None
    has_result: bool = Field(False, description="Whether GET …/result has something to give.")


class JobPage(BaseModel):
    """Jobs, newest first."""

    jobs: list[JobState]
    next: str | None = Field(None, description="`cursor` of the next page; null on the last.")


def routes(app: App, watch: Watch) -> APIRouter:
    """The routes of jobs."""
    router = APIRouter(prefix="/v2/jobs", tags=["jobs"])
    desk = Desk(app)

    @router.post("", status_code=202)
    def submit(
        body: NewJob,
        user: Who,
        response: Response,
        idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
    ) -> JobState:
        state, is_new = desk.submit(body, user, idempotency_key)
        response.status_code = 202 if is_new else 200
        response.headers["Location"] = f"v2/jobs/{state.id}"
        return state

    @router.get("")
    def jobs(
        user: Who, limit: Annotated[int, Query(ge=1, le=MOST)] = USUAL, cursor: str = "", state: States | None = None
    ) -> JobPage:
        return desk.page(user, limit, cursor, state)

    @router.get("/{task_id}")
    def job(task_id: str, user: Who) -> JobState:
        return desk.state(task_id, user)

    @router.get("/{task_id}/events")
    async def job_events(task_id: str, user: Who) -> StreamingResponse:
        await run_in_threadpool(job_of, app.queue, task_id, user)
        return StreamingResponse(events(watch, task_id, user), media_type="text/event-stream", headers=NEVER_STORED)

    @router.get("/{task_id}/result")
    def result(task_id: str, user: Who) -> JSONResponse:
        return JSONResponse(desk.result(task_id, user))

    @router.post("/{task_id}/cancel")
    def cancel(task_id: str, user: Who) -> JobState:
        return desk.cancel(task_id, user)

    return router


class Desk:
    """Takes jobs in and tells of them; any thread may ask."""

    def __init__(self, app: App):
        self._app = app
        self._results = Results(app.folders.cache / "results")
        self._after = Aftermath(app.queue, self._results)
        self._keys = threading.Lock()

    def submit(self, body: Any, user: User, key: str | None) -> tuple[JobState, bool]:
        """Where the job stands, and whether it is new: the same key and body are the same job."""
        if body.webhook:
            view = self._app.options.view()
            outside.allowed(view)
            remote.checked(body.webhook)
        if key is None:
            return self._now(self._queue(body, user, None)), True
        digest = hashlib.sha256(json.dumps(body.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()[:12]
        keyed = uuid.uuid5(KEYS, json.dumps([user.name, key])).hex
        with self._keys:
            known = self._app.queue.store.beginning(f"{keyed}-")
            if known is None:
                return self._now(self._queue(body, user, f"{keyed}-{digest}")), True
        if known != f"{keyed}-{digest}":
            raise ParameterError("This idempotency key was sent with another body before; use another key.")
        return self.state(known, user), False

    def _queue(self, body: Any, user: User, task_id: str | None) -> Job:
        webhook = body.webhook and (body.webhook, not self._app.options.view().api_forbid_local_requests)
        if body.kind == "extras":
            given = [one.data for one in body.request.imageList]
            job = extras.submit(self._app, body.request, given, user, task_id)
            names = "html_info", "images"
            self._after.follow(job, lambda: dict(zip(names, extras.answer(job), strict=True)), webhook)
            return job
        if body.kind == "download":
            job = downloads.submit(self._app, body.request, user, task_id)
            self._after.follow(job, lambda: downloads.answer(job), webhook)
            return job
        kind = Txt2Img if body.kind == "txt2img" else Img2Img
        job, understood = generation.submit(self._app, body.request, kind, user, task_id)
        self._after.follow(job, lambda: generation.answer(job, understood), webhook)
        return job

    def page(self, user: User, limit: int, cursor: str, state: str | None) -> JobPage:
        """One page of the list."""
        before = _place(cursor) if cursor else None
        rows = self._app.queue.store.newest(limit + 1, before, None if user.sees("\0") else user.name, state)
        told = [self._told(row) for row in rows[:limit]]
        more = _cursor(rows[limit - 1]) if len(rows) > limit else None
        return JobPage(jobs=told, next=more)

    def state(self, task_id: str, user: User) -> JobState:
        """Of one job; NotFound if there is none that this user may see."""
        return self._told(self._row(task_id, user))

    def result(self, task_id: str, user: User) -> dict[str, Any]:
        """What a job made, as the route of its kind would have answered. Conflict while there is nothing, or never."""
        now = self.state(task_id, user)
        if now.state in ("queued", "running"):
            raise Conflict(f"The job is {now.state}; ask again when it is done.")
        if (kept := self._after.answer(task_id)) is not None:
            return kept
        if now.state == "done":
            raise Gone("The result of this job is gone; results are kept up to a size, the oldest go first.")
        raise Conflict(now.error or f"The job is {now.state} and has made nothing.")

    def cancel(self, task_id: str, user: User) -> JobState:
        """Take it out of the queue, or end it after the current step with what it has."""
        row = self._row(task_id, user)
        if not user.stops(row["owner"]):
            raise Forbidden("Only whoever began this job may cancel it.")
        with contextlib.suppress(NotFound):  # over long ago
            self._app.queue.cancel(self._app.queue.find(task_id))
        return self.state(task_id, user)

    def _row(self, task_id: str, user: User) -> dict[str, Any]:
        row = self._app.queue.store.row(task_id)
        if row is None or not user.sees(row["owner"]):
            raise NotFound(f"There is no job with the id {task_id[:80]!r}.")
        return row

    def _now(self, job: Job) -> JobState:
        row = self._app.queue.store.row(job.id)
        assert row is not None
        return self._told(row)

    def _told(self, row: dict[str, Any]) -> JobState:
        state = JobState(**{name: row[name] for name in KEPT})
        try:
            job = self._app.queue.find(row["id"])
        except NotFound:
            state.progress = 1.0 if state.state == "done" else 0.0
        else:
            now = snapshot(self._app.queue, job)
            state.state, state.progress, state.eta = now["state"], now["progress"], now["eta"]
            state.position, state.text, state.error = now["queue_position"], now["textinfo"], now["error"]
        state.has_result = state.state not in ("queued", "running") and self._after.has(row["id"])
        return state


def _cursor(row: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps([row["created"], row["id"]]).encode()).decode()


def _place(cursor: str) -> tuple[float, str]:
    try:
        created, task_id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        return float(created), str(task_id)
    except (binascii.Error, ValueError, TypeError, OverflowError, RecursionError):
        raise ParameterError("cursor: this is none that the list gave.") from None
