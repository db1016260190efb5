"""A1111's `modules.api.models`: the bodies of requests."""

from typing import Any, Literal, Optional  # noqa: F401

from pydantic import BaseModel, Field

from modules.webapi.schemas import IMG2IMG as StableDiffusionImg2ImgProcessingAPI  # noqa: F401
from modules.webapi.schemas import TXT2IMG as StableDiffusionTxt2ImgProcessingAPI  # noqa: F401


class InterrogateRequest(BaseModel):
    """A picture to be described."""

    image: str = Field(default="", title="Image", description="Image to work on, must be a Base64 string.")
    model: str = Field(default="clip", title="Model", description="The interrogate model used.")


class InterrogateResponse(BaseModel):
    """How it is described."""

    caption: Optional[str] = Field(default=None, title="Caption")  # noqa: UP045


class TextToImageResponse(BaseModel):
    """Pictures and what is known of them."""

    images: Optional[list[str]] = None  # noqa: UP045
    parameters: dict = {}
    info: str = ""


class ImageToImageResponse(TextToImageResponse):
    """The same."""
