"""ui-config.json: what the page's fields begin with, under A1111's keys such as `txt2img/Sampling steps/value`."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modules.exceptions import WebuiError

log = logging.getLogger(__name__)

VALUE = "value"
PROPERTIES = (VALUE, "minimum", "maximum", "step", "visible")


class Defaults:
    """The file's entries, read again when it has changed; those of fields that nothing here has stay in it."""

    def __init__(self, path: Path):
        self.path = path
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._entries: dict[str, Any] = {}

    def entries(self) -> dict[str, Any]:
        """All of them by key; none where the file cannot be read."""
        with self._lock:
            try:
                status = self.path.stat()
                stamp = status.st_mtime_ns, status.st_size
                if stamp != self._stamp:
                    self._stamp, self._entries = stamp, parsed(self.path.read_text(encoding="utf-8-sig"))
            except FileNotFoundError:
                self._stamp, self._entries = None, {}
            except (OSError, ValueError) as error:
                log.warning("%s cannot be read (%s); the page begins as usual.", self.path, error)
            return dict(self._entries)

    def of(self, tab: str, label: str) -> dict[str, Any]:
        """What is said of a field: its value, bounds, and whether it is shown."""
        known = self.entries()
        found = {name: known.get(f"{tab}/{label}/{name}") for name in PROPERTIES}
        return {name: value for name, value in found.items() if value is not None}

    def put(self, entries: Mapping[str, Any]) -> None:
        """Write entries beside those that are there. WebuiError if the file cannot be written."""
        self._write(self.entries() | dict(entries))

    def clear(self) -> None:
        """Begin as usual again; the file is kept as `.bak`."""
        try:
            os.replace(self.path, self.path.with_name(self.path.name + ".bak"))
        except FileNotFoundError:
            return
        except OSError as error:
            raise WebuiError(f"{self.path} could not be put aside: {error.strerror}.") from error

    def _write(self, entries: Mapping[str, Any]) -> None:
        temporary = self.path.with_name(self.path.name + ".tmp")
        try:
            temporary.write_text(json.dumps(entries, indent=4, ensure_ascii=False), encoding="utf-8")
            os.replace(temporary, self.path)
        except OSError as error:
            raise WebuiError(f"The defaults could not be written to {self.path}: {error.strerror}.") from error


def parsed(text: str) -> dict[str, Any]:
    """The entries in a file's text; ValueError where it is none."""
    said = json.loads(text)
    if not isinstance(said, dict):
        raise ValueError("it is no table")
    return said
