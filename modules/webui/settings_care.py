"""The pages of the Settings tab that are no options: Defaults, Changes, Import, Actions, Licences."""

from __future__ import annotations

import csv
import html
import json
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import gradio as gr

from modules.app import App
from modules.exceptions import ParameterError, WebuiError
from modules.jobs.progress import Progress
from modules.jobs.queue import Job
from modules.prompts.stylefiles import Styles
from modules.prompts.styles import Style
from modules.settings.defaults import VALUE, parsed
from modules.settings.reach import Role, User
from modules.webui.controls import AS_IS
from modules.webui.form import Form
from modules.webui.submit import finished, told, who
from modules.webui.translation import TEMPLATE

PAGE: dict[str, Any] = {"elem_classes": ["settings-page"]}
LONGEST = 1 << 24  # bytes of a file that is taken over
SURE = "Put every setting back to what it was at first? A copy of the file is kept beside it."


def build(app: App, forms: Sequence[Form]) -> None:
    """Place the pages, behind those of the options."""
    with gr.Tab("Defaults", elem_id="settings_tab_defaults", **PAGE):
        _defaults(app, forms)
    with gr.Tab("Changes", elem_id="settings_tab_changes", **PAGE):
        _changes(app)
    with gr.Tab("Import", elem_id="settings_tab_import", **PAGE):
        _import(app)
    with gr.Tab("Actions", elem_id="settings_tab_actions", **PAGE):
        _actions(app)
    with gr.Tab("Licenses", elem_id="settings_tab_licenses", **PAGE):
        gr.HTML(_licences(), elem_id="licenses", elem_classes=["no-words"], padding=False)


def guarded(work: Callable[..., str]) -> Callable[..., str]:
    """A handler's work as HTML, for administrators alone; what goes wrong is a sentence."""

    def handler(request: gr.Request, **values: Any) -> str:
        try:
            return _by(who(request), work, values)
        except (WebuiError, ValueError) as error:
            return told(error)

    return handler


def _by(user: User, work: Callable[..., str], values: Mapping[str, Any]) -> str:
    user.need(Role.ADMIN, "change settings")
    return work(**values)


def _defaults(app: App, forms: Sequence[Form]) -> None:
    """A1111's page: what the fields of the page begin with, compared and taken over from what stands in them now."""
    gr.HTML(
        "<p>What the fields begin with is kept in <b>ui-config.json</b>. Set them as you like them on their tabs, look "
        "here what would change, and apply it. Bounds and visibility are changed in the file.</p>",
        padding=False,
    )
    with gr.Row():
        view = gr.Button("View changes", elem_id="ui_defaults_view", min_width=140)
        apply = gr.Button("Apply", elem_id="ui_defaults_apply", variant="primary", min_width=140)
        clear = gr.Button("Reset to factory", elem_id="ui_defaults_reset", min_width=140)
    review = gr.HTML(elem_id="ui_defaults_review", padding=False)
    named = {path: part for form in forms for path, part in form.paths().items()}

    def changes(values: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
        known = app.defaults.entries()
        both = {key: (known.get(f"{key}/{VALUE}", part.value), values.get(key)) for key, part in named.items()}
        return {key: pair for key, pair in both.items() if pair[1] is not None and pair[0] != pair[1]}

    def applied(**values: Any) -> str:
        made = changes(values)
        app.defaults.put({f"{key}/{VALUE}": new for key, (_, new) in made.items()})
        return f"<p>{len(made)} defaults written; a page that is opened begins with them.</p>{_table(made)}"

    def cleared() -> str:
        app.defaults.clear()
        return "<p>The fields begin as usual again; the file is kept as ui-config.json.bak.</p>"

    def viewed(**values: Any) -> str:
        return _table(changes(values))

    view.click(guarded(viewed), inputs_kwargs=named, outputs=[review], **AS_IS)
    apply.click(guarded(applied), inputs_kwargs=named, outputs=[review], **AS_IS)
    clear.click(guarded(cleared), outputs=[review], **AS_IS)


def _table(changes: Mapping[str, tuple[Any, Any]], first: str = "Path") -> str:
    """Old and new values side by side."""
    if not changes:
        return "<p>Nothing is changed.</p>"
    cells = "".join(
        f"<tr><td>{html.escape(key)}</td><td>{_shown(old)}</td><td>{_shown(new)}</td></tr>"
        for key, (old, new) in changes.items()
    )
    head = f"<tr><th>{first}</th><th>Old value</th><th>New value</th></tr>"
    return f'<table class="changes"><thead>{head}</thead><tbody>{cells}</tbody></table>'


def _shown(value: Any) -> str:
    return html.escape(value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False))[:300]


def _changes(app: App) -> None:
    """Which settings are not as they came, and the way back."""
    with gr.Row():
        look = gr.Button("Show changed settings", elem_id="settings_changes_view", min_width=140)
        reset = gr.Button("Reset to factory", elem_id="settings_reset", min_width=140)
    names = gr.Textbox(
        label="Reset only these",
        placeholder="Names as they stand in the list, separated by commas; empty for all",
        elem_id="settings_reset_names",
        interactive=True,
    )
    review = gr.HTML(elem_id="settings_changes", padding=False)

    def listed() -> str:
        return _table({name: (was, now) for name, (now, was) in app.options.changed().items()}, "Setting")

    def put_back(wanted: str = "") -> str:
        known = app.options.changed()
        chosen = [one.strip() for one in wanted.split(",") if one.strip()] or list(known)
        if unknown := [one for one in chosen if one not in app.options.specs]:
            raise ParameterError(f"There is no setting {unknown[0][:60]!r}.")
        app.options.reset(chosen)
        return f"<p>{len(chosen)} settings are as they came; press Reload UI to see them.</p>{listed()}"

    look.click(guarded(listed), outputs=[review], **AS_IS)
    sure = f"(names) => {{ if (!names && !confirm({json.dumps(SURE)})) throw new Error('kept'); return [names]; }}"
    reset.click(guarded(put_back), inputs_kwargs={"wanted": names}, outputs=[review], js=sure, **AS_IS)


def _import(app: App) -> None:
    """Files of A1111 and its forks."""
    gr.HTML(
        "<p>Files of an A1111 or Forge folder: <b>config.json</b>, <b>ui-config.json</b>, <b>styles.csv</b>. What is "
        "here already is kept beside; a style of a known name and another text comes under a new name.</p>",
        padding=False,
    )
    files = gr.Files(label="Files", file_types=[".json", ".csv"], elem_id="settings_import_files", interactive=True)
    button = gr.Button("Import", elem_id="settings_import", variant="primary")
    result = gr.HTML(elem_id="settings_import_result", padding=False)

    def taken(files: list[dict[str, Any]] | None = None) -> str:
        if not files:
            raise ParameterError("There is no file to import; choose one.")
        return "".join(_taken(app, Path(one["path"]), one.get("orig_name") or "") for one in files)

    button.click(guarded(taken), inputs_kwargs={"files": files}, outputs=[result], **AS_IS)


def _taken(app: App, path: Path, name: str) -> str:
    if path.stat().st_size > LONGEST:
        raise ParameterError(f"{name[:80]} is too large for a file of settings.")
    if path.suffix.lower() == ".csv":
        said = _take_styles(app.sources.styles, path)
    else:
        try:
            entries = parsed(path.read_text(encoding="utf-8-sig"))
        except ValueError as error:
            raise ParameterError(f"{name[:80]} is no file of settings ({error}).") from error
        said = _take_table(app, entries)
    return f"<p><b>{html.escape(name[:80])}</b>: {html.escape(said)}</p>"


def _take_table(app: App, entries: dict[str, Any]) -> str:
    if any("/" in key for key in entries):
        app.defaults.put(entries)
        return f"{len(entries)} entries of ui-config.json; a page that is opened begins with them."
    taken = app.options.take(entries)
    said = f"{len(taken.changed)} settings changed ({', '.join(taken.changed) or 'none'}), {taken.unknown} kept unread."
    return " ".join([said, *(f"Refused: {one}" for one in taken.refused)])


def _take_styles(styles: Styles, path: Path) -> str:
    try:
        found = Styles([path]).all()
    except csv.Error as error:
        raise ParameterError(f"The styles cannot be read ({error}).") from error
    known, count = styles.all(), 0
    for name, style in found.items():
        if known.get(name) == style:
            continue
        free = name
        while free in known:
            free += " (imported)"
        styles.put(Style(free, style.prompt, style.negative_prompt))
        count += 1
    return f"{count} styles added, {len(found) - count} were here already."


def _actions(app: App) -> None:
    """What is done once."""
    with gr.Row():
        unload = gr.Button("Unload SD checkpoint to RAM", elem_id="sett_unload_sd_model", min_width=180)
        load = gr.Button("Reload SD checkpoint to VRAM", elem_id="sett_reload_sd_model", min_width=180)
        hashes = gr.Button("Calculate hash for all checkpoints", elem_id="calculate_all_checkpoint_hash", min_width=180)
    result = gr.HTML(elem_id="settings_actions_result", padding=False)
    gr.HTML(
        '<p><a href="internal/sysinfo-download" download>Download system info</a> &nbsp; '
        '<a href="internal/sysinfo" target="_blank">Open system info</a> &nbsp; '
        f'<a href="{TEMPLATE}" download>Download localization template</a></p>',
        elem_id="sysinfo_links",
        padding=False,
    )

    def done(start: Callable[[], Any], said: str) -> Callable[..., Any]:
        async def handler(request: gr.Request) -> str:
            try:
                who(request).need(Role.ADMIN, "load checkpoints")
                job = start()
                await finished(app.queue, job)
                return told(job.error) if job.error else f"<p>{said}</p>"
            except WebuiError as error:
                return told(error)

        return handler

    unload.click(done(app.unload_checkpoint, "The checkpoint is out of memory."), outputs=[result], **AS_IS)
    load.click(done(app.load_checkpoint, "The checkpoint is loaded."), outputs=[result], **AS_IS)
    hashes.click(done(lambda: _hash_all(app), "Every checkpoint's hash is known."), outputs=[result], **AS_IS)


def _hash_all(app: App) -> Job:
    def work(progress: Progress) -> None:
        every = app.library.checkpoints()
        progress.say("Hashing")
        for place, one in enumerate(every):
            progress.count(place, len(every))
            app.library.hashed(one)

    return app.queue.submit("hash", work)


def _licences() -> str:
    """The packages that the program is made of."""
    rows = {}
    for one in distributions():
        about: Any = one.metadata
        said = about.get("License-Expression") or about.get("License") or ""
        classified = [text for text in about.get_all("Classifier") or () if text.startswith("License ::")]
        short = (said.strip().splitlines() or [""])[0][:80] or ", ".join(text.split(" :: ")[-1] for text in classified)
        rows[about["Name"] or ""] = f"<td>{html.escape(one.version)}</td><td>{html.escape(short)}</td>"
    cells = "".join(f"<tr><td>{html.escape(name)}</td>{row}</tr>" for name, row in sorted(rows.items()))
    head = "<tr><th>Package</th><th>Version</th><th>Licence</th></tr>"
    return f'<table class="changes"><thead>{head}</thead><tbody>{cells}</tbody></table>'
