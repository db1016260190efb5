"""Whose code failed: an extension that raises is named with its traceback and left out for the rest of the job."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from modules.exceptions import Interrupted

log = logging.getLogger(__name__)
T = TypeVar("T")
KEPT = 20  # newest failures of one extension


@dataclass(frozen=True, slots=True)
class Failure:
    """One exception of an extension: in which hook or callback, and its whole traceback."""

    extension: str
    hook: str
    error: str
    traceback: str


@dataclass(slots=True)
class Blame:
    """Who is being loaded now, who failed, and who is left out of the running job."""

    folder: Path | None = None  # of the extension whose files are being read
    loading: str = ""
    roots: dict[Path, str] = field(default_factory=dict)  # extensions' folders
    failures: dict[str, list[Failure]] = field(default_factory=dict)
    told: Callable[[Failure], None] = lambda failure: None
    _off: threading.local = field(default_factory=threading.local)

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

    def out(self) -> set[str]:
        """The extensions left out of the job of this thread."""
        found: set[str] | None = getattr(self._off, "names", None)
        if found is None:
            found = self._off.names = set()
        return found

    def begin(self) -> None:
        """A job begins: everybody may take part again."""
        self.out().clear()

    def call(self, extension: str, hook: str, function: Callable[[], T], instead: T) -> T:
        """What the extension's function answers; `instead` where it fails or has failed in this job."""
        if extension in self.out():
            return instead
        try:
            return function()
        except Interrupted:
            raise
        except Exception as error:  # noqa: BLE001 - the extension boundary
            self.failed(extension, hook, error)
            self.out().add(extension)
            return instead

    def failed(self, extension: str, hook: str, error: BaseException) -> None:
        """Keep and tell a failure."""
        text = "".join(traceback.format_exception(error))
        failure = Failure(extension, hook, f"{type(error).__name__}: {error}", text)
        kept = self.failures.setdefault(extension, [])
        kept.append(failure)
        del kept[:-KEPT]
        log.error("The extension %s failed in %s and is left out for now: %s\n%s", extension, hook, error, text)
        self.told(failure)

    def comments(self, since: dict[str, int]) -> list[str]:
        """A sentence for each extension that failed since the counts were taken."""
        return [
            f"The extension {name} failed in {all_[-1].hook} and was left out: {all_[-1].error}"
            for name, all_ in self.failures.items()
            if len(all_) > since.get(name, 0)
        ]


BLAME = Blame()


def blamed(extension: str, hook: str, function: Callable[..., Any], *args: Any, **words: Any) -> Any:
    """Call an extension's function; None where it fails."""
    return BLAME.call(extension, hook, lambda: function(*args, **words), None)
