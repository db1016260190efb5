"""GET and POST options, all by A1111's names; and the flags the program was started with."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from modules.app import App
from modules.exceptions import NotFound
from modules.settings.sections.launch import MEANINGLESS
from modules.webapi.schemas import Changes
from modules.webapi.watch import Watch

LOADED_HASH = "sd_checkpoint_hash"  # A1111 lists it among the options; clients tell the loaded model by it
CHECKPOINTS = "checkpoints"  # the catalog
SECRET = ("gradio_auth", "api_auth")


def routes(app: App, watch: Watch) -> APIRouter:
    """The routes of settings and flags."""
    router = APIRouter(prefix="/sdapi/v1")

    @router.get("/options")
    def get_options() -> dict[str, Any]:
        return told(app)

    @router.post("/options")
    def set_options(changes: Changes) -> None:
        wanted = {name: value for name, value in changes.items() if name != LOADED_HASH}
        for name, spec in app.options.specs.items():
            if spec.choices == CHECKPOINTS and isinstance(wanted.get(name), str) and wanted[name]:
                wanted[name] = app.library.find(wanted[name]).title
        app.options.change(wanted, by_page=False)

    @router.get("/cmd-flags")
    def cmd_flags() -> dict[str, Any]:
        return flags(app)

    return router


def flags(app: App) -> dict[str, Any]:
    """The flags that the program was started with, without what is secret in them."""
    given: dict[str, Any] = {_name(flag): False if not values else None for flag, values in MEANINGLESS.items()}
    given |= {name: value if value != "" else None for name, value in asdict(app.launch).items()}
    return {name: "(hidden)" if name in SECRET and value else value for name, value in given.items()}


def _name(flag: str) -> str:
    return flag.lstrip("-").replace("-", "_")


def told(app: App) -> dict[str, Any]:
    """All options; an empty choice of a checkpoint as the one that is meant."""
    values = app.options.view().as_dict()
    values[LOADED_HASH] = ""
    for name, spec in app.options.specs.items():
        if spec.choices == CHECKPOINTS:
            try:
                meant = app.library.find(values[name]) if values[name] else app.library.first()
            except NotFound:
                continue
            if meant is not None:
                values[name], values[LOADED_HASH] = meant.title, meant.sha256 or ""
    return values
