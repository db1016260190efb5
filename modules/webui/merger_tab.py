"""The Checkpoint Merger tab."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from modules.app import App
from modules.declare import checked, specs
from modules.exceptions import WebuiError
from modules.jobs.queue import Job
from modules.settings.reach import User
from modules.webui import download_form
from modules.webui.controls import AS_IS, FREE, tool
from modules.webui.errands import Errand, line, place
from modules.webui.widgets import differing, face, form
from modules.weights.recipe import METHODS, Merge, described

TAB = "modelmerger"
KNOWN = specs(Merge)
NONE = "None"  # how a menu calls the choice of nothing
MODELS = [name for name, spec in KNOWN.items() if spec.choices == "checkpoints"]
MENUS = [name for name, spec in KNOWN.items() if isinstance(spec.choices, str)]
RADIO: dict[str, Any] = {"radio": True}
LOOKS: dict[str, dict[str, Any]] = {
    name: RADIO if isinstance(spec.choices, tuple) and spec.choices else {"unsaid": NONE} if spec.choices else {}
    for name, spec in KNOWN.items()
} | {"metadata_json": {"lines": 6, "max_lines": 20}}
TOLD = dict(
    zip(
        METHODS,
        (
            "One model is needed: A. It can be converted, and given another VAE.",
            "Two models are needed: A and B. The result is A * (1 - M) + B * M.",
            "Three models are needed: A, B and C. The result is A + (B - C) * M.",
        ),
        strict=True,
    )
)


def build(app: App) -> list[Any]:
    """Place the tab; gives the menus whose entries change with the files there are, in the order of `opened`."""
    fields = form(Merge, TAB, app.catalogs, LOOKS, app.defaults)
    with gr.Row(elem_id=f"{TAB}_columns", elem_classes=["columns"]):
        with gr.Column(min_width=320):
            _place(app, fields)
            merge = gr.Button("Merge", elem_id=f"{TAB}_merge", variant="primary")
        with gr.Column(min_width=320):

            def start(task: str, said: Mapping[str, Any], user: User) -> Job:
                return app.merge(Merge(**checked(Merge, dict(said))), task, user)

            _, over = place(Errand(app, start, _made), TAB, merge, fields)
            arrived = download_form.build(app)
    menus = [fields[name] for name in MENUS]
    for event in (over, arrived):
        event.then(lambda *now: restocked(app, *now), inputs=menus, outputs=menus, **AS_IS)
    return menus


def restocked(app: App, *now: str) -> list[Any]:
    """Updates that give the tab's menus what there is to choose from; what is chosen in them stays."""
    return [gr.update(**face(KNOWN[name], app.catalogs, one, NONE)) for name, one in zip(MENUS, now, strict=True)]


def opened(app: App, menus: list[Any]) -> list[Any]:
    """The same for a page that is opened, where nothing is chosen yet."""
    faces = [face(KNOWN[name], app.catalogs, "", NONE) for name in MENUS]
    return [differing(menu, {"choices": one["choices"]}) for menu, one in zip(menus, faces, strict=True)]


def _made(path: Path) -> str:
    return line(f"Checkpoint saved to {path}")


def _place(app: App, fields: Mapping[str, Any]) -> None:
    method = fields["interp_method"]
    told = gr.HTML(line(TOLD[KNOWN["interp_method"].default]), elem_id=f"{TAB}_interp_description", padding=False)
    with gr.Row(elem_id=f"{TAB}_models"):
        for letter, name in zip("ABC", MODELS, strict=True):
            fields[name].render()
            refresh = tool("🔄", f"refresh_checkpoint_{letter}", "refresh")
            refresh.click(_look_again(app, name), inputs=[fields[name]], outputs=[fields[name]], **AS_IS)
    for name in ("custom_name", "multiplier", "interp_method"):
        fields[name].render()
    method.change(lambda chosen: line(TOLD.get(chosen, "")), inputs=[method], outputs=[told], **AS_IS)
    with gr.Row():
        fields["checkpoint_format"].render()
        fields["save_as_half"].render()
    fields["config_source"].render()
    with gr.Row():
        fields["bake_in_vae"].render()
        again = tool("🔄", f"{TAB}_refresh_bake_in_vae", "refresh")
        vae = fields["bake_in_vae"]
        again.click(_look_again(app, "bake_in_vae"), inputs=[vae], outputs=[vae], **AS_IS)
    fields["discard_weights"].render()
    with gr.Accordion("Metadata", open=False, elem_id=f"{TAB}_metadata"):
        with gr.Row():
            for name in ("save_metadata", "add_merge_recipe", "copy_metadata_fields"):
                fields[name].render()
        fields["metadata_json"].render()
        read = gr.Button("Read metadata from selected checkpoints", elem_id=f"{TAB}_read_metadata")
        chosen = [fields[name] for name in MODELS]
        read.click(lambda *names: _read(app, names), inputs=chosen, outputs=[fields["metadata_json"]], **FREE)


def _look_again(app: App, name: str) -> Any:
    def look_again(value: str) -> Any:
        if name in MODELS:
            app.library.scan()
        else:
            app.shelves.vaes.refresh()
        return gr.update(**face(KNOWN[name], app.catalogs, value, NONE))

    return look_again


def _read(app: App, names: tuple[str, ...]) -> Any:
    try:
        found = described(tuple(app.library.find(name) for name in names if name))
    except WebuiError as error:
        gr.Warning(html.escape(str(error)))
        return gr.skip()
    return json.dumps(found, indent=4, ensure_ascii=False)
