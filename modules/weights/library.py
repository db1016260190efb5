"""The checkpoints in the folders: found by scanning, named as A1111 names them, hashed once."""

from __future__ import annotations

import difflib
import logging
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from modules.exceptions import NotFound
from modules.weights.hashing import Hashes, old_hash

log = logging.getLogger(__name__)

SUFFIXES = (".safetensors", ".ckpt", ".pt", ".gguf")
INDEX = "model_index.json"  # which makes a folder one model, in diffusers' layout
HASH_IN_BRACKETS = re.compile(r"\s*\[[0-9a-fA-F]{6,}\]\s*$")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One model file, or a folder in diffusers' layout.

    `name` is its path below the folder it was found in, with forward slashes.
    """

    path: Path
    name: str
    sha256: str | None = None

    @property
    def model_name(self) -> str:
        """The name without suffix, as the infotext's Model key has it."""
        return Path(self.name).stem

    @property
    def short_hash(self) -> str | None:
        """The first ten digits of the SHA-256."""
        return self.sha256[:10] if self.sha256 else None

    @property
    def old_hash(self) -> str | None:
        """The eight digits that A1111 told a model by before 1.0."""
        return None if self.path.is_dir() else old_hash(self.path)

    @property
    def title(self) -> str:
        """`folder/name.safetensors [0123456789]`."""
        return f"{self.name} [{self.short_hash}]" if self.sha256 else self.name

    @property
    def short_title(self) -> str:
        """`name [0123456789]`, as the infotext's Refiner key has it."""
        return f"{self.model_name} [{self.short_hash}]" if self.sha256 else self.model_name

    @property
    def sidecar(self) -> Path | None:
        """The `.yaml` beside the file, if there is one."""
        path = self.path.with_suffix(".yaml")
        return path if path.is_file() else None


class Library:
    """The checkpoints of some folders. Scanning never reads a model; hashes come from the cache or when asked for."""

    def __init__(
        self,
        folders: tuple[Path, ...],
        hashes: Hashes,
        hashing: bool = True,
        preferred: Path | None = None,
        spare: Path | None = None,
    ):
        """`preferred`: a file that is in the list wherever it lies, and the one to use when none is chosen.

        `spare`: a file to use where there is no other; elsewhere it is in the list only if it lies in the folders.
        """
        self._folders = folders
        self._preferred = preferred
        self._spare = spare
        self._hashes = hashes
        self._hashing = hashing
        self._lock = threading.Lock()
        self._found: dict[str, Path] = {}
        self.scan()

    def scan(self) -> None:
        """Look at the folders again."""
        found: dict[str, Path] = {}
        if self._preferred is not None and self._preferred.is_file():
            found[self._preferred.name] = self._preferred
        for folder in self._folders:
            found = {path.relative_to(folder).as_posix(): path for path in _models(folder)} | found
        if not found and self._spare is not None and self._spare.is_file():
            found[self._spare.name] = self._spare
        with self._lock:
            self._found = found

    def checkpoints(self) -> list[Checkpoint]:
        """All of them by name; with the hash where it is known already."""
        with self._lock:
            found = sorted(self._found.items(), key=lambda item: item[0].lower())
        return [Checkpoint(path, name, self._hashes.known(path)) for name, path in found]

    def hashed(self, checkpoint: Checkpoint) -> Checkpoint:
        """The same with its SHA-256, computed now if need be."""
        if checkpoint.sha256 or not self._hashing or checkpoint.path.is_dir():
            return checkpoint
        return Checkpoint(checkpoint.path, checkpoint.name, self._hashes.sha256(checkpoint.path))

    def find(self, text: str) -> Checkpoint:
        """The checkpoint meant by a title, name, path, stem or hash; else the shortest title with this text in it.

        Looks once more into the folders before that, so that a file just dropped in is found. NotFound with the
        nearest name.
        """
        found = self._match(text)
        if found is None:
            self.scan()
            found = self._match(text) or self._holding(text)
        if found is None:
            near = difflib.get_close_matches(text, [one.name for one in self.checkpoints()], 1, 0.3)
            where = " or ".join(str(folder) for folder in self._folders)
            hint = f"; did you mean {near[0]!r}?" if near else f"; put its file into {where}."
            raise NotFound(f"There is no checkpoint {text[:120]!r}{hint}")
        return found

    def first(self) -> Checkpoint | None:
        """What to use when none is chosen."""
        found = self._first()
        if found is not None and not found.path.is_file():  # taken away since the last look
            self.scan()
            found = self._first()
        return found

    def _first(self) -> Checkpoint | None:
        every = sorted(self.checkpoints(), key=lambda one: (one.path != self._preferred, one.path == self._spare))
        return every[0] if every else None

    def _holding(self, text: str) -> Checkpoint | None:
        """The closest one as A1111 finds it, such as v1-5-pruned-emaonly by v1-5-pruned."""
        for part in (text.strip().lower(), HASH_IN_BRACKETS.sub("", text).strip().lower()):
            held = [one for one in self.checkpoints() if part and part in one.title.lower()]
            if held:
                return min(held, key=lambda one: len(one.title))
        return None

    def _match(self, text: str) -> Checkpoint | None:
        bare = HASH_IN_BRACKETS.sub("", text).strip()
        digits = text[text.rfind("[") + 1 :].rstrip("] ").lower() if "[" in text else text.strip().lower()
        every = self.checkpoints()
        rules: tuple[Callable[[Checkpoint], bool], ...] = (
            lambda one: one.title == text or one.name == bare,
            lambda one: one.sha256 is not None and len(digits) >= 8 and one.sha256.startswith(digits),
            lambda one: len(digits) == 8 and one.old_hash == digits,
            lambda one: bare in (one.model_name, str(one.path), one.name.rsplit(".", 1)[0], Path(one.name).name),
            lambda one: one.name.lower() == bare.lower() or one.model_name.lower() == bare.lower(),
        )
        for rule in rules:
            for one in every:
                if rule(one):
                    return one
        return None


def _models(folder: Path) -> Iterator[Path]:
    every = sorted(folder.rglob("*")) if folder.is_dir() else []
    whole = {path.parent for path in every if path.name == INDEX} - {folder}
    for path in every:
        if path in whole or _is_model(path) and whole.isdisjoint(path.parents):
            yield path


def _is_model(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and ".vae." not in path.name and path.is_file()
