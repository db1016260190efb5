"""Wildcards: text files whose lines `__name__` in a prompt stands for, one line a choice."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from modules.prompts.variants import Weighed, weighed

SUFFIX = ".txt"
ANY = {"*": "[^/]*", "**": ".*"}


class Wildcards:
    """The text files under a folder, by their path without suffix; a file is read again when it has changed."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._read: dict[Path, tuple[tuple[int, int], list[Weighed]]] = {}

    def lines(self, name: str) -> Sequence[Weighed] | None:
        """The choices of all files that a name fits; None if none does.

        `*` in a name stands for any text within one folder, `**` for any at all. Empty lines and those that begin with
        `#` are no choices. What lies outside the folder is never read.
        """
        if any(part in ("", ".", "..") for part in name.split("/")):
            return None
        found = [path for path in self._fitting(name) if path.resolve().is_relative_to(self._folder.resolve())]
        return [line for path in found for line in self._choices(path)] if found else None

    def _fitting(self, name: str) -> list[Path]:
        if "*" not in name:
            path = self._folder / (name + SUFFIX)
            return [path] if path.is_file() else []
        fits = re.compile("".join(ANY.get(piece) or re.escape(piece) for piece in re.split(r"(\*\*?)", name)))
        paths = sorted(self._folder.rglob("*" + SUFFIX))
        return [path for path in paths if fits.fullmatch(path.relative_to(self._folder).as_posix()[: -len(SUFFIX)])]

    def _choices(self, path: Path) -> list[Weighed]:
        try:
            state = path.stat()
            stamp = (state.st_mtime_ns, state.st_size)
            if path not in self._read or self._read[path][0] != stamp:
                text = path.read_text(encoding="utf-8-sig", errors="replace")
                lines = [line.strip() for line in text.splitlines()]
                self._read[path] = stamp, [weighed(line) for line in lines if line and not line.startswith("#")]
        except OSError:
            return []
        return self._read[path][1]
