"""The widgets of options, for the Settings tab and the quick settings: made and brought up to date in one way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import gradio as gr

from modules.app import App
from modules.exceptions import NotFound
from modules.webui.controls import QUIET, tool
from modules.webui.widgets import differing, face, widget

TAB = "setting"


def option_widget(app: App, name: str, **words: Any) -> Any:
    """The component of an option, with a button that looks for new files where its choices are files."""
    spec = app.options.specs[name]
    made = widget(spec, TAB, app.catalogs, value(app, name), **words)
    if spec.choices == "checkpoints":
        refresh = tool("🔄", f"refresh_{name}", "refresh")

        def look_again() -> Any:
            app.library.scan()
            return update(app, name)

        refresh.click(look_again, outputs=[made], queue=False, **QUIET)
    return made


def value(app: App, name: str) -> Any:
    """An option's value as its widget shows it: a checkpoint by its title today, whatever it was called when chosen."""
    now = getattr(app.options.view(), name)
    if app.options.specs[name].choices != "checkpoints":
        return now
    try:
        chosen = app.library.find(now) if now else app.library.first()
    except NotFound:
        return now
    return chosen.title if chosen else now


def update(app: App, name: str) -> Any:
    """What brings an option's widget up to date."""
    return gr.update(**face(app.options.specs[name], app.catalogs, value(app, name)))


def opened(app: App, made: Mapping[str, Any]) -> list[Any]:
    """The same for the options' components of a page that is opened."""
    known, menus = app.options.specs, app.catalogs
    return [differing(part, face(known[name], menus, value(app, name))) for name, part in made.items()]


def as_json(app: App) -> str:
    """All options, for the scripts' `opts`."""
    return json.dumps(app.options.view().as_dict(), default=str)
