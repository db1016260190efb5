"""What A1111's own page asks beside the API: the names of the settings, how long the start took, and a report."""

from __future__ import annotations

import json
import platform
import sys
from importlib.metadata import distributions
from typing import Any

import psutil
from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from modules import VERSION
from modules.app import App
from modules.webapi.options import flags, told
from modules.webapi.watch import Watch


class QuicksettingsHint(BaseModel):
    """An option that can stand at the top of the page."""

    name: str = Field(title="Name of the quicksettings field")
    label: str = Field(title="Label of the quicksettings field")


def routes(app: App, watch: Watch) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/internal")

    @router.get("/quicksettings-hint")
    def quicksettings_hint() -> list[QuicksettingsHint]:
        return [QuicksettingsHint(name=name, label=spec.label) for name, spec in app.options.specs.items()]

    @router.get("/profile-startup")
    def profile_startup() -> dict[str, Any]:
        return {"total": watch.took, "records": {"to the first answer": watch.took}}

    @router.get("/sysinfo")
    def sysinfo(attachment: bool = False) -> Response:
        return _report(app, attachment)

    @router.get("/sysinfo-download")
    def sysinfo_download() -> Response:
        return _report(app, True)

    return router


def _report(app: App, attachment: bool) -> Response:
    headers = {"Content-Disposition": 'attachment; filename="sysinfo.json"'} if attachment else {}
    return Response(json.dumps(report(app), indent=4, default=str), media_type="text/plain", headers=headers)


def report(app: App) -> dict[str, Any]:
    """What helps to find a fault; no passwords, and nothing of the environment."""
    memory = psutil.virtual_memory()
    packages = sorted({f"{one.metadata['Name']}=={one.version}" for one in distributions()}, key=str.lower)
    return {
        "Platform": platform.platform(),
        "Python": sys.version,
        "Version": VERSION,
        "Data path": str(app.folders.data),
        "Checkpoints": len(app.library.checkpoints()),
        "CPU": {"model": platform.processor() or platform.machine(), "count": psutil.cpu_count()},
        "RAM": {"total": memory.total, "available": memory.available},
        "Device": app.engine.memory() or {"error": "unavailable"},
        "Flags": flags(app),
        "Config": told(app),
        "Packages": packages,
    }
