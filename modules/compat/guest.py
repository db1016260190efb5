"""A1111's extensions as a guest of the program: their scripts on the tabs, in the API and in each run."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.context import Context

from modules.app import App
from modules.compat import axes, gradio3
from modules.compat.axes import APPLIED
from modules.compat.blame import BLAME
from modules.compat.callbacks import CALLBACKS, before_token_counter
from modules.compat.file_route import serve
from modules.compat.hooks import ScriptHooks
from modules.compat.infotexts import connect_paste_params_buttons, parse_generation_parameters
from modules.compat.models import sd_model
from modules.compat.page import PAGE
from modules.compat.postprocessing import operations
from modules.compat.registry import REGISTRY, ScriptRunner, begun_with
from modules.compat.running import RUNS
from modules.compat.script import OnComponent, Script
from modules.compat.writing import Writing
from modules.exceptions import ParameterError
from modules.generate.hooks import Hooks
from modules.generate.operations import Added
from modules.generate.plan import Plan
from modules.guests import Guest, Wishes
from modules.host.events import Counting, Ending, ModelLoaded
from modules.host.extensions.finding import Extension, files

log = logging.getLogger(__name__)
ARGS, SCRIPT, POSTPROCESSING = "script_args", "script", "postprocessing"
CALLBACKS_OWNER = "A1111's callbacks"  # of the listeners that run them
EXTRAS = "extras"  # the tab of finished pictures


def runner_of(tab: str) -> ScriptRunner:
    """The scripts of a tab."""
    return REGISTRY.img2img if tab == "img2img" else REGISTRY.txt2img


class Extensions(Guest):
    """All loaded extensions of A1111's kind."""

    def __init__(self, app: App):
        self.app = app
        self.taken: Sequence[Extension] = ()
        self._fresh = False  # the scripts are made and no page has them yet

    def load(self, taken: Sequence[Extension]) -> None:
        """Read these extensions, in the order they ask for; then make their scripts."""
        gradio3.put_on(self)
        self.taken = taken
        BLAME.troubles = self.app.extensions.troubles
        REGISTRY.offer_axes()
        self.app.scripts.offer(axes.offered)
        for one in taken:
            REGISTRY.enter(one.name, one.path)
        failed = self._read(taken)
        for one in taken:
            if one.name not in failed:
                self.app.extensions.fine(one)
            elif self.app.extensions.roll_back(one):
                REGISTRY.drop(one.name)
                self._read([one])
        for script_class in REGISTRY.native:
            name = REGISTRY.names[script_class]
            script = BLAME.call(name, "__init__", script_class, None)
            if script is not None:
                self.app.scripts.add(script, name)
        self.app.sources.writers.extend(Writing(one, self.app.folders) for one in REGISTRY.writers)
        CALLBACKS.run("ui_settings")
        self._make()
        CALLBACKS.run("ui_settings")  # of those too that register when their script is made
        for kind in ("list_optimizers", "list_unets"):  # lists that nothing here chooses from
            CALLBACKS.run(kind, [])
        self.app.events.on(ModelLoaded, lambda event: CALLBACKS.run("model_loaded", sd_model()), CALLBACKS_OWNER)
        self.app.events.on(Counting, before_token_counter, CALLBACKS_OWNER)
        self.app.events.on(Ending, self._ending, CALLBACKS_OWNER)

    def _read(self, taken: Sequence[Extension]) -> set[str]:
        """The names of those that could not be read to the end."""
        found = files(taken, "scripts", (".py",), BLAME.troubles.note)
        return {one.extension.name for one in found if not REGISTRY.read(one.extension.name, one.path)}

    def _make(self) -> None:
        REGISTRY.ready()
        self._fresh = True

    # While pictures are made

    def hooks(self, tab: str, wishes: Wishes, plan: Plan) -> Hooks | None:
        """None where no script, no callback and no axis of a plot could do anything."""
        runner = runner_of(tab)
        BLAME.end()
        RUNS.stack.clear()  # of a job that broke off: this one is asked for outside of all others
        asked = runner.alwayson_scripts or wishes.get(SCRIPT) or APPLIED in plan.request.alwayson_scripts
        if not asked and not any(CALLBACKS.map.values()):
            return None
        return ScriptHooks(args=wishes.get(ARGS))

    # On the page

    def before_page(self) -> None:
        """`on_before_ui`; scripts are made anew for the new page."""
        if not self._fresh:
            self._make()
        self._fresh = False
        PAGE.bindings.clear()
        CALLBACKS.run("before_ui")

    def before(self, component: Any, words: dict[str, Any]) -> None:
        """A component is about to be made."""
        self._told("before_component", component, words)

    def after(self, component: Any, words: dict[str, Any]) -> None:
        """One was made."""
        self._told("after_component", component, words)

    def _told(self, hook: str, component: Any, words: dict[str, Any]) -> None:
        for one in CALLBACKS.map[f"callbacks_{hook}"]:
            BLAME.call(one.extension, f"on_{hook}", lambda one=one: one.callback(component, **words), None)  # type: ignore[misc]
        elem_id = words.get("elem_id")
        for script in (*REGISTRY.txt2img.scripts, *REGISTRY.img2img.scripts):
            if getattr(type(script), hook) is not getattr(Script, hook):
                BLAME.call(
                    script.extension,
                    hook,
                    lambda script=script: getattr(script, hook)(component, **words),  # type: ignore[misc]
                    None,
                )
            for wanted, callback in getattr(script, f"on_{hook}_elem_id") or ():
                if wanted == elem_id:
                    BLAME.call(
                        script.extension,
                        f"on_{hook}",
                        lambda callback=callback: callback(OnComponent(component)),  # type: ignore[misc]
                        None,
                    )

    def place(self, form: Any) -> None:
        """The components of the scripts that are always there."""
        if form.tab == EXTRAS:
            with gr.Column(elem_id="extras_scripts", elem_classes=["script"]):
                form.guests.update({f"{script}/{name}": one for script, name, one in REGISTRY.postproc.create_ui()})
            return
        for script in runner_of(form.tab).alwayson_scripts:
            with gr.Column(elem_classes=["script"]):
                self._place(form, script)

    def titles(self, tab: str) -> Sequence[str]:
        """Of the scripts that may be chosen."""
        return runner_of(tab).menu

    def place_script(self, form: Any, title: str) -> None:
        """The components of one that may be chosen."""
        runner = runner_of(form.tab)
        self._place(form, runner.selectable_scripts[runner.menu.index(title)])

    def _place(self, form: Any, script: Script) -> None:
        runner = runner_of(form.tab)
        runner.create_script_ui(script)
        for place in range(script.args_from, script.args_to):
            if isinstance(runner.inputs[place], gr.components.Component):
                form.guests[_key(place)] = runner.inputs[place]
        form.told.update({name: component for name, (_, component, _) in _fields(form).items()})

    def sent(self, form: Any, values: dict[str, Any], script: str = "") -> Wishes:
        """The arguments of all scripts, in the shapes that their components give; first the chosen one's number."""
        own = {key: values.pop(key) for key in list(values) if key in form.guests}
        if not own and not script:
            return {}
        if form.tab == EXTRAS:
            return {POSTPROCESSING: {key: preprocessed(form.guests[key], value) for key, value in own.items()}}
        runner = runner_of(form.tab)
        args: list[Any] = runner.defaults()
        args[0] = runner.menu.index(script) + 1 if script in runner.menu else 0
        for place in range(1, len(args)):
            component = form.guests.get(_key(place))
            if component is not None:
                args[place] = preprocessed(component, own[_key(place)])
        return {ARGS: args, SCRIPT: bool(args[0])}

    def pages(self) -> Sequence[tuple[Any, str, str]]:
        """The tabs that `on_ui_tabs` gives."""
        with _outside():
            found = [one for answer in CALLBACKS.run("ui_tabs") for one in answer or ()]
        return [(blocks, str(title), str(elem_id)) for blocks, title, elem_id in found]

    def page_stands(self, demo: Any, forms: Mapping[str, Any]) -> None:
        """Buttons that send pictures and texts, and fields that an infotext fills, get their life."""
        PAGE.forms = dict(forms)
        BLAME.call("infotext_utils", "connect", connect_paste_params_buttons, None)

    def pasted(self, form: Any, text: str) -> Mapping[str, Any]:
        """`on_infotext_pasted`, then what the scripts' `infotext_fields` say."""
        params = parse_generation_parameters(text)
        CALLBACKS.run("infotext_pasted", text, params)
        made = {}
        for name, (script, component, target) in _fields(form).items():
            way = partial(filled, component, target, params)
            made[name] = BLAME.call(script.extension, "infotext_fields", way, gr.skip())
        return made

    def started(self, demo: Any, api: Any) -> None:
        """`on_app_started`: extensions add their routes."""
        serve(api, self.app, list(REGISTRY.folders.values()))
        CALLBACKS.run("app_started", demo, api)

    def _ending(self, event: Ending) -> None:
        """`on_before_reload`, then `on_script_unloaded`, the newest first."""
        CALLBACKS.run("before_reload")
        CALLBACKS.run("script_unloaded")

    def files(self) -> tuple[Sequence[Path], Sequence[Path]]:
        """`javascript/*.js` and `style.css` of each."""
        scripts = [one.path for one in files(self.taken, "javascript", (".js", ".mjs"), BLAME.troubles.note)]
        sheets = (one.path / "style.css" for one in self.taken)
        return scripts, [one for one in sheets if one.is_file()]

    def folders(self) -> Sequence[Path]:
        """Their own: they fetch their texts and pictures by `file=`."""
        return list(REGISTRY.folders.values())

    def finishing(self, wishes: Wishes) -> Sequence[Added]:
        """The ScriptPostprocessing of all, with what the page's components say, or else as they begin."""
        said = wishes.get(POSTPROCESSING, {})
        args = {
            script: {name: said.get(f"{script}/{name}", usual) for name, usual in known.items()}
            for script, known in REGISTRY.postproc.defaults().items()
        }
        return operations(REGISTRY.postproc.scripts_in_preferred_order(), args)

    # In the API

    def asked(self, tab: str, script: str, args: Sequence[Any], always: dict[str, Any]) -> Wishes:
        """The arguments of all scripts for what a body says by their titles, whoever makes the pictures."""
        runner = runner_of(tab)
        if not runner.scripts:
            return {}
        titles = {title for title in always if runner.script(title) is not None}
        wanted = {title: _args_of(title, always.pop(title)) for title in titles}
        own = script.lower() in (one.lower() for one in runner.menu)
        return {ARGS: runner.args_for(wanted, script if own else "", args), SCRIPT: own}

    def scripts(self) -> Sequence[Mapping[str, Any]]:
        """As A1111's `/sdapi/v1/script-info` lists them."""
        made = []
        for runner in (REGISTRY.txt2img, REGISTRY.img2img):
            runner.ensure_ui()
            made += [_info(script, runner) for script in runner.scripts]
        return made


@contextmanager
def _outside() -> Iterator[None]:
    """Blocks that are made here do not become a part of the page until they are rendered."""
    before = Context.root_block, Context.block
    Context.root_block = Context.block = None
    try:
        yield
    finally:
        Context.root_block, Context.block = before


def _key(place: int) -> str:
    return f"script argument {place}"


def _args_of(title: str, wishes: Any) -> list[Any]:
    args = wishes.get("args", []) if isinstance(wishes, Mapping) else None
    if not isinstance(args, list):
        raise ParameterError(f"alwayson_scripts: {title!r} takes an object with args, a list.")
    return args


def _info(script: Script, runner: ScriptRunner) -> dict[str, Any]:
    return {
        "name": runner.name(script).lower(),
        "is_alwayson": script.alwayson,
        "is_img2img": runner.is_img2img,
        "args": [_arg(one) for one in script.controls or ()],
    }


def _arg(component: Any) -> dict[str, Any]:
    names = "label", "minimum", "maximum", "step"
    made = {name: getattr(component, name, None) for name in names} | {"value": _written(begun_with(component))}
    choices = getattr(component, "choices", None)
    if choices:
        made["choices"] = [str(one[0] if isinstance(one, (list, tuple)) else one) for one in choices]
    return made


def _written(value: Any) -> Any:
    """The value, unless JSON cannot say it: a State may hold anything."""
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return None
    return value


def preprocessed(component: Any, value: Any) -> Any:
    """A value as it came from the page, in the shape that the component's handlers get."""
    if value is None:
        return [] if getattr(component, "multiselect", False) else None
    model = getattr(component, "data_model", None)
    try:
        made = model(**value) if model is not None and isinstance(value, dict) else value
        made = model(root=value) if model is not None and isinstance(value, list) else made
        return component.preprocess(made)
    except Exception as error:
        label = getattr(component, "label", None) or type(component).__name__
        raise ParameterError(f"{label}: {error}") from error


def _fields(form: Any) -> dict[str, tuple[Script, Any, Any]]:
    """(script, component, key or function) of all that scripts want filled and is not the form's own, by name."""
    own = {id(component) for component in form.fields.values()}
    every = [(script, *one[:2]) for script in runner_of(form.tab).scripts for one in script.infotext_fields or ()]
    known = {f"infotext field {at}": one for at, one in enumerate(every)}
    return {
        name: one
        for name, one in known.items()
        if isinstance(one[1], gr.components.Component) and id(one[1]) not in own
    }


def filled(component: Any, target: Any, params: Mapping[str, Any]) -> Any:
    """The update of a script's component for parsed parameters."""
    value = target(params) if callable(target) else params.get(target)
    if value is None:
        return gr.skip()
    if isinstance(value, dict) and value.get("__type__") == "update":
        return value
    kind = type(getattr(component, "value", None))
    if kind is bool and isinstance(value, str):
        return value.lower() == "true"
    try:
        return kind(value) if kind in (int, float) else value
    except ValueError:
        return gr.skip()
