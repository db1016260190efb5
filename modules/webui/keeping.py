"""The buttons that keep pictures: copies in the folder of favourites with a line in its log.csv, or all in a zip."""

from __future__ import annotations

import csv
import html
import itertools
import json
import shutil
import threading
import zipfile
from pathlib import Path
from typing import Any

import gradio as gr

from modules.app import App
from modules.exceptions import ParameterError, WebuiError
from modules.imaging.disk import explained
from modules.prompts import infotext
from modules.settings.reach import Role
from modules.webui.controls import AS_IS
from modules.webui.shelf import Shelf
from modules.webui.submit import who

LOG = "log.csv"
COLUMNS = {  # of A1111's log.csv → key of the infotext
    "seed": "Seed",
    "width": "",
    "height": "",
    "sampler": "Sampler",
    "cfgs": "CFG scale",
    "steps": "Steps",
    "filename": "",
    "negative_prompt": "",
    "sd_model_name": "Model",
    "sd_model_hash": "Model hash",
}


class Keeper:
    """What the buttons below a gallery do."""

    def __init__(self, app: App, shelf: Shelf):
        self._app = app
        self._shelf = shelf
        self._lock = threading.Lock()

    def save(self, gallery: Any, index: Any, info: str, request: gr.Request) -> tuple[Any, str]:
        """Copy the picture shown, or all of them, as the option wants it: (files to download, log line)."""
        return self._tried(request, lambda: self._save(gallery, int(index or 0), info))

    def zip(self, gallery: Any, index: Any, info: str, request: gr.Request) -> tuple[Any, str]:
        """Put all pictures into one file to download."""
        return self._tried(request, lambda: self._zip(gallery))

    def _tried(self, request: gr.Request, work: Any) -> tuple[Any, str]:
        try:
            who(request).need(Role.USER, "save pictures on the server")
            files = work()
        except WebuiError as error:
            gr.Warning(html.escape(str(error)))
            return gr.skip(), f'<p class="error">{html.escape(str(error))}</p>'
        names = ", ".join(html.escape(path.name) for path in files)
        shown = [self._shelf.public(path) for path in files]
        return gr.update(value=shown, visible=True), f'<p class="comment">Saved: {names}</p>'

    def _save(self, gallery: Any, index: int, info: str) -> list[Path]:
        view = self._app.options.view()
        paths, told = _paths(gallery), json.loads(info or "{}").get("infotexts") or []
        chosen = [min(index, len(paths) - 1)] if view.save_selected_only else range(len(paths))
        folder = self._app.folders.output(view.outdir_save)
        with self._lock, explained(folder):
            folder.mkdir(parents=True, exist_ok=True)
            copies = [_copied(paths[place], folder) for place in chosen]
            texts = [told[place] if place < len(told) else "" for place in chosen]
            _log(folder / LOG, list(zip(copies, texts, strict=True)))
        return copies

    def _zip(self, gallery: Any) -> list[Path]:
        made = self._shelf.temporary("images.zip")
        with explained(made), zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
            for number, path in enumerate(_paths(gallery)):
                archive.write(path, path.name if path.name not in archive.namelist() else f"{number}-{path.name}")
        return [made]


def bind(keeper: Keeper, buttons: dict[str, Any], inputs: list[Any], outputs: list[Any]) -> None:
    """Give life to the buttons."""
    buttons["save"].click(keeper.save, inputs=inputs, outputs=outputs, **AS_IS)
    buttons["zip"].click(keeper.zip, inputs=inputs, outputs=outputs, **AS_IS)


def _paths(gallery: Any) -> list[Path]:
    paths = [Path(one["image"]["path"]) for one in gallery or ()]
    if not paths:
        raise ParameterError("There is no picture to save; make one first.")
    if gone := next((path.name for path in paths if not path.is_file()), None):
        raise ParameterError(f"The file of {gone} is gone; it cannot be saved again.")
    return paths


def _copied(path: Path, folder: Path) -> Path:
    names = itertools.chain([path.name], (f"{path.stem}-{number}{path.suffix}" for number in itertools.count(1)))
    target = next(folder / name for name in names if not (folder / name).exists())
    shutil.copyfile(path, target)
    return target


def _log(path: Path, saved: list[tuple[Path, str]]) -> None:
    """Add lines to the log; one of an older A1111 keeps its own columns."""
    columns = ["prompt", *COLUMNS]
    if path.is_file():
        with path.open(encoding="utf-8-sig", newline="") as file:
            columns = next(csv.reader(file), []) or columns
    fresh = not path.is_file() or path.stat().st_size == 0
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        if fresh:
            writer.writerow(columns)
        for copy, text in saved:
            row = _row(copy, text)
            writer.writerow([row.get(column, "") for column in columns])


def _row(path: Path, text: str) -> dict[str, str]:
    said = infotext.read(text)
    width, _, height = said.pairs.get("Size", "").partition("x")
    told = {column: said.pairs.get(key, "") for column, key in COLUMNS.items()}
    own = {"prompt": said.prompt, "negative_prompt": said.negative_prompt, "width": width, "height": height}
    return told | own | {"filename": path.name}
