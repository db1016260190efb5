"""What joins in: scripts and extensions."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from modules.app import App
from modules.webapi.watch import Watch


class ScriptsList(BaseModel):
    """Titles in lower case."""

    txt2img: list[str] = Field(title="Txt2img", description="Titles of scripts (txt2img)")
    img2img: list[str] = Field(title="Img2img", description="Titles of scripts (img2img)")


class ScriptArg(BaseModel):
    """One argument of a script."""

    label: str | None = Field(None, title="Label", description="Name of the argument on the page.")
    value: Any = Field(None, title="Value", description="Its default.")
    minimum: Any = Field(None, title="Minimum")
    maximum: Any = Field(None, title="Maximum")
    step: Any = Field(None, title="Step")
    choices: list[str] | None = Field(None, title="Choices")


class ScriptInfo(BaseModel):
    """A script's arguments in order."""

    name: str | None = None
    is_alwayson: bool | None = Field(None, title="IsAlwayson")
    is_img2img: bool | None = Field(None, title="IsImg2img")
    args: list[ScriptArg] = Field(title="Arguments")


class ExtensionItem(BaseModel):
    """An extension."""

    name: str
    remote: str
    branch: str
    commit_hash: str
    version: str
    commit_date: str
    enabled: bool


def routes(app: App, watch: Watch) -> APIRouter:
    """The routes of scripts and extensions; there are none yet."""
    router = APIRouter(prefix="/sdapi/v1")

    @router.get("/scripts")
    def scripts() -> ScriptsList:
        return ScriptsList(txt2img=[], img2img=[])

    @router.get("/script-info")
    def script_info() -> list[ScriptInfo]:
        return []

    @router.get("/extensions")
    def extensions() -> list[ExtensionItem]:
        return []

    return router
