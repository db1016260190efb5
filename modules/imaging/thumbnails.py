"""Small copies of picture files, made when first asked for and kept on the disk."""

from __future__ import annotations

import hashlib
import os
import uuid
from contextlib import suppress
from pathlib import Path

from modules.exceptions import NotFound
from modules.imaging.pixels import from_file, thumbnail_jpeg, upright

SIDES = 64, 768  # pixels that one may ask for
QUALITY = 82
KEPT = 100  # in each of the 256 folders; the oldest go first


class Thumbnails:
    """JPEGs named by path, time and size of what they show, so that a changed picture gets a new one."""

    def __init__(self, folder: Path):
        self._folder = folder

    def of(self, path: Path, side: int) -> Path:
        """The small copy that fits a square of `side` pixels. NotFound, or ParameterError for what is no picture."""
        try:
            status = path.stat()
        except OSError:
            raise NotFound(f"There is no picture {path.name[:120]!r}.") from None
        side = min(max(side, SIDES[0]), SIDES[1])
        text = f"{path}\n{status.st_mtime_ns}\n{status.st_size}\n{side}"
        digits = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
        found = self._folder / digits[:2] / f"{digits[2:34]}.jpg"
        if not found.is_file():
            self._keep(found, thumbnail_jpeg(upright(from_file(path)), side, QUALITY))
        return found

    def _keep(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{uuid.uuid4().hex}")
        part.write_bytes(data)
        os.replace(part, path)
        kept = list(path.parent.glob("*.jpg"))
        if len(kept) > KEPT:
            for old in sorted(kept, key=_age)[:-KEPT]:
                with suppress(OSError):
                    old.unlink()


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
