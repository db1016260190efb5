"""What a running job tells its watchers, and what they tell it: steps, previews, skip and interrupt."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from modules.exceptions import Interrupted

Preview = Callable[[], bytes]


@dataclass(slots=True)
class Stop:
    """Wishes of the user that the sampling loop reads between two steps."""

    skipped: bool = False  # this batch
    interrupted: bool = False  # the whole job
    after_current: bool = False  # the whole job, once the current batch is done

    @property
    def ends(self) -> bool:
        """Whether no batch more is to begin."""
        return self.interrupted or self.after_current

    def check(self) -> None:
        """Raise Interrupted when the current batch is to end."""
        if self.skipped or self.interrupted:
            raise Interrupted("Stopped by the user.")


@dataclass(slots=True)
class Progress:
    """Position of one job. The worker writes, any thread reads; `changed` is called after each change.

    A preview is handed over as a function, so that its picture is made when somebody looks, on the looker's thread.
    """

    changed: Callable[[], None] = lambda: None
    stop: Stop = field(default_factory=Stop)
    step: int = 0  # steps done in the current batch
    steps: int = 0  # steps of one batch
    batch: int = 0  # batches done
    batches: int = 1
    text: str = ""
    started: float | None = None
    version: int = 0
    preview_id: int = 0
    _part: int = 0  # of a job made of parts, each of which begins anew: which one it is, and of how many
    _parts: int = 1
    _preview: Preview | None = None
    _drawn: tuple[int, bytes] | None = None
    _lock: Any = field(default_factory=threading.Lock)

    def begin(self, batches: int, steps: int) -> None:
        """Say how much work there is."""
        self.batches, self.steps, self.batch, self.step = batches * self._parts, steps, batches * self._part, 0
        self.started = self.started if self._part and self.started else time.monotonic()
        self._tell()

    def part(self, number: int, parts: int) -> None:
        """What begins next is part `number` (from 0) of so many that are alike."""
        self._part, self._parts = number, parts

    def next_batch(self, batch: int) -> None:
        """Batch number `batch` (from 0) starts; a skip ends with the batch that it skipped."""
        self.batch = self.batches // self._parts * self._part + batch
        self.step, self.stop.skipped = 0, False
        self._tell()

    def at(self, step: int, preview: Preview | None = None) -> None:
        """`step` steps of the current batch are done."""
        self.step = step
        if preview is not None:
            self._preview = preview
            self.preview_id += 1
        self._tell()

    def count(self, done: int, of: int) -> None:
        """`done` pieces of the work are done, of how many; Interrupted when it is to end."""
        self.stop.check()
        if not done:
            self.begin(1, of)
        self.at(done)

    def say(self, text: str) -> None:
        """What is being done, for people."""
        self.text = text
        self._tell()

    def _tell(self) -> None:
        self.version += 1
        self.changed()

    @property
    def fraction(self) -> float:
        """0 to 1."""
        total = max(1, self.batches * max(1, self.steps))
        return min(1.0, (self.batch * self.steps + min(self.step, self.steps)) / total)

    @property
    def eta(self) -> float | None:
        """Seconds left, by the pace so far."""
        done = self.fraction
        if self.started is None or done <= 0:
            return None
        elapsed = time.monotonic() - self.started
        return elapsed / done - elapsed

    def preview(self) -> tuple[int, bytes] | None:
        """(id, encoded picture) of the newest preview, made now unless it was made before."""
        with self._lock:
            wanted, source = self.preview_id, self._preview
            if source is None:
                return None
            if self._drawn is None or self._drawn[0] != wanted:
                self._drawn = (wanted, source())
            return self._drawn
