"""The page's own scripts and styles, served from a list fixed at start."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response

from modules.guests import Guest

HERE = Path(__file__).parent
STYLES = sorted(HERE.glob("*.css"))
ROUTE = "webui-file"
USER_STYLE = "user.css"  # of the data folder, as in A1111: read at each load of the page
WHOLE = "webui.js"
GIVEN = re.compile(r"^(?:(?:async )?function\*?|var) (\w+)", re.MULTILINE)  # at the top of a script
SOUND = "notification.mp3"  # likewise; played when a run is over


def scripts() -> dict[str, Path]:
    """The scripts by file name, in the order they are read."""
    return {path.name: path for path in sorted((HERE / "javascript").glob("*.js"))}


def whole() -> str:
    """All of them as one script that keeps its names to itself; functions and `var` are properties of the window too.

    Scripts of extensions may so declare any name: one that is already taken by a declaration would end their script.
    """
    text = "\n".join(path.read_text(encoding="utf-8") for path in scripts().values())
    given = []
    for name in dict.fromkeys(GIVEN.findall(text)):
        given.append(f"{name}: {{configurable: true, get: () => {name}, set: (value) => {{ {name} = value; }}}}")
    names = ",\n".join(given)
    return f"(() => {{\n{text}\nObject.defineProperties(window, {{\n{names}\n}});\n}})();\n"


def of_guests(guests: Sequence[Guest]) -> tuple[dict[str, Path], list[Path]]:
    """Guests' (scripts by the name they are served under, style sheets)."""
    scripts: dict[str, Path] = {}
    styles: list[Path] = []
    for guest in guests:
        own, sheets = guest.files()
        scripts |= {f"{path.parents[1].name}/{path.name}": path for path in own}
        styles += sheets
    return scripts, styles


def serve(api: FastAPI, data: Path, more: Mapping[str, Path]) -> None:
    """Add the route; only the files that exist now are ever given out, and two of the user's from the data folder.

    `more`: the scripts of guests.
    """
    text, forever = whole(), {"Cache-Control": "max-age=31536000"}

    @api.get(f"/{ROUTE}/{WHOLE}", include_in_schema=False)
    async def own() -> Response:
        return Response(text, media_type="text/javascript", headers=forever)

    @api.get(f"/{ROUTE}/{USER_STYLE}", include_in_schema=False)
    async def user_style() -> Response:
        path = data / USER_STYLE
        return FileResponse(path, media_type="text/css") if path.is_file() else Response("", media_type="text/css")

    if (sound := data / SOUND).is_file():

        @api.get(f"/{ROUTE}/{SOUND}", include_in_schema=False)
        async def notification() -> Response:
            return FileResponse(sound, media_type="audio/mpeg")

    @api.get(f"/{ROUTE}/{{name:path}}", include_in_schema=False)
    async def script(name: str) -> Response:
        if name not in more:
            return Response("There is no such file.", status_code=404, media_type="text/plain")
        return FileResponse(more[name], media_type="text/javascript", headers=forever)


def head(theme: str, hints: Mapping[str, str], data: Path, more: Mapping[str, Path]) -> str:
    """What goes into the page's <head>: relative addresses, so that it works below a path too.

    `hints` by element id are shown where the pointer rests.
    """
    told = json.dumps(hints).replace("<", "\\u003c")
    lines = [f'<meta name="webui-theme" content="{html.escape(theme)}">']
    lines += [f'<script type="application/json" id="webui-hints">{told}</script>']
    lines += ['<meta name="webui-guests">'] if more else []
    lines += [f'<script src="{ROUTE}/localization.js"></script>']
    newest = max(path.stat().st_mtime for path in scripts().values())
    lines.append(f'<script src="{ROUTE}/{WHOLE}?{newest}"></script>')
    for name, path in more.items():
        kind = ' type="module"' if path.suffix == ".mjs" else ""
        lines.append(f'<script src="{ROUTE}/{quote(name)}?{path.stat().st_mtime}"{kind}></script>')
    lines.append(f'<link rel="stylesheet" href="{ROUTE}/{USER_STYLE}">')
    if (data / SOUND).is_file():
        lines.append(f'<meta name="webui-sound" content="{ROUTE}/{SOUND}">')
    return "\n".join(lines)
