"""The Settings tab, made from the sections: one sub-page each, written only where something was changed."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from modules.app import App
from modules.declare import Spec
from modules.exceptions import WebuiError
from modules.host.events import SettingsPage
from modules.settings.reach import Role, User
from modules.webui import settings_care
from modules.webui.controls import AS_IS, CALM, QUIET
from modules.webui.form import Form
from modules.webui.options_form import as_json, opened, option_widget
from modules.webui.submit import who


@dataclass(frozen=True, slots=True)
class Settings:
    """The tab's components: one for each option, and the values that the page was given."""

    fields: dict[str, Any]
    given: Any  # gr.State: values by option name


def build(app: App, settings_json: Any, elsewhere: set[str], forms: Sequence[Form]) -> Settings:
    """Place the tab; options in `elsewhere` (the quick settings) have their widget already."""
    app.events.tell(SettingsPage())
    with gr.Row(elem_id="settings_head"):
        apply = gr.Button("Apply settings", elem_id="settings_submit", variant="primary", min_width=140)
        show = gr.Button("Show all pages", elem_id="settings_show_all_pages", min_width=140)
        reload = gr.Button("Reload UI", elem_id="settings_restart_gradio", min_width=140)
        if app.launch.share:
            stop = gr.Button("Stop sharing", elem_id="share_stop", variant="stop", min_width=140)
            stop.click(None, js="() => { fetch('internal/share', { method: 'DELETE' }) }", **QUIET)
    result = gr.HTML(elem_id="settings_result", elem_classes=["hides-empty"], padding=False)
    gr.Textbox(
        placeholder="Search settings",
        show_label=False,
        container=False,
        elem_id="settings_search",
        interactive=True,
        label="Search",
    )
    fields = {}
    with gr.Tabs(elem_id="settings", overflow_behavior="wrap"):
        for section, specs in sections(app, elsewhere).items():
            with gr.Tab(section, elem_id=f"settings_{slug(section)}", elem_classes=["settings-page"]):
                for name, spec in specs.items():
                    fields[name] = option_widget(app, name, info=note(spec))
        settings_care.build(app, forms)
    made = Settings(fields, gr.State({}))

    async def changed(given: dict[str, Any], request: gr.Request, **values: Any) -> tuple[str, dict[str, Any], str]:
        return await applied(app, given, values, who(request))

    outputs = [result, made.given, settings_json]
    apply.click(changed, inputs=[made.given], inputs_kwargs=fields, outputs=outputs, **AS_IS)
    show.click(None, js="showAllSettings", **QUIET)
    reload.click(None, js="reloadPage", **QUIET)
    return made


def sections(app: App, elsewhere: set[str]) -> dict[str, dict[str, Spec]]:
    """The options to show by section, in declaration order."""
    found: dict[str, dict[str, Spec]] = {}
    for name, spec in app.options.specs.items():
        if not spec.hidden and name not in elsewhere:
            found.setdefault(spec.section or "Other", {})[name] = spec
    return found


def slug(section: str) -> str:
    """A section's name as an element id holds it."""
    return re.sub(r"\W+", "_", section.lower()).strip("_")


def note(spec: Spec) -> str | None:
    """What stands under an option's label; gradio makes it safe to show."""
    later = " (takes effect at the next start)" if spec.restart else ""
    return f"{spec.doc}{later}".strip() or None


def bind_load(app: App, made: Settings, after: Any) -> None:
    """Give a page that was just opened the values of now: `given`, and every field that shows another."""

    def now() -> list[Any]:
        view = app.options.view()
        return [{name: getattr(view, name) for name in made.fields}, *opened(app, made.fields)]

    after.then(now, outputs=[made.given, *made.fields.values()], queue=False, **CALM)


async def applied(
    app: App, given: dict[str, Any], values: dict[str, Any], user: User
) -> tuple[str, dict[str, Any], str]:
    """Write what differs from what the page was given, so that what others changed meanwhile stays theirs."""
    before = app.options.view().as_dict() | given
    known = app.options.specs
    try:
        user.need(Role.ADMIN, "change settings")
        changes = {name: value for name, value in checked(known, values).items() if value != before[name]}
        await asyncio.to_thread(app.options.change, changes)
    except (WebuiError, ValueError) as error:
        gr.Warning(html.escape(str(error)))
        return f'<p class="error">{html.escape(str(error))}</p>', given, as_json(app)
    listed = ", ".join(html.escape(known[name].label) for name in changes)
    many = "settings" if len(changes) > 1 else "setting"
    said = f"{len(changes)} {many} changed: {listed}." if changes else "Nothing was changed."
    gr.Info(said)
    return f"<p>{said}</p>", {**before, **changes}, as_json(app)


def checked(known: dict[str, Spec], values: dict[str, Any]) -> dict[str, Any]:
    """The values in their options' types; an emptied field keeps what it was."""
    return {name: known[name].check(value) for name, value in values.items() if value is not None}
