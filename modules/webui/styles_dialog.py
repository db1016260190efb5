"""The dialog in which styles are written, changed and taken away, each in the file it came from."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from modules.app import App
from modules.exceptions import ParameterError, WebuiError
from modules.prompts.styles import Style
from modules.settings.reach import Role
from modules.webui.controls import AS_IS, FREE, QUIET, tool
from modules.webui.form import Form
from modules.webui.paste import applied
from modules.webui.submit import who

ABOUT = (
    "A style adds its text to the prompt. Where it says {prompt}, the prompt stands there; else the style follows the "
    "prompt after a comma."
)


@dataclass(frozen=True, slots=True)
class Dialog:
    """Its components."""

    name: Any
    prompt: Any
    negative: Any
    refresh: Any
    apply: Any
    copy: Any
    save: Any
    delete: Any


def build(app: App, tab: str) -> Dialog:
    """Place the button that opens it, and the dialog itself, which is out of sight till then."""
    dialog = f"{tab}_styles_dialog"
    opens = tool("🖌️", f"{tab}_styles_edit_button", "edit")
    with gr.Column(elem_id=dialog, elem_classes=["popup-dialog"]):
        with gr.Row(elem_classes=["popup-line"]):
            name = gr.Dropdown(
                list(app.sources.styles.all()),
                value=None,
                label="Styles",
                info=ABOUT,
                allow_custom_value=True,
                interactive=True,
                elem_id=f"{tab}_styles_edit_select",
            )
            refresh = tool("🔄", f"refresh_{tab}_styles", "refresh")
            apply = tool("📋", f"{tab}_style_apply_dialog", "styles")
            copy = tool("📝", f"{tab}_style_copy", "copy")
        lines: dict[str, Any] = {"lines": 3, "max_lines": 12, "interactive": True}
        prompt = gr.Textbox(label="Prompt", elem_id=f"{tab}_edit_style_prompt", **lines)
        negative = gr.Textbox(label="Negative prompt", elem_id=f"{tab}_edit_style_neg_prompt", **lines)
        with gr.Row():
            save = gr.Button("Save", variant="primary", elem_id=f"{tab}_edit_style_save", min_width=80)
            delete = gr.Button("Delete", elem_id=f"{tab}_edit_style_delete", min_width=80)
            close = gr.Button("Close", elem_id=f"{tab}_edit_style_close", min_width=80)
    opens.click(None, js=f"() => showDialog('{dialog}')", **QUIET)
    close.click(None, js="closeDialog", **QUIET)
    return Dialog(name, prompt, negative, refresh, apply, copy, save, delete)


def bind(app: App, dialogs: list[tuple[Dialog, Form]]) -> None:
    """Give the dialogs their life; what one changes, the menus of all show."""
    shown = [menu for dialog, form in dialogs for menu in (form.fields["styles"], dialog.name)]

    def restocked() -> list[Any]:
        return [gr.update(choices=list(app.sources.styles.all())) for _ in shown]

    for dialog, form in dialogs:
        texts = [dialog.prompt, dialog.negative]
        prompts = [form.fields["prompt"], form.fields["negative_prompt"]]
        dialog.name.change(_texts(app), inputs=[dialog.name, *texts], outputs=texts, **AS_IS)
        dialog.refresh.click(restocked, outputs=shown, **FREE)
        dialog.copy.click(None, inputs=prompts, outputs=texts, js="(...texts) => texts", **QUIET)
        styled = [*prompts, form.fields["styles"]]
        dialog.apply.click(_dressed(app), inputs=[*styled, dialog.name], outputs=styled, **AS_IS)
        dialog.save.click(_save(app, restocked), inputs=[dialog.name, *texts], outputs=shown, **AS_IS)
        dialog.delete.click(
            _delete(app, restocked),
            inputs=[dialog.name],
            outputs=[*shown, dialog.name, *texts],
            js="(name) => (name && confirm(`Delete style ${name}?`) ? name : '')",
            **AS_IS,
        )


def _texts(app: App) -> Callable[..., tuple[Any, Any]]:
    def texts(name: str | None, prompt: str, negative: str) -> tuple[Any, Any]:
        style = app.sources.styles.all().get(name or "")
        return (style.prompt, style.negative_prompt) if style else (gr.skip(), gr.skip())  # a new one starts from these

    return texts


def _dressed(app: App) -> Callable[..., list[Any]]:
    def dressed(prompt: str, negative: str, names: list[str], name: str | None) -> list[Any]:
        return [*applied(app, prompt, negative, [name or ""]), [one for one in names or [] if one != name]]

    return dressed


def _save(app: App, restocked: Callable[[], list[Any]]) -> Callable[..., list[Any]]:
    def save(name: str | None, prompt: str, negative: str, request: gr.Request) -> list[Any]:
        try:
            who(request).need(Role.ADMIN, "change styles")
            if not (named := (name or "").strip()):
                raise ParameterError("The style has no name; write one into the box above.")
            if named.startswith("#"):
                raise ParameterError("A style's name cannot begin with #, for such lines are comments.")
            app.sources.styles.put(Style(named, prompt or "", negative or ""))
            gr.Info(f"Saved: {html.escape(named)}")
        except WebuiError as error:
            gr.Warning(html.escape(str(error)))
        return restocked()

    return save


def _delete(app: App, restocked: Callable[[], list[Any]]) -> Callable[..., list[Any]]:
    def delete(name: str, request: gr.Request) -> list[Any]:
        kept = [gr.skip()] * 3
        if name:
            try:
                who(request).need(Role.ADMIN, "change styles")
                app.sources.styles.drop(name)
                kept = [None, "", ""]
            except WebuiError as error:
                gr.Warning(html.escape(str(error)))
        return [*restocked(), *kept]

    return delete
