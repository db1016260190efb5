"""Styles in CSV files with the columns name, prompt, negative_prompt, as A1111 keeps them."""

from __future__ import annotations

import csv
import glob
import io
import logging
import os
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from modules.exceptions import WebuiError
from modules.prompts.styles import Style

log = logging.getLogger(__name__)

NAME, PROMPT, NEGATIVE = COLUMNS = ("name", "prompt", "negative_prompt")
OLD_NAMES = {"text": PROMPT}  # from before there were negative prompts


class Styles:
    """The styles of some files, read again whenever one has changed; the later file wins a name."""

    def __init__(self, patterns: Sequence[str | Path]):
        """`patterns`: paths that may hold `*`; new styles go into the first one without it."""
        self._patterns = [str(pattern) for pattern in patterns]
        self._home = Path(
            next((path for path in self._patterns if "*" not in path), self._patterns[0].replace("*", ""))
        )
        self._lock = threading.Lock()
        self._stamp: list[tuple[Path, int, int]] | None = None
        self._styles: dict[str, Style] = {}

    def all(self) -> dict[str, Style]:
        """Every style by name, in the files' order."""
        with self._lock:
            try:
                stamp = [(path, path.stat().st_mtime_ns, path.stat().st_size) for path in self._paths()]
            except OSError:  # one is being replaced this moment
                return dict(self._styles)
            if stamp != self._stamp:
                self._stamp, self._styles = stamp, self._read()
            return dict(self._styles)

    def put(self, style: Style) -> None:
        """Write a style over the one of its name, or behind all others. WebuiError if the file cannot be written."""
        self._rewrite(style.name, style)

    def drop(self, name: str) -> None:
        """Take a style out of its file, if it is in one. WebuiError if the file cannot be written."""
        self._rewrite(name, None)

    def _paths(self) -> list[Path]:
        found = (name for pattern in self._patterns for name in sorted(glob.glob(pattern)) or [pattern])
        return [path for path in map(Path, dict.fromkeys(found)) if path.is_file()]

    def _read(self) -> dict[str, Style]:
        styles: dict[str, Style] = {}
        for path in self._paths():
            try:
                table = _load(path)
            except (OSError, csv.Error) as error:
                log.warning("The styles in %s cannot be read: %s.", path, error)
            else:
                styles |= {style.name: style for style in map(table.style, table.rows) if style}
        return styles

    def _rewrite(self, name: str, style: Style | None) -> None:
        with self._lock:
            try:
                tables = {path: _load(path) for path in self._paths()}
                known = [path for path, table in tables.items() if table.place(name) is not None]
                path = known[-1] if known else self._home
                table = tables.get(path, _Table(list(COLUMNS), []))
                table.change(name, style)
                _save(path, table)
            except (OSError, csv.Error) as error:
                raise WebuiError(f"The style {name[:60]!r} could not be written: {error}.") from error


@dataclass(slots=True)
class _Table:
    """A file's cells, with the comments and columns that mean nothing here."""

    columns: list[str]
    rows: list[list[str]]

    def style(self, row: list[str]) -> Style | None:
        """What a row says; None for an empty one and for a comment."""
        said = dict(zip(self.columns, row, strict=False))
        if not said.get(NAME) or said[NAME].startswith("#"):
            return None
        return Style(said[NAME], said.get(PROMPT, ""), said.get(NEGATIVE, ""))

    def place(self, name: str) -> int | None:
        """The number of the row that holds a style."""
        styles = map(self.style, self.rows)
        return max((number for number, style in enumerate(styles) if style and style.name == name), default=None)

    def change(self, name: str, style: Style | None) -> None:
        """Put a style in the place of the one of that name, or behind all; None takes it out."""
        place = self.place(name)
        start = len(self.rows) if place is None else place
        if style is None:
            self.rows[start : start + 1] = []
            return
        self.columns += [column for column in COLUMNS if column not in self.columns]
        old = self.rows[start] if place is not None else []
        said = dict(zip(self.columns, old, strict=False)) | {column: getattr(style, column) for column in COLUMNS}
        self.rows[start : start + 1] = [[said.get(column, "") for column in self.columns]]


def _load(path: Path) -> _Table:
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")  # out of a spreadsheet
    rows = list(csv.reader(io.StringIO(text, newline="")))
    header = [OLD_NAMES.get(column, column) for column in rows[0]] if rows else list(COLUMNS)
    return _Table(header, rows[1:])


def _save(path: Path, table: _Table) -> None:
    """Write a file whole or not at all; what it held before lies beside it as `.bak`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        shutil.copy2(path, path.with_name(path.name + ".bak"))
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([table.columns, *table.rows])
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
