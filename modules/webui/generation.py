"""What the generation tabs share: prompts and Generate above, settings at the left, pictures at the right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import gradio as gr

from modules.app import App
from modules.history import lastrun
from modules.settings.reach import Role
from modules.webui import keeping, native, styles_dialog
from modules.webui.controls import AS_IS, CALM, FREE, QUIET, tool
from modules.webui.form import Fold, Form, recall, remember
from modules.webui.paste import applied, filled
from modules.webui.submit import Runs, looked_at, who

KEYS = "(Press Ctrl+Enter to generate, Alt+Enter to skip, Esc to interrupt)"
PROMPT: dict[str, Any] = {"show_label": False, "max_lines": 20, "elem_classes": ["prompt"], "container": False}
NARROW: dict[str, Any] = {"min_width": 120}
EXTRAS = "subseed", "subseed_strength", "seed_resize_from_w", "seed_resize_from_h"  # behind "Extra"
REFINER: dict[str, dict[str, Any]] = {
    "refiner_checkpoint": NARROW | {"label": "Checkpoint", "unsaid": "None"},
    "refiner_switch_at": NARROW | {"label": "Switch at", "value": 0.8},
}
LOOKS: dict[str, dict[str, Any]] = {  # the fields on every tab and how they differ from a plain widget
    "prompt": PROMPT | {"lines": 3, "placeholder": f"Prompt\n{KEYS}"},
    "negative_prompt": PROMPT | {"lines": 3, "placeholder": f"Negative prompt\n{KEYS}"},
    "styles": {"show_label": False, "container": False, "min_width": 120},
    **dict.fromkeys(("sampler_name", "scheduler", "steps", "width", "height", "n_iter", "batch_size"), NARROW),
    **dict.fromkeys(("cfg_scale", "distilled_cfg_scale", "seed", *EXTRAS), NARROW),
    **REFINER,
}
HINTS = {  # of the buttons, by what follows the tab in their ids; the fields' are in their Specs
    "paste": "Read the generation parameters from the prompt into the page",
    "clear_prompt": "Clear both prompts",
    "undo": "Take the last change of prompts and parameters back (Ctrl+Z outside of text)",
    "redo": "Make the change that was taken back again (Ctrl+Y outside of text)",
    "style_apply": "Write the chosen styles into the prompts",
    "styles_edit_button": "Edit styles",
    "style_apply_dialog": "Write this style into the prompts",
    "style_copy": "Copy the prompts of the page into the style",
    "res_switch_btn": "Switch width and height",
    "native_size": "Checkpoints draw best at the size they were trained for; this is what this one's .yaml says",
    "own_parameters": "The notes beside this checkpoint tell them",
    "detect_image_size_btn": "Take the size of the picture",
    "random_seed": "Set the seed to -1: a new one for every run",
    "reuse_seed": "Reuse the seed of the picture shown",
    "random_subseed": "Set the variation seed to -1: a new one for every run",
    "reuse_subseed": "Reuse the variation seed of the picture shown",
    "enqueue": "Ask for these pictures too: they are made after those under way (Ctrl+Shift+Enter)",
    "interrupt": "Stop after the current step and keep what there is",
    "skip": "Stop this batch and go on with the next",
    "save": "Save a copy of the picture shown in the folder of favourites",
    "save_zip": "Download all pictures shown as one zip file",
    "send_to_img2img": "Send the picture shown and its parameters to img2img",
    "send_to_inpaint": "Send the picture shown and its parameters to inpainting",
    "upscale": "Run the second pass of hires fix on the picture shown",
    "send_to_extras": "Send the picture shown to Extras",
}
PASTE = {"txt2img": "paste"}  # A1111's id, which can be had only once


@dataclass(frozen=True, slots=True)
class Output:
    """The components that show what came of a run."""

    gallery: Any
    info: Any
    infotext: Any
    log: Any
    task: Any
    index: Any
    files: Any  # what 💾 and 🗃️ offer to download

    def components(self) -> list[Any]:
        """In the order of `submit.Outputs`."""
        return [self.gallery, self.info, self.infotext, self.log, self.task, self.index]


def hints(tab: str) -> dict[str, str]:
    """What a tab's buttons are for, by element id."""
    named = {f"{name}_{tab}" if name.startswith("save") else f"{tab}_{name}": text for name, text in HINTS.items()}
    return named | {PASTE.get(tab, ""): HINTS["paste"]}


def toprow(app: App, form: Form) -> None:
    """Prompts at the left; Generate and the tools at the right. The compact layout has none: see `settings`."""
    if form.is_compact:
        return
    with gr.Row(elem_id=f"{form.tab}_toprow", elem_classes=["toprow"]):
        _prompts(form)
        with gr.Column(elem_id=f"{form.tab}_actions_column", elem_classes=["actions"], scale=1, min_width=220):
            generate_box(form)
            _tools(app, form)


@contextmanager
def settings(app: App, form: Form) -> Iterator[None]:
    """The left column; in the compact layout with the prompts, and their tools under them, at its top."""
    with gr.Column(elem_id=f"{form.tab}_settings", elem_classes=["settings"], min_width=320):
        if form.is_compact:
            with gr.Column(elem_id=f"{form.tab}_toprow", elem_classes=["toprow", "compact-toprow"]):
                _prompts(form)
                with gr.Row(elem_id=f"{form.tab}_actions_column", elem_classes=["actions"]):
                    _tools(app, form)
        yield


def _prompts(form: Form) -> None:
    with gr.Column(elem_id=f"{form.tab}_prompt_container", elem_classes=["prompts"], scale=6, min_width=300):
        form.place("prompt", "negative_prompt")


def _tools(app: App, form: Form) -> None:
    """The small buttons for the prompts, and the styles."""
    tab, buttons = form.tab, form.buttons
    with gr.Row(elem_id=f"{tab}_tools", elem_classes=["tools"]):
        buttons["paste"] = tool("↙️", PASTE.get(tab, f"{tab}_paste"), "paste")
        buttons["clear"] = tool("🗑️", f"{tab}_clear_prompt", "clear")
        buttons["styles"] = tool("📋", f"{tab}_style_apply", "styles")
        buttons["undo"] = tool("↶", f"{tab}_undo", "undo")
        buttons["redo"] = tool("↷", f"{tab}_redo", "redo")
    with gr.Row(elem_id=f"{tab}_styles_row", elem_classes=["styles-row"]):
        form.place("styles")
        form.dialogs.append(styles_dialog.build(app, tab))


def generate_box(form: Form) -> None:
    """Generate and what takes its place while a run is under way; in hiding, what fetches a run's result."""
    tab, buttons = form.tab, form.buttons
    with gr.Row(elem_id=f"{tab}_generate_box", elem_classes=["generate-box"]):
        for name in ("interrupt", "skip"):
            buttons[name] = gr.Button(name.title(), elem_id=f"{tab}_{name}", elem_classes=[name], min_width=0)
        buttons["generate"] = gr.Button("Generate", elem_id=f"{tab}_generate", variant="primary", min_width=0)
        buttons["enqueue"] = gr.Button(
            "+ Queue", elem_id=f"{tab}_enqueue", elem_classes=["enqueue"], min_width=0, size="sm"
        )
        buttons["restore"] = gr.Button("🌀", elem_id=f"{tab}_restore_progress", elem_classes=["out-of-sight"])


def sampler_row(form: Form) -> None:
    """Sampler, schedule and steps."""
    with gr.Row(elem_id=f"sampler_selection_{form.tab}"):
        form.place("sampler_name", "scheduler", "steps")


def size(form: Form) -> None:
    """Width, height and what turns them over."""
    with gr.Column(elem_id=f"{form.tab}_column_size", scale=4, min_width=180):
        form.place("width", "height")
        form.buttons["native"] = native.button(form.tab)
        form.buttons["own"] = native.own_button(form.tab)
    form.buttons["swap"] = tool("⇅", f"{form.tab}_res_switch_btn", "swap")


def batch(form: Form) -> None:
    """How many."""
    with gr.Column(elem_id=f"{form.tab}_column_batch", scale=4, min_width=180):
        form.place("n_iter", "batch_size")


@contextmanager
def fold(form: Form, name: str, label: str, elem_id: str, names: tuple[str, ...]) -> Iterator[None]:
    """A box that opens, and whose fields count, while the checkbox at its head is ticked."""
    with gr.Column(elem_id=elem_id, elem_classes=["fold"]):
        looks: dict[str, Any] = {"elem_classes": ["fold-head"], "container": False, "interactive": True}
        box = gr.Checkbox(False, label=label, elem_id=f"{elem_id}-checkbox", **looks)
        form.folds[name] = Fold(box, frozenset(names))
        with gr.Column(elem_classes=["fold-inside"]):
            yield


def refiner(form: Form) -> None:
    """The checkpoint that takes over, and when."""
    with fold(form, "refiner", "Refiner", f"{form.tab}_enable", tuple(REFINER)), gr.Row():
        form.place(*REFINER)


def seed_rows(form: Form) -> None:
    """Seed and, behind "Extra", its variation."""
    tab = form.tab
    with gr.Row(elem_id=f"{tab}_seed_row", elem_classes=["seed-row"]):
        _seed(form, "seed")
        extra = gr.Checkbox(
            False, label="Extra", elem_id=f"{tab}_subseed_show", elem_classes=["extra"], scale=0, interactive=True
        )
        form.folds["extra"] = Fold(extra, frozenset(EXTRAS))
    with gr.Column(elem_id=f"{tab}_seed_extras", elem_classes=["seed-extras"]):
        with gr.Row(elem_id=f"{tab}_subseed_row", elem_classes=["seed-row"]):
            _seed(form, "subseed")
            form.place("subseed_strength")
        with gr.Row(elem_id=f"{tab}_seed_resize_from_row"):
            form.place("seed_resize_from_w", "seed_resize_from_h")


def _seed(form: Form, name: str) -> None:
    form.place(name)
    form.buttons[f"random_{name}"] = tool("🎲️", f"{form.tab}_random_{name}", "random")
    form.buttons[f"reuse_{name}"] = tool("♻️", f"{form.tab}_reuse_{name}", "reuse")


def results(form: Form) -> Output:
    """The right column: gallery, infotext, log line; the parts in hiding carry what the scripts need."""
    tab = form.tab
    with gr.Column(elem_id=f"{tab}_results", min_width=320):
        if form.is_compact:
            generate_box(form)
        with gr.Column(elem_id=f"{tab}_gallery_container", elem_classes=["gallery-container"]):
            gallery = gr.Gallery(
                label="Output",
                show_label=False,
                elem_id=f"{tab}_gallery",
                columns=4,
                preview=True,
                height=None,
                object_fit="contain",
                format="png",
                interactive=False,
                buttons=["download", "fullscreen"],
            )
        with gr.Row(elem_id=f"image_buttons_{tab}", elem_classes=["tools"]):
            form.buttons["save"] = tool("💾", f"save_{tab}", "save")
            form.buttons["zip"] = tool("🗃️", f"save_zip_{tab}", "zip")
            form.buttons["img2img"] = tool("🖼️", f"{tab}_send_to_img2img", "picture")
            form.buttons["inpaint"] = tool("🎨️", f"{tab}_send_to_inpaint", "palette")
            form.buttons["extras"] = tool("📐", f"{tab}_send_to_extras", "ruler")
            if tab == "txt2img":
                form.buttons["upscale"] = tool("✨", f"{tab}_upscale", "stars")
        return Output(
            gallery=gallery,
            infotext=gr.HTML(elem_id=f"html_info_{tab}", elem_classes=["hides-empty"], padding=False),
            log=gr.HTML(elem_id=f"html_log_{tab}", elem_classes=["log", "hides-empty"], padding=False),
            info=gr.Textbox(visible="hidden", elem_id=f"generation_info_{tab}"),
            task=gr.Textbox(visible="hidden", elem_id=f"{tab}_task"),
            files=gr.Files(visible=False, interactive=False, show_label=False, elem_id=f"download_files_{tab}"),
            index=gr.Number(0, visible="hidden", precision=0, elem_id=f"{tab}_gallery_index"),
        )


def bind(app: App, runs: Runs, form: Form, output: Output) -> None:
    """Give the placed form its life."""
    bind_runs(runs, form, output)
    _bind_tools(app, form)
    _bind_seeds(form, output)
    remember(form)


def bind_runs(runs: Runs, form: Form, output: Output) -> None:
    """Generate, Interrupt, Skip, and the hidden button that fetches the result of a task the page came back to.

    All go past gradio's queue, whose stream of events to the browser can lose one: a result must not hang on it.
    """
    tab, buttons = form.tab, form.buttons
    task = f"() => [shownTask('{tab}')]"
    given, sent = [output.task], form.sent()
    names = json.dumps(["task", "override settings", *sent])
    buttons["generate"].click(
        runs.submit,
        inputs=[output.task, form.overrides],
        inputs_kwargs=sent,
        outputs=[output.log, output.task],
        js=f"(...values) => submit('{tab}', {names}, values)",
        trigger_mode="multiple",
        queue=False,
        **AS_IS,
    ).then(None, inputs=given, js=f"(task) => submitted('{tab}', task)", **QUIET)
    queued = gr.Textbox(visible="hidden", elem_id=f"{tab}_enqueued")
    buttons["enqueue"].click(
        runs.submit,
        inputs=[queued, form.overrides],
        inputs_kwargs=sent,
        outputs=[output.log, queued],
        js=f"(...values) => enqueue('{tab}', {names}, values)",
        trigger_mode="multiple",
        queue=False,
        **AS_IS,
    ).then(None, inputs=[queued], js=f"(task) => enqueued('{tab}', task)", **QUIET)
    buttons["restore"].click(
        runs.fetch,
        inputs=given,
        outputs=output.components(),
        js=task,
        trigger_mode="multiple",
        queue=False,
        **FREE,
    ).then(None, inputs=given, js=f"(task) => ended('{tab}', task)", **QUIET)
    stopping = f"() => [stopTask('{tab}')]"
    buttons["interrupt"].click(runs.stop, inputs=given, js=stopping, queue=False, **QUIET)
    buttons["skip"].click(runs.skip, inputs=given, js=task, queue=False, **QUIET)
    kept = [output.gallery, output.index, output.info]
    keeping.bind(keeping.Keeper(runs.app, runs.shelf), buttons, kept, [output.files, output.log])
    seen = [output.infotext, output.index]
    output.gallery.select(looked_at, inputs=[output.info], outputs=seen, queue=False, **QUIET)


def _bind_tools(app: App, form: Form) -> None:
    """The small buttons above and beside the sizes."""
    fields, buttons = form.fields, form.buttons
    prompts = [fields["prompt"], fields["negative_prompt"]]
    sizes = [fields["width"], fields["height"]]
    buttons["clear"].click(None, inputs=prompts, outputs=prompts, js="clearPrompts", **QUIET)
    buttons["swap"].click(None, inputs=sizes, outputs=sizes, js="(width, height) => [height, width]", **QUIET)

    def pasted(text: str, request: gr.Request) -> list[Any]:
        """An empty box brings back what was generated last."""
        last = not text.strip() and who(request).role > Role.GUEST
        return filled(app, form, lastrun.last(app.folders.data) if last else text)

    def dressed(prompt: str, negative_prompt: str, names: list[str]) -> list[Any]:
        return [*applied(app, prompt, negative_prompt, names), []]

    for name in ("undo", "redo"):
        buttons[name].click(**recall(form, f"{name}Form"), **CALM)
    styled = [*prompts, fields["styles"]]
    buttons["styles"].click(dressed, inputs=styled, outputs=styled, **FREE)
    buttons["paste"].click(pasted, inputs=[fields["prompt"]], outputs=form.components(), **FREE)


def _bind_seeds(form: Form, output: Output) -> None:
    for name, all_name in (("seed", "all_seeds"), ("subseed", "all_subseeds")):
        seed = form.fields[name]
        form.buttons[f"random_{name}"].click(None, outputs=[seed], js="() => -1", **QUIET)
        reuse = f"(info, index, seed) => reuseSeed(info, index, seed, '{all_name}')"
        made_with = [output.info, output.index, seed]
        form.buttons[f"reuse_{name}"].click(None, inputs=made_with, outputs=[seed], js=reuse, **QUIET)
