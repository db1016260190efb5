"""POST txt2img and img2img: queue a request, wait without holding a thread, answer with pictures and their info."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from modules.app import App
from modules.exceptions import Interrupted
from modules.generate.request import Img2Img, Request, Txt2Img
from modules.jobs.queue import Job
from modules.settings.reach import Role, User
from modules.webapi import info, outside
from modules.webapi.rights import Who
from modules.webapi.schemas import IMAGES, IMG2IMG, TXT2IMG, Beside, understand
from modules.webapi.watch import Watch


class TextToImageResponse(BaseModel):
    """A1111's answer."""

    images: list[str] | None = Field(None, title="Image", description="The generated images in base64.")
    parameters: dict[str, Any]
    info: str


class ImageToImageResponse(TextToImageResponse):
    """A1111's answer to img2img."""


def routes(app: App, watch: Watch) -> APIRouter:
    """The routes that make pictures. A client that goes away leaves its job running, as in A1111."""
    router = APIRouter(prefix="/sdapi/v1")

    @router.post("/txt2img")
    async def txt2img(body: TXT2IMG, user: Who) -> TextToImageResponse:  # type: ignore[valid-type] # made from Specs
        job, understood = await run_in_threadpool(submit, app, body, Txt2Img, user)
        await watch.finished(job)
        return TextToImageResponse(**await run_in_threadpool(answer, job, understood))

    @router.post("/img2img")
    async def img2img(body: IMG2IMG, user: Who) -> ImageToImageResponse:  # type: ignore[valid-type] # made from Specs
        job, understood = await run_in_threadpool(submit, app, body, Img2Img, user)
        await watch.finished(job)
        return ImageToImageResponse(**await run_in_threadpool(answer, job, understood))

    return router


def submit(app: App, body: Any, kind: type[Request], user: User, task_id: str | None = None) -> tuple[Job, Beside]:
    """Queue what a body asks for, under its own id unless one is given. WebuiError where it cannot be done."""
    view, tab = app.options.view(), "img2img" if kind is Img2Img else "txt2img"
    body, wishes = _of_guests(app, body, tab)
    asked = understand(body, view, app.local_name, kind, outside.picture(view))
    stays = asked.overrides if not asked.body.override_settings_restore_afterwards else {}
    if stays:
        user.need(Role.ADMIN, "let override_settings stay in effect")
    job = app.generate(asked.request, task_id or asked.body.force_task_id or None, user, wishes)
    if stays:
        app.options.change(stays, by_page=False)
    return job, asked.body


def _of_guests(app: App, body: Any, tab: str) -> tuple[Any, dict[str, Any]]:
    """The body without the scripts that are guests', and what it wishes of them."""
    always, script = dict(body.alwayson_scripts), body.script_name or ""
    wishes: dict[str, Any] = {}
    for guest in app.guests:
        own = guest.asked(tab, script, body.script_args, always)
        wishes |= own
        script = "" if own.get("script") else script
    if not wishes:
        return body, {}
    left = dict(alwayson_scripts=always, script_name=script or None)  # noqa: C408 - names, not texts
    return body.model_copy(update=left), wishes


def answer(job: Job, body: Beside) -> dict[str, Any]:
    """What came of a finished job, as A1111 tells it. Raises what the job failed with."""
    parameters = body.model_dump()
    if not body.include_init_images:
        parameters |= {name: None for name in IMAGES if name in parameters}
    try:
        result = job.wait()
    except Interrupted:  # cancelled before it began: there is nothing, and that is no error
        return {"images": [], "parameters": parameters, "info": "{}"}
    made = info.images(result) if body.send_images else []
    return {"images": made, "parameters": parameters, "info": info.info(result)}
