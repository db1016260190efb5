"""Small file helpers that extensions take from A1111."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence

from modules.exceptions import ExtensionError


def natural(text: str) -> list[int | str]:
    """A sort key by which numbers within a text sort as numbers."""
    return [int(part) if part.isdigit() else part.lower() for part in re.split("([0-9]+)", text)]


def listed(folder: str) -> list[str]:
    """The files of a folder by name, hidden ones left out."""
    names = sorted((name for name in os.listdir(folder) if not name.startswith(".")), key=natural)
    return [path for path in (os.path.join(folder, name) for name in names) if os.path.isfile(path)]


def walked(folder: str, extensions: Sequence[str] | None = None) -> Iterator[str]:
    """All files below a folder, maybe only those with some extensions."""
    wanted = None if extensions is None else {one.lower() for one in extensions}
    for root, _, names in sorted(os.walk(folder, followlinks=True), key=lambda item: natural(item[0])):
        for name in sorted(names, key=natural):
            if wanted is None or os.path.splitext(name)[1].lower() in wanted:
                yield os.path.join(root, name)


def no_download(url: str, folder: str) -> ExtensionError:
    """What to say where a file is missing that A1111 would fetch by itself."""
    return ExtensionError(f"{os.path.basename(url)} is missing and nothing is fetched unasked; put it into {folder}.")
