"""The program itself: its memory, the loaded checkpoint, its restart from the page, and, with a flag, its end."""

from __future__ import annotations

from typing import Any

import psutil
from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import PlainTextResponse, Response

from modules.app import App
from modules.webapi.watch import End, Watch


class MemoryResponse(BaseModel):
    """In bytes."""

    ram: dict[str, Any] = Field(title="RAM", description="Memory of the machine, as this process sees it.")
    cuda: dict[str, Any] = Field(title="CUDA", description="Memory of the device; an error where there is none.")


def routes(app: App, watch: Watch) -> APIRouter:
    """The routes about the process. The API ends it only if a flag asks for that; the page may restart it."""
    router = APIRouter()

    @router.get("/sdapi/v1/memory")
    def memory() -> MemoryResponse:
        return MemoryResponse(ram=_ram(), cuda=app.engine.memory() or {"error": "unavailable"})

    @router.post("/sdapi/v1/unload-checkpoint")
    async def unload_checkpoint() -> dict[str, Any]:
        await watch.finished(app.unload_checkpoint())
        return {}

    @router.post("/sdapi/v1/reload-checkpoint")
    async def reload_checkpoint() -> dict[str, Any]:
        job = app.load_checkpoint()
        await watch.finished(job)
        job.wait()
        return {}

    @router.post("/internal/restart", include_in_schema=False)
    async def restart() -> Response:
        return _ending(watch, End.RESTART, "Starting again.")

    if app.launch.api_server_stop:

        @router.post("/sdapi/v1/server-kill")
        async def server_kill() -> Response:
            return _ending(watch, End.KILL, "Ending at once.")

        @router.post("/sdapi/v1/server-restart")
        async def server_restart() -> Response:
            return _ending(watch, End.RESTART, "Starting again.")

        @router.post("/sdapi/v1/server-stop")
        async def server_stop() -> Response:
            return _ending(watch, End.STOP, "Stopping.")

    return router


def _ending(watch: Watch, how: End, text: str) -> Response:
    if watch.end is None:
        return PlainTextResponse("This server cannot be ended from outside.", 501)
    watch.end(how)
    return PlainTextResponse(text)


def _ram() -> dict[str, float]:
    """A1111's three figures: `used` is this process's, `free` what is left of the machine's."""
    used, total = psutil.Process().memory_info().rss, psutil.virtual_memory().total
    return {"free": float(total - used), "used": used, "total": float(total)}
