"""The history of pictures over HTTP: searched, looked at, downloaded as the files they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import FileResponse

from modules.app import App
from modules.exceptions import ParameterError
from modules.history.catalogue import LARGEST
from modules.history.store import Row
from modules.settings.reach import Role, named_folder
from modules.webapi.rights import Who
from modules.webapi.watch import Watch

MOST = 500  # pictures at once
KEPT = {"Cache-Control": "private, max-age=86400"}
SIDE = 256  # pixels of a small picture, if not said
OPTION = "history_folders"


class Found(BaseModel):
    """Some of the pictures that a search found, newest first."""

    total: int
    first: int
    busy: bool = Field(description="Whether the folders are being looked through, so that more may be found soon.")
    pictures: list[dict[str, Any]]


class Folder(BaseModel):
    """A folder of the server."""

    folder: str


def routes(app: App, watch: Watch) -> APIRouter:
    """The routes; they are not for guests, who see only their own pictures."""
    router = APIRouter(prefix="/internal/history")

    @router.get("")
    def search(search: str = "", first: int = 0, count: int = 100) -> Found:
        first, count = min(max(0, first), LARGEST), min(max(0, count), MOST)
        total, rows = app.history.search(search, first, count)
        told = [_told(number, row) for number, row in rows.items()]
        return Found(total=total, first=first, busy=app.history.busy, pictures=told)

    @router.post("/refresh")
    def refresh() -> None:
        app.history.refresh()

    @router.post("/folders")
    def add(said: Folder, user: Who) -> list[str]:
        user.need(Role.ADMIN, "change settings")
        path = named_folder(said.folder, app.folders, app.launch, user)
        if not path.is_dir():
            raise ParameterError(f"There is no folder {said.folder[:200]!r} on the machine where the server runs.")
        if app.folders.data.is_relative_to(path):
            raise ParameterError(f"{path} holds this program's own data; name a folder of pictures.")
        kept = list(getattr(app.options.view(), OPTION))
        app.options.change({OPTION: list(dict.fromkeys([*kept, str(path)]))})
        app.history.refresh()
        return list(getattr(app.options.view(), OPTION))

    @router.get("/{number}")
    def picture(number: int) -> dict[str, Any]:
        row = app.history.picture(number)
        return _told(number, row) | {"infotext": row.infotext, "path": row.path}

    @router.get("/{number}/thumb")
    def thumb(number: int, side: int = SIDE) -> FileResponse:
        path = app.thumbnails.of(Path(app.history.picture(number).path), side)
        return FileResponse(path, headers=KEPT)

    @router.get("/{number}/file")
    def file(number: int, download: bool = False) -> FileResponse:
        row = app.history.picture(number)
        kind = "attachment" if download else "inline"
        headers = {"Content-Disposition": f"{kind}; filename*=utf-8''{quote(row.name, safe='')}"}
        return FileResponse(row.path, headers=headers | KEPT)

    return router


def _told(number: int, row: Row) -> dict[str, Any]:
    first = row.prompt.strip().split("\n", 1)[0]
    return {
        "id": number,
        "name": row.name,
        "width": row.width,
        "height": row.height,
        "seed": row.seed,
        "time": row.mtime // 1_000_000,
        "prompt": first[:200],
    }
