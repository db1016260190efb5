"""SHA-256 of files, computed once and remembered by path, time of change and size."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
from pathlib import Path

log = logging.getLogger(__name__)


class Hashes:
    """A JSON file of hashes; an entry holds while the file's mtime and size stay as they were."""

    def __init__(self, path: Path):
        self._path = path
        self._lock = threading.Lock()
        self._entries: dict[str, tuple[int, int, str]] = self._load()

    def _load(self) -> dict[str, tuple[int, int, str]]:
        try:
            read = json.loads(self._path.read_text(encoding="utf-8"))
            return {key: (int(mtime), int(size), str(digest)) for key, (mtime, size, digest) in read.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            log.warning("%s could not be read (%s); hashes are computed again.", self._path, error)
            return {}

    def known(self, path: Path) -> str | None:
        """The hash if it was computed before and the file is unchanged."""
        try:
            status = path.stat()
        except OSError:
            return None
        entry = self._entries.get(str(path))
        return entry[2] if entry and entry[:2] == (status.st_mtime_ns, status.st_size) else None

    def sha256(self, path: Path) -> str:
        """The hash as 64 hex digits; reads the file if need be."""
        if found := self.known(path):
            return found
        status = path.stat()
        with path.open("rb") as file:
            digest = (
                hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _digest(path)
            )
        self._put(path, status, digest)
        return digest

    def keep(self, path: Path, digest: str) -> None:
        """Remember the hash of a file that was computed while it was written."""
        self._put(path, path.stat(), digest)

    def _put(self, path: Path, status: os.stat_result, digest: str) -> None:
        with self._lock:
            self._entries[str(path)] = (status.st_mtime_ns, status.st_size, digest)
            self._save()

    def _save(self) -> None:
        temporary = self._path.with_name(self._path.name + ".tmp")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(self._entries, indent=1), encoding="utf-8")
            os.replace(temporary, self._path)
        except OSError as error:
            log.warning("Hashes could not be written to %s: %s.", self._path, error)


def old_hash(path: Path) -> str | None:
    """Eight digits of the SHA-256 of 64 KiB at 1 MiB: A1111's first hash of a model; None if unreadable."""
    try:
        with path.open("rb") as file:
            file.seek(1 << 20)
            return hashlib.sha256(file.read(1 << 16)).hexdigest()[:8]
    except OSError:
        return None


def _digest(path: Path) -> str:
    """As hashlib.file_digest, which Python 3.10 lacks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
