"""The txt2img tab: which row each field stands in."""

from __future__ import annotations

import html
from typing import Any

import gradio as gr

from modules.app import App
from modules.exceptions import WebuiError
from modules.generate.plan import request_from
from modules.generate.request import Txt2Img
from modules.generate.stages import enlarged
from modules.webui import extra_options, generation, script_form, second_pass
from modules.webui.controls import AS_IS
from modules.webui.form import Form, make
from modules.webui.generation import NARROW, PROMPT, Output
from modules.webui.networks_tab import beside_networks
from modules.webui.second_pass import TextRuns
from modules.webui.shelf import Shelf

TAB = "txt2img"

SAME = "\nLeave empty to use the same."
SIZES = "width", "height", "hr_scale", "hr_resize_x", "hr_resize_y"
LOOKS: dict[str, dict[str, Any]] = generation.LOOKS | {
    "enable_hr": {"container": False, "elem_classes": ["fold-head"]},
    **dict.fromkeys(("hr_upscaler", "hr_second_pass_steps", "denoising_strength"), NARROW),
    **dict.fromkeys(("hr_scale", "hr_resize_x", "hr_resize_y"), NARROW),
    "hr_checkpoint_name": NARROW | {"unsaid": "Use same checkpoint"},
    "hr_sampler_name": NARROW | {"unsaid": "Use same sampler"},
    "hr_scheduler": NARROW | {"unsaid": "Use same scheduler"},
    "hr_prompt": PROMPT | {"lines": 2, "placeholder": f"Prompt for hires fix pass.{SAME}"},
    "hr_negative_prompt": PROMPT | {"lines": 2, "placeholder": f"Negative prompt for hires fix pass.{SAME}"},
}


def build(app: App, shelf: Shelf) -> tuple[Form, Output]:
    """Place the tab's components and bind its buttons."""
    form = make(app, TAB, Txt2Img, LOOKS)
    generation.toprow(app, form)
    with beside_networks(TAB), gr.Row(elem_id=f"{TAB}_columns", elem_classes=["columns"]):
        with generation.settings(app, form):
            generation.sampler_row(form)
            _hires(form)
            generation.refiner(form)
            with gr.Row(elem_id=f"{TAB}_dimensions_row", elem_classes=["dimensions"]):
                generation.size(form)
                generation.batch(form)
            with gr.Row(elem_id=f"{TAB}_cfg_row"):
                form.place("cfg_scale", "distilled_cfg_scale")
            generation.seed_rows(form)
            extra_options.place(app, form)
            script_form.place(app, form)
            form.overrides.render()
        output = generation.results(form)
    runs = TextRuns(app, shelf, form)
    generation.bind(app, runs, form, output)
    second_pass.bind(runs, form, output)
    return form, output


def _hires(form: Form) -> None:
    """The second pass; the last two rows are shown by options, and while something is chosen in them."""
    with gr.Column(elem_id=f"{TAB}_hr", elem_classes=["fold"]):
        with gr.Row(elem_classes=["fold-line"]):
            form.place("enable_hr")
            told = gr.HTML(_sizes_told(Txt2Img()), elem_id="txtimg_hr_finalres", padding=False)
        with gr.Column(elem_classes=["fold-inside"]):
            with gr.Row(elem_id=f"{TAB}_hires_fix_row1"):
                form.place("hr_upscaler", "hr_second_pass_steps", "denoising_strength")
            with gr.Row(elem_id=f"{TAB}_hires_fix_row2"):
                form.place("hr_scale", "hr_resize_x", "hr_resize_y")
            with gr.Row(elem_id=f"{TAB}_hires_fix_row3"):
                form.place("hr_checkpoint_name", "hr_sampler_name", "hr_scheduler")
            with gr.Row(elem_id=f"{TAB}_hires_fix_row4"):
                form.place("hr_prompt", "hr_negative_prompt")
    sizes = {name: form.fields[name] for name in SIZES}
    changes = [component.change for component in sizes.values()]
    gr.on(changes, told_again, inputs_kwargs=sizes, outputs=[told], trigger_mode="always_last", queue=False, **AS_IS)


def told_again(**sizes: Any) -> str:
    """From what size to what size the second pass leads, for values as they stand in the form."""
    try:
        return _sizes_told(request_from({name: value for name, value in sizes.items() if value is not None}))
    except WebuiError as error:
        return html.escape(str(error))


def _sizes_told(request: Txt2Img) -> str:
    size = enlarged(request)
    first, last = (request.width, request.height), (size.width - size.cut_x * 8, size.height - size.cut_y * 8)
    shown = [f'<span class="resolution">{width}x{height}</span>' for width, height in (first, last)]
    return f"from {shown[0]} to {shown[1]}"
