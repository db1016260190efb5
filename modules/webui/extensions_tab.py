"""The Extensions tab: what is installed, switched on, newer or broken; more from a list or from a repository."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from modules.app import App
from modules.exceptions import ParameterError, WebuiError
from modules.host.extensions import git, index
from modules.settings.reach import Role, User, may_add_code
from modules.webui import config_states, extensions_list
from modules.webui.controls import AS_IS, QUIET
from modules.webui.submit import told, who

CHOICES = "none", "extra", "all"
UNREAD = "The page sent nothing that can be read; reload it."
HIDDEN: dict[str, Any] = {"visible": "hidden"}
BUTTON: dict[str, Any] = {"min_width": 140}


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What the table and the buttons above it ask for."""

    ticks: dict[str, bool] = field(default_factory=dict)  # of the rows that were there
    updates: list[str] = field(default_factory=list)
    pins: dict[str, str] = field(default_factory=dict)
    every: str = CHOICES[0]

    @classmethod
    def read(cls, ticks: str, updates: str, pins: str, every: str) -> Wanted:
        """From the page's JSON texts. ParameterError for anything else."""
        try:
            made = cls(ticks=json.loads(ticks), updates=json.loads(updates), pins=json.loads(pins), every=every)
        except (ValueError, TypeError) as error:
            raise ParameterError(UNREAD) from error
        kinds = isinstance(made.ticks, dict), isinstance(made.updates, list), isinstance(made.pins, dict)
        if not all(kinds) or every not in CHOICES:
            raise ParameterError(UNREAD)
        texts = all(isinstance(one, str) for one in (*made.updates, *made.pins.values()))
        if not texts or not all(isinstance(one, bool) for one in made.ticks.values()):
            raise ParameterError(UNREAD)
        return made


def apply(app: App, user: User, wanted: Wanted) -> list[str]:
    """Do it, and keep what is switched off for the next start: a sentence for each thing that failed. WebuiError."""
    user.need(Role.ADMIN, "change extensions")
    before = app.options.view()
    stored = before.as_dict()
    every = *app.extensions.all(stored), *app.extensions.builtins(stored)
    names = {one.name.lower(): one.name for one in every}
    ticks = {name.lower(): tick for name, tick in wanted.ticks.items() if name.lower() in names}
    kept = [name for name in before.disabled_extensions if name.lower() not in ticks]  # rows that were not there
    changes = {
        "disabled_extensions": sorted([*kept, *(names[name] for name, tick in ticks.items() if not tick)]),
        "disable_all_extensions": wanted.every,
    }
    changes = {name: value for name, value in changes.items() if value != getattr(before, name)}
    if changes or wanted.updates or wanted.pins:
        may_add_code(app.launch, user)
    app.options.change(changes)
    steps: list[tuple[Callable[..., Any], tuple[str, ...]]] = [
        (app.extensions.update, (one,)) for one in wanted.updates
    ]
    steps += [(app.extensions.pin, pair) for pair in wanted.pins.items()]
    failed = []
    for act, words in steps:
        try:
            act(*words)
        except WebuiError as error:
            failed.append(f"{words[0]}: {error}")
    return failed


def install(app: App, user: User, url: str, name: str = "", branch: str = "") -> str:
    """Install from a repository: what came of it, in a sentence. WebuiError where it cannot be done."""
    may_add_code(app.launch, user)
    made = app.extensions.add(url, name, branch)
    problem = "" if app.launch.skip_install else app.extensions.installed(made)
    return (
        problem
        or f"Installed into {made.path}. It takes part once you press Apply and restart UI on the page Installed."
    )


def table(app: App, user: User, news: Mapping[str, str] | None = None) -> str:
    """What is installed. Tracebacks name places of the machine: they are the administrators'."""
    user.need(Role.USER, "look at the extensions")
    view, kept = app.options.view(), app.extensions.troubles
    found, builtin = app.extensions.all(view.as_dict()), app.extensions.builtins(view.as_dict())
    off = {name.lower() for name in view.disabled_extensions}
    known = extensions_list.Known(
        troubles={one.name: kept.of(one.name) for one in found} if user.role is Role.ADMIN else {},
        news=news or {},
        taken=[one.name for one in (*app.extensions.taken, *app.extensions.builtin)],
        off=[one.name for one in (*found, *builtin) if one.name.lower() in off],
    )
    left_out = app.launch.without_extensions
    note = "<p>The program was started with a flag that leaves all extensions out.</p>" if left_out else ""
    return note + extensions_list.installed(found, builtin, known)


def check(app: App, user: User) -> dict[str, str]:
    """What is newer, by name. Forbidden for who may not take it either."""
    may_add_code(app.launch, user)
    found = app.extensions.all(app.options.view().as_dict())
    return {one.name: app.extensions.check(one.name) for one in found if git.state(one.path).remote}


def build(app: App) -> None:
    """Place the tab."""
    whole = gr.Tab("Extensions", id="extensions", elem_id="tab_extensions")
    with whole, gr.Tabs(elem_id="tabs_extensions"):
        with gr.Tab("Installed", elem_id="extensions_installed_tab") as here:
            _installed(app, [whole, here])
        with gr.Tab("Available", elem_id="extensions_available_tab"):
            _available(app)
        with gr.Tab("Install from URL", elem_id="extensions_install_from_url_tab"):
            _from_url(app)
        with gr.Tab("Backup/Restore", elem_id="extensions_backup_restore_tab") as states:
            config_states.build(app, states)


def _said(user: User, work: Callable[[User], str]) -> str:
    try:
        return work(user)
    except WebuiError as error:
        return told(error)


def _installed(app: App, tabs: Sequence[Any]) -> None:
    with gr.Row(elem_id="extensions_installed_top"):
        apply_ = gr.Button("Apply and restart UI", elem_id="extensions_apply", variant="primary", **BUTTON)
        check_ = gr.Button("Check for updates", elem_id="extensions_check", **BUTTON)
        every = gr.Radio(
            list(CHOICES),
            value=CHOICES[0],
            label="Disable all extensions",
            elem_id="extensions_disable_all",
            interactive=True,
        )
    given = [gr.Textbox(elem_id=f"extensions_{name}_list", **HIDDEN) for name in ("disabled", "update", "pin")]
    after = gr.Textbox(elem_id="extensions_after", **HIDDEN)
    result = gr.HTML(elem_id="extensions_result", elem_classes=["hides-empty"], padding=False)
    listed = gr.HTML(elem_id="extensions_installed_html", padding=False)

    def looked(request: gr.Request) -> tuple[str, str]:
        return _said(who(request), lambda user: table(app, user)), app.options.view().disable_all_extensions

    def checked(request: gr.Request) -> tuple[str, str]:
        user = who(request)
        try:
            return "", table(app, user, check(app, user))
        except WebuiError as error:
            return told(error), _said(user, lambda user: table(app, user))

    def applied(ticks: str, updates: str, pins: str, every: str, request: gr.Request) -> tuple[str, str, str]:
        user = who(request)
        try:
            failed = apply(app, user, Wanted.read(ticks, updates, pins, every))
        except WebuiError as error:
            return told(error), gr.skip(), ""
        lines = "".join(f'<p class="error">{html.escape(one)}</p>' for one in failed)
        return (
            lines or "<p>Restarting…</p>",
            _said(user, lambda user: table(app, user)),
            "" if failed else config_states.RESTART,
        )

    for one in tabs:
        one.select(looked, outputs=[listed, every], **AS_IS)
    check_.click(checked, outputs=[result, listed], js=_wait("extensions_result", "Asking the repositories…"), **AS_IS)
    words = [*given, every]
    apply_.click(applied, inputs=words, outputs=[result, listed, after], js="extensionsChosen", **AS_IS).then(
        None, inputs=[after], js="restartProgram", **QUIET
    )


def _wait(place: str, text: str) -> str:
    """A script that says meanwhile what is going on; values go on as they are."""
    return f"(...values) => {{ sayMeanwhile({json.dumps(place)}, {json.dumps(text)}); return values; }}"


def _available(app: App) -> None:
    known = gr.State([])
    with gr.Row():
        load = gr.Button("Load from:", elem_id="refresh_available_extensions", variant="primary", **BUTTON)
        url = gr.Textbox(
            os.environ.get("WEBUI_EXTENSIONS_INDEX", ""),
            label="Extension index URL",
            placeholder="https://…/index.json, such as A1111's list of extensions",
            elem_id="extensions_index_url",
            scale=4,
            interactive=True,
        )
    with gr.Row():
        hide = gr.CheckboxGroup([], label="Hide extensions with tags", elem_id="extensions_hide_tags", interactive=True)
        order = gr.Radio(
            list(index.SORTS), value=index.NEWEST, label="Order", elem_id="extensions_order", interactive=True
        )
    search = gr.Textbox(label="Search", elem_id="extensions_search", interactive=True)
    wanted = gr.Textbox(elem_id="extension_to_install", **HIDDEN)
    install_ = gr.Button("Install", elem_id="install_extension_button", elem_classes=["out-of-sight"])
    result = gr.HTML(elem_id="extensions_available_result", elem_classes=["hides-empty"], padding=False)
    listed = gr.HTML(elem_id="available_extensions_html", padding=False)

    def rows(entries: list[index.Entry], hidden: Sequence[str], by: str, words: str) -> str:
        found = index.chosen(entries, hidden or (), by or index.NEWEST, words or "")
        here = [git.state(one.path).remote for one in app.extensions.all({})]
        return extensions_list.available(found, here)

    def loaded(url: str, by: str, words: str, request: gr.Request) -> tuple[Any, ...]:
        try:
            may_add_code(app.launch, who(request))
            entries = index.fetch(url or "", app.extensions.near)
        except WebuiError as error:
            return told(error), gr.skip(), gr.skip(), gr.skip()
        tags = sorted({tag for one in entries for tag in one.tags})
        return "", entries, gr.update(choices=tags, value=[]), rows(entries, (), by, words)

    def installed(
        url: str, entries: list[index.Entry], hidden: Sequence[str], by: str, words: str, request: gr.Request
    ) -> tuple[Any, ...]:
        said = _said(who(request), lambda user: f"<p>{html.escape(install(app, user, url or ''))}</p>")
        return said, rows(entries, hidden, by, words)

    load.click(loaded, inputs=[url, order, search], outputs=[result, known, hide, listed], **AS_IS)
    filters = [known, hide, order, search]
    for one in (hide, order, search):
        one.input(rows, inputs=filters, outputs=[listed], **AS_IS)
    say = _wait("extensions_available_result", "Installing…")
    install_.click(installed, inputs=[wanted, *filters], outputs=[result, listed], js=say, **AS_IS)


def _from_url(app: App) -> None:
    url = gr.Textbox(label="URL for extension's git repository", elem_id="extensions_install_url", interactive=True)
    branch = gr.Textbox(
        label="Specific branch name",
        placeholder="Leave empty for the usual one",
        elem_id="extensions_install_branch",
        interactive=True,
    )
    name = gr.Textbox(
        label="Local directory name",
        placeholder="Leave empty for the repository's",
        elem_id="extensions_install_dirname",
        interactive=True,
    )
    button = gr.Button("Install", elem_id="extensions_install_button", variant="primary")
    result = gr.HTML(elem_id="extension_install_result", padding=False)

    def installed(url: str, branch: str, name: str, request: gr.Request) -> str:
        def work(user: User) -> str:
            return f"<p>{html.escape(install(app, user, url or '', name or '', branch or ''))}</p>"

        return _said(who(request), work)

    say = _wait("extension_install_result", "Installing…")
    button.click(installed, inputs=[url, branch, name], outputs=[result], js=say, **AS_IS)
