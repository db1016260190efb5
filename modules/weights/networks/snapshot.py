"""What is on a shelf at one moment, by every name."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from functools import cached_property

from modules.weights.networks.entries import Entry


class Snapshot:
    """Entries in A1111's order; never changes."""

    def __init__(self, entries: Iterable[Entry] = ()):
        self.entries = tuple(entries)

    def ready(self) -> Snapshot:
        """Itself, with all tables made: for 20,000 files they take longer than who asks should wait."""
        for table in (self._texts, self._names, self._file_names, self._aliases, self.folders):
            len(table)
        return self

    def find(self, name: str) -> Entry | None:
        """By file name without suffix, by an alias that only one file has, by whole file name; case counts.

        Of files with the same name the last one is meant.
        """
        return self._names.get(name) or self._aliases.get(name) or self._file_names.get(name)

    def search(self, text: str) -> list[Entry]:
        """The entries with all these words somewhere in folder, name, alias or tags."""
        found = self._texts
        for word in text.casefold().split():
            found = [row for row in found if word in row[1] or word in row[2]]
        return [entry for entry, _, _ in found]

    @cached_property
    def folders(self) -> frozenset[str]:
        """Of all entries."""
        return frozenset(one.folder for one in self.entries)

    @cached_property
    def _texts(self) -> list[tuple[Entry, str, str]]:
        return [(one, f"{one.folder}/{one.name}\n{one.alias}".casefold(), one.facts.tags) for one in self.entries]

    @cached_property
    def _names(self) -> dict[str, Entry]:
        return {one.name: one for one in self.entries}

    @cached_property
    def _file_names(self) -> dict[str, Entry]:
        return {os.path.basename(one.location): one for one in self.entries}

    @cached_property
    def _aliases(self) -> dict[str, Entry]:
        counts = Counter(one.alias for one in self.entries)
        ambiguous = {alias.lower() for alias, count in counts.items() if count > 1} | {"none"}
        return {one.alias: one for one in self.entries if one.alias.lower() not in ambiguous}
