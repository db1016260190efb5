"""Extras: pictures made larger through the API, and what there is to do it with."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import APIRouter
from PIL import Image
from pydantic import BaseModel, Field, create_model
from starlette.concurrency import run_in_threadpool

from modules.app import App
from modules.declare import specs
from modules.exceptions import Interrupted
from modules.generate.extras import Result, Source, encode
from modules.generate.operations import Extras, extras_from
from modules.generate.stages import LATENT_MODES
from modules.guests import finishing_of
from modules.imaging import pixels
from modules.jobs.queue import Job
from modules.settings.reach import User
from modules.webapi import outside
from modules.webapi.rights import Who
from modules.webapi.schemas import Body, fields
from modules.webapi.watch import Watch
from modules.weights.upscalers.catalogue import Upscaler


class Beside(Body):
    """What both bodies take beside the parameters themselves."""

    show_extras_results: bool = Field(True, title="Show results", description="Accepted; the results are always sent.")


class FileData(BaseModel):
    """A picture file."""

    data: str = Field(title="File data", description="The image in base64.")
    name: str = Field(title="File name")


SINGLE: type[Any] = create_model(
    "ExtrasSingleImageRequest",
    __base__=Beside,
    image=(str, Field("", title="Image", description="The image in base64.")),
    **fields(Extras, {}),
)
BATCH: type[Any] = create_model(
    "ExtrasBatchImagesRequest",
    __base__=Beside,
    imageList=(list[FileData], Field(title="Images", description="The images to work on, in order.")),
    **fields(Extras, {}),
)


class ExtrasSingleImageResponse(BaseModel):
    """The picture and what was done to it."""

    html_info: str = Field(title="HTML info", description="What was done, as HTML.")
    image: str | None = Field(None, title="Image", description="The image in base64.")


class ExtrasBatchImagesResponse(BaseModel):
    """The pictures and what was done to the last of them."""

    html_info: str = Field(title="HTML info", description="What was done, as HTML.")
    images: list[str] = Field(title="Images", description="The images in base64.")


class UpscalerItem(BaseModel):
    """An upscaler."""

    name: str
    model_name: str | None = None
    model_path: str | None = None
    model_url: str | None = None
    scale: float | None = None


class NamedItem(BaseModel):
    """A latent upscale mode."""

    name: str


class RealesrganItem(BaseModel):
    """A Real-ESRGAN model."""

    name: str
    path: str | None = None
    scale: int | None = None


class FaceRestorerItem(BaseModel):
    """A face restorer."""

    name: str
    cmd_dir: str | None = None


def routes(app: App, watch: Watch) -> APIRouter:
    """The routes of Extras. Nothing is saved on the server, as in A1111."""
    router = APIRouter(prefix="/sdapi/v1")

    async def done(body: Any, images: list[str], user: User) -> tuple[str, list[str]]:
        job = await run_in_threadpool(submit, app, body, images, user)
        await watch.finished(job)
        return await run_in_threadpool(answer, job)

    @router.post("/extra-single-image")
    async def extra_single_image(body: SINGLE, user: Who) -> ExtrasSingleImageResponse:  # type: ignore[valid-type] # made above
        told, made = await done(body, [body.image], user)  # type: ignore[attr-defined]
        return ExtrasSingleImageResponse(html_info=told, image=made[0] if made else None)

    @router.post("/extra-batch-images")
    async def extra_batch_images(body: BATCH, user: Who) -> ExtrasBatchImagesResponse:  # type: ignore[valid-type] # made above
        told, made = await done(body, [one.data for one in body.imageList], user)  # type: ignore[attr-defined]
        return ExtrasBatchImagesResponse(html_info=told, images=made)

    @router.get("/upscalers")
    def upscalers() -> list[UpscalerItem]:
        return [
            UpscalerItem(
                name=one.name,
                model_name=one.kind.model_name if one.kind else None,
                model_path=_path(one),
                scale=one.scale,
            )
            for one in app.upscalers.all()
        ]

    @router.get("/latent-upscale-modes")
    async def latent_upscale_modes() -> list[NamedItem]:
        return [NamedItem(name=name) for name in LATENT_MODES]

    @router.get("/realesrgan-models")
    def realesrgan_models() -> list[RealesrganItem]:
        return [
            RealesrganItem(name=one.name, path=_path(one), scale=one.scale)
            for one in app.upscalers.all()
            if one.kind and one.kind.folder == "RealESRGAN"
        ]

    @router.get("/face-restorers")
    async def face_restorers() -> list[FaceRestorerItem]:
        return [FaceRestorerItem(name=name) for name in app.folders.faces]

    return router


def _path(upscaler: Upscaler) -> str | None:
    return str(upscaler.path) if upscaler.path else None


def submit(app: App, body: Any, images: list[str], user: User, task_id: str | None = None) -> Job:
    """Queue the work on these pictures (base64). WebuiError where it cannot be done."""
    request = extras_from({name: getattr(body, name) for name in specs(Extras)})
    opened = outside.picture(app.options.view())
    sources = [Source(partial(_given, opened(text))) for text in images]
    return app.extras(request, sources, more=finishing_of(app.guests, {}), user=user, task_id=task_id)


def _given(image: Image.Image) -> Image.Image:
    return image


def answer(job: Job) -> tuple[str, list[str]]:
    """What was done as HTML, and the pictures. The job forgets them then: nobody else can ask for them."""
    try:
        result: Result = job.wait()
    except Interrupted:  # cancelled before it began: there is nothing, and that is no error
        return "<p></p>", []
    made = [pixels.to_base64(encode(one, result.plan.view)) for one in result.shown]
    job.result = None
    return result.html, made
