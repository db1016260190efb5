"""The img2img tab: what to start from, in sub-tabs, and which row each field stands in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image, ImageFilter

from modules.app import App
from modules.exceptions import ParameterError
from modules.generate.request import Img2Img
from modules.imaging.pixels import from_base64, from_file, upright
from modules.webui import extra_options, generation, img2img_batch, script_form
from modules.webui.controls import QUIET, tool
from modules.webui.form import Form, make
from modules.webui.generation import NARROW, Output
from modules.webui.img2img_batch import ImageRuns
from modules.webui.networks_tab import beside_networks
from modules.webui.shelf import Shelf

TAB = "img2img"

# The sub-tabs by their elements' ids, as the scripts tell which one is in front.
PLAIN, SKETCH = f"{TAB}_img2img_tab", f"{TAB}_img2img_sketch_tab"
INPAINT, INPAINT_SKETCH, UPLOAD = f"{TAB}_inpaint_tab", f"{TAB}_inpaint_sketch_tab", f"{TAB}_inpaint_upload_tab"
PICTURES = {  # name under which a picture is sent → its element's id and label
    "picture": (f"{TAB}_image", "Image for img2img"),
    "sketched": (f"{TAB}_sketch", "Image to sketch over"),
    "inpainted": ("img2maskimg", "Image for inpainting with mask"),
    "coloured": ("inpaint_sketch", "Image to sketch over; what is sketched is drawn anew"),
    "base": ("img_inpaint_base", "Image"),
    "mask": ("img_inpaint_mask", "Mask: white is drawn anew"),
}
SOURCES = {PLAIN: "picture", SKETCH: "sketched", INPAINT: "inpainted", INPAINT_SKETCH: "coloured", UPLOAD: "base"}
BESIDE = "painted", "front", "scale", "by_scale", "mask_alpha"  # what is sent beside fields and pictures


def words(*texts: str) -> dict[str, Any]:
    """The looks of a number that is chosen by words, from 0 on."""
    return {"choices": [(text, number) for number, text in enumerate(texts)]}


SOFT = (  # the settings of soft inpainting
    "mask_blend_power",
    "mask_blend_scale",
    "inpaint_detail_preservation",
    "composite_mask_influence",
    "composite_difference_threshold",
    "composite_difference_contrast",
)
LOOKS: dict[str, dict[str, Any]] = generation.LOOKS | {
    "resize_mode": words("Just resize", "Crop and resize", "Resize and fill", "Just resize (latent upscale)"),
    "mask_blur": NARROW | {"value": 4},
    "inpainting_mask_invert": {"label": "Mask mode"} | words("Inpaint masked", "Inpaint not masked"),
    "inpainting_fill": words("fill", "original", "latent noise", "latent nothing"),
    "inpaint_full_res": {"label": "Inpaint area"} | words("Whole picture", "Only masked"),
    "inpaint_full_res_padding": {},
    "soft_inpainting": {"container": False, "elem_classes": ["fold-head"]},
    **dict.fromkeys(SOFT, NARROW),
    "denoising_strength": {},
    "image_cfg_scale": NARROW | {"value": 1.5, "elem_classes": ["edits"]},  # shown where the checkpoint edits pictures
}


def build(app: App, shelf: Shelf) -> tuple[Form, Output]:
    """Place the tab's components and bind its buttons."""
    form = make(app, TAB, Img2Img, LOOKS)
    generation.toprow(app, form)
    with beside_networks(TAB), gr.Row(elem_id=f"{TAB}_columns", elem_classes=["columns"]):
        with generation.settings(app, form):
            _sources(form)
            with gr.Row(elem_id=f"{TAB}_resize_row"):
                form.place("resize_mode")
            _inpainting(form)
            generation.sampler_row(form)
            generation.refiner(form)
            _sizes(form)
            with gr.Row(elem_id=f"{TAB}_cfg_row"):
                form.place("cfg_scale", "image_cfg_scale", "distilled_cfg_scale")
            with gr.Row(elem_id=f"{TAB}_denoising_row"):
                form.place("denoising_strength")
            generation.seed_rows(form)
            extra_options.place(app, form)
            script_form.place(app, form)
            form.overrides.render()
        output = generation.results(form)
    generation.bind(app, ImageRuns(app, shelf, form, understood), form, output)
    sizes = [form.fields["width"], form.fields["height"]]
    form.buttons["detect"].click(None, inputs=sizes, outputs=sizes, js="detectSize", **QUIET)
    return form, output


def _sources(form: Form) -> None:
    """The sub-tabs with their pictures. What is painted, and which tab is in front, the scripts fill in on sending."""
    with gr.Tabs(elem_id=f"mode_{TAB}"):
        with gr.Tab("img2img", elem_id=PLAIN):
            form.beside["picture"] = _picture("picture")
        with gr.Tab("Sketch", elem_id=SKETCH), gr.Column(elem_classes=["paintable", "coloured"]):
            form.beside["sketched"] = _picture("sketched")
        with gr.Tab("Inpaint", elem_id=INPAINT), gr.Column(elem_classes=["paintable"]):
            form.beside["inpainted"] = _picture("inpainted")
        with gr.Tab("Inpaint sketch", elem_id=INPAINT_SKETCH), gr.Column(elem_classes=["paintable", "coloured"]):
            form.beside["coloured"] = _picture("coloured")
        with gr.Tab("Inpaint upload", elem_id=UPLOAD):
            form.beside["base"] = _picture("base")
            form.beside["mask"] = _picture("mask")
        with gr.Tab("Batch", elem_id=img2img_batch.FRONT):
            img2img_batch.place(form)
    for name in ("painted", "front"):
        form.beside[name] = gr.Textbox(visible="hidden", elem_id=f"{TAB}_{name}")


def _picture(name: str) -> Any:
    elem_id, label = PICTURES[name]
    return gr.Image(
        label=label,
        elem_id=elem_id,
        elem_classes=["source-picture"],
        type="filepath",
        image_mode=None,
        sources=["upload", "clipboard"],
        buttons=[],
        interactive=True,
    )


def _inpainting(form: Form) -> None:
    """What only counts with a mask; the style sheet shows it where there can be one."""
    with gr.Column(elem_id="inpaint_controls"):
        with gr.Row():
            form.place("mask_blur")
            form.beside["mask_alpha"] = gr.Slider(
                0, 100, 0, label="Mask transparency", elem_id=f"{TAB}_mask_alpha", interactive=True, min_width=120
            )
        with gr.Row():
            form.place("inpainting_mask_invert")
        with gr.Row():
            form.place("inpainting_fill")
        with gr.Row():
            form.place("inpaint_full_res", "inpaint_full_res_padding")
        with gr.Column(elem_id="soft_inpainting_enabled", elem_classes=["fold"]):
            form.place("soft_inpainting")
            with gr.Column(elem_classes=["fold-inside"]):
                for names in (SOFT[:3], SOFT[3:]):
                    with gr.Row():
                        form.place(*names)


def _sizes(form: Form) -> None:
    """Resize to a size or by a factor, whichever tab is in front."""
    with gr.Row(elem_id=f"{TAB}_dimensions_row", elem_classes=["dimensions"]):
        with gr.Column(scale=4, min_width=240), gr.Tabs(elem_id=f"{TAB}_tabs_resize"):
            with gr.Tab("Resize to", elem_id=f"{TAB}_tab_resize_to"), gr.Row(elem_classes=["dimensions"]):
                generation.size(form)
                form.buttons["detect"] = tool("📐", f"{TAB}_detect_image_size_btn", "ruler")
            with gr.Tab("Resize by", elem_id=f"{TAB}_tab_resize_by"):
                form.beside["scale"] = gr.Slider(
                    0.05, 4, 1, step=0.05, label="Scale", elem_id=f"{TAB}_scale", interactive=True
                )
        generation.batch(form)
    form.beside["by_scale"] = gr.Checkbox(False, visible="hidden", elem_id=f"{TAB}_by_scale")


def understood(values: dict[str, Any]) -> dict[str, Any]:
    """The request's fields for what the tab sent. ParameterError with a sentence where a picture is missing."""
    sent = dict(values)
    beside = {name: sent.pop(name, None) for name in (*PICTURES, *BESIDE, *img2img_batch.NAMES)}
    front = beside["front"] or PLAIN
    if front == img2img_batch.FRONT:
        return sent
    image = _opened(beside[SOURCES.get(front, "picture")], "There is no picture to start from; put one on this tab.")
    strokes = _strokes(beside["painted"], image.size)
    mask = strokes.getchannel("A")
    if front in (SKETCH, INPAINT_SKETCH):
        over = Image.alpha_composite(image.convert("RGBA"), strokes)
        if front == INPAINT_SKETCH:
            share = 1 - float(beside["mask_alpha"] or 0) / 100
            mask = mask.point(lambda level: round(level * share))
            soft = ImageFilter.GaussianBlur(float(sent.get("mask_blur", 0)))
            over = Image.composite(over.filter(soft), image.convert("RGBA"), mask.filter(soft))
        image = over
    sent["init_images"] = [image]
    if front in (INPAINT, INPAINT_SKETCH):
        sent["mask"] = mask
    elif front == UPLOAD:
        sent["mask"] = _opened(beside["mask"], "There is no mask; put one below the picture.")
    if beside["by_scale"]:
        factor = float(beside["scale"] or 1)
        sent["width"], sent["height"] = (int(side * factor) for side in image.size)
    return sent


def _strokes(painted: str | None, size: tuple[int, int]) -> Image.Image:
    """What was painted over a picture, transparent elsewhere."""
    return from_base64(painted).convert("RGBA").resize(size) if painted else Image.new("RGBA", size)


def _opened(upload: dict[str, Any] | None, missing: str) -> Image.Image:
    if not upload:
        raise ParameterError(missing)
    return upright(from_file(Path(upload["path"])))
