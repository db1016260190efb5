"""An axis of the X/Y/Z plot: what may differ between pictures, how its values are read, told and put into a request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from modules.declare import Spec
from modules.exceptions import ParameterError
from modules.generate.request import Request
from modules.host import axis_values
from modules.host.script import TABS, Catalogs, Script, Tab

Change = Callable[[Request, Any, Sequence[Any]], Request]  # request, the value, all values of the axis
YES, NO = "True", "False"


def short(value: Any) -> Any:
    """The value without digits that only binary fractions have."""
    return round(value, 8) if isinstance(value, float) else value


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """One thing that may differ between pictures. `cost`: how slow a change of it is; the slowest changes last.

    `spec` judges and parses its values, or `parse` does, raising ValueError. `split` parts what is written. `told`: how
    the legend says a value.
    """

    label: str
    spec: Spec | None = None
    parse: Callable[[Sequence[str]], Sequence[Any]] | None = None
    split: Callable[[str], Sequence[str]] = axis_values.split
    change: Change = lambda request, value, values: request
    told: Callable[[str, Any], str] = lambda label, value: f"{label}: {short(value)}"
    choices: Callable[[Catalogs], list[str]] | None = None
    cost: float = 0.0
    tabs: Sequence[Tab] = TABS
    seeds: bool = False  # -1 is to be drawn once

    def values(self, texts: Sequence[str]) -> list[Any]:
        """The values that are written. ParameterError with a sentence for one that makes no sense."""
        try:
            if self.parse is not None:
                return list(self.parse(texts))
            if self.spec is None:
                return list(texts)
            kind = self.spec.type
            spread: Sequence[Any] = texts
            if kind in (int, float):
                spread = axis_values.whole(texts) if kind is int else axis_values.real(texts)
            return [self.spec.check(one) for one in spread]
        except ValueError as error:
            raise ParameterError(f"X/Y/Z plot, {self.label}: {str(error)}") from error


def choices(spec: Spec | None) -> Callable[[Catalogs], list[str]] | None:
    """What a field's values are chosen from; None where they are written."""
    if spec is None:
        return None
    if spec.type is bool:
        return fixed(YES, NO)
    if isinstance(spec.choices, str):
        catalog = spec.choices
        return (lambda catalogs: catalogs[catalog]()) if catalog else None
    return fixed(*spec.choices) if spec.choices else None


def fixed(*texts: str) -> Callable[[Catalogs], list[str]]:
    """Always these."""
    return lambda catalogs: list(texts)


def of_script(script: Script, tab: Tab) -> list[Axis]:
    """An axis for each argument of a script that is always on."""
    return [
        Axis(
            label=f"[{script.title}] {spec.label}",
            spec=spec,
            change=partial(_given, script.title, place),
            choices=choices(spec),
            tabs=script.tabs,
        )
        for place, spec in enumerate(script.arguments(tab))
        if spec.label and spec.type in (int, float, bool, str)
    ]


def _given(title: str, place: int, request: Request, value: Any, values: Sequence[Any]) -> Request:
    """The request with one argument of a script."""
    always = dict(request.alwayson_scripts)
    key = next((one for one in always if one.lower() == title.lower()), title)
    args = [*always.get(key, ())]
    args += [None] * (place + 1 - len(args))
    args[place] = value
    return replace(request, alwayson_scripts=always | {key: args})
