"""Small copies of a gallery's pictures for its row of thumbnails; what is shown large and kept are the files."""

from __future__ import annotations

import os
from pathlib import Path

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import FileResponse

from modules.app import App
from modules.exceptions import NotFound
from modules.webui.shelf import Shelf

SIDE = 256  # pixels
KEPT = {"Cache-Control": "private, max-age=86400"}


def routes(app: App, shelf: Shelf) -> APIRouter:
    """The route; it gives out what gradio's own would give to this user, only smaller."""
    router = APIRouter(prefix="/internal")

    @router.get("/small")
    def small(file: str, request: Request) -> FileResponse:
        path = os.path.abspath(file)
        if not shelf.shows(path) or not shelf.may_fetch(request.state.user, path):
            raise NotFound("There is no such picture.")
        return FileResponse(app.thumbnails.of(Path(path), SIDE), headers=KEPT)

    return router
