"""The pictures in some folders, indexed by a thread of its own and searched by everyone."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from PIL import Image

from modules.exceptions import NotFound
from modules.history.query import parse
from modules.history.store import Row, Store
from modules.imaging.metadata import read_text, whole
from modules.prompts import infotext

log = logging.getLogger(__name__)

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".avif")
BATCH = 50  # files read between two pauses and written at once
LARGEST = (1 << 63) - 1  # number that SQLite holds
LONGEST = 1 << 20  # letters of a text that are kept
TAG = re.compile(r"<(?:lora|lyco|hypernet):([^:>]+)")
_BROKEN = (OSError, ValueError, SyntaxError, TypeError, LookupError, OverflowError, Image.DecompressionBombError)


class History:
    """An index over `folders()`, which may change while the program runs."""

    def __init__(self, path: Path, folders: Callable[[], Sequence[Path]]):
        self._path = path
        self._folders = folders
        self._opening = threading.Lock()
        self._opened: Store | None = None
        self._wake = threading.Condition()
        self._made: list[Path] = []
        self._all = False
        self._closing = False
        self._thread: threading.Thread | None = None
        self.busy = False

    def look_at(self, paths: Iterable[Path]) -> None:
        """Files were just written: index them soon."""
        with self._wake:
            self._made += paths
            self._begin()

    def refresh(self) -> None:
        """Look through all folders, beside everything else."""
        with self._wake:
            self._all = self.busy = True
            self._begin()

    def search(self, text: str, first: int = 0, count: int = 100) -> tuple[int, dict[int, Row]]:
        """How many pictures a search finds, and some of them by number, newest first. ParameterError for a bad one."""
        total, window = self._store.search(parse(text), first, count)
        rows = self._store.rows(window)
        return total, {number: rows[number] for number in window if number in rows}

    def picture(self, number: int) -> Row:
        """One picture; NotFound where it is not, or no longer, in the folders."""
        row = self._store.rows([number]).get(number) if 0 <= number <= LARGEST else None
        if row is None or not self._is_served(Path(row.path)):
            raise NotFound("There is no such picture in the history.")
        return row

    def close(self) -> None:
        """End the thread and let go of the file."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join(5)
        if self._opened is not None:
            self._opened.close()

    @property
    def _store(self) -> Store:
        with self._opening:
            if self._opened is None:
                self._opened = Store(self._path)
            return self._opened

    def _is_served(self, path: Path) -> bool:
        return path.is_file() and any(path.is_relative_to(folder) for folder in self._folders())

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="history", daemon=True)
            self._thread.start()
        self._wake.notify_all()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not (self._made or self._all or self._closing):
                    self._wake.wait()
                if self._closing:
                    return
                made, self._made = self._made, []
                every, self._all = self._all, False
            try:
                self._index(str(path) for path in made if path.suffix.lower() in PICTURES)
                if every:
                    self._look()
            except Exception:
                log.exception("the history could not be brought up to date")
            self.busy = self._all

    def _look(self) -> None:
        """Bring the index up to date with the folders."""
        known, seen = self._store.known(), set()
        changed = []
        roots = [str(folder) for folder in self._folders()]
        for path, mtime, size in _files(roots):
            seen.add(path)
            if known.get(path) != (mtime, size):
                changed.append((mtime, path))
        away = tuple(os.path.join(root, "") for root in roots if not os.path.isdir(root))  # a drive that may come back
        gone = [path for path in known.keys() - seen if not path.startswith(away)]
        self._store.forget(gone)
        changed.sort(reverse=True)  # the newest first: they are looked for most
        self._index(path for _, path in changed)

    def _index(self, paths: Iterable[str]) -> None:
        """Read files and keep what they say, with pauses as long as the work."""
        batch, begun = [], time.monotonic()
        for path in paths:
            if self._closing:
                return
            row = read(path)
            if row is not None:
                batch.append(row)
            if len(batch) >= BATCH:
                self._store.keep(batch)
                time.sleep(time.monotonic() - begun)
                batch, begun = [], time.monotonic()
        if batch:
            self._store.keep(batch)


def read(path: str) -> Row | None:
    """What a picture file is and says; None for one that is gone, unreadable or has no name that can be kept."""
    try:
        status = os.stat(path)
        with Image.open(path) as image:
            size, text = image.size, read_text(image)[0]
    except _BROKEN:
        return None
    if path != whole(path):
        return None
    text = whole(text or _beside(path))[:LONGEST]
    said = infotext.read(text)
    pairs = said.pairs
    told = f"{said.prompt}\n{said.negative_prompt}"
    hashed = [pairs.get(key, "") for key in ("Lora hashes", "TI hashes", "Hypernet")]
    return Row(
        path=path,
        mtime=status.st_mtime_ns,
        bytes=status.st_size,
        width=size[0],
        height=size[1],
        seed=pairs.get("Seed", ""),
        infotext=text,
        prompt=told,
        model=" ".join(pairs.get(key, "") for key in ("Model", "Model hash", "VAE")).strip(),
        networks="\n".join([*TAG.findall(told), *filter(None, hashed)]),
        name=os.path.basename(path),
    )


def _beside(path: str) -> str:
    """The text file that some keep beside a picture that holds none."""
    try:
        with open(os.path.splitext(path)[0] + ".txt", encoding="utf-8", errors="replace") as file:
            return file.read(LONGEST)
    except OSError:
        return ""


def _files(roots: Iterable[str]) -> Iterator[tuple[str, int, int]]:
    """Path, time and size of every picture below some folders, each once."""
    seen: set[str] = set()
    for root in roots:
        for folder, below, names in os.walk(root):
            below[:] = [one for one in below if os.path.join(folder, one) not in seen]
            seen.add(folder)
            for name in names:
                if name.lower().endswith(PICTURES):
                    path = os.path.join(folder, name)
                    try:
                        status = os.stat(path)
                    except OSError:
                        continue
                    yield path, status.st_mtime_ns, status.st_size
