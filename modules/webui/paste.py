"""An infotext fills the form: every field that it names, by a walk over the Specs."""

from __future__ import annotations

import html
from collections.abc import Collection, Sequence
from typing import Any

import gradio as gr

from modules.app import App
from modules.declare import Spec, specs
from modules.exceptions import NotFound, WebuiError
from modules.generate.infotext import chip, differing, read
from modules.generate.request import Request
from modules.generate.stages import SAME
from modules.prompts.styles import apply_styles, extract_styles
from modules.sampling.tables import menu
from modules.settings.options import View
from modules.webui import extra_options, script_form
from modules.webui.form import Form

KEYS = {"width": "Size-1", "height": "Size-2"}  # as A1111 says; texts go by their labels
USUAL = "hr_", "mask_", "inpaint", "soft_", "composite_"  # how the names of these fields begin


def filled(app: App, form: Form, text: str, only: Collection[str] = ()) -> list[Any]:
    """The updates of `form.components()` that make the form ask for what the infotext describes.

    `only`: the names of the fields that are to change; none for all.
    """
    if not text.strip():
        return [gr.skip() for _ in form.components()]
    view = app.options.view()
    known = view.specs()
    reading = read(text, known, view.auto_backcompat, app.local_name, form.kind)
    values = undressed(app, on_menus(reading.values, form.kind), form.kind, view.infotext_styles)
    values = _not_told(form, values) | values
    disregarded = _named(form.kind, view.infotext_skip_pasting)
    values = {name: value for name, value in values.items() if name not in disregarded}
    scripts = script_form.pasted(form, text)
    if only:
        return [values.get(name, gr.skip()) if name in only else gr.skip() for name in form.names()]
    defaults = specs(form.kind)
    other = {name for name, value in values.items() if value != defaults[name].default}
    ticked = [bool(fold.names & other) for fold in form.folds.values()]
    told = {name: one for name, one in reading.overrides.items() if not _is_skipped(known[name], view)}
    wanted = {name: value for name, value in differing(told, view).items() if name not in form.options}
    chips = [chip(name, value, known) for name, value in wanted.items() if not chosen_already(app, name, value)]
    options = extra_options.pasted(app, form, told)
    fields = (values.get(name, gr.skip()) for name in form.fields)
    guests = {name: update for guest in app.guests for name, update in guest.pasted(form, text).items()}
    others = [scripts.get(name, gr.skip()) for name in form.scripts]
    others += [guests.get(name, gr.skip()) for name in form.told]
    return [*fields, *ticked, chips, *(options.get(name, gr.skip()) for name in form.options), *others]


def _is_skipped(spec: Spec, view: View) -> bool:
    """Whether an infotext is not to say this option."""
    skipped = spec.choices == "checkpoints" and view.disable_weights_auto_swap
    return skipped or spec.infotext in view.infotext_skip_pasting


def _named(kind: type[Request], keys: Collection[str]) -> set[str]:
    """The fields that an infotext has under these keys."""
    return {name for name, spec in specs(kind).items() if KEYS.get(name, spec.infotext or spec.label) in keys}


def _not_told(form: Form, values: dict[str, Any]) -> dict[str, Any]:
    """What an infotext with parameters means by not telling: the second pass and the mask are as usual."""
    known = specs(form.kind)
    parameters = any(known[name].infotext for name in values)
    usual = {name: known[name].default for name in form.fields if parameters and name.startswith(USUAL)}
    return {name: value for name, value in usual.items() if value is not None}


def undressed(app: App, values: dict[str, Any], kind: type[Request], wish: str) -> dict[str, Any]:
    """The values with the styles that the prompts are written in taken out of them, as the option wants it."""
    if wish == "Ignore":
        return values
    asked = kind(**values)
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


def on_menus(values: dict[str, Any], kind: type[Request]) -> dict[str, Any]:
    """The values with samplers and schedule types as the menus name them; unknown ones are told and left out."""
    made = dict(values)
    samplers, schedules = (_chosen_from(catalog, kind) for catalog in ("samplers", "schedulers"))
    before = specs(kind)[samplers[0]].default, None
    for pair in zip(samplers, schedules, strict=True):
        said = [None if (value := made.pop(name, None)) in SAME else value for name in pair]
        if said == [None, None]:
            continue
        before = said[0] or before[0], said[1] or before[1]  # the second pass takes from the first what it is not told
        try:
            made |= dict(zip(pair, menu(*before), strict=True))
        except WebuiError as error:
            gr.Warning(html.escape(str(error)))
    return made


def _chosen_from(catalog: str, kind: type[Request]) -> list[str]:
    return [name for name, spec in specs(kind).items() if spec.choices == catalog]


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
