"""POST png-info: the parameters that a picture carries."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from modules.app import App
from modules.imaging import metadata
from modules.prompts import infotext
from modules.webapi import outside
from modules.webapi.watch import Watch

SIZE = re.compile(r"(\d+)x(\d+)")


class PNGInfoRequest(BaseModel):
    """A picture file."""

    image: str = Field(description="The image in base64.")


class PNGInfoResponse(BaseModel):
    """Its text."""

    info: str = Field(title="Image info", description="The parameters used to generate the image.")
    items: dict[str, Any] = Field(description="All the other texts the image has.")
    parameters: dict[str, Any] = Field(description="The parameters taken apart.")


def routes(app: App, watch: Watch) -> APIRouter:
    """The routes about given pictures."""
    router = APIRouter(prefix="/sdapi/v1")

    @router.post("/png-info")
    def png_info(body: PNGInfoRequest) -> PNGInfoResponse:
        text, items = metadata.read_text(outside.picture(app.options.view())(body.image))
        return PNGInfoResponse(info=text or "", items=items, parameters=parameters(text) if text else {})

    return router


def parameters(text: str) -> dict[str, str]:
    """The pairs of an infotext under A1111's keys: a size comes as two numbers, `Size-1` and `Size-2`."""
    taken = infotext.read(text)
    found = {"Prompt": taken.prompt, "Negative prompt": taken.negative_prompt}
    for key, value in taken.pairs.items():
        if size := SIZE.fullmatch(value):
            found |= {f"{key}-1": size[1], f"{key}-2": size[2]}
        else:
            found[key] = value
    return found
