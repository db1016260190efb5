"""A file comes over the network into a folder of its own, where what is there already waits for the next try."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from modules import remote
from modules.exceptions import CorruptFile, ParameterError, WebuiError
from modules.imaging.disk import explained
from modules.jobs.progress import Progress
from modules.weights.downloads.sources import Found, key_to, refuse

TRIES, PAUSE = 4, 1.0  # of one job, and seconds before the second one, twice as many before each further one
SPARE = 256 << 20  # bytes that a disk keeps free
BLOCK = 1 << 20
TELL = 0.2  # seconds between two words about the progress
PART, NOTE = "part", "note.json"
RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")
NAMED = re.compile(r"filename\*=(?:UTF-8'')([^;]+)|filename=\"?([^\";]+)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """What a download may do: ask this machine's neighbours or not, and take so many bytes."""

    local: bool = False
    agent: str = ""
    largest: int = 64 << 30


class Transfer:
    """One file on its way. `name` is what it is called there, known once the server has answered."""

    def __init__(self, found: Found, parts: Path, bounds: Bounds, progress: Progress):
        """`parts`: the folder in which each download has a folder for what there is of it."""
        self.found = found
        self.folder = parts / hashlib.sha256(found.url.encode()).hexdigest()[:20]
        self.part = self.folder / PART
        self.name = found.name
        self.promised = found.sha256  # the checksum that the service tells
        self._bounds, self._progress = bounds, progress
        self._hash, self._done = hashlib.sha256(), 0
        self._told = 0.0

    @property
    def sha256(self) -> str:
        """Of what there is."""
        return self._hash.hexdigest()

    def run(self, check: Callable[[str], object]) -> None:
        """Fetch it all. Interrupted, or WebuiError with a sentence; what came is kept for the next try.

        `check` raises where a file of this name is not wanted.
        """
        with explained(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._recall()
        for number in range(TRIES):
            try:
                return self._ask(check)
            except remote.Unreachable as error:
                if number == TRIES - 1:
                    raise remote.Unreachable(f"{str(error).rstrip('.')}; {self._kept()}.") from None
            self._wait(PAUSE * 2**number)

    def drop(self) -> None:
        """Keep nothing."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _kept(self) -> str:
        return f"{self._done >> 20} MiB are kept, ask again to go on"

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._progress.stop.check()
            time.sleep(0.05)

    def _recall(self) -> None:
        """Hash what an earlier try left."""
        if not self.part.is_file():
            return
        self._progress.say("Checking what is there")
        with self.part.open("rb") as file:
            while block := file.read(BLOCK):
                self._progress.stop.check()
                self._hash.update(block)
                self._done += len(block)

    def _restart(self) -> None:
        self._hash, self._done = hashlib.sha256(), 0
        with explained(self.part):
            self.part.unlink(missing_ok=True)

    def _ask(self, check: Callable[[str], object]) -> None:
        headers = {"User-Agent": remote.agent(self._bounds.agent), "Accept-Encoding": "identity"}
        note = self._note()
        if self._done:
            headers["Range"] = f"bytes={self._done}-"
            if note.get("etag"):
                headers["If-Range"] = str(note["etag"])
        with remote.opened(self.found.url, headers, local=self._bounds.local, secret=self.found.secret) as answer:
            if answer.status == 416:
                if self._done == note.get("size"):
                    return
                self._restart()
                raise remote.Unreachable(f"{answer.url[:100]} has another file now than before.")
            total = self._begin(answer, note, check)
            if answer.status == 200:
                self._restart()
            self._write_note(answer, total)
            self._take(answer, total)
        if total is not None and self._done < total:
            raise remote.Unreachable(f"{answer.url[:100]} broke off after {self._done} of {total} bytes.")

    def _begin(self, answer: remote.Answer, note: dict[str, Any], check: Callable[[str], object]) -> int | None:
        """Judge an answer before its body is read; the bytes that the whole file has."""
        refuse(answer.status, self.found.service, self.found.name or self.found.url[:100])
        if answer.headers.get("content-type", "").startswith("text/html"):
            key = key_to(self.found.service)
            raise ParameterError(f"{answer.url[:100]} is a page rather than a file; if it wants a login, {key}.")
        self.name = self.found.name or _named(answer)
        check(self.name)
        linked = answer.on_the_way.get("x-linked-etag", "").strip('"').lower()
        if not self.promised and re.fullmatch(r"[0-9a-f]{64}", linked):
            self.promised = linked
        total = _total(answer, self._done)
        if answer.status == 206 and (total is None or total != note.get("size", total)):
            self._restart()
            raise remote.Unreachable(f"{answer.url[:100]} goes on with another file than before.")
        self._fits(total)
        return total

    def _fits(self, total: int | None) -> None:
        """WebuiError where the file is larger than may be, or than the disk holds."""
        if (total or self._done) > self._bounds.largest:
            raise ParameterError(
                f"{self.name} is larger than {self._bounds.largest / (1 << 30):.4g} GiB; the setting for the largest "
                "download allows no more."
            )
        with explained(self.folder):
            free = shutil.disk_usage(self.folder).free
        missing = max((total or 0) - self._done, 0)
        if missing + SPARE > free:
            raise WebuiError(
                f"{self.name} needs {missing >> 20} MiB more and {self.folder} has {free >> 20} MiB free; make room."
            )

    def _take(self, answer: remote.Answer, total: int | None) -> None:
        self._progress.say(f"Downloading {self.name}")
        self._progress.begin(1, total or self.found.size or 0)
        with explained(self.part):
            file = self.part.open("ab")
        with file:
            for piece in answer.pieces():
                self._progress.stop.check()
                with explained(self.part):
                    file.write(piece)
                self._hash.update(piece)
                self._done += len(piece)
                if total is None:
                    self._fits(None)
                elif self._done > total:
                    raise CorruptFile(f"{answer.url[:100]} sends more than the {total} bytes that it promised.")
                self._tell()

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told > TELL:
            self._told = now
            self._progress.at(self._done)

    def _note(self) -> dict[str, Any]:
        try:
            told = json.loads((self.folder / NOTE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return told if isinstance(told, dict) else {}

    def _write_note(self, answer: remote.Answer, total: int | None) -> None:
        """What tells next time whether it is the same file."""
        etag = answer.headers.get("etag", "")
        told = {"url": self.found.url, "name": self.name, "size": total, "etag": "" if etag.startswith("W/") else etag}
        with explained(self.folder):
            (self.folder / NOTE).write_text(json.dumps(told), encoding="utf-8")


def _total(answer: remote.Answer, done: int) -> int | None:
    """How many bytes the whole file has, if the answer tells and begins where it should."""
    if answer.status == 206:
        found = RANGE.fullmatch(answer.headers.get("content-range", ""))
        return int(found[2]) if found and int(found[1]) == done else None
    length = answer.headers.get("content-length", "")
    return int(length) if length.isdigit() else None


def _named(answer: remote.Answer) -> str:
    found = NAMED.search(answer.headers.get("content-disposition", ""))
    return unquote(found[1] or found[2]).strip().rpartition("/")[2] if found else ""
