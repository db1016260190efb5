"""The form of a generation tab: the components that a request is read from, and that an infotext fills."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from modules.app import App
from modules.declare import specs
from modules.generate.request import Request
from modules.settings.defaults import VALUE
from modules.webui.controls import QUIET
from modules.webui.options_form import opened
from modules.webui.widgets import accepted, differing, face, form, usual

SIZE = "width", "height"


@dataclass(frozen=True, slots=True)
class Fold:
    """Fields that are shown, and count, only while a checkbox is ticked."""

    box: Any
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Form:
    """A tab's components; those that are made here are placed by the tab's layout."""

    tab: str
    kind: type[Request]
    fields: dict[str, Any]
    folds: dict[str, Fold]
    overrides: Any  # the multiselect of settings that hold for one run
    menus: dict[str, str]  # fields whose choices change with the files there are → their choice of nothing
    beside: dict[str, Any] = field(default_factory=dict)  # what is sent too and is no field, such as pictures
    buttons: dict[str, Any] = field(default_factory=dict)
    guests: dict[str, Any] = field(default_factory=dict)  # what guests have placed and want sent
    told: dict[str, Any] = field(default_factory=dict)  # what guests want filled by an infotext
    options: dict[str, Any] = field(default_factory=dict)  # of the settings, that the user has put here
    scripts: dict[str, Any] = field(default_factory=dict)  # the menu of scripts and their arguments
    parts: list[Any] = field(default_factory=list)  # whose arguments they are: `script_form.Part`
    dialogs: list[Any] = field(default_factory=list)  # what opens over the page
    is_compact: bool = False  # the prompts stand above the parameters, Generate above the pictures

    def components(self) -> list[Any]:
        """What an infotext may fill, in the order of `names`."""
        return [*self._own().values(), *self.told.values()]

    def names(self) -> list[str]:
        """Of `components`."""
        return [*self._own(), *self.told]

    def _own(self) -> dict[str, Any]:
        folds = {name: fold.box for name, fold in self.folds.items()}
        return self.fields | folds | {"override settings": self.overrides} | self._options() | self.scripts

    def option_key(self, name: str) -> str:
        """Under which an option is sent."""
        return f"setting/{name}"

    def _options(self) -> dict[str, Any]:
        return {self.option_key(name): component for name, component in self.options.items()}

    def kept(self) -> dict[str, Any]:
        """What outlives a reload, by name."""
        return self._own() | self.beside

    def paths(self) -> dict[str, Any]:
        """The fields by their paths in ui-config.json; of two with one label on a tab the first is found."""
        own = [(f"{self.tab}/{one.label}", one) for one in self.fields.values()]
        own += [(f"{part.path}/{one.label}", one) for part in self.parts for one in part.fields.values()]
        return dict(reversed(own))

    def sent(self) -> dict[str, Any]:
        """What Generate sends by name."""
        folds = {name: fold.box for name, fold in self.folds.items()}
        return self.fields | folds | self._options() | self.beside | self.guests | self.scripts

    def place(self, *names: str) -> None:
        """Place fields here in the layout."""
        for name in names:
            self.fields[name].render()


def make(app: App, tab: str, kind: type[Request], looks: Mapping[str, Mapping[str, Any]]) -> Form:
    """The form with the fields in `looks`."""
    overrides = gr.Dropdown(
        [],
        value=[],
        label="Override settings",
        multiselect=True,
        allow_custom_value=True,
        interactive=True,
        render=False,
        elem_id=f"{tab}_override_settings",
    )
    live = {name: look.get("unsaid", "") for name, look in looks.items() if specs(kind)[name].choices in app.catalogs}
    fields = form(kind, tab, app.catalogs, looks, app.defaults)
    is_compact = app.options.view().compact_prompt_box and "prompt" in fields
    return Form(tab, kind, fields, {}, overrides, live, is_compact=is_compact)


def opening(made: Form) -> list[Any]:
    """The components that `restocked` brings up to date; the sizes have a way of their own."""
    return [component for name, component in made.fields.items() if name not in SIZE] + list(made.options.values())


def restocked(app: App, made: Form) -> list[Any]:
    """Updates of the form for a page that is opened: menus get what there is to choose from now, fields their defaults.

    The components were made at start; only what ui-config.json says otherwise since is sent.
    """
    known = specs(made.kind)
    updates = []
    for name, component in made.fields.items():
        if name in SIZE:
            continue
        wish = accepted(known[name], app.defaults.of(made.tab, component.label)).get(VALUE)
        words = {} if wish is None else {"value": wish}
        if name in made.menus:
            begins = usual(known[name], app.catalogs) if wish is None else wish
            words = face(known[name], app.catalogs, begins, made.menus[name])
        updates.append(differing(component, words))
    return updates + opened(app, made.options)


def remember(made: Form) -> None:
    """The form's values outlive a reload: kept by the browser tab at each change."""
    gr.on([component.change for component in made.kept().values()], **_moved(made, "remember"), **QUIET)


def recall(made: Form, how: str = "recall") -> dict[str, Any]:
    """The words of an event in which the scripts' function `how` gives the form values of before."""
    return _moved(made, how) | {"outputs": list(made.kept().values())}


def _moved(made: Form, how: str) -> dict[str, Any]:
    kept = made.kept()
    js = f"(...values) => {how}('{made.tab}', {json.dumps(list(kept))}, values)"
    return {"fn": None, "inputs": list(kept.values()), "js": js}
