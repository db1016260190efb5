"""The App behind A1111's flat names, and modules whose listed attributes read and write it."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import modules
from modules.app import App
from modules.exceptions import ExtensionError
from modules.settings.folders import Folders
from modules.settings.sections import Launch

NOT_YET = "This name of A1111 needs the running program; use it in a callback, not at import."
BESIDE, FLAT = Path(__file__).parent / "beside", Path(__file__).parent / "flat"


@dataclass(frozen=True)
class Early:
    """What there is before the App, for a `preload.py`: flags and folders."""

    launch: Launch
    folders: Folders

    def __getattr__(self, name: str) -> Any:
        raise ExtensionError(NOT_YET)


class _Bound:
    """What is bound; one of it, because A1111's names are global and know no App."""

    app: App | None = None
    early: Early | None = None


_BOUND = _Bound()
Get = Callable[[App], Any]
Set = Callable[[App, Any], None]


def bind(app: App | None, early: Early | None = None) -> None:
    """Let the flat names speak of this App, and let `import launch` be found."""
    _BOUND.app, _BOUND.early = app, early
    if str(BESIDE) not in sys.path:
        sys.path.append(str(BESIDE))
    vars(modules)["__getattr__"] = _flat


def _flat(name: str) -> types.ModuleType:
    """`modules.shared_items` after a bare `import modules`: A1111 has imported all of its modules by then."""
    if (FLAT / f"{name}.py").is_file() or (FLAT / name).is_dir():
        return importlib.import_module(f"modules.{name}")
    raise AttributeError(f"module 'modules' has no attribute {name!r}")


def bound() -> bool:
    """Whether there is an App yet: a `preload.py` runs before."""
    return _BOUND.app is not None


def flagged() -> bool:
    """Whether the flags are known: in the process of an `install.py` they are not."""
    return bool(_BOUND.app or _BOUND.early)


def app() -> App:
    """The App; before there is one what stands in for it, or ExtensionError."""
    found = _BOUND.app or _BOUND.early
    if found is None:
        raise ExtensionError(NOT_YET)
    return cast(App, found)


class Facade(types.ModuleType):
    """A module some of whose attributes are live; any other may be set and read as in every module."""

    LIVE: Mapping[str, tuple[Get, Set | None]]

    def __getattr__(self, name: str) -> Any:
        live = self.__dict__.get("LIVE", {})
        if name in live:
            return live[name][0](app())
        raise AttributeError(f"{self.__name__} of A1111 has no {name!r} here; modules/compat/flat lists what there is.")

    def __setattr__(self, name: str, value: Any) -> None:
        live = self.__dict__.get("LIVE", {})
        if name in live and live[name][1] is not None:
            live[name][1](app(), value)
        else:
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.__dict__.get("LIVE", {})})


def facade(name: str, live: Mapping[str, Get | tuple[Get, Set]]) -> None:
    """Make the module of that name a façade whose `live` attributes are read, and with a pair written, on the App."""
    module = sys.modules[name]
    module.__dict__["LIVE"] = {key: one if isinstance(one, tuple) else (one, None) for key, one in live.items()}
    module.__class__ = Facade
