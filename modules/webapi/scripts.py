"""What joins in: scripts and extensions."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from modules.app import App
from modules.declare import Spec, specs
from modules.generate.request import Img2Img, Txt2Img
from modules.host.extensions import git
from modules.host.extensions.finding import Extension
from modules.host.script import TABS, Tab
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
        return ScriptsList(**{tab: [str(one.name) for one in _of_tab(app, tab)] for tab in TABS})

    @router.get("/script-info")
    def script_info() -> list[ScriptInfo]:
        return [one for tab in TABS for one in _of_tab(app, tab)]

    @router.get("/extensions")
    def extensions() -> list[ExtensionItem]:
        found = app.extensions.all(app.options.view().as_dict())
        return [_extension(one, git.state(one.path)) for one in found]

    return router


def _extension(one: Extension, at: git.State) -> ExtensionItem:
    return ExtensionItem(
        name=one.name,
        remote=git.shown(at.remote),
        branch=at.branch,
        commit_hash=at.commit,
        version=at.commit[:8],
        commit_date=str(at.date or ""),
        enabled=one.enabled,
    )


def _of_tab(app: App, tab: Tab) -> list[ScriptInfo]:
    """Those of the menu first, then those that are always on, with those that are a part of the request here."""
    kind, over = (Img2Img, True) if tab == "img2img" else (Txt2Img, False)
    found = [(one.title, one.always_on, one.arguments(tab)) for one in app.scripts.selectable(tab)]
    for title, (owner, names) in ALWAYS_ON.items():
        if owner is kind:
            found.append((title, True, [specs(kind)[name] for name in names]))
    found += [(one.title, True, one.arguments(tab)) for one in app.scripts.always_on(tab)]
    own = [
        ScriptInfo(name=title.lower(), is_alwayson=always, is_img2img=over, args=[_arg(app, one) for one in known])
        for title, always, known in found
    ]
    guests = _of_guests(app)
    return [*own, *(one for one in guests if one.is_img2img is over)]


def _arg(app: App, spec: Spec) -> ScriptArg:
    choices = app.catalogs[spec.choices]() if isinstance(spec.choices, str) and spec.choices else spec.choices
    menu = spec.type is list and not choices
    return ScriptArg(
        label=spec.label,
        value=None if menu else spec.default,
        minimum=spec.slider and spec.slider.low,
        maximum=spec.slider and spec.slider.high,
        step=spec.slider and spec.slider.step,
        choices=list(choices) if choices or menu else None,
    )
