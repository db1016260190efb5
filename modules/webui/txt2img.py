"""The txt2img tab: which row each field stands in, and what its buttons do."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import gradio as gr

from modules.app import App
from modules.generate.request import Txt2Img
from modules.webui.controls import AS_IS, FREE, QUIET, tool
from modules.webui.paste import Form, applied, filled
from modules.webui.shelf import Shelf
from modules.webui.submit import Runs, looked_at
from modules.webui.widgets import form

TAB = "txt2img"

KEYS = "(Press Ctrl+Enter to generate, Alt+Enter to skip, Esc to interrupt)"
PROMPT = {"show_label": False, "lines": 3, "max_lines": 20, "elem_classes": ["prompt"], "container": False}
NARROW = {"min_width": 120}
LOOKS: dict[str, dict[str, Any]] = {  # the fields on this tab and how they differ from a plain widget
    "prompt": PROMPT | {"placeholder": f"Prompt\n{KEYS}"},
    "negative_prompt": PROMPT | {"placeholder": f"Negative prompt\n{KEYS}"},
    "styles": {"show_label": False, "container": False, "min_width": 120},
    "sampler_name": NARROW,
    "scheduler": NARROW,
    "steps": NARROW,
    "width": NARROW,
    "height": NARROW,
    "n_iter": NARROW,
    "batch_size": NARROW,
    "cfg_scale": NARROW,
    "seed": NARROW,
    "subseed": NARROW,
    "subseed_strength": NARROW,
    "seed_resize_from_w": NARROW,
    "seed_resize_from_h": NARROW,
}
EXTRAS = frozenset({"subseed", "subseed_strength", "seed_resize_from_w", "seed_resize_from_h"})  # behind "Extra"
HINTS = {  # of the buttons; the fields' are in their Specs
    "paste": "Read the generation parameters from the prompt into the page",
    f"{TAB}_clear_prompt": "Clear both prompts",
    f"{TAB}_style_apply": "Write the chosen styles into the prompts",
    f"{TAB}_res_switch_btn": "Switch width and height",
    f"{TAB}_random_seed": "Set the seed to -1: a new one for every run",
    f"{TAB}_reuse_seed": "Reuse the seed of the picture shown",
    f"{TAB}_random_subseed": "Set the variation seed to -1: a new one for every run",
    f"{TAB}_reuse_subseed": "Reuse the variation seed of the picture shown",
    f"{TAB}_interrupt": "Stop after the current step and keep what there is",
    f"{TAB}_skip": "Stop this batch and go on with the next",
}


@dataclass(frozen=True, slots=True)
class Output:
    """The components that show what came of a run."""

    gallery: Any
    info: Any
    infotext: Any
    log: Any
    task: Any
    index: Any

    def components(self) -> list[Any]:
        """In the order of `submit.Outputs`."""
        return [self.gallery, self.info, self.infotext, self.log, self.task, self.index]


def build(app: App, shelf: Shelf) -> Form:
    """Place the tab's components and bind its buttons."""
    fields = form(Txt2Img, TAB, app.catalogs, LOOKS)
    buttons = _toprow(fields)
    with gr.Row(elem_id=f"{TAB}_columns", elem_classes=["columns"]):
        with gr.Column(elem_id=f"{TAB}_settings", elem_classes=["settings"], min_width=320):
            buttons |= _settings(fields)
            chosen = gr.Dropdown(
                [],
                value=[],
                label="Override settings",
                multiselect=True,
                allow_custom_value=True,
                interactive=True,
                elem_id=f"{TAB}_override_settings",
            )
        with gr.Column(elem_id=f"{TAB}_results", min_width=320):
            output = _output()
    made = Form(fields, buttons.pop("extra"), chosen, EXTRAS)
    _bind_runs(Runs(app, shelf, EXTRAS), made, output, buttons)
    _bind_tools(app, made, output, buttons)
    _remember(made)
    return made


def _toprow(fields: dict[str, Any]) -> dict[str, Any]:
    """Prompts at the left; Generate and the tools at the right."""
    buttons = {}
    with gr.Row(elem_id=f"{TAB}_toprow", elem_classes=["toprow"]):
        with gr.Column(elem_id=f"{TAB}_prompt_container", elem_classes=["prompts"], scale=6, min_width=300):
            fields["prompt"].render()
            fields["negative_prompt"].render()
        with gr.Column(elem_id=f"{TAB}_actions_column", elem_classes=["actions"], scale=1, min_width=220):
            with gr.Row(elem_id=f"{TAB}_generate_box", elem_classes=["generate-box"]):
                for name in ("interrupt", "skip"):  # shown by the scripts while a run is under way
                    buttons[name] = gr.Button(name.title(), elem_id=f"{TAB}_{name}", elem_classes=[name], min_width=0)
                buttons["generate"] = gr.Button("Generate", elem_id=f"{TAB}_generate", variant="primary", min_width=0)
            with gr.Row(elem_id=f"{TAB}_tools", elem_classes=["tools"]):
                buttons["paste"] = tool("↙️", "paste", "paste")
                buttons["clear"] = tool("🗑️", f"{TAB}_clear_prompt", "clear")
                buttons["styles"] = tool("📋", f"{TAB}_style_apply", "styles")
                buttons["restore"] = gr.Button("🌀", elem_id=f"{TAB}_restore_progress", elem_classes=["out-of-sight"])
            with gr.Row(elem_id=f"{TAB}_styles_row"):
                fields["styles"].render()
    return buttons


def _settings(fields: dict[str, Any]) -> dict[str, Any]:
    """The left column: one row after another, as in A1111."""
    buttons = {}
    with gr.Row(elem_id=f"sampler_selection_{TAB}"):
        _place(fields, "sampler_name", "scheduler", "steps")
    with gr.Row(elem_id=f"{TAB}_dimensions_row", elem_classes=["dimensions"]):
        with gr.Column(elem_id=f"{TAB}_column_size", scale=4, min_width=180):
            _place(fields, "width", "height")
        buttons["swap"] = tool("⇅", f"{TAB}_res_switch_btn", "swap")
        with gr.Column(elem_id=f"{TAB}_column_batch", scale=4, min_width=180):
            _place(fields, "n_iter", "batch_size")
    with gr.Row(elem_id=f"{TAB}_cfg_row"):
        _place(fields, "cfg_scale")
    with gr.Row(elem_id=f"{TAB}_seed_row", elem_classes=["seed-row"]):
        _place(fields, "seed")
        buttons["random_seed"] = tool("🎲️", f"{TAB}_random_seed", "random")
        buttons["reuse_seed"] = tool("♻️", f"{TAB}_reuse_seed", "reuse")
        buttons["extra"] = gr.Checkbox(
            False, label="Extra", elem_id=f"{TAB}_subseed_show", elem_classes=["extra"], scale=0, interactive=True
        )
    with gr.Column(elem_id=f"{TAB}_seed_extras", elem_classes=["seed-extras"]):
        with gr.Row(elem_id=f"{TAB}_subseed_row", elem_classes=["seed-row"]):
            _place(fields, "subseed")
            buttons["random_subseed"] = tool("🎲️", f"{TAB}_random_subseed", "random")
            buttons["reuse_subseed"] = tool("♻️", f"{TAB}_reuse_subseed", "reuse")
            _place(fields, "subseed_strength")
        with gr.Row(elem_id=f"{TAB}_seed_resize_from_row"):
            _place(fields, "seed_resize_from_w", "seed_resize_from_h")
    return buttons


def _place(fields: dict[str, Any], *names: str) -> None:
    for name in names:
        fields[name].render()


def _output() -> Output:
    """The right column: gallery, infotext, log line; the parts in hiding carry what the scripts need."""
    with gr.Column(elem_id=f"{TAB}_gallery_container", elem_classes=["gallery-container"]):
        gallery = gr.Gallery(
            label="Output",
            show_label=False,
            elem_id=f"{TAB}_gallery",
            columns=4,
            preview=True,
            height=None,
            object_fit="contain",
            format="png",
            interactive=False,
            buttons=["download", "fullscreen"],
        )
    return Output(
        gallery=gallery,
        infotext=gr.HTML(elem_id=f"html_info_{TAB}", elem_classes=["hides-empty"], padding=False),
        log=gr.HTML(elem_id=f"html_log_{TAB}", elem_classes=["log", "hides-empty"], padding=False),
        info=gr.Textbox(visible="hidden", elem_id=f"generation_info_{TAB}"),
        task=gr.Textbox(visible="hidden", elem_id=f"{TAB}_task"),
        index=gr.Number(0, visible="hidden", precision=0, elem_id=f"{TAB}_gallery_index"),
    )


def _bind_runs(runs: Runs, made: Form, output: Output, buttons: dict[str, Any]) -> None:
    """Generate, Interrupt, Skip, and the hidden button that fetches the result of a task the page came back to."""
    task = f"() => [shownTask('{TAB}')]"
    given = [output.task]
    buttons["generate"].click(
        runs.submit,
        inputs=[output.task, made.extra, made.overrides],
        inputs_kwargs=made.fields,
        outputs=[output.log, output.task],
        js=f"(...values) => submit('{TAB}', values)",
        trigger_mode="multiple",
        **AS_IS,
    ).then(None, inputs=given, js=f"(task) => submitted('{TAB}', task)", **QUIET)
    buttons["restore"].click(
        runs.fetch,
        inputs=given,
        outputs=output.components(),
        js=task,
        trigger_mode="multiple",
        **FREE,
    ).then(None, inputs=given, js=f"(task) => ended('{TAB}', task)", **QUIET)
    stopping = f"() => [stopTask('{TAB}')]"
    buttons["interrupt"].click(runs.stop, inputs=given, js=stopping, queue=False, **QUIET)
    buttons["skip"].click(runs.skip, inputs=given, js=task, queue=False, **QUIET)
    seen = [output.infotext, output.index]
    output.gallery.select(looked_at, inputs=[output.info], outputs=seen, queue=False, **QUIET)


def _bind_tools(app: App, made: Form, output: Output, buttons: dict[str, Any]) -> None:
    """The small buttons; all but paste act in the browser alone."""
    fields = made.fields
    prompts = [fields["prompt"], fields["negative_prompt"]]
    sizes = [fields["width"], fields["height"]]
    buttons["clear"].click(None, inputs=prompts, outputs=prompts, js="clearPrompts", **QUIET)
    buttons["swap"].click(None, inputs=sizes, outputs=sizes, js="(width, height) => [height, width]", **QUIET)
    for name, all_name in (("seed", "all_seeds"), ("subseed", "all_subseeds")):
        seed = fields[name]
        buttons[f"random_{name}"].click(None, outputs=[seed], js="() => -1", **QUIET)
        reuse = f"(info, index, seed) => reuseSeed(info, index, seed, '{all_name}')"
        made_with = [output.info, output.index, seed]
        buttons[f"reuse_{name}"].click(None, inputs=made_with, outputs=[seed], js=reuse, **QUIET)

    def pasted(text: str) -> list[Any]:
        return filled(app, made, text)

    def dressed(prompt: str, negative_prompt: str, names: list[str]) -> list[Any]:
        return [*applied(app, prompt, negative_prompt, names), []]

    styled = [*prompts, fields["styles"]]
    buttons["styles"].click(dressed, inputs=styled, outputs=styled, **FREE)
    every = made.components()
    buttons["paste"].click(pasted, inputs=[fields["prompt"]], outputs=every, **FREE)


def _remember(made: Form) -> None:
    """The form's values outlive a reload: kept by the browser tab at each change."""
    every = made.components()
    names = json.dumps([*made.fields, "extra", "override settings"])
    changes = [component.change for component in every]
    gr.on(changes, None, inputs=every, js=f"(...values) => remember('{TAB}', {names}, values)", **QUIET)


def recall(made: Form) -> dict[str, Any]:
    """The words of the load event that gives the form its values back."""
    every = made.components()
    names = json.dumps([*made.fields, "extra", "override settings"])
    return {"fn": None, "inputs": every, "outputs": every, "js": f"(...values) => recall('{TAB}', {names}, values)"}
