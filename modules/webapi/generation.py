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
from modules.webapi import info
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
    async def txt2img(body: TXT2IMG) -> TextToImageResponse:  # type: ignore[valid-type] # made from the Specs
        job, understood = await run_in_threadpool(_submit, app, body, Txt2Img)
        await watch.finished(job)
        return TextToImageResponse(**await run_in_threadpool(_answer, job, understood))

    @router.post("/img2img")
    async def img2img(body: IMG2IMG) -> ImageToImageResponse:  # type: ignore[valid-type] # made from the Specs
        job, understood = await run_in_threadpool(_submit, app, body, Img2Img)
        await watch.finished(job)
        return ImageToImageResponse(**await run_in_threadpool(_answer, job, understood))

    return router


def _submit(app: App, body: Any, kind: type[Request]) -> tuple[Job, Beside]:
    asked = understand(body, app.options.view(), app.local_name, kind)
    job = app.generate(asked.request, asked.body.force_task_id or None)
    if not asked.body.override_settings_restore_afterwards:
        app.options.change(asked.overrides)
    return job, asked.body


def _answer(job: Job, body: Beside) -> dict[str, Any]:
    parameters = body.model_dump()
    if not body.include_init_images:
        parameters |= {name: None for name in IMAGES if name in parameters}
    try:
        result = job.wait()
    except Interrupted:  # cancelled before it began: there is nothing, and that is no error
        return {"images": [], "parameters": parameters, "info": "{}"}
    made = info.images(result) if body.send_images else []
    return {"images": made, "parameters": parameters, "info": info.info(result)}
