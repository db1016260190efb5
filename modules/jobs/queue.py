"""The queue: jobs wait in order, one worker thread runs them, watchers are told of every change."""

from __future__ import annotations

import bisect
import logging
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from modules.exceptions import Interrupted, NotFound, ParameterError, WebuiError
from modules.jobs.progress import Progress
from modules.jobs.store import Store

log = logging.getLogger(__name__)

State = Literal["queued", "running", "done", "failed", "cancelled"]
Work = Callable[[Progress], Any]
KEPT = 100  # finished jobs whose results stay in memory, for pages that come back


@dataclass(slots=True, eq=False)
class Job:
    """One submitted piece of work."""

    id: str
    kind: str
    work: Work
    state: State = "queued"
    progress: Progress = field(default_factory=Progress)
    result: Any = None
    error: Exception | None = None
    created: float = field(default_factory=time.time)
    ended: float = 0.0  # when nothing more happened; 0.0 before
    owner: str = ""  # whose job it is; "" is whoever runs the program
    turn: int = 0  # jobs run in the order of their turns
    finished: threading.Event = field(default_factory=threading.Event)

    @property
    def completed(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ("done", "failed", "cancelled")

    def wait(self, timeout: float | None = None) -> Any:
        """The result, or the error raised. TimeoutError after `timeout` seconds."""
        if not self.finished.wait(timeout):
            raise TimeoutError(f"job {self.id} is not done after {timeout} s")
        if self.error is not None:
            raise self.error
        return self.result


class Queue:
    """Order of work for one device, fair between owners. All methods may be called from any thread.

    A job's turn is one after its owner's last waiting job, or after the job that runs if there is none, so that owners
    take turns however many jobs each has (start-time fair queueing, Goyal et al. 1996, with every job of equal length).
    """

    def __init__(self, store: Store, name: str = "worker"):
        self.store = store
        self._ready = threading.Condition()
        self._waiting: list[Job] = []  # next first
        self._turn = 0  # of the job that was begun last
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._listeners: tuple[Callable[[Job], None], ...] = ()
        self.current: Job | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(
        self,
        kind: str,
        work: Work,
        *,
        task_id: str | None = None,
        request: Any = None,
        owner: str = "",
        beside: bool = False,
    ) -> Job:
        """Put work at the end of its owner's queue. `request` (JSON) is what the store remembers it by.

        `beside`: it needs no device and runs at once, on a thread of its own. ParameterError if a job of that id was
        submitted before.
        """
        with self._ready:  # also around the time of creation, which tells the order later
            job = Job(id=task_id or uuid.uuid4().hex, kind=kind, work=work, owner=owner)
            job.progress.changed = lambda: self._tell(job)
            if job.id in self._jobs:
                raise ParameterError(f"A job with the id {job.id!r} was submitted before; use another id.")
            self.store.add(job.id, kind, job.created, request, owner)
            self._jobs[job.id] = job
            self._forget_old()
            if not beside:
                job.turn = 1 + max([self._turn, *(one.turn for one in self._waiting if one.owner == owner)])
                bisect.insort(self._waiting, job, key=lambda one: one.turn)  # behind those of the same turn
                self._ready.notify()
        self._tell(job)
        if beside:
            threading.Thread(target=self._work, args=(job,), name=kind, daemon=True).start()
        return job

    def find(self, task_id: str) -> Job:
        """The job of that id; NotFound if it never was or is long gone."""
        job = self._jobs.get(task_id)
        if job is None:
            raise NotFound(f"There is no job with the id {task_id[:80]!r}.")
        return job

    def position(self, job: Job) -> int:
        """1 = next to run; 0 = not waiting."""
        with self._ready:
            return self._waiting.index(job) + 1 if job in self._waiting else 0

    def waiting(self, owner: str | None = None) -> list[Job]:
        """The jobs not yet begun, all or someone's, next first."""
        with self._ready:
            return [job for job in self._waiting if owner in (None, job.owner)]

    def recent(self) -> list[Job]:
        """All jobs that are still known, in the order they were submitted."""
        with self._ready:
            return list(self._jobs.values())

    def put_first(self, job: Job) -> None:
        """Have a waiting job begin before all others of its owner; those of other owners keep their turns."""
        with self._ready:
            if job not in self._waiting:
                return
            own = [one for one in self._waiting if one.owner == job.owner]
            turns = [one.turn for one in own]
            own.remove(job)
            for one, turn in zip([job, *own], turns, strict=True):
                one.turn = turn
            self._waiting.sort(key=lambda one: (one.turn, one is not job))
        self._tell(job)

    def cancel(self, job: Job) -> None:
        """Take a waiting job out, or interrupt it if it runs."""
        with self._ready:
            queued = job in self._waiting
            if queued:
                self._waiting.remove(job)
        if queued:
            self._finish(job, "cancelled", error=Interrupted("The job was cancelled before it began."))
        elif not job.completed:
            job.progress.stop.interrupted = True

    def interrupt(self) -> None:
        """End the running job after the current step, keeping what it has."""
        if (job := self.current) is not None:
            job.progress.stop.interrupted = True

    def skip(self) -> None:
        """End the running job's current batch and go on with its next."""
        if (job := self.current) is not None:
            job.progress.stop.skipped = True

    def listen(self, listener: Callable[[Job], None]) -> Callable[[], None]:
        """Call `listener(job)` at every change, on the thread that changes; answers the function that ends it."""
        with self._ready:
            self._listeners = (*self._listeners, listener)

        def end() -> None:
            with self._ready:
                self._listeners = tuple(one for one in self._listeners if one is not listener)

        return end

    def close(self, timeout: float = 5.0) -> None:
        """Interrupt what runs, leave what waits in the store, and end the worker."""
        with self._ready:
            self._closing = True
            self._ready.notify_all()
        running = [job for job in self.recent() if job.state == "running"]
        for job in running:
            job.progress.stop.interrupted = True
        self._thread.join(timeout)
        for job in running:
            job.finished.wait(timeout if job is not self.current else 0)
        if not self._thread.is_alive():
            self.store.close()

    def _tell(self, job: Job) -> None:
        for listener in self._listeners:
            listener(job)

    def _forget_old(self) -> None:
        old = [job for job in self._jobs.values() if job.completed][:-KEPT]
        for job in old:
            del self._jobs[job.id]

    def _run(self) -> None:
        while True:
            with self._ready:
                while not self._waiting and not self._closing:
                    self._ready.wait()
                if self._closing:
                    return
                job = self._waiting.pop(0)
                self.current, self._turn = job, job.turn
            self._work(job)

    def _work(self, job: Job) -> None:
        job.state = "running"
        self.store.begin(job.id, time.time())
        self._tell(job)
        try:
            job.result = job.work(job.progress)
            self._finish(job, "done")
        except WebuiError as error:
            self._finish(job, "failed", error=error)
        except Exception as error:
            log.exception("job %s (%s) failed", job.id, job.kind)
            self._finish(job, "failed", error=error)

    def _finish(self, job: Job, state: State, error: Exception | None = None) -> None:
        if self.current is job:
            self.current = None
        job.error, job.ended, job.state = error, time.time(), state
        self.store.end(job.id, job.ended, state, _sentence(error) if error else None)
        job.work = _spent
        job.finished.set()
        self._tell(job)


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, WebuiError) else f"Something went wrong here ({type(error).__name__})."


def _spent(progress: Progress) -> None:
    """Stands where finished work was, so that what it held is freed."""
