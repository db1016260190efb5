"""The Extras tab: finished pictures made larger, one, many or a folder of them."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import gradio as gr

from modules.app import App
from modules.exceptions import ParameterError
from modules.generate.extras import Finished, Result, Source, pictures_in
from modules.generate.operations import TO, Extras, extras_from
from modules.guests import finishing_of
from modules.imaging.pixels import from_file
from modules.settings.reach import User, named_folder
from modules.webui import generation
from modules.webui.controls import AS_IS, QUIET, tool
from modules.webui.form import Form, make, remember
from modules.webui.generation import NARROW, Output
from modules.webui.shelf import Shelf
from modules.webui.submit import Outputs, Runs, duration, infotext

TAB = "extras"

# The sub-tabs by their elements' ids, as the scripts tell which one is in front.
SINGLE, BATCH, FOLDER = f"{TAB}_single_tab", f"{TAB}_batch_process_tab", f"{TAB}_batch_directory_tab"
NO_PICTURE = "There is no picture to work on; put one on this tab."
LOOKS: dict[str, dict[str, Any]] = {
    "upscaler_1": {"label": "Upscaler 1"},
    "upscaler_2": NARROW | {"label": "Upscaler 2"},
    "extras_upscaler_2_visibility": NARROW | {"label": "Upscaler 2 visibility"},
    "upscaling_resize": {"label": "Resize", "value": 4, "scale": 4},
    "max_side_length": {"scale": 1, "min_width": 160},
    "upscaling_resize_w": {"label": "Width"},
    "upscaling_resize_h": {"label": "Height"},
    "upscaling_crop": {"min_width": 120},
    "gfpgan_visibility": {"label": "Visibility", "value": 1.0},
    "codeformer_visibility": {"label": "Visibility", "value": 1.0},
    "codeformer_weight": {"label": "Weight (0 = maximum effect, 1 = minimum effect)"},
    **dict.fromkeys(("autosized_mindim", "autosized_maxdim", "autosized_minarea", "autosized_maxarea"), NARROW),
    "autosized_objective": NARROW,
    "autosized_threshold": NARROW,
    **dict.fromkeys(("focal_face_weight", "focal_entropy_weight", "focal_edges_weight", "focal_debug"), NARROW),
    "caption": {"label": "By", "value": ["BLIP"]},
    "flipped_copies": {"label": "Copies", "value": ["Horizontal"]},
    "split_threshold": NARROW,
    "split_overlap": NARROW,
}
CUTS = {  # operations that are done where their box is ticked: field → what it is called
    "autosized_crop": "Auto-sized crop",
    "focal_crop": "Auto focal point crop",
    "split_oversized": "Split oversized images",
}


class ExtrasRuns(Runs):
    """The handlers behind this tab's Generate and its results."""

    def queue(self, task_id: str, chosen: Sequence[str], values: Mapping[str, Any], user: User) -> None:
        """Queue the work that the tab asks for; WebuiError where it cannot be done."""
        own, wishes = self.apart(values)
        said = self.said(own)
        request = extras_from(said)
        if said.get("to_size"):
            request = replace(request, resize_mode=TO)
        view = self.app.options.view()
        folder = self.app.folders.output(view.outdir_samples or view.outdir_extras_samples)
        shows = True
        if said.get("front") == FOLDER:
            shows = bool(said.get("show_results"))
            if said.get("output_dir"):
                folder = self._named(str(said["output_dir"]), user)
        words: dict[str, Any] = {"shows": shows, "more": finishing_of(self.app.guests, wishes)}
        self.app.extras(request, self._sources(said, user), folder, **words, task_id=task_id, user=user)

    def shown(self, task_id: str, result: Result, files: list[str]) -> Outputs:
        """The pictures; below them what was done, with what is known of their making."""
        texts = [_told(one) for one in result.shown]
        info = {"infotexts": texts, "index_of_first_image": 0}
        said = "Interrupted after" if result.interrupted else "Time taken:"
        line = f'<p class="time">{said} <span class="measurement">{duration(result.seconds)}</span></p>'
        line += "".join(f'<p class="comment">{html.escape(text)}</p>' for text in result.comments)
        gallery = gr.update(value=files, selected_index=0 if files else None)
        return gallery, json.dumps(info), infotext(texts[0] if texts else result.told), line, task_id, 0

    def _sources(self, said: Mapping[str, Any], user: User) -> list[Source]:
        """The pictures of the sub-tab in front."""
        front = said.get("front") or SINGLE
        if front == FOLDER:
            if not said.get("input_dir"):
                raise ParameterError("There is no input directory; name one.")
            return pictures_in(self._named(str(said["input_dir"]), user))
        if front == BATCH:
            uploads = [(one["path"], one.get("orig_name") or "") for one in said.get("files") or ()]
        else:
            uploads = [(said["image"]["path"], None)] if said.get("image") else []
        if not uploads:
            raise ParameterError(NO_PICTURE)
        return [Source(partial(from_file, Path(path)), name) for path, name in uploads]

    def _named(self, text: str, user: User) -> Path:
        return named_folder(text, self.app.folders, self.app.launch, user)


def _told(finished: Finished) -> str:
    """An infotext as if the picture had been made so at once, where it is known how it was made."""
    return ", ".join(filter(None, (finished.infotext, finished.told)))


def build(app: App, shelf: Shelf) -> tuple[Form, Output]:
    """Place the tab's components and bind its buttons."""
    form = make(app, TAB, cast(Any, Extras), LOOKS)
    with gr.Row(elem_id=f"{TAB}_columns", elem_classes=["columns"]):
        with gr.Column(elem_id=f"{TAB}_settings", elem_classes=["settings"], min_width=320):
            _sources(form)
            _upscale(form)
            with generation.fold(form, "gfpgan", "GFPGAN", f"{TAB}_gfpgan", ("gfpgan_visibility",)):
                form.place("gfpgan_visibility")
            faces = ("codeformer_visibility", "codeformer_weight")
            with generation.fold(form, "codeformer", "CodeFormer", f"{TAB}_codeformer", faces), gr.Row():
                form.place(*faces)
            _cuts(form)
            for guest in app.guests:
                guest.place(form)
            form.overrides.render()
        with gr.Column(min_width=320):
            generation.generate_box(form)
            output = generation.results(form)
    generation.bind_runs(ExtrasRuns(app, shelf, form), form, output)
    _bind_tools(form)
    remember(form)
    return form, output


def _sources(form: Form) -> None:
    """What to work on, in sub-tabs. Which one is in front the scripts fill in on sending."""
    with gr.Tabs(elem_id=f"mode_{TAB}"):
        with gr.Tab("Single Image", elem_id=SINGLE):
            form.beside["image"] = gr.Image(
                label="Source",
                elem_id=f"{TAB}_image",
                elem_classes=["source-picture"],
                type="filepath",
                image_mode=None,  # as it is: a converted copy has lost its text
                sources=["upload", "clipboard"],
                buttons=[],
                interactive=True,
            )
        with gr.Tab("Batch Process", elem_id=BATCH):
            form.beside["files"] = gr.Files(
                label="Batch Process", elem_id=f"{TAB}_image_batch", file_types=["image"], interactive=True
            )
        with gr.Tab("Batch from Directory", elem_id=FOLDER):
            form.beside["input_dir"] = gr.Textbox(
                label="Input directory",
                placeholder="A directory on the machine where the server runs.",
                elem_id=f"{TAB}_batch_input_dir",
                interactive=True,
            )
            form.beside["output_dir"] = gr.Textbox(
                label="Output directory",
                placeholder="Leave it empty to save the pictures in the usual place.",
                elem_id=f"{TAB}_batch_output_dir",
                interactive=True,
            )
            form.beside["show_results"] = gr.Checkbox(
                True, label="Show result images", elem_id=f"{TAB}_show_extras_results", interactive=True
            )
    form.beside["front"] = gr.Textbox(visible="hidden", elem_id=f"{TAB}_front")
    form.beside["to_size"] = gr.Checkbox(False, visible="hidden", elem_id=f"{TAB}_to_size")


def _upscale(form: Form) -> None:
    """The upscalers, and a factor or a size, whichever tab is in front."""
    with gr.Column(elem_id=f"{TAB}_upscale"):
        with gr.Row():
            form.place("upscaler_1")
        with gr.Row():
            form.place("upscaler_2", "extras_upscaler_2_visibility")
        with gr.Tabs(elem_id=f"{TAB}_resize_mode"):
            with gr.Tab("Scale by", elem_id=f"{TAB}_scale_by_tab"), gr.Row():
                form.place("upscaling_resize", "max_side_length")
            with gr.Tab("Scale to", elem_id=f"{TAB}_scale_to_tab"), gr.Row(elem_classes=["dimensions"]):
                with gr.Column(elem_id="upscaling_column_size", scale=4, min_width=180):
                    form.place("upscaling_resize_w", "upscaling_resize_h")
                form.buttons["swap"] = tool("⇅", "upscaling_res_switch_btn", "swap")
                with gr.Column(scale=1, min_width=120):
                    form.place("upscaling_crop")


def _cuts(form: Form) -> None:
    """What is done for sets of training pictures."""
    focal = ("focal_face_weight", "focal_entropy_weight", "focal_edges_weight", "focal_debug")
    with _cut(form, "focal_crop", focal), gr.Row():
        form.place(*focal)
    bounds = ("autosized_mindim", "autosized_maxdim"), ("autosized_minarea", "autosized_maxarea")
    choice = "autosized_objective", "autosized_threshold"
    with _cut(form, "autosized_crop", (*bounds[0], *bounds[1], *choice)):
        for names in (*bounds, choice):
            with gr.Row():
                form.place(*names)
    captions = ("caption",)
    with generation.fold(form, "captions", "Caption", f"{TAB}_caption_enable", captions):
        form.place(*captions)
    copies = ("flipped_copies",)
    with generation.fold(form, "flips", "Create flipped copies", f"{TAB}_create_flipped_copies", copies):
        form.place(*copies)
    split = "split_threshold", "split_overlap"
    with _cut(form, "split_oversized", split), gr.Row():
        form.place(*split)


def _cut(form: Form, name: str, inside: tuple[str, ...]) -> AbstractContextManager[None]:
    return generation.fold(form, name, CUTS[name], f"{TAB}_{name}", inside)


def bind_gallery(form: Form, output: Output, target: Form) -> None:
    """Give life to the button below a gallery that sends its picture here."""

    def chosen(gallery: list[dict[str, Any]] | None, index: int | None) -> Any:
        place = int(index or 0)
        return gallery[place]["image"]["path"] if gallery and place < len(gallery) else gr.skip()

    receive(form.buttons["extras"], chosen, [output.gallery, output.index], target)


def receive(button: Any, chosen: Callable[..., Any], inputs: list[Any], target: Form) -> None:
    """Let a button put the picture, whose path `chosen` tells, on this tab and open it."""
    js = f"() => openTabs('tab_{TAB}', '{SINGLE}')"
    button.click(chosen, inputs=inputs, outputs=[target.beside["image"]], **AS_IS).then(None, js=js, **QUIET)


def _bind_tools(form: Form) -> None:
    fields = form.fields
    sizes = [fields["upscaling_resize_w"], fields["upscaling_resize_h"]]
    form.buttons["swap"].click(None, inputs=sizes, outputs=sizes, js="(width, height) => [height, width]", **QUIET)
    chosen = [fields["upscaler_1"], fields["upscaling_resize"]]
    fields["upscaler_1"].change(None, inputs=chosen, outputs=chosen[1:], js="scaleByName", **QUIET)
