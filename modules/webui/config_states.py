"""The page Backup/Restore of the Extensions tab: its state is saved, looked at and brought back."""

from __future__ import annotations

import html
from typing import Any

import gradio as gr

from modules.app import App
from modules.exceptions import WebuiError
from modules.host.extensions import states
from modules.settings.reach import Role, User, may_add_code
from modules.webui.controls import AS_IS, QUIET
from modules.webui.submit import told, who

RESTART = "restart"  # what the page is told when the program is to begin anew
HEADS = "Extension", "URL", "Branch", "Version", "Now"
ABSENT, OFF = "not here", "not saved: switched off"


def save(app: App, user: User, name: str) -> str:
    """Save how the extensions are: the new file's name. WebuiError."""
    user.need(Role.ADMIN, "save the state of the extensions")
    return states.save(app.folders.data, name, states.now(app.extensions, app.options.view().as_dict()))


def restore(app: App, user: User, chosen: str) -> list[str]:
    """Bring a saved state back for the next start: a sentence for each extension that could not be. WebuiError."""
    may_add_code(app.launch, user)
    stored = app.options.view().as_dict()
    off, failed = states.restore(app.extensions, states.load(app.folders.data, chosen), stored)
    here = {one.name.lower() for one in app.extensions.all(stored)}
    kept = [name for name in stored["disabled_extensions"] if name.lower() not in here]  # built-in or away
    app.options.change({"disabled_extensions": sorted([*off, *kept])})
    return failed


def table(app: App, user: User, chosen: str) -> str:
    """What a saved state holds beside what is here now."""
    user.need(Role.USER, "look at the extensions")
    state = states.load(app.folders.data, chosen)
    here = states.now(app.extensions, app.options.view().as_dict()).extensions
    rows = []
    for name in dict.fromkeys([*state.extensions, *here]):
        kept, at = state.extensions.get(name), here.get(name)
        cells = [
            name,
            kept.remote if kept else "",
            kept.branch if kept else "",
            _version(kept) if kept else OFF,
            _version(at) if at else ABSENT,
        ]
        rows.append(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>")
    heads = "".join(f"<th>{head}</th>" for head in HEADS)
    body = f"<thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<table id="config_state" class="changes">{body}</table>'


def _version(one: states.Kept) -> str:
    return f"{one.commit_hash[:8] or 'no repository'}{'' if one.enabled else ' (off)'}"


def build(app: App, tab: Any) -> None:
    """Place the page, in its tab."""
    with gr.Row():
        name = gr.Textbox(label="Config name", elem_id="extension_backup_config_name", interactive=True)
        save_ = gr.Button("Save current config", elem_id="extension_backup_save", min_width=140)
    with gr.Row():
        chosen = gr.Dropdown(
            states.saved(app.folders.data),
            value=None,
            label="Saved configs",
            elem_id="extension_backup_saved_configs",
            interactive=True,
        )
        restore_ = gr.Button("Restore selected config", elem_id="extension_backup_restore", min_width=140)
    after = gr.Textbox(elem_id="extension_backup_after", visible="hidden")
    result = gr.HTML(elem_id="extension_backup_result", elem_classes=["hides-empty"], padding=False)
    shown = gr.HTML(elem_id="extension_backup_state", elem_classes=["hides-empty"], padding=False)

    def saved(name: str, request: gr.Request) -> tuple[Any, str]:
        try:
            made = save(app, who(request), name or "")
        except WebuiError as error:
            return gr.skip(), told(error)
        return gr.update(choices=states.saved(app.folders.data), value=made), f"<p>Saved as {html.escape(made)}.</p>"

    def looked(chosen: str | None, request: gr.Request) -> str:
        try:
            return table(app, who(request), chosen) if chosen else ""
        except WebuiError as error:
            return told(error)

    def restored(chosen: str | None, request: gr.Request) -> tuple[str, str]:
        try:
            failed = restore(app, who(request), chosen or "")
        except WebuiError as error:
            return told(error), ""
        lines = "".join(f'<p class="error">{html.escape(one)}</p>' for one in failed)
        note = "<p>The rest is as it was saved; it takes part after a restart.</p>"
        return f"{lines}{note}" if failed else "<p>Restarting…</p>", "" if failed else RESTART

    tab.select(lambda: gr.update(choices=states.saved(app.folders.data)), outputs=[chosen], **AS_IS).then(
        looked, inputs=[chosen], outputs=[shown], **AS_IS
    )
    save_.click(saved, inputs=[name], outputs=[chosen, result], **AS_IS)
    chosen.change(looked, inputs=[chosen], outputs=[shown], **AS_IS)
    restore_.click(restored, inputs=[chosen], outputs=[result, after], **AS_IS).then(
        None, inputs=[after], js="restartProgram", **QUIET
    )
