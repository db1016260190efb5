"""POST txt2img: queue a request, wait without holding a thread, answer with pictures, parameters and info."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from modules.app import App
from modules.exceptions import Interrupted
from modules.jobs.queue import Job
from modules.webapi import info
from modules.webapi.schemas import TXT2IMG, Beside, understand
from modules.webapi.watch import Watch


class TextToImageResponse(BaseModel):
    """A1111's answer."""

    images: list[str] | None = Field(None, title="Image", description="The generated images in base64.")
    parameters: dict[str, Any]
    info: str


def routes(app: App, watch: Watch) -> APIRouter:
    """The routes that make pictures. A client that goes away leaves its job running, as in A1111."""
    router = APIRouter(prefix="/sdapi/v1")

    @router.post("/txt2img")
    async def txt2img(body: TXT2IMG) -> TextToImageResponse:  # type: ignore[valid-type] # made from the Specs
        job, understood = await run_in_threadpool(_submit, app, body)
        await watch.finished(job)
        return await run_in_threadpool(_answer, job, understood)

    return router


def _submit(app: App, body: Any) -> tuple[Job, Beside]:
    asked = understand(body, app.options.view(), app.local_name)
    job = app.txt2img(asked.request, asked.body.force_task_id or None)
    if not asked.body.override_settings_restore_afterwards:
        app.options.change(asked.request.override_settings)
    return job, asked.body


def _answer(job: Job, body: Beside) -> TextToImageResponse:
    parameters = body.model_dump()
    try:
        result = job.wait()
    except Interrupted:  # cancelled before it began: there is nothing, and that is no error
        return TextToImageResponse(images=[], parameters=parameters, info="{}")
    made = info.images(result) if body.send_images else []
    return TextToImageResponse(images=made, parameters=parameters, info=info.info(result))
