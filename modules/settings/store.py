"""config.json: read once, written whole and atomically, keeping the keys that nothing here knows."""

from __future__ import annotations

import json
import logging
import os
import shutil
import threading
from pathlib import Path
from typing import Any

from modules.exceptions import WebuiError

log = logging.getLogger(__name__)


class Store:
    """The values that the user changed, by option name; keys of extensions not yet loaded stay in the file."""

    def __init__(self, path: Path):
        self.path = path
        self._lock = threading.Lock()
        self.values: dict[str, Any] = self._load()

    def _load(self) -> dict[str, Any]:
        try:
            values = json.loads(self.path.read_text(encoding="utf-8-sig"))
            if not isinstance(values, dict):
                raise ValueError("not an object")
            return values
        except FileNotFoundError:
            return {}
        except (ValueError, OSError) as error:
            return self._set_aside(error)

    def _set_aside(self, error: Exception) -> dict[str, Any]:
        """A settings file that cannot be read is kept under another name, never overwritten."""
        kept = self.path.with_name(f"{self.path.name}.unreadable")
        number = 1
        while kept.exists():
            number += 1
            kept = self.path.with_name(f"{self.path.name}.unreadable-{number}")
        try:
            self.path.rename(kept)
        except OSError:
            raise WebuiError(f"{self.path} cannot be read ({error}); mend its permissions or remove it.") from error
        log.warning("%s could not be read (%s); it is kept as %s and the defaults are used.", self.path, error, kept)
        return {}

    def keep_copy(self) -> None:
        """Put a copy of the file beside it, under the first free name; WebuiError if that cannot be done."""
        number = 1
        while (kept := self.path.with_name(f"{self.path.name}.before-{number}")).exists():
            number += 1
        try:
            shutil.copyfile(self.path, kept)
        except FileNotFoundError:
            return
        except OSError as error:
            raise WebuiError(f"{self.path} could not be copied, so nothing was changed: {error.strerror}.") from error

    def update(self, changes: dict[str, Any]) -> None:
        """Take the changes and write the file; on a failed write nothing is changed and WebuiError says why."""
        with self._lock:
            values = {**self.values, **changes}
            text = json.dumps(values, indent=4, ensure_ascii=False)
            temporary = self.path.with_name(self.path.name + ".tmp")
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                temporary.write_text(text, encoding="utf-8")
                os.replace(temporary, self.path)
            except OSError as error:
                raise WebuiError(f"The settings could not be written to {self.path}: {error.strerror}.") from error
            self.values = values
