"""The page in other languages: which texts it has, and the chosen language's for the scripts that put them in place."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import gradio as gr
from fastapi import FastAPI
from fastapi.responses import Response

from modules.app import App
from modules.host import localizations
from modules.webui import assets, config_states, extensions_list

SCRIPT = f"{assets.ROUTE}/localization.js"
TEMPLATE = f"{assets.ROUTE}/localization-template.json"
TABLES = (*extensions_list.TEXTS, *config_states.HEADS, config_states.ABSENT, config_states.OFF)  # filled later
SAID = re.compile(r"""\bsay\(\s*("(?:[^"\\]|\\.)*")""")  # in the scripts
TAG = re.compile(r"<[^>]*>")
WORD = re.compile(r"[^\W\d_]{2}")
FRESH = {"Cache-Control": "no-store"}


def texts(app: App, demo: gr.Blocks, hints: Mapping[str, str]) -> list[str]:
    """The page's own texts, each once, in the order of the page: neither names of files nor of ways to draw."""
    names = {name for menu in app.catalogs.values() for name in menu()}
    found = [*_shown(demo, names), *hints.values(), *_said(), *TABLES]
    return list(dict.fromkeys(text for one in found if WORD.search(text := one.strip())))


def _shown(demo: gr.Blocks, names: set[str]) -> Iterator[str]:
    for block in demo.blocks.values():
        for word in ("label", "placeholder", "info"):
            text = getattr(block, word, None)
            yield text if isinstance(text, str) else ""
        value = getattr(block, "value", None)
        if isinstance(value, str) and isinstance(block, gr.Button):
            yield value
        if isinstance(value, str) and isinstance(block, gr.HTML) and "no-words" not in block.elem_classes:
            yield from (html.unescape(text) for text in TAG.split(value))
        choices: list[Any] = getattr(block, "choices", None) or []
        yield from (str(label) for label, _ in choices if label not in names)


def _said() -> Iterator[str]:
    for path in assets.scripts().values():
        yield from (str(json.loads(text)) for text in SAID.findall(path.read_text(encoding="utf-8")))


def chosen(app: App) -> tuple[str, dict[str, str]]:
    """The language of the settings and its texts."""
    name = app.options.view().localization
    return name, localizations.table(localizations.files(app.folders, app.extensions).get(name, ()))


def serve(api: FastAPI, app: App, demo: gr.Blocks, hints: Mapping[str, str]) -> None:
    """Add the routes: what each page reads when it is opened, and a file to begin another language with."""

    @api.get(f"/{SCRIPT}", include_in_schema=False)
    def script() -> Response:
        return Response(localizations.script(*chosen(app)), media_type="text/javascript", headers=FRESH)

    @api.get(f"/{TEMPLATE}", include_in_schema=False)
    def template() -> Response:
        known = chosen(app)[1]
        table = {text: known.get(text, "") for text in texts(app, demo, hints)}
        return Response(json.dumps(table, indent=4, ensure_ascii=False), media_type="application/json", headers=FRESH)
