"""Buttons that send a picture, with what it was made of, to the img2img tab."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import gradio as gr

from modules.app import App
from modules.exceptions import WebuiError
from modules.imaging.pixels import from_file, upright
from modules.webui import img2img
from modules.webui.controls import AS_IS, QUIET
from modules.webui.form import Form
from modules.webui.generation import Output
from modules.webui.paste import filled

KEPT = {"prompt", "negative_prompt", "steps"}  # what goes along from tab to tab
PLACES = {"img2img": ("picture", img2img.PLAIN), "inpaint": ("inpainted", img2img.INPAINT)}


def bind_gallery(app: App, form: Form, output: Output, target: Form) -> None:
    """Give life to the buttons below a gallery."""

    def sent(gallery: list[dict[str, Any]] | None, index: int | None, info: str) -> list[Any]:
        place = int(index or 0)
        if not gallery or place >= len(gallery):
            return updates(app, target, None, "")
        text = json.loads(info)["infotexts"][place] if info else ""
        only = KEPT | ({"seed"} if app.options.view().send_seed else set())
        return updates(app, target, gallery[place]["image"], text, only)

    for name in PLACES:
        bind_to(form.buttons[name], name, sent, [output.gallery, output.index, output.info], target)


def bind_picture(app: App, buttons: dict[str, Any], image: Any, text: Any, target: Form) -> None:
    """Give life to the buttons below a picture of which the text is known."""

    def sent(upload: dict[str, Any] | None, infotext: str) -> list[Any]:
        return updates(app, target, upload, infotext)

    for name, button in buttons.items():
        bind_to(button, name, sent, [image, text], target)


def bind_to(button: Any, name: str, sent: Any, inputs: list[Any], target: Form) -> None:
    """Let a button send what `sent` gives, the updates below, to one of PLACES and open it."""
    picture, tab = PLACES[name]
    outputs = [target.beside[picture], *target.components()]
    js = f"() => openTabs('tab_{target.tab}', '{target.tab}_generation', '{tab}')"
    button.click(sent, inputs=inputs, outputs=outputs, **AS_IS).then(None, js=js, **QUIET)


def updates(app: App, target: Form, upload: dict[str, Any] | None, text: str, only: Collection[str] = ()) -> list[Any]:
    """For the picture's place and the target's components: the picture, its text's values and its size."""
    values = dict(zip(target.names(), filled(app, target, text, only), strict=True))
    if not upload:
        return [gr.skip(), *values.values()]
    try:
        image = upright(from_file(Path(upload["path"])))
    except WebuiError as error:
        gr.Warning(str(error))
        return [gr.skip(), *values.values()]
    if app.options.view().send_size:
        values |= dict(zip(("width", "height"), image.size, strict=True))
    return [upload["path"], *values.values()]
