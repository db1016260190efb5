"""What went wrong in whose extension: kept for the Extensions tab, said once in the log."""

from __future__ import annotations

import logging
import threading
import traceback
from collections import defaultdict
from dataclasses import dataclass

from modules.exceptions import ExtensionError

log = logging.getLogger(__name__)

KEPT = 20  # of each extension
BUILT_IN = "built-in"


class Report(ExtensionError):
    """What is wrong with an extension in our own words: a sentence and, below it, what it said itself."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One failure: where, in one sentence, and its traceback."""

    where: str
    sentence: str
    trace: str


class Troubles:
    """By the extension's name; may be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._noted: defaultdict[str, list[Trouble]] = defaultdict(list)

    def note(self, owner: str, where: str, error: BaseException) -> str:
        """Remember a failure; the sentence that names it."""
        owner = owner or BUILT_IN
        if isinstance(error, Report):
            told, _, trace = str(error).partition("\n")
        else:
            last = (str(error).strip().splitlines() or [""])[-1]
            told = f"{type(error).__name__}{f': {last}' if last else ''}"
            trace = "".join(traceback.format_exception(error))
        sentence = f"Extension {owner!r} failed {where}: {told}"
        with self._lock:
            noted = self._noted[owner]
            known = any((one.sentence, one.trace) == (sentence, trace) for one in noted)
            if not known:
                noted.append(Trouble(where, sentence, trace))
                del noted[:-KEPT]
        if not known:
            log.error("%s\n%s" if trace else "%s%s", sentence, trace)
        return sentence

    def of(self, owner: str) -> list[Trouble]:
        """Of one extension, oldest first."""
        with self._lock:
            return list(self._noted.get(owner, ()))

    def forget(self, owner: str) -> None:
        """It is loaded anew."""
        with self._lock:
            self._noted.pop(owner, None)
