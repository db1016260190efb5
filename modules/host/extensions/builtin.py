"""The extensions that come with the program: folders like all others, on the program's own door alone."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from modules.generate.wording import Writer
from modules.host.extensions.finding import Extension
from modules.settings.folders import Folders

ROOT = Path(__file__).parents[3] / "extensions-builtin"


def writers(taken: Sequence[Extension], folders: Folders) -> list[Writer]:
    """New ones of all that they define."""
    files = [path for one in taken for path in sorted((one.path / "scripts").glob("*.py"))]
    return [made(folders) for path in files for made in writers_of(_read(path))]


def writers_of(module: ModuleType) -> list[type[Writer]]:
    """The classes of a module that write prompts, and are its own."""
    classes = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, Writer)]
    return [one for one in classes if one.__module__ == module.__name__]


def _read(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"builtin_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
