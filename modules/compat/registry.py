"""The scripts that extensions define: found in their files, made once for each tab, and called hook by hook."""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import logging
import sys
import types
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from modules import host
from modules.compat.binding import app
from modules.compat.blame import BLAME
from modules.compat.callbacks import CALLBACKS
from modules.compat.postprocessing import ScriptPostprocessing
from modules.compat.script import ALWAYS, AlwaysVisible, Script, ScriptBuiltinUI, overrides
from modules.compat.xyz import XyzScript, module
from modules.exceptions import ExtensionError, WebuiError
from modules.host.script import Tab

log = logging.getLogger(__name__)


class ScriptFile(NamedTuple):
    """A file of an extension."""

    basedir: str
    filename: str
    path: str


class ScriptClassData(NamedTuple):
    """A class that a script file defines."""

    script_class: Any
    path: str
    basedir: str
    module: Any


class ScriptRunner:
    """The scripts of one tab. `copy.copy` of it with other lists is what extensions hand to their own `p`."""

    def __init__(self, is_img2img: bool = False) -> None:
        self.is_img2img = is_img2img
        self.scripts: list[Script] = []
        self.selectable_scripts: list[Script] = []
        self.alwayson_scripts: list[Script] = []
        self.titles: list[str] = []
        self.title_map: dict[str, Script] = {}
        self._names: dict[int, str] = {}  # of scripts, by their id
        self.infotext_fields: list[Any] = []
        self.paste_field_names: list[str] = []
        self.inputs: list[Any] = [None]
        self.callback_map: dict[str, Any] = {}
        self.blocks: Any = None

    def initialize_scripts(self, is_img2img: bool) -> None:
        """Make the scripts of this tab out of all classes."""
        self.is_img2img = is_img2img
        self.scripts, self.alwayson_scripts, self.selectable_scripts = [], [], []
        self.titles, self.title_map, self.infotext_fields, self.paste_field_names = [], {}, [], []
        self._names = {}
        self.inputs, self.blocks = [None], None
        for data in REGISTRY.scripts_data:
            name = REGISTRY.names.get(data.script_class, Path(data.basedir).name)
            script = BLAME.call(name, "__init__", data.script_class, None)
            if script is not None:
                self._add(script, data, name)

    def _add(self, script: Any, data: ScriptClassData, name: str) -> None:
        script.filename, script.extension = data.path, name
        script.is_txt2img, script.is_img2img = not self.is_img2img, self.is_img2img
        script.tabname = "img2img" if self.is_img2img else "txt2img"
        shown: Any = BLAME.call(name, "show", lambda: script.show(self.is_img2img), False)
        if shown is ALWAYS or isinstance(shown, AlwaysVisible):
            script.alwayson = True
            self.alwayson_scripts.append(script)
        elif shown:
            self.selectable_scripts.append(script)
        else:
            return
        title = str(BLAME.call(name, "title", script.title, name))
        if not script.alwayson:
            self.titles.append(title)
        self.scripts.append(script)
        self._names[id(script)] = own = self._unlike(title, name, script.alwayson)
        self.title_map.setdefault(title.lower(), script)
        self.title_map[own.lower()] = script

    def _unlike(self, title: str, extension: str, always_on: bool) -> str:
        """The title; with the extension's name where another script, or one of the program's own, has the same."""
        taken = {one.lower() for one in self._names.values()}
        tab: Tab = "img2img" if self.is_img2img else "txt2img"
        taken |= set() if always_on else {one.title.lower() for one in app().scripts.selectable(tab)}
        more = (f"{title} ({extension}, {number})" for number in itertools.count(2))
        tries = itertools.chain([title, f"{title} ({extension})"], more)
        return next(one for one in tries if one.lower() not in taken)

    def name(self, script: Any) -> str:
        """What a script goes by on the page and in the API: no two go by the same."""
        return self._names[id(script)]

    @property
    def menu(self) -> list[str]:
        """The names of those that may be chosen."""
        return [self.name(one) for one in self.selectable_scripts]

    def prepare_ui(self) -> None:
        """Nothing to do: see `place`."""

    def script(self, title: str) -> Script | None:
        """The script of a title."""
        return self.title_map.get(title.lower())

    def create_script_ui(self, script: Any) -> list[Any]:
        """Make a script's components where the page is now; their values are its arguments."""
        script.args_from = script.args_to = len(self.inputs)
        controls = BLAME.call(script.extension, "ui", lambda: script.ui(self.is_img2img), None)
        if controls is None:
            controls = []
        script.controls = list(controls)
        self.inputs += script.controls
        script.args_to = len(self.inputs)
        if script.infotext_fields is not None:
            self.infotext_fields += list(script.infotext_fields)
        if script.paste_field_names is not None:
            self.paste_field_names += list(script.paste_field_names)
        made: list[Any] = script.controls
        return made

    def defaults(self) -> list[Any]:
        """The arguments of all scripts as their components begin; makes the components apart if there are none."""
        self.ensure_ui()
        return [0, *(_value(one) for one in self.inputs[1:])]

    def ensure_ui(self) -> None:
        """Make the components apart if the page has none."""
        if self.blocks is None and any(script.controls is None for script in self.scripts):
            import gradio as gr

            with gr.Blocks() as self.blocks:
                for script in self.scripts:
                    if script.controls is None:
                        self.create_script_ui(script)

    def args_for(self, wanted: dict[str, list[Any]], chosen: str = "", args: Iterable[Any] = ()) -> list[Any]:
        """The arguments of all scripts: the defaults, but for those that are given by the scripts' titles."""
        made = self.defaults()
        for title, values in wanted.items():
            script = self.script(title)
            if script is not None:
                _put(made, script, values)
        if chosen and (script := self.script(chosen)) is not None and script in self.selectable_scripts:
            made[0] = self.selectable_scripts.index(script) + 1
            _put(made, script, args)
        return made

    def run(self, p: Any, *args: Any) -> Any:
        """What the chosen script makes of `p`; None if none is chosen."""
        index = args[0] if args else 0
        if not index or not isinstance(index, int) or index > len(self.selectable_scripts):
            return None
        script = self.selectable_scripts[index - 1]
        try:
            return script.run(p, *args[script.args_from : script.args_to])
        except WebuiError:
            raise
        except Exception as error:
            where = f"in its script {self.titles[index - 1]!r}"
            raise ExtensionError(BLAME.troubles.note(script.extension, where, error)) from error

    def each(self, hook: str, p: Any, *args: Any, **words: Any) -> None:
        """Call a hook of every script that has it."""
        for script in self.alwayson_scripts:
            if overrides(script, hook):
                own = list(p.script_args[script.args_from or 0 : script.args_to or 0])
                BLAME.call(
                    script.extension,
                    hook,
                    lambda script=script, own=own: getattr(script, hook)(p, *args, *own, **words),  # type: ignore[misc]
                    None,
                )

    def listens(self, *hooks: str) -> bool:
        """Whether any script has one of these hooks."""
        return any(overrides(script, hook) for script in self.alwayson_scripts for hook in hooks)

    def __getattr__(self, name: str) -> Any:
        """`runner.process(p)` and so on, for extensions that call hooks themselves."""
        if not name.startswith("_") and hasattr(Script, name):
            return lambda p, *args, **words: self.each(name, p, *args, **words)
        raise AttributeError(name)


def begun_with(component: Any) -> Any:
    """The value of a component at first; gradio keeps a State's function, and calls it for each page."""
    value = getattr(component, "value", None)
    return value() if callable(value) else value


def _value(component: Any) -> Any:
    value = begun_with(component)
    if getattr(component, "type", None) == "index" and hasattr(component, "choices"):
        values = [one[-1] if isinstance(one, (tuple, list)) else one for one in component.choices or ()]
        return values.index(value) if value in values else None
    return [] if value is None and getattr(component, "multiselect", False) else value


def _put(into: list[Any], script: Any, values: Iterable[Any]) -> None:
    given = list(values)[: script.args_to - script.args_from]
    into[script.args_from : script.args_from + len(given)] = given


class Postprocessors:
    """`scripts.scripts_postproc`: the ScriptPostprocessing of all extensions."""

    def __init__(self) -> None:
        self._made: list[ScriptPostprocessing] | None = None
        self.ui_created = False

    def scripts_in_preferred_order(self) -> list[ScriptPostprocessing]:
        """Made once, by their order."""
        if self._made is None:
            self._made = []
            for data in REGISTRY.postprocessing:
                name = REGISTRY.names.get(data.script_class, Path(data.basedir).name)
                script = BLAME.call(name, "__init__", data.script_class, None)
                if script is not None:
                    script.extension, script.filename = name, data.path
                    self._made.append(script)
            self._made.sort(key=lambda one: (one.order, str(one.name)))
        return self._made

    def create_ui(self) -> list[tuple[str, str, Any]]:
        """Make the components where the page is now: (script's name, argument, component)."""
        for script in self.scripts_in_preferred_order():
            made = BLAME.call(script.extension, "ui", script.ui, None)
            script.controls = dict(made) if isinstance(made, dict) else {}
        self.ui_created = True
        made_by = self.scripts_in_preferred_order()
        return [(str(one.name), name, control) for one in made_by for name, control in one.controls.items()]

    def defaults(self) -> dict[str, dict[str, Any]]:
        """The arguments as their components begin, by script; makes the components apart if there are none."""
        if not self.ui_created and self.scripts_in_preferred_order():
            import gradio as gr

            with gr.Blocks():
                self.create_ui()
        return {
            str(one.name): {name: _value(control) for name, control in (one.controls or {}).items()}
            for one in self.scripts_in_preferred_order()
        }

    def forget(self) -> None:
        """Others were loaded."""
        self._made, self.ui_created = None, False


@dataclass(slots=True)
class Registry:
    """Everything that was loaded."""

    scripts_data: list[ScriptClassData] = field(default_factory=list)
    postprocessing: list[ScriptClassData] = field(default_factory=list)
    native: list[type[host.Script]] = field(default_factory=list)  # on the program's own door
    writers: list[type[host.Writer]] = field(default_factory=list)  # on it too
    txt2img: ScriptRunner = field(default_factory=ScriptRunner)
    img2img: ScriptRunner = field(default_factory=lambda: ScriptRunner(True))
    postproc: Postprocessors = field(default_factory=Postprocessors)
    names: dict[Any, str] = field(default_factory=dict)
    folders: dict[str, Path] = field(default_factory=dict)

    def offer_axes(self) -> None:
        """Let extensions find the X/Y/Z plot, once."""
        if not any(data.script_class is XyzScript for data in self.scripts_data):
            self.scripts_data.append(ScriptClassData(XyzScript, "scripts/xyz_grid.py", "", module()))

    def axes(self) -> list[Any]:
        """The axes that extensions have appended."""
        found = (data.module for data in self.scripts_data if data.script_class is XyzScript)
        return [one for plot in found for one in plot.axis_options if one.label != "Nothing"]

    def current(self) -> Any:
        """The runner of the running job."""
        from modules.compat.running import RUNS

        p = RUNS.p()
        return getattr(p, "scripts", None) if p is not None else self.txt2img

    def enter(self, name: str, folder: Path) -> None:
        """An extension takes part: its folder is known from now on."""
        self.folders[name] = folder

    def read(self, name: str, path: Path) -> bool:
        """Read one of an extension's scripts; whether it could be. One that fails leaves nothing behind but a note."""
        folder, before, known = self.folders[name], list(sys.path), {id(one) for one in CALLBACKS.all()}
        try:
            with BLAME.reading(name, folder):
                sys.path.insert(0, str(folder))
                self.register(name, folder, path, _imported(path))
            return True
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the extension boundary
            CALLBACKS.remove(lambda one: one.extension == name and id(one) not in known)
            BLAME.failed(name, f"scripts/{path.name}", error)
            return False
        finally:
            sys.path[:] = [*before, *(one for one in sys.path if one not in before and one != str(folder))]

    def drop(self, name: str) -> None:
        """Forget what an extension has registered."""
        own = {value for value, owner in self.names.items() if owner == name}
        for listed in (self.scripts_data, self.postprocessing):
            listed[:] = [data for data in listed if data.script_class not in own]
        self.native[:] = [one for one in self.native if one not in own]
        self.writers[:] = [one for one in self.writers if one not in own]
        CALLBACKS.remove(lambda one: one.extension == name)

    def register(self, name: str, folder: Path, path: Path, module: Any) -> None:
        """Take a module's classes in."""
        for value in list(vars(module).values()):
            if not inspect.isclass(value) or value in (Script, ScriptBuiltinUI, ScriptPostprocessing):
                continue
            data = ScriptClassData(value, str(path), str(folder), module)
            if issubclass(value, Script):
                self.scripts_data.append(data)
            elif issubclass(value, ScriptPostprocessing):
                self.postprocessing.append(data)
            elif issubclass(value, host.Script) and value.__module__ == module.__name__ and value.title:
                self.native.append(value)
            elif issubclass(value, host.Writer) and value.__module__ == module.__name__:
                self.writers.append(value)
            else:
                continue
            self.names[value] = name

    def ready(self) -> None:
        """All extensions are read: make their scripts."""
        self.txt2img.initialize_scripts(False)
        self.img2img.initialize_scripts(True)
        self.postproc.forget()

    def files(self, folder: str, extension: str) -> list[ScriptFile]:
        """The files of a kind in a folder of each extension."""
        found = []
        for root in self.folders.values():
            for path in sorted((root / folder).glob(f"*{extension}")):
                found.append(ScriptFile(str(root), path.name, str(path)))
        return found

    def named(self, filename: str) -> list[str]:
        """The files of that name, one of each extension."""
        return [str(root / filename) for root in self.folders.values() if (root / filename).is_file()]

    def clear(self) -> None:
        """Forget everything, for tests."""
        for listed in (self.scripts_data, self.postprocessing, self.native, self.writers):
            listed.clear()
        self.names.clear()
        self.folders.clear()


def _imported(path: Path) -> types.ModuleType:
    """A script file as a module named as A1111 names it: by its file's name."""
    spec = importlib.util.spec_from_file_location(path.name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be read.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.name] = module  # dataclasses look up there what annotations name, gradio the file of a class
    spec.loader.exec_module(module)
    return module


REGISTRY = Registry()
