"""The network files in some folders: found, named and hashed as A1111 does, without a restart and without a wait."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from modules.exceptions import CorruptFile
from modules.settings.folders import Folders
from modules.weights.networks import headers
from modules.weights.networks.catalogue import Catalogue
from modules.weights.networks.entries import SUFFIXES, Entry, Kind, Known, as_json, entry_of
from modules.weights.networks.hasher import Hasher
from modules.weights.networks.listing import Listing, contents, natural, walk
from modules.weights.networks.sidecars import PICTURES
from modules.weights.networks.snapshot import Snapshot

LOOK = 1.0  # seconds for which a look at the folders is good enough for a list
PATIENCE = 10.0  # seconds that a list waits for the first look


class Shelf:
    """The files of one kind.

    A folder is looked into when it changes, and of a file only the header is read, once. The first look happens in the
    background: a list waits for it a little, the search for a name as long as it takes.
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
        self._hasher = Hasher(kind, catalogue, hashing)
        self._turn = threading.Lock()  # one look at a time
        self._snapshot = Snapshot()
        self._known: dict[str, Known] = {}
        self._listings: dict[str, Listing] = {}
        self._looked: float | None = None
        self._turn.acquire()  # nobody looks before the first look, which lets go
        threading.Thread(target=self._first_look, name=f"{kind.value} files", daemon=True).start()

    def entries(self, search: str = "", family: str | None = None) -> list[Entry]:
        """Those with all words of `search`, of exactly this family, in A1111's order: by folder, numbers by value."""
        self._look_again()
        return [one for one in self._snapshot.search(search) if family is None or one.family == family]

    def folders(self) -> frozenset[str]:
        """The folders that hold files, below those of the kind."""
        return self._snapshot.folders

    def find(self, name: str) -> Entry | None:
        """The file meant by a name or alias, as it is on the disk now; looks again before it gives up."""
        entry = self._snapshot.find(name)
        if entry is None or entry.fault or not entry.unchanged:
            with self._turn:
                changed = os.path.dirname(entry.location) if entry else None
                self._look({folder: one for folder, one in self._listings.items() if folder != changed})
            entry = self._snapshot.find(name)
        return entry

    def by_hash(self, digits: str) -> Entry | None:
        """The file whose hash, of its tensors or of all of it, begins with these 10 to 64 digits.

        Files that were never hashed are, for two seconds; the rest of them follow in the background.
        """
        self._look_again()
        return self._hasher.find(self._snapshot.entries, digits.lower()) if len(digits) >= 10 else None

    def hash(self, entry: Entry) -> str:
        """Twelve digits, computed now if need be; "" where hashing is off or the file is gone."""
        return self._hasher.hash(entry)[:12]

    def tag_name(self, entry: Entry) -> str:
        """What a tag should call it where aliases are preferred: the alias, unless that leads elsewhere."""
        return entry.alias if self._snapshot.find(entry.alias) == entry else entry.name

    def metadata(self, entry: Entry) -> dict[str, Any]:
        """What its file says about itself, as A1111 shows it."""
        try:
            header = headers.read(entry.path)
        except CorruptFile:
            return {}
        return header.metadata if header else {}

    def described(self) -> list[tuple[Entry, str]]:
        """All entries with their metadata as JSON, without reading the files again."""
        every, kept = self.entries(), self._catalogue.metadata(self._kind)
        return [(one, kept.get(one.location) or as_json(self.metadata(one))) for one in every]

    def refresh(self) -> None:
        """Look into all folders, changed or not."""
        with self._turn:
            self._look({})

    def _first_look(self) -> None:
        try:
            self._hasher.load()
            self._known = self._catalogue.known(self._kind)
            self._look({})
        finally:
            self._turn.release()

    def _look_again(self) -> None:
        if self._due() and self._turn.acquire(timeout=PATIENCE):
            try:
                if self._due():
                    self._look(self._listings)
            finally:
                self._turn.release()

    def _due(self) -> bool:
        return self._looked is None or time.monotonic() - self._looked > LOOK

    def _look(self, earlier: Mapping[str, Listing]) -> None:
        """Bring everything up to date; folders that are as in `earlier` are left out. `_turn` is held."""
        listings: dict[str, Listing] = {}
        seen: set[tuple[int, int]] = set()
        for root, endings in self._folders.items():
            listings |= walk(root, earlier, partial(self._look_into, root, endings), seen)
        same = [id(one) for one in listings.values()] == [id(one) for one in self._listings.values()]
        if self._looked is None or not same:
            self._snapshot = Snapshot(e for one in listings.values() for e in one.entries).ready()
            known = {one.location: one.known for one in self._snapshot.entries if not one.fault}
            there = tuple(os.path.join(root, "") for root in self._folders if str(root) in listings)
            gone = [path for path in self._known.keys() - known.keys() if path.startswith(there)]
            self._catalogue.forget(self._kind, gone)
            self._known = known
            self._hasher.begin(lambda: self._snapshot.entries)
        self._listings = listings
        self._looked = time.monotonic()

    def _look_into(self, root: Path, endings: tuple[str, ...], folder: str, mtime: int) -> Listing:
        files, subfolders = contents(folder)
        below = "" if folder == str(root) else os.path.relpath(folder, root).replace(os.sep, "/")
        wanted = sorted((name for name in files if name.lower().endswith(endings)), key=natural)
        pictures = {name for name in files if name.lower().endswith(PICTURES)}
        read = [
            entry_of(files[name], self._kind, below, pictures, self._known.get(files[name].path)) for name in wanted
        ]
        found = [pair for pair in read if pair is not None]
        self._catalogue.keep(self._kind, [(entry, told) for entry, told in found if told is not None])
        return Listing(mtime, tuple(entry for entry, _ in found), subfolders)


@dataclass(frozen=True, slots=True)
class Shelves:
    """One for each kind."""

    loras: Shelf
    embeddings: Shelf
    hypernetworks: Shelf
    vaes: Shelf


def shelves_of(folders: Folders, hashing: bool) -> Shelves:
    """The shelves over the folders of a run; with `hashing`, files are hashed beside everything else."""
    catalogue = Catalogue(folders.cache / "networks.sqlite3")
    return Shelves(
        loras=Shelf(Kind.LORA, folders.loras, catalogue, hashing),
        embeddings=Shelf(Kind.EMBEDDING, [folders.embeddings], catalogue, hashing),
        hypernetworks=Shelf(Kind.HYPERNETWORK, [folders.hypernetworks], catalogue, hashing),
        vaes=Shelf(Kind.VAE, folders.vaes, catalogue, hashing, among=folders.checkpoints),
    )
