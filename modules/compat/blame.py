"""Whose code failed: an extension that raises is named with its traceback and left out for the rest of the job."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from modules.exceptions import Interrupted
from modules.host.troubles import Troubles

T = TypeVar("T")


class _Job(threading.local):
    """The job of a thread: its number, 0 outside of all, and a sentence of each extension that is left out of it."""

    number = 0
    last = 0

    def __init__(self) -> None:
        self.key: Any = None
        self.out: dict[str, str] = {}


@dataclass(slots=True)
class Blame:
    """Who is being loaded now, who failed, and who is left out of the running job."""

    folder: Path | None = None  # of the extension whose files are being read
    loading: str = ""
    roots: dict[Path, str] = field(default_factory=dict)  # extensions' folders
    troubles: Troubles = field(default_factory=Troubles)
    _job: _Job = field(default_factory=_Job)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def owner(self, filename: str | None) -> str:
        """The extension that a file belongs to."""
        if self.loading:
            return self.loading
        for root, name in self.roots.items():
            if filename and Path(filename).is_relative_to(root):
                return name
        return Path(filename).stem if filename else "an extension"

    @contextmanager
    def reading(self, name: str, folder: Path) -> Iterator[None]:
        """While an extension's files are read, what they register is its own."""
        before = self.loading, self.folder
        self.loading, self.folder = name, folder
        self.roots[folder] = name
        try:
            yield
        finally:
            self.loading, self.folder = before

    @property
    def job(self) -> int:
        """The number of this thread's job; 0 outside of all."""
        return self._job.number

    def begin(self, key: Any = None) -> None:
        """A job begins on this thread, or one that had begun goes on: in another one everybody may take part again."""
        if key is None or key is not self._job.key:
            self._job.key, self._job.out, self._job.last = key, {}, next(self._numbers)
        self._job.number = self._job.last

    def end(self) -> None:
        """It is over, or rests."""
        self._job.number = 0

    def call(self, extension: str, hook: str, function: Callable[[], T], instead: T) -> T:
        """What the extension's function answers; `instead` where it fails, or has failed in this job."""
        if self._job.number and extension in self._job.out:
            return instead
        try:
            return function()
        except Interrupted:
            raise
        except Exception as error:  # noqa: BLE001 - the extension boundary
            self.failed(extension, hook, error)
            return instead

    def failed(self, extension: str, hook: str, error: BaseException) -> None:
        """Note a failure; within a job it ends the extension's part in it."""
        sentence = self.troubles.note(extension, f"in {hook}", error)
        if self._job.number:
            self._job.out[extension] = sentence

    def comments(self) -> list[str]:
        """A sentence for each extension that failed in this job."""
        return list(self._job.out.values()) if self._job.number else []

    def left_out(self, extension: str) -> str:
        """Why it takes no part in this job any more; nothing if it does."""
        return self._job.out.get(extension, "")


BLAME = Blame()


def blamed(extension: str, hook: str, function: Callable[..., Any], *args: Any, **words: Any) -> Any:
    """Call an extension's function; None where it fails."""
    return BLAME.call(extension, hook, lambda: function(*args, **words), None)
