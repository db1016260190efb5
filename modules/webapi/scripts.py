"""What joins in: scripts and extensions."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from modules.app import App
from modules.declare import specs
from modules.generate.request import Img2Img, Txt2Img
from modules.webapi.schemas import ALWAYS_ON
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


def _of_guests(app: App) -> list[ScriptInfo]:
    return [ScriptInfo(**told) for guest in app.guests for told in guest.scripts()]


def routes(app: App, watch: Watch) -> APIRouter:
    """The routes of scripts and extensions."""
    router = APIRouter(prefix="/sdapi/v1")

    @router.get("/scripts")
    def scripts() -> ScriptsList:
        titles = {
            kind: [title for title, (owner, _) in ALWAYS_ON.items() if owner is kind] for kind in (Txt2Img, Img2Img)
        }
        for one in _of_guests(app):
            titles[Img2Img if one.is_img2img else Txt2Img].append(str(one.name))
        return ScriptsList(txt2img=titles[Txt2Img], img2img=titles[Img2Img])

    @router.get("/script-info")
    def script_info() -> list[ScriptInfo]:
        own = [
            ScriptInfo(name=title, is_alwayson=True, is_img2img=owner is Img2Img, args=_args(owner, names))
            for title, (owner, names) in ALWAYS_ON.items()
        ]
        return own + _of_guests(app)

    @router.get("/extensions")
    def extensions() -> list[ExtensionItem]:
        return []

    return router


def _titles(kind: type) -> list[str]:
    return [title for title, (owner, _) in ALWAYS_ON.items() if owner is kind]


def _args(owner: type, names: tuple[str, ...]) -> list[ScriptArg]:
    known = [specs(owner)[name] for name in names]
    return [
        ScriptArg(
            label=spec.label,
            value=spec.default,
            minimum=spec.slider and spec.slider.low,
            maximum=spec.slider and spec.slider.high,
            step=spec.slider and spec.slider.step,
            choices=None,
        )
        for spec in known
    ]
