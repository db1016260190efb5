"""The routes of A1111's API that nothing, or little, stands behind: each says so in a sentence, and none pretends."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from PIL import Image
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from modules.app import App
from modules.exceptions import NotFound
from modules.imaging.pixels import flatten
from modules.webapi import outside
from modules.webapi.errors import NotBuilt
from modules.webapi.schemas import Body
from modules.webapi.watch import Watch

CAPTIONERS = ("clip", "deepdanbooru", "deepbooru")
NO_TRAINING = "Training is no part of this program; train with another one and put the file into its folder here."


class InterrogateRequest(Body):
    """A picture to be described."""

    image: str = Field("", description="The image in base64.")
    model: str = Field("clip", description="clip or deepdanbooru.")


class CaptionResponse(BaseModel):
    """Its description."""

    caption: str


class CreateResponse(BaseModel):
    """What was made."""

    info: str = Field(title="Create info")


class TrainResponse(BaseModel):
    """What was trained."""

    info: str = Field(title="Train info")


def routes(app: App, watch: Watch) -> APIRouter:
    """The routes of what is not built."""
    router = APIRouter(prefix="/sdapi/v1")

    @router.post("/interrogate")
    async def interrogate(body: InterrogateRequest) -> CaptionResponse:
        image = await run_in_threadpool(_described, app, body)
        job = app.describe(image)
        await watch.finished(job)
        return CaptionResponse(caption=job.wait())

    @router.post("/create/embedding")
    def create_embedding(args: dict[str, Any]) -> CreateResponse:
        raise NotBuilt(NO_TRAINING)

    @router.post("/create/hypernetwork")
    def create_hypernetwork(args: dict[str, Any]) -> CreateResponse:
        raise NotBuilt(NO_TRAINING)

    @router.post("/train/embedding")
    def train_embedding(args: dict[str, Any]) -> TrainResponse:
        raise NotBuilt(NO_TRAINING)

    @router.post("/train/hypernetwork")
    def train_hypernetwork(args: dict[str, Any]) -> TrainResponse:
        raise NotBuilt(NO_TRAINING)

    return router


def _described(app: App, body: InterrogateRequest) -> Image.Image:
    """The picture that is to be described. `clip` is what a BLIP model says of it, without artists and styles."""
    if not body.image:
        raise NotFound("Image not found: send one in base64 as image.")
    image = outside.picture(app.options.view())(body.image)
    if body.model not in CAPTIONERS:
        raise NotFound(f"Model not found: {body.model[:60]!r} is none of clip, deepdanbooru.")
    folder = app.folders.models / "BLIP"
    if body.model != "clip" or next(folder.rglob("config.json"), None) is None:
        raise NotBuilt(f"There is no model here that describes pictures, so {body.model} cannot answer.")
    return flatten(image)
