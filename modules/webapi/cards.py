"""What a browser of network files shows of one of them: its preview, its metadata, its card."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter
from starlette.responses import FileResponse, JSONResponse

from modules.app import App
from modules.exceptions import CorruptFile, NotFound
from modules.webapi.watch import Watch
from modules.weights.networks import headers
from modules.weights.networks.sidecars import PICTURES, PREVIEWS

CHECKPOINTS = "checkpoints"
KEPT = {"Cache-Control": "private, max-age=86400"}


def routes(app: App, watch: Watch) -> APIRouter:
    """The routes; they give out previews and metadata of model files, nothing else that lies beside them."""
    router = APIRouter(prefix="/sd_extra_networks")

    @router.get("/thumb")
    def thumb(filename: str = "", side: int = 0) -> FileResponse:
        path = Path(os.path.abspath(filename))  # not resolved: a link in a model folder was put there by its owner
        inside = any(path.is_relative_to(folder) for folder in _folders(app))
        if not (filename and inside and path.suffix.lower() in PICTURES and path.is_file()):
            raise NotFound(f"There is no preview {filename[:120]!r} in the model folders.")
        if side:
            return FileResponse(app.thumbnails.of(path, side), headers=KEPT)
        return FileResponse(path, headers={"Accept-Ranges": "bytes"})

    @router.get("/metadata")
    def metadata(page: str = "", item: str = "") -> JSONResponse:
        path = found(app, page, item)
        try:
            header = headers.read(path) if path else None
        except CorruptFile:
            header = None
        told = header.metadata if header else {}
        return JSONResponse({"metadata": json.dumps(told, indent=4, ensure_ascii=False)} if told else {})

    @router.get("/get-single-card")
    def get_single_card(page: str = "", tabname: str = "", name: str = "") -> JSONResponse:
        path = found(app, page, name)
        return JSONResponse({"html": _card(path, tabname, name)} if path else {})

    return router


def _folders(app: App) -> Iterable[Path]:
    where = app.folders
    return (*where.checkpoints, *where.vaes, *where.loras, where.hypernetworks, where.embeddings)


def found(app: App, page: str, name: str) -> Path | None:
    """The file of that name on a page called as A1111 calls it."""
    shelves = app.shelves
    page = page.lower().replace("_", " ")
    if page == CHECKPOINTS:
        return next((one.path for one in app.library.checkpoints() if name in (one.model_name, one.name)), None)
    known = {"lora": shelves.loras, "textual inversion": shelves.embeddings, "hypernetworks": shelves.hypernetworks}
    entries = known[page].entries() if page in known else []
    return next((one.path for one in entries if one.name == name), None)


def _card(path: Path, tab: str, name: str) -> str:
    """A card as A1111's page holds it, reduced to name and picture."""
    picture = next((shown for end in PREVIEWS if (shown := path.with_name(path.stem + end)).is_file()), None)
    source = f"./sd_extra_networks/thumb?filename={quote(str(picture))}" if picture else ""
    image = f'<img src="{html.escape(source)}" class="preview" loading="lazy">' if picture else ""
    title, label = html.escape(name), f'<span class="name">{html.escape(name)}</span>'
    return f'<div class="card" data-name="{title}" data-tab="{html.escape(tab)}">{image}{label}</div>'
