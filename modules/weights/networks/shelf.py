"""The network files in some folders: found, named and hashed as A1111 does, without a restart and without a wait."""

from __future__ import annotations

import json
import logging
import os
import stat
import threading
import time
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from modules.exceptions import CorruptFile
from modules.weights.networks import headers
from modules.weights.networks.catalogue import Catalogue, Stamp
from modules.weights.networks.digests import Digests, digests
from modules.weights.networks.entries import SUFFIXES, Entry, Facts, Kind, facts_of
from modules.weights.networks.listing import Listing, contents, natural, walk
from modules.weights.networks.sidecars import preview

log = logging.getLogger(__name__)

LOOK = 1.0  # seconds for which a look at the folders is good enough for a list
PATIENCE = 10.0  # seconds that a list waits for the first look
CALM = 30.0  # seconds after which hashes are computed in the background
IDLE = 3.0  # how many times as long as it worked the background then rests


class Snapshot:
    """All entries at one moment, by every name."""

    def __init__(self, entries: Iterable[Entry] = ()):
        self.entries = tuple(entries)
        self.by_path = {str(one.path): one for one in self.entries}

    def find(self, name: str) -> Entry | None:
        """By file name without suffix, by an alias that only one file has, by whole file name; case counts.

        Of files with the same name the last one is meant.
        """
        return self._names.get(name) or self._aliases.get(name) or self._file_names.get(name)

    def search(self, text: str) -> list[Entry]:
        """The entries with all these words somewhere in folder, name, alias or tags."""
        found = list(zip(self.entries, self._labels, strict=True))
        for word in text.casefold().split():
            found = [pair for pair in found if word in pair[1] or word in pair[0].facts.tags]
        return [entry for entry, _ in found]

    @cached_property
    def _labels(self) -> list[str]:
        return [f"{one.folder}/{one.name}\n{one.alias}".casefold() for one in self.entries]

    @cached_property
    def _names(self) -> dict[str, Entry]:
        return {one.name: one for one in self.entries}

    @cached_property
    def _file_names(self) -> dict[str, Entry]:
        return {one.path.name: one for one in self.entries}

    @cached_property
    def _aliases(self) -> dict[str, Entry]:
        counts = Counter(one.alias for one in self.entries)
        ambiguous = {alias.lower() for alias, count in counts.items() if count > 1} | {"none"}
        return {one.alias: one for one in self.entries if one.alias.lower() not in ambiguous}


class Shelf:
    """The files of one kind.

    Folders are looked into when they change, and of a file only the header is read, once. The first look happens in
    the background; lists wait for it a little, a search for a name as long as it takes.
    """

    def __init__(
        self,
        kind: Kind,
        folders: Sequence[Path],
        catalogue: Catalogue,
        hashing: bool = True,
        among: Sequence[Path] = (),
    ):
        """`among`: folders of checkpoints, in which only files called `.vae.` are meant."""
        suffixes = SUFFIXES[kind]
        self._kind = kind
        self._folders = dict.fromkeys(folders, suffixes) | dict.fromkeys(among, tuple(f".vae{end}" for end in suffixes))
        self._catalogue = catalogue
        self._hashing = hashing
        self._turn = threading.Lock()  # one look at a time
        self._snapshot = Snapshot()
        self._listings: dict[str, Listing] = {}
        self._looked = float("-inf")
        self._digests: dict[Stamp, Digests] = {}
        self._hasher: threading.Thread | None = None
        self._turn.acquire()  # nobody looks before the first look, which lets go
        threading.Thread(target=self._first_look, name=f"{kind.value} files", daemon=True).start()

    def entries(self, search: str = "", family: str | None = None) -> list[Entry]:
        """Those with all words of `search`, of exactly this family, in A1111's order: by folder, numbers by value."""
        self._look_again()
        return [one for one in self._snapshot.search(search) if family is None or one.family == family]

    def find(self, name: str) -> Entry | None:
        """The file meant by a name or alias, as it is on the disk now; looks again before it gives up."""
        entry = self._snapshot.find(name)
        if entry is None or entry.fault or not entry.unchanged:
            with self._turn:
                if entry is not None:
                    self._listings.pop(str(entry.path.parent), None)
                self._look()
            entry = self._snapshot.find(name)
        return entry

    def by_hash(self, digits: str) -> Entry | None:
        """The file whose hash, of its tensors or of all of it, begins with these 10 to 64 digits, if that is known."""
        self._look_again()
        if len(digits) < 10:
            return None
        return next((one for one in self._snapshot.entries if self._bears(one, digits.lower())), None)

    def hash(self, entry: Entry) -> str:
        """Twelve digits, computed now if need be; "" where hashing is off or the file is gone.

        A LoRA's is the one its trainer wrote in, else of its tensors; any other file's is of all its bytes.
        """
        if self._kind is Kind.LORA and entry.facts.claimed:
            return entry.facts.claimed[:12]
        found = self._digests.get(_stamp(entry))
        if found is None and self._hashing:
            try:
                found = digests(entry.path)
            except OSError as error:
                log.info("%s cannot be hashed: %s.", entry.path, error.strerror)
            else:
                self._digests[_stamp(entry)] = found
                self._catalogue.keep_digests(self._kind, _stamp(entry), found)
        if found is None:
            return ""
        return (found.tensors if self._kind is Kind.LORA else found.whole)[:12]

    def tag_name(self, entry: Entry) -> str:
        """What a tag should call it where aliases are preferred: the alias, unless that leads elsewhere."""
        return entry.alias if self._snapshot.find(entry.alias) is entry else entry.name

    def metadata(self, entry: Entry) -> dict[str, Any]:
        """What its file says about itself, as A1111 shows it."""
        try:
            header = headers.read(entry.path)
        except CorruptFile:
            return {}
        return header.metadata if header else {}

    def metadata_texts(self) -> dict[Path, str]:
        """The metadata of all files as JSON, without reading them again."""
        kept = self._catalogue.metadata(self._kind)
        every = self._snapshot.entries
        return {one.path: kept.get(one.path) or _json(self.metadata(one)) for one in every}

    def refresh(self) -> None:
        """Look into all folders, changed or not."""
        with self._turn:
            self._listings = {}
            self._look()

    def _first_look(self) -> None:
        try:
            self._snapshot = Snapshot(self._catalogue.entries(self._kind))
            self._digests = self._catalogue.digests(self._kind)
            self._look()
        finally:
            self._turn.release()

    def _look_again(self) -> None:
        if time.monotonic() - self._looked > LOOK and self._turn.acquire(timeout=PATIENCE):
            try:
                if time.monotonic() - self._looked > LOOK:
                    self._look()
            finally:
                self._turn.release()

    def _look(self) -> None:
        """Bring the snapshot up to date; `_turn` is held."""
        listings: dict[str, Listing] = {}
        seen: set[tuple[int, int]] = set()
        for root, endings in self._folders.items():
            listings |= walk(root, self._listings, partial(self._look_into, root, endings), seen)
        if {id(one) for one in listings.values()} != {id(one) for one in self._listings.values()}:
            former, self._snapshot = self._snapshot, Snapshot(e for one in listings.values() for e in one.entries)
            gone = former.by_path.keys() - self._snapshot.by_path.keys()
            self._catalogue.forget(self._kind, (former.by_path[path].path for path in gone))
            self._hash_soon()
        self._listings = listings
        self._looked = time.monotonic()

    def _look_into(self, root: Path, endings: tuple[str, ...], folder: str, mtime: int) -> Listing:
        files, subfolders = contents(folder)
        below = os.path.relpath(folder, root).replace(os.sep, "/").removeprefix(".")
        wanted = [name for name in files if name.lower().endswith(endings)]
        found = [self._entry(files[name], below, files) for name in sorted(wanted, key=natural)]
        entries = tuple(entry for entry, _ in filter(None, found))
        fresh = [(entry, told) for entry, told in filter(None, found) if told is not None and not entry.fault]
        self._catalogue.keep(self._kind, fresh)
        return Listing(mtime, entries, subfolders)

    def _entry(self, item: os.DirEntry[str], below: str, beside: Container[str]) -> tuple[Entry, str | None] | None:
        """A file's entry, with its metadata as JSON if it had to be read; None for what is no such file."""
        try:
            status = item.stat()
        except OSError:  # a link to nowhere
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        stem = os.path.splitext(item.name)[0]
        picture = preview(stem, beside)
        former = self._snapshot.by_path.get(item.path)
        if former and not former.fault and (former.mtime, former.size) == (status.st_mtime_ns, status.st_size):
            if (former.folder, former.picture) == (below, picture):
                return former, None
            return replace(former, folder=below, picture=picture), None
        path = Path(item.path)
        entry = Entry(path, stem, status.st_mtime_ns, status.st_size, Facts(), below, picture)
        try:
            header = headers.read(path)
        except CorruptFile as error:
            return replace(entry, fault=str(error)), None
        return (replace(entry, facts=facts_of(header, self._kind)), _json(header.metadata)) if header else None

    def _bears(self, entry: Entry, digits: str) -> bool:
        found = self._digests.get(_stamp(entry))
        known = (entry.facts.claimed, found and found.tensors, found and found.whole)
        return any(one.startswith(digits) for one in known if one)

    def _unhashed(self) -> list[Entry]:
        return [
            one
            for one in self._snapshot.entries
            if not one.fault
            and not (self._kind is Kind.LORA and one.facts.claimed)
            and _stamp(one) not in self._digests
        ]

    def _hash_soon(self) -> None:
        """Have the hashes computed in the background; `_turn` is held."""
        if self._hashing and not (self._hasher and self._hasher.is_alive()) and self._unhashed():
            self._hasher = threading.Thread(target=self._hash_all, name=f"{self._kind.value} hashes", daemon=True)
            self._hasher.start()

    def _hash_all(self) -> None:
        time.sleep(CALM)
        tried: set[Stamp] = set()
        while todo := [one for one in self._unhashed() if _stamp(one) not in tried]:
            for entry in todo:
                began = time.monotonic()
                self.hash(entry)
                tried.add(_stamp(entry))
                time.sleep(IDLE * (time.monotonic() - began))


@dataclass(frozen=True, slots=True)
class Shelves:
    """One for each kind."""

    loras: Shelf
    embeddings: Shelf
    hypernetworks: Shelf
    vaes: Shelf


def _stamp(entry: Entry) -> Stamp:
    return entry.path, entry.mtime, entry.size


def _json(metadata: dict[str, Any]) -> str:
    try:
        return json.dumps(metadata, allow_nan=False)
    except (ValueError, RecursionError):  # numbers or nesting beyond what JSON readers take
        return "{}"
