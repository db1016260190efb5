"""The hashes of one kind's files: kept in the catalogue, computed when asked for and in the background."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from modules.weights.networks.catalogue import Catalogue
from modules.weights.networks.digests import Digests, digests
from modules.weights.networks.entries import Entry, Kind

log = logging.getLogger(__name__)

CALM = 30.0  # seconds before the background begins
SEARCH = 2.0  # seconds that the search for a hash may compute others
IDLE = 3.0  # how many times as long as it worked it then rests


class Hasher:
    """A LoRA goes by the hash that its trainer wrote in, else by that of its tensors; others by that of all bytes."""

    def __init__(self, kind: Kind, catalogue: Catalogue, enabled: bool):
        self._kind = kind
        self._catalogue = catalogue
        self._enabled = enabled
        self._found: dict[str, tuple[int, int, Digests]] = {}
        self._thread: threading.Thread | None = None

    def load(self) -> None:
        """Remember what was computed before."""
        self._found = self._catalogue.digests(self._kind)

    def hash(self, entry: Entry) -> str:
        """Up to 64 digits, computed now if need be; "" where hashing is off or the file is gone."""
        if claimed := self._claimed(entry):
            return claimed
        known = self._known(entry)
        if known is None and self._enabled:
            try:
                known = digests(entry.path)
            except OSError as error:
                log.info("%s cannot be hashed: %s.", entry.path, error.strerror)
                return ""
            self._found[entry.location] = entry.mtime, entry.size, known
            self._catalogue.keep_digests(self._kind, entry, known)
        if known is None:
            return ""
        return known.tensors if self._kind is Kind.LORA else known.whole

    def find(self, entries: Sequence[Entry], digits: str) -> Entry | None:
        """The first entry with a hash that begins with these; those that are missing are computed for a while."""
        found = next((one for one in entries if self._bears(one, digits)), None)
        until = time.monotonic() + SEARCH
        for entry in self._missing(entries) if found is None and self._enabled else ():
            if self.hash(entry) and self._bears(entry, digits):
                return entry
            if time.monotonic() > until:
                break
        return found

    def begin(self, entries: Callable[[], Iterable[Entry]]) -> None:
        """Compute what is missing in the background, unless that is under way; `entries` tells what there is."""
        if self._enabled and not (self._thread and self._thread.is_alive()) and self._missing(entries()):
            name = f"{self._kind.value} hashes"
            self._thread = threading.Thread(target=self._compute, args=(entries,), name=name, daemon=True)
            self._thread.start()

    def _compute(self, entries: Callable[[], Iterable[Entry]]) -> None:
        time.sleep(CALM)
        tried: set[Entry] = set()
        while todo := [one for one in self._missing(entries()) if one not in tried]:
            for entry in todo:
                began = time.monotonic()
                self.hash(entry)
                tried.add(entry)
                time.sleep(IDLE * (time.monotonic() - began))

    def _known(self, entry: Entry) -> Digests | None:
        mtime, size, found = self._found.get(entry.location, (0, 0, None))
        return found if (mtime, size) == (entry.mtime, entry.size) else None

    def _bears(self, entry: Entry, digits: str) -> bool:
        known = self._known(entry)
        every = (entry.facts.claimed, known and known.tensors, known and known.whole)
        return any(one.startswith(digits) for one in every if one)

    def _claimed(self, entry: Entry) -> str | None:
        return entry.facts.claimed if self._kind is Kind.LORA else None

    def _missing(self, entries: Iterable[Entry]) -> list[Entry]:
        return [one for one in entries if not (one.fault or self._claimed(one) or self._known(one))]
