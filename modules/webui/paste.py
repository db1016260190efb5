"""An infotext fills the form: every field that it names, by a walk over the Specs."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from modules.app import App
from modules.declare import specs
from modules.exceptions import NotFound, WebuiError
from modules.generate.infotext import chip, differing, read
from modules.generate.plan import request_from
from modules.generate.request import Txt2Img
from modules.prompts.styles import apply_styles, extract_styles
from modules.sampling.tables import menu


@dataclass(frozen=True, slots=True)
class Form:
    """The components of a generation tab that a request is read from, and that an infotext fills."""

    fields: dict[str, Any]
    extra: Any  # the checkbox "Extra"
    overrides: Any  # the multiselect of settings that hold for one run
    extras: frozenset[str]  # fields that count only where "Extra" is ticked

    def components(self) -> list[Any]:
        """All of them; the order of `filled`."""
        return [*self.fields.values(), self.extra, self.overrides]


def filled(app: App, form: Form, text: str) -> list[Any]:
    """The updates of `form.components()` that make the form ask for what the infotext describes."""
    if not text.strip():
        return [gr.skip() for _ in form.components()]
    view = app.options.view()
    known = view.specs()
    reading = read(text, known, view.auto_backcompat, app.local_name)
    values = undressed(app, on_menus(reading.values), view.infotext_styles)
    defaults = specs(Txt2Img)
    extra = any(name in form.extras and value != defaults[name].default for name, value in values.items())
    wanted = differing(reading.overrides, view)
    chips = [chip(name, value, known) for name, value in wanted.items() if not chosen_already(app, name, value)]
    return [*(values.get(name, gr.skip()) for name in form.fields), extra, chips]


def undressed(app: App, values: dict[str, Any], wish: str) -> dict[str, Any]:
    """The values with the styles that the prompts are written in taken out of them, as the option wants it."""
    if wish == "Ignore":
        return values
    asked = Txt2Img(**values)
    styles = app.sources.styles.all().values()
    names, prompt, negative_prompt = extract_styles(asked.prompt, asked.negative_prompt, styles)
    bare = values | dict(prompt=prompt, negative_prompt=negative_prompt)  # noqa: C408 - names, not texts
    return bare if wish == "Discard" or (not names and wish != "Apply") else bare | {"styles": names}


def applied(app: App, prompt: str, negative_prompt: str, names: Sequence[str]) -> tuple[str, str]:
    """Both prompts with styles written into them; what cannot be is told and leaves them as they were."""
    known = app.sources.styles.all()
    try:
        return apply_styles(prompt, negative_prompt, [known[name] for name in names if name in known])
    except WebuiError as error:
        gr.Warning(html.escape(str(error)))
        return prompt, negative_prompt


def on_menus(values: dict[str, Any]) -> dict[str, Any]:
    """The values with sampler and schedule type as the menus name them; unknown ones are told and left out."""
    menus = {name for name, spec in specs(Txt2Img).items() if isinstance(spec.choices, str)}
    if not menus & values.keys():
        return values
    try:
        asked: Txt2Img = request_from(values)
        sampler, schedule = menu(asked.sampler_name, asked.scheduler)
    except WebuiError as error:
        gr.Warning(html.escape(str(error)))
        return {name: value for name, value in values.items() if name not in menus}
    asked = replace(asked, sampler_name=sampler, scheduler=schedule)
    return values | {name: getattr(asked, name) for name in menus}


def chosen_already(app: App, name: str, value: str) -> bool:
    """Whether an option names files, and the value the very file that is in use now, by whatever name."""
    if app.options.specs[name].choices != "checkpoints":
        return False
    now = getattr(app.options.view(), name)
    try:
        chosen = app.library.find(now) if now else app.library.first()
        return chosen is not None and app.library.find(value).path == chosen.path
    except NotFound:
        return False
