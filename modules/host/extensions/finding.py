"""The extensions in a folder, those of them that are switched off, and their files in the order they asked for."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.host.extensions.metadata import Metadata, read
from modules.host.troubles import Report
from modules.settings.sections import Launch

FOLDER = "extensions"  # of the data folder
PARTS = ("scripts", "javascript", "localizations", "style.css", "preload.py", "install.py", "metadata.ini")
Note = Callable[[str, str, Exception], Any]  # an extension's name, where, what


@dataclass(frozen=True, slots=True)
class Off:
    """What is switched off, by the flags and by config.json under A1111's names."""

    names: frozenset[str]  # of folders, in lower case
    every: bool
    builtin: bool = False  # those that come with the program too, all of them

    @classmethod
    def of(cls, stored: Mapping[str, Any], launch: Launch) -> Off:
        listed = stored.get("disabled_extensions")
        names = frozenset(str(name).lower() for name in listed) if isinstance(listed, list) else frozenset[str]()
        kept = stored.get("disable_all_extensions")
        builtin = launch.safe or launch.disable_all_extensions or kept == "all"
        return cls(names, launch.without_extensions or kept in ("extra", "all"), builtin)


@dataclass(frozen=True, kw_only=True, slots=True)
class Extension:
    """One folder. `name` is the folder's, `metadata.name` what others call it in their wishes."""

    name: str
    path: Path
    metadata: Metadata
    enabled: bool

    @property
    def localizations(self) -> dict[str, Path]:
        """Translations of the page that it brings, by the language's name."""
        return {one.stem: one for one in sorted((self.path / "localizations").glob("*.json"))}


@dataclass(frozen=True, slots=True)
class File:
    """One file of an extension."""

    extension: Extension
    path: Path

    @property
    def key(self) -> str:
        """How wishes name it."""
        return f"{self.extension.metadata.name}/{self.path.name}".lower()


def is_one(folder: Path) -> bool:
    """Whether a folder holds an extension."""
    return any((folder / part).exists() for part in PARTS)


def discover(root: Path, off: Off, note: Note) -> list[Extension]:
    """All in the folder, by name; what of them cannot be read is noted."""
    if not root.is_dir():
        return []
    made = []
    for path in sorted(root.iterdir(), key=lambda one: one.name.lower()):
        if path.name.startswith(".") or not is_one(path):
            continue
        try:
            metadata = read(path)
        except Report as error:
            note(path.name, "in its metadata.ini", error)
            metadata = Metadata(path.name.lower())
        enabled = not off.every and path.name.lower() not in off.names
        made.append(Extension(name=path.name, path=path.resolve(), metadata=metadata, enabled=enabled))
    return made


def check_needs(every: Sequence[Extension], note: Note) -> None:
    """Note of each enabled extension what it requires and is not there."""
    known = {one.metadata.name: one for one in every}
    for extension in every:
        wishes = [one for wish in extension.metadata.files.values() for one in wish.requires]
        for wanted in dict.fromkeys([*extension.metadata.requires, *wishes]) if extension.enabled else ():
            found = known.get(wanted.partition("/")[0])
            if found is None or not found.enabled:
                state = "switched off" if found else "not installed"
                note(extension.name, "looking for what it requires", Report(f"{wanted} is {state}."))


def files(extensions: Sequence[Extension], folder: str, suffixes: Sequence[str], note: Note) -> list[File]:
    """The files of a folder of each, by the names of extensions and files but for what metadata.ini asks for."""
    found = [
        File(extension, path)
        for extension in extensions
        for path in sorted((extension.path / folder).glob("*"), key=lambda one: one.name.lower())
        if path.suffix in suffixes and path.is_file()
    ]
    places: dict[str, list[int]] = {}
    for place, one in enumerate(found):
        for name in (one.key, one.key.rpartition(".")[0], one.extension.metadata.name):
            places.setdefault(name, []).append(place)
    after: list[set[int]] = [set() for _ in found]  # which must come before each
    for place, one in enumerate(found):
        wishes = one.extension.metadata.wishes(folder, one.path.name)
        for name in (*wishes.after, *wishes.requires):
            after[place] |= {other for other in places.get(name, ()) if other != place}
        for name in wishes.before:
            for other in places.get(name, ()):
                after[other] |= {place} - {other}
    return [found[place] for place in _sorted(after, found, note)]


def _sorted(after: list[set[int]], found: Sequence[File], note: Note) -> list[int]:
    """Places in an order that heeds `after`, else the lowest first; where that goes in a circle, the lowest anyway."""
    waiting = [set(one) for one in after]
    free = [place for place, others in enumerate(waiting) if not others]
    order: list[int] = []
    left = set(range(len(found)))
    while left:
        if not free:
            stuck = min(left)
            error = Report("the order its metadata.ini asks for goes in a circle; it is not heeded.")
            note(found[stuck].extension.name, f"at {found[stuck].path.name}", error)
            waiting[stuck].clear()
            free.append(stuck)
        place = heapq.heappop(free)
        order.append(place)
        left.discard(place)
        for other in left:
            if place in waiting[other]:
                waiting[other].discard(place)
                if not waiting[other] and other not in free:
                    heapq.heappush(free, other)
    return order
