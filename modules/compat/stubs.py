"""Names of A1111's old model code: they import, may be subclassed, and explain themselves when used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from modules.exceptions import ExtensionError


def explained(name: str) -> ExtensionError:
    """What to say of a name that only stands in."""
    return ExtensionError(
        f"{name} is a part of A1111's old model code, which is not in this program: the models here are diffusers'. "
        "The extension needs a version that goes without it."
    )


class _Unused(type):
    """The class of stand-ins: reading what a class of the old code would hold explains itself too."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise explained(f"{cls.__module__}.{cls.__qualname__}.{name}")


def stub(module: str) -> Callable[[str], Any]:
    """The `__getattr__` of a module all of whose names stand in for old model code."""
    made: dict[str, type] = {}

    def find(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in made:
            made[name] = stand_in(module, name)
        return made[name]

    return find


def stand_in(module: str, name: str) -> type:
    """A class that can be named and subclassed, and raises when it is made or called."""

    def refuse(self: Any, *args: Any, **words: Any) -> None:
        raise explained(f"{module}.{name}")

    return _Unused(name, (), {"__init__": refuse, "__module__": module, "__qualname__": name})
