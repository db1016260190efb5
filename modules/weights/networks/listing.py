"""Folders looked into once and then only when they change."""

from __future__ import annotations

import logging
import os
import re
import stat
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from modules.weights.networks.entries import Entry

log = logging.getLogger(__name__)

GRAIN = 2_000_000_000  # ns: the coarsest clock of a file system; a younger folder may change and look the same
NUMBER = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Listing:
    """A folder as it was at `mtime` (ns; 0: look again)."""

    mtime: int
    entries: tuple[Entry, ...] = ()
    subfolders: tuple[str, ...] = ()

    def holds(self, mtime: int) -> bool:
        """Whether there is nothing new in it: a file with a fault may have been in the middle of being copied."""
        return mtime == self.mtime and all(one.unchanged for one in self.entries if one.fault)


def walk(
    root: Path, earlier: Mapping[str, Listing], look: Callable[[str, int], Listing], seen: set[tuple[int, int]]
) -> dict[str, Listing]:
    """The listings of a folder and of all below it, those of unchanged folders as they were `earlier`.

    Links are followed; `seen` (device, inode) keeps a folder from being entered twice. `look` gets path and mtime.
    """
    found: dict[str, Listing] = {}
    pending = [str(root)]
    while pending:
        folder = pending.pop()
        try:
            status = os.stat(folder)
        except OSError:
            continue
        place = (status.st_dev, status.st_ino)
        if place in seen or not stat.S_ISDIR(status.st_mode):
            continue
        seen.add(place)
        listing = earlier.get(folder)
        if listing is None or not listing.holds(status.st_mtime_ns):
            settled = abs(time.time_ns() - status.st_mtime_ns) > GRAIN
            listing = look(folder, status.st_mtime_ns if settled else 0)
        found[folder] = listing
        pending += [os.path.join(folder, name) for name in listing.subfolders]
    return dict(sorted(found.items(), key=lambda item: natural(item[0])))


def contents(folder: str) -> tuple[dict[str, os.DirEntry[str]], tuple[str, ...]]:
    """The files in a folder by name, and the names of its subfolders."""
    files, subfolders = {}, []
    try:
        with os.scandir(folder) as items:
            for item in items:
                if _is_folder(item):
                    subfolders.append(item.name)
                else:
                    files[item.name] = item
    except OSError as error:
        log.warning("The folder %s cannot be read: %s.", folder, error.strerror)
    return files, tuple(sorted(subfolders, key=natural))


def natural(text: str) -> list[int | str]:
    """A key that sorts numbers by their value and letters without case."""
    return [int(part) if place % 2 else part.lower() for place, part in enumerate(NUMBER.split(text))]


def _is_folder(item: os.DirEntry[str]) -> bool:
    try:
        return item.is_dir()
    except OSError:  # a link that leads round and round
        return False
