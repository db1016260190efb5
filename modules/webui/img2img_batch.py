"""The Batch sub-tab of img2img: the same drawing over every picture that was uploaded, or of a folder of the server."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from modules.declare import specs
from modules.exceptions import NotFound, ParameterError
from modules.generate.extras import Source, pictures_in
from modules.generate.infotext import MODEL_HASH, Reading, read
from modules.generate.request import MAX_SEED, Img2Img, Request
from modules.generate.series import Turn
from modules.imaging.metadata import read_text
from modules.imaging.pixels import from_file, upright
from modules.settings.reach import User, named_folder
from modules.webui.form import Form
from modules.webui.submit import Runs

FRONT, FOLDER = "img2img_batch_tab", "img2img_batch_from_dir_tab"
JOINED = "Prompt", "Negative prompt"  # what is put after the page's own, not in its place
TAKEN = *JOINED, "Seed", "CFG scale", "Sampler", "Steps", MODEL_HASH  # what a picture's text can give
NAMES = (
    "batch_source",
    "batch_files",
    "batch_input_dir",
    "batch_output_dir",
    "batch_inpaint_mask_dir",
    "batch_use_png_info",
    "batch_png_info_dir",
    "batch_png_info_props",
)


def place(form: Form) -> None:
    """The sub-tab's components; which of its own two tabs is in front the scripts fill in on sending."""
    beside = form.beside
    with gr.Tabs(elem_id="img2img_batch_source"):
        with gr.Tab("Upload", elem_id="img2img_batch_upload_tab"):
            beside["batch_files"] = gr.Files(
                label="Files", elem_id="img2img_batch_upload", file_types=["image"], interactive=True
            )
        with gr.Tab("From directory", elem_id=FOLDER):
            beside["batch_input_dir"] = _folder("Input directory", "input_dir", "A directory on the server's machine.")
            beside["batch_output_dir"] = _folder(
                "Output directory", "output_dir", "Leave it empty to save the pictures in the usual place."
            )
            beside["batch_inpaint_mask_dir"] = _folder(
                "Inpaint batch mask directory",
                "inpaint_mask_dir",
                "For inpainting: masks named as the pictures.",
            )
    with gr.Accordion("PNG info", open=False):
        beside["batch_use_png_info"] = gr.Checkbox(
            False, label="Append png info to prompts", elem_id="img2img_batch_use_png_info", interactive=True
        )
        beside["batch_png_info_dir"] = _folder(
            "PNG info directory", "png_info_dir", "Leave it empty to use the pictures themselves."
        )
        beside["batch_png_info_props"] = gr.CheckboxGroup(
            list(TAKEN),
            value=list(JOINED),
            label="Parameters to take from png info",
            elem_id="img2img_batch_png_info_props",
            interactive=True,
        )
    beside["batch_source"] = gr.Textbox(visible="hidden", elem_id="img2img_batch_in_front")


def _folder(label: str, name: str, hint: str) -> Any:
    return gr.Textbox(label=label, placeholder=hint, elem_id=f"img2img_batch_{name}", interactive=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What the sub-tab asks for: pictures, where they go, and what beside the form decides each of them."""

    sources: Sequence[Source]
    output: Path | None
    masks: Mapping[str, Path]  # by stem
    one_mask: Path | None  # for all
    taken: Sequence[str]  # of TAKEN
    texts: Path | None  # the folder that holds the pictures with the texts, if not the sources themselves


class ImageRuns(Runs):
    """The handlers of the img2img tab."""

    def queue(self, task_id: str, chosen: Sequence[str], values: Mapping[str, Any], user: User) -> None:
        """Queue what the tab asks for; WebuiError where it cannot be done."""
        if values.get("front") != FRONT:
            return super().queue(task_id, chosen, values, user)
        own, wishes = self.apart(values)
        said = self.said(own)
        batch = self._batch(said, user)
        scale = float(said.get("scale") or 1) if said.get("by_scale") else None
        request = self.request(chosen, own)
        assert isinstance(request, Img2Img)
        seed = random.randrange(MAX_SEED) if request.seed == -1 else request.seed
        request = replace(request, seed=seed)  # one for all, as in A1111
        turns = [Turn(one.name or "", partial(self._turn, request, one, batch, scale)) for one in batch.sources]
        self.app.series(request, turns, task_id, user, wishes)

    def _batch(self, said: Mapping[str, Any], user: User) -> Batch:
        def named(name: str) -> Path | None:
            text = str(said.get(name) or "").strip()
            return named_folder(text, self.app.folders, self.app.launch, user) if text else None

        taken = said.get("batch_png_info_props") or () if said.get("batch_use_png_info") else ()
        texts = named("batch_png_info_dir") if taken else None
        if said.get("batch_source") != FOLDER:
            uploads = [(one["path"], one.get("orig_name") or "") for one in said.get("batch_files") or ()]
            sources = [Source(partial(from_file, Path(path)), name) for path, name in uploads]
            if not sources:
                raise ParameterError("There is no picture to start from; put some on this tab.")
            return Batch(sources=sources, output=None, masks={}, one_mask=None, taken=taken, texts=texts)
        folder = named("batch_input_dir")
        if folder is None:
            raise ParameterError("There is no input directory; name one.")
        sources = pictures_in(folder)
        if not sources:
            raise ParameterError(f"There is no picture in {folder}.")
        place = named("batch_inpaint_mask_dir")
        masks = [place / one.name for one in pictures_in(place) if one.name] if place else []
        if place and not masks:
            raise ParameterError(f"There is no mask in {place}.")
        return Batch(
            sources=sources,
            output=named("batch_output_dir"),
            masks={path.stem: path for path in masks},
            one_mask=masks[0] if len(masks) == 1 else None,
            taken=taken,
            texts=texts,
        )

    def _turn(self, request: Img2Img, source: Source, batch: Batch, scale: float | None) -> Request:
        """The request for one picture. ParameterError where the picture, or its mask, cannot be read."""
        opened = source.open()
        image, name = upright(opened), Path(source.name or "")
        changes: dict[str, Any] = {"init_images": [image], "mask": _mask(name, batch)}
        if scale is not None:
            changes |= dict(zip(("width", "height"), (int(side * scale) for side in image.size), strict=True))
        if batch.taken:
            text = read_text(opened if batch.texts is None else from_file(batch.texts / name.name))[0] or ""
            changes |= self._from_text(request, text, batch.taken)
        made = replace(request, **changes)
        if batch.output is None:
            return made
        several = "-[generation_number]" if request.n_iter * request.batch_size > 1 else ""
        where = {
            "samples_save": True,  # whoever names a folder wants them there
            "outdir_samples": str(batch.output),
            "save_to_dirs": False,
            "save_images_add_number": False,
            "samples_filename_pattern": name.stem.replace("[", "[[none]") + several,  # its brackets are no tokens
        }
        return replace(made, do_not_save_grid=True, override_settings=made.override_settings | where)

    def _from_text(self, request: Img2Img, text: str, taken: Sequence[str]) -> dict[str, Any]:
        view = self.app.options.view()
        reading = read(text, view.specs(), view.auto_backcompat, self.app.local_name, Img2Img)
        found = {spec.infotext or spec.label: name for name, spec in specs(Img2Img).items()}
        names = [found[key] for key in taken if key in found]
        values = {name: reading.values[name] for name in names if name in reading.values}
        for name in (found[key] for key in JOINED if found[key] in values):
            values[name] = " ".join(filter(None, (getattr(request, name), values[name])))
        if "Sampler" in taken and found["Sampler"] in values:  # an old sampler's name may say the schedule too
            values[found["Schedule type"]] = reading.values.get(found["Schedule type"])
        return values | self._checkpoint(request, reading, taken)

    def _checkpoint(self, request: Img2Img, reading: Reading, taken: Sequence[str]) -> dict[str, Any]:
        title = reading.overrides.get("sd_model_checkpoint")
        if MODEL_HASH not in taken or not title:
            return {}
        try:
            own = self.app.library.find(title).title
        except NotFound:
            return {}
        overrides = request.override_settings | {"sd_model_checkpoint": own}
        return dict(override_settings=overrides)  # noqa: C408 - names, not texts


def _mask(name: Path, batch: Batch) -> Image.Image | None:
    if not batch.masks:
        return None
    path = batch.masks.get(name.stem) or batch.one_mask
    if path is None:
        raise ParameterError(f"There is no mask named as {name.name}; give it one, or one mask for all.")
    return from_file(path)
