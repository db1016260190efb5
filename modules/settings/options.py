"""The registry of options and the layers that give each its value."""

from __future__ import annotations

import difflib
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from modules.declare import Spec, specs
from modules.exceptions import Forbidden, NotFound, ParameterError
from modules.settings.reach import is_open
from modules.settings.sections import SECTIONS, Launch
from modules.settings.store import Store

Listener = Callable[[Any], None]


class View:
    """Read-only values for one job: overrides, then command line, then file, then defaults."""

    __slots__ = ("_map", "_specs")

    def __init__(self, known: Mapping[str, Spec], *layers: Mapping[str, Any]):
        object.__setattr__(self, "_specs", known)
        object.__setattr__(self, "_map", ChainMap(*[dict(layer) for layer in layers]))

    _specs: Mapping[str, Spec]
    _map: ChainMap[str, Any]

    def __getattr__(self, name: str) -> Any:
        try:
            return self._map[name]
        except KeyError:
            raise AttributeError(f"there is no option {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("a View is read-only; use over()")

    def over(self, **overrides: Any) -> View:
        """This view under one more layer; ParameterError for an unknown name or a bad value."""
        return View(self._specs, checked(self._specs, overrides), *self._map.maps)

    def specs(self) -> Mapping[str, Spec]:
        """The options known when the snapshot was taken."""
        return self._specs

    def as_dict(self) -> dict[str, Any]:
        """Every known option with its value, in declaration order."""
        return {name: self._map[name] for name in self._specs}


def checked(known: Mapping[str, Spec], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values in their options' types; ParameterError for an unknown name or a bad value."""
    made = {}
    for name, value in values.items():
        spec = known.get(name)
        if spec is None:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else "."
            raise NotFound(f"There is no option {name[:60]!r}{hint}")
        try:
            made[name] = spec.check(value)
        except ValueError as error:
            raise ParameterError(f"Option {name}: {error}") from error
    return made


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of another settings file: options changed, how many keys nothing here knows, what was refused."""

    changed: list[str]
    unknown: int
    refused: list[str]


class Options:
    """All options by name, and the one way to change them."""

    def __init__(
        self,
        store: Store,
        command_line: Mapping[str, Any] | None = None,
        frozen: Callable[[Spec], bool] = lambda spec: False,
    ):
        """`frozen` tells the options that nobody may change while the program runs."""
        self.specs: dict[str, Spec] = {
            name: replace(spec, section=section)
            for section, cls in SECTIONS.items()
            for name, spec in specs(cls).items()
        }
        self._store = store
        self._command_line = dict(command_line or {})
        self._listeners: dict[str, list[Listener]] = {}
        self._frozen = frozen

    def register(self, spec: Spec) -> None:
        """Add an option at run time (extensions); a value already in config.json takes effect."""
        self.specs[spec.name] = spec

    def stored(self) -> Mapping[str, Any]:
        """What config.json holds, of options that nobody has declared too."""
        return dict(self._store.values)

    def view(self) -> View:
        """A snapshot of all values; later changes do not reach it."""
        stored = {}
        for name, value in self._store.values.items():
            if spec := self.specs.get(name):
                try:
                    stored[name] = spec.check(value)
                except ValueError:
                    continue  # an old or hand-edited file: the default serves, the file keeps the text
        defaults = {name: spec.default for name, spec in self.specs.items()}
        return View(dict(self.specs), self._command_line, stored, defaults)

    def change(self, values: Mapping[str, Any], *, by_page: bool = True) -> None:
        """Check all, store all, then tell the listeners of those that differ.

        ParameterError, or Forbidden for an option that is frozen or that only the page may change, leaves all as it
        was.
        """
        before = self.view()
        made = checked(self.specs, values)
        for name, value in made.items():
            if value != getattr(before, name) and self._frozen(self.specs[name]):
                raise Forbidden(f"The setting {name} is frozen by the flags that this server was started with.")
            if value != getattr(before, name) and self.specs[name].page_only and not by_page:
                raise Forbidden(f"The setting {name} can be changed on the page alone.")
        self._store.update(made)
        for name, value in made.items():
            if value != getattr(before, name):
                for listener in self._listeners.get(name, []):
                    listener(value)

    def changed(self) -> dict[str, tuple[Any, Any]]:
        """The options that are not as they came, by name: what they are and what they were."""
        view = self.view()
        both = {name: (getattr(view, name), spec.default) for name, spec in self.specs.items()}
        return {name: pair for name, pair in both.items() if pair[0] != pair[1]}

    def reset(self, names: Iterable[str]) -> None:
        """Let options be as they came; the file as it was is kept beside. Forbidden where one is frozen."""
        self._store.keep_copy()
        self.change({name: self.specs[name].default for name in names})

    def take(self, values: Mapping[str, Any]) -> Taken:
        """Take over another program's settings file; what cannot be taken is told, unknown keys wait in the file."""
        taken: dict[str, Any] = {}
        bad = []
        for name, value in values.items():
            try:
                taken |= checked(self.specs, {name: value}) if name in self.specs else {}
            except ParameterError as error:
                bad.append(str(error))
        before = self.view()
        changes = {name: value for name, value in taken.items() if value != getattr(before, name)}
        self._store.keep_copy()
        self.change(changes)
        unknown = {name: value for name, value in values.items() if name not in self.specs}
        self._store.update(unknown)
        return Taken(sorted(changes), len(unknown), bad)

    def on_change(self, name: str, listener: Listener) -> None:
        """Call `listener(value)` after the option was changed."""
        self._listeners.setdefault(name, []).append(listener)


def frozen(launch: Launch) -> Callable[[Spec], bool]:
    """What the flags freeze: everything, some sections, some options; on an open server which extensions are on."""
    sections, names = (
        {one.strip() for one in text.split(",")}
        for text in (launch.freeze_settings_in_sections, launch.freeze_specific_settings)
    )
    if is_open(launch) and not launch.enable_insecure_extension_access:
        sections.add("Extensions")
    return lambda spec: launch.freeze_settings or spec.section in sections or spec.name in names
