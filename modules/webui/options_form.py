"""The widgets of options, for the Settings tab and the quick settings: made and brought up to date in one way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import gradio as gr

from modules.app import App
from modules.exceptions import NotFound
from modules.webui.controls import QUIET, tool
from modules.webui.widgets import differing, elem_id, face, widget

TAB = "setting"


def option_widget(app: App, name: str, ids: str = TAB, **words: Any) -> Any:
    """The component of an option, with a button that looks for new files where its choices are files.

    `ids`: what its element's id begins with.
    """
    spec = app.options.specs[name]
    made = widget(spec, ids, app.catalogs, value(app, name), **words)
    if spec.choices == "checkpoints":
        refresh = tool("🔄", elem_id("refresh" if ids == TAB else f"{ids}_refresh", name), "refresh")

        def look_again(shown: Any) -> Any:
            app.library.scan()
            return gr.update(**face(spec, app.catalogs, titled(app, name, shown) if shown else value(app, name)))

        refresh.click(look_again, inputs=[made], outputs=[made], queue=False, preprocess=False, **QUIET)
    return made


def value(app: App, name: str) -> Any:
    """An option's value as its widget shows it."""
    return titled(app, name, getattr(app.options.view(), name))


def titled(app: App, name: str, now: Any) -> Any:
    """A value of an option as its widget shows it: a checkpoint by its title today, whatever it is called there."""
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
