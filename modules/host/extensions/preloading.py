"""`preload.py`: the flags that extensions add to the command line, read before anything else of them."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from modules.exceptions import ParameterError
from modules.host.extensions.finding import Extension, Note

FILE = "preload.py"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ParameterError(f"Extension {self.prog!r}: {message.removeprefix('argument ')}")


def preload(extensions: Sequence[Extension], words: list[str], note: Note) -> tuple[dict[str, Any], list[str]]:
    """(the values of all their flags, the words that none of them knows). ParameterError for a bad value."""
    values: dict[str, Any] = {}
    for extension in extensions:
        if not (extension.path / FILE).is_file():
            continue
        parser = _Parser(prog=extension.name, add_help=False, allow_abbrev=False)
        try:
            _fill(parser, extension.path)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the extension boundary
            note(extension.name, "in its preload.py", error if isinstance(error, Exception) else _left(error))
            continue
        known, words = parser.parse_known_args(words)
        values |= vars(known)
    return values, words


def _fill(parser: argparse.ArgumentParser, folder: Path) -> None:
    spec = importlib.util.spec_from_file_location(FILE, folder / FILE)
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder / FILE} cannot be read.")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(folder))
    try:
        spec.loader.exec_module(module)
        if hasattr(module, "preload"):
            module.preload(parser)
    finally:
        sys.path.remove(str(folder))


def _left(error: BaseException) -> Exception:
    return RuntimeError(f"it wanted to end the program ({error})")
