"""`/file=…`, the address under which extensions' scripts fetch files: those of a few folders, and no others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response

from modules.app import App
from modules.declare import specs
from modules.settings.sections.saving import Paths


def serve(api: FastAPI, app: App, extensions: Sequence[Path]) -> None:
    """Add the route. A relative path starts at the data folder, as it does for A1111's scripts.

    Some keep what they tell the page in a folder `tmp` of where the program was started.
    """
    view = app.options.view()
    outputs = [app.folders.output(getattr(view, name)) for name in specs(Paths) if getattr(view, name)]
    allowed = [*extensions, app.folders.data / "tmp", Path.cwd() / "tmp", *outputs]
    roots = [root.resolve() for root in allowed if not app.folders.data.is_relative_to(root.resolve())]

    @api.get("/file={path:path}", include_in_schema=False)
    def file(path: str) -> Response:
        places = [(start / path).resolve() for start in (app.folders.data, Path.cwd())]
        found = next((one for one in places if permitted(one, roots) and one.is_file()), None)
        if found is None:
            return Response("There is no such file.", status_code=404, media_type="text/plain")
        # A picture or a text, never a page of this server's: what an extension stores may come from anywhere.
        words = {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff"}
        return FileResponse(found, headers=words)


def permitted(path: Path, roots: Sequence[Path]) -> bool:
    """Whether a file lies in one of the folders, in no hidden part of it."""
    for root in roots:
        if path.is_relative_to(root):
            return not any(part.startswith(".") for part in path.relative_to(root).parts)
    return False
