"""The scripts on a generation tab: those that are always on, and the menu of the others, each with its arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any, cast

import gradio as gr

from modules.app import App
from modules.declare import Spec
from modules.host.builtin.xyz import XYZPlot
from modules.host.script import Script, Tab
from modules.prompts import infotext
from modules.settings.defaults import VALUE
from modules.webui import xyz_form
from modules.webui.controls import AS_IS, FREE
from modules.webui.form import Form
from modules.webui.widgets import accepted, differing, face, script_id, widget, wishes

MENU, NONE = "script", "None"
TOLD = "Script"  # the infotext's key for the chosen one
LISTS = {"img2img": "img2img_script_list"}  # A1111 has script_list on both tabs; an id can be had only once
SIDE_BY_SIDE = 4  # choices; more of them are a menu

Pairs = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Part:
    """One script of the program's own: its components by argument, and how an infotext's pairs fill them."""

    script: Script
    tab: Tab
    known: Sequence[Spec]
    fields: Mapping[str, Any]
    pasted: Callable[[Pairs], dict[str, Any]]
    opening: Sequence[dict[str, Any]] = ()  # the words of events for whenever the form has opened

    def key(self, name: str) -> str:
        """Under which an argument is sent."""
        return f"{self.script.title}/{name}"

    def args(self, values: Mapping[str, Any]) -> list[Any]:
        """The arguments by position in what was sent; None for one that is as usual."""
        return [values.get(self.key(spec.name)) for spec in self.known]

    @property
    def usual(self) -> list[Any]:
        """The arguments as they are where nothing is said of them."""
        return [spec.default if spec.name in self.fields else None for spec in self.known]

    @property
    def path(self) -> str:
        """Of its fields in ui-config.json."""
        return path(self.script, self.tab)


def path(script: Script, tab: Tab) -> str:
    """Of a script's fields in ui-config.json: A1111 names them by the script's file."""
    return f"customscript/{script.file or type(script).__module__}/{tab}"


def place(app: App, form: Form) -> None:
    """Place them all at the end of a tab's settings."""
    tab = cast(Tab, form.tab)
    with gr.Column(elem_id=f"{tab}_script_container", elem_classes=["guests"]):
        for script in app.scripts.always_on(tab):
            if any(spec.label for spec in script.arguments(tab)):
                with gr.Accordion(script.title, open=False, elem_id=script_id(tab, script, "accordion")):
                    _part(app, form, script)
        for guest in app.guests:
            guest.place(form)
        _menu(app, form)


def _menu(app: App, form: Form) -> None:
    tab = cast(Tab, form.tab)
    own = app.scripts.selectable(tab)
    titles = [script.title for script in own]
    guests = [(guest, title) for guest in app.guests for title in guest.titles(tab)]
    titles += [title for _, title in guests]
    looks: dict[str, Any] = {"elem_id": LISTS.get(tab, "script_list"), "interactive": True}
    menu = form.scripts[MENU] = gr.Dropdown([NONE, *titles], value=NONE, label="Script", **looks)
    groups = []
    for script in own:
        with gr.Column(visible=False, elem_classes=["script"]) as group:
            _part(app, form, script)
        groups.append(group)
    for guest, title in guests:
        with gr.Column(visible=False, elem_classes=["script"]) as group:
            guest.place_script(form, title)
        groups.append(group)

    def chosen(title: str | None) -> list[Any]:
        return [gr.update(visible=one == title) for one in titles]

    opened = menu.change(chosen, inputs=[menu], outputs=groups, queue=False, **AS_IS)
    for part in form.parts:
        for words in part.opening:
            opened.then(**words)


def _part(app: App, form: Form, script: Script) -> None:
    """The components of one script's arguments, where the page is now."""
    tab = cast(Tab, form.tab)
    known = script.arguments(tab)
    by_name, at = {spec.name: spec for spec in known}, path(script, tab)

    def made(name: str, **words: Any) -> Any:
        spec = by_name[name]
        looks: dict[str, Any] = {"elem_id": script_id(tab, script, name), "radio": _few(spec)}
        looks |= words | dict(script.looks.get(name, {}))
        upload = looks.pop("upload", None)
        own = {name: wish for name, wish in wishes(app.defaults, at, spec, looks).items() if name not in looks}
        component = widget(spec, tab, app.catalogs, own=own, **looks)
        if upload:
            _upload(upload, f"{looks['elem_id']}_file", component)
        return component

    given, pasted, opening = script.ui(tab), _reader(known), list[dict[str, Any]]()
    if given is not None:
        pairs = zip(known, given, strict=False)
        fields = {spec.name: one for spec, one in pairs if spec.label and isinstance(one, gr.components.Component)}
    elif isinstance(script, XYZPlot):
        fields, opening = xyz_form.place(script, tab, made)
        pasted = partial(xyz_form.pasted, script, tab)
    else:
        fields = _arranged(known, made)
    part = Part(script, tab, known, fields, pasted, opening)
    form.parts.append(part)
    form.scripts.update({part.key(name): component for name, component in fields.items()})


def _upload(label: str, elem_id: str, box: Any) -> None:
    """A button that puts the text of a file into a box."""
    button = gr.UploadButton(label, elem_id=elem_id, type="binary", file_types=["text"], size="sm")
    button.upload(lambda data: data.decode("utf-8-sig", "replace"), inputs=[button], outputs=[box], **FREE)


def _few(spec: Spec) -> bool:
    """Whether the choices stand side by side."""
    return isinstance(spec.choices, tuple) and 0 < len(spec.choices) <= SIDE_BY_SIDE


def _arranged(known: Sequence[Spec], made: Callable[..., Any]) -> dict[str, Any]:
    """One below the other; the small ones that follow each other in a row."""
    fields = {}
    for small, specs in groupby(known, lambda spec: bool(spec.label) and (spec.type is bool or _few(spec))):
        if small:
            with gr.Row():
                fields.update({spec.name: made(spec.name, min_width=160) for spec in specs})
            continue
        for spec in specs:
            if spec.label:
                fields[spec.name] = made(spec.name)
            else:
                gr.HTML(str(spec.default), padding=False)
    return fields


def _reader(known: Sequence[Spec]) -> Callable[[Pairs], dict[str, Any]]:
    """The arguments that have a key of their own; one that is not told is as usual, as it is not told then."""
    told = [spec for spec in known if spec.infotext]

    def pasted(pairs: Pairs) -> dict[str, Any]:
        values = {}
        for spec in told:
            try:
                text = pairs.get(str(spec.infotext))
                values[spec.name] = spec.default if text is None else spec.parse(text)
            except ValueError:  # of another version: what stands in the form is as good
                continue
        return values

    return pasted


def taken(app: App, form: Form, values: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """(what the request says of scripts, the title of a guest's one); takes the scripts' values out of those sent."""
    sent = {name: values.pop(name) for name in form.scripts if name in values}
    title = sent.get(MENU) or NONE
    always = {}
    fields: dict[str, Any] = {}
    for part in form.parts:
        args = part.args(sent)
        if part.script.always_on and args != part.usual:
            always[part.script.title] = args
        elif part.script.title == title and not part.script.always_on:
            fields = dict(script_name=title, script_args=args)  # noqa: C408 - names, not texts
    if title == NONE or fields:
        return fields | dict(alwayson_scripts=always), ""  # noqa: C408
    if any(title in guest.titles(form.tab) for guest in app.guests):
        return dict(alwayson_scripts=always), title  # noqa: C408
    return dict(script_name=title), ""  # noqa: C408 - there is none of that name, as will be said


def pasted(form: Form, text: str) -> dict[str, Any]:
    """The values of `form.scripts` for what an infotext tells; one that is only a prompt tells nothing of them."""
    pairs = infotext.read(text).pairs
    if not pairs or not form.scripts:
        return {}
    known = {str(one[1]) for one in form.scripts[MENU].choices}
    told = pairs.get(TOLD, NONE)
    values: dict[str, Any] = {MENU: told if told in known else NONE}
    for part in form.parts:
        if part.script.always_on or part.script.title == told:
            values |= {part.key(name): value for name, value in part.pasted(pairs).items()}
    return values


def _live(forms: Sequence[Form]) -> list[tuple[Part, Spec]]:
    return [(part, spec) for form in forms for part in form.parts for spec in part.known if spec.name in part.fields]


def live(forms: Sequence[Form]) -> list[Any]:
    """The components that `restocked` brings up to date."""
    return [part.fields[spec.name] for part, spec in _live(forms)]


def restocked(app: App, forms: Sequence[Form]) -> list[Any]:
    """Updates for a page that is opened: menus get what there is to choose from now, fields their defaults."""
    updates = []
    for part, spec in _live(forms):
        component, words = part.fields[spec.name], dict[str, Any]()
        wish = accepted(spec, app.defaults.of(part.path, str(component.label))).get(VALUE)
        if spec.choices and isinstance(spec.choices, str):
            words = face(spec, app.catalogs, spec.default if wish is None else wish)
            del words["value"]
        if wish is not None:
            words["value"] = wish
        updates.append(differing(component, words))
    return updates


def hints(app: App, tab: Tab) -> dict[str, str]:
    """What the arguments are for, by element id."""
    scripts = [*app.scripts.always_on(tab), *app.scripts.selectable(tab)]
    return {script_id(tab, one, spec.name): spec.doc for one in scripts for spec in one.arguments(tab) if spec.doc}
