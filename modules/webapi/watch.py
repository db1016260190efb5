"""How a coroutine waits for a job: woken from the worker's thread, which it never holds up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum

from modules.exceptions import NotFound
from modules.jobs.queue import Job, Queue
from modules.webapi.errors import Stopping

HEARTBEAT = 10.0  # seconds


class End(Enum):
    """How a server may end."""

    STOP = "stop"  # after what is being answered
    KILL = "kill"  # at once
    RESTART = "restart"  # and begin anew


class Watcher:
    """Wakes one coroutine after changes; many changes between two looks are one. Made on its event loop."""

    def __init__(self, task_id: str):
        self._task_id = task_id
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self._told = False

    def heard(self, job: Job) -> None:
        """Something changed; called on any thread. A step of another job is nothing to this one, its end may be."""
        if job.id == self._task_id or job.state != "running" or job.progress.version == 0:
            self.wake()

    def wake(self) -> None:
        """Let the coroutine look."""
        if not self._told:
            self._told = True
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._event.set)

    def look(self) -> None:
        """What happens from now on counts as new; call before reading the job."""
        self._event.clear()
        self._told = False

    async def change(self, timeout: float) -> bool:
        """Wait for a change; false after `timeout` seconds without one."""
        try:
            await asyncio.wait_for(self._event.wait(), timeout)
        except asyncio.TimeoutError:  # Python 3.10 has its own class of that name
            return False
        return True


class Watch:
    """All waiting coroutines of one server."""

    def __init__(self, queue: Queue):
        self.queue = queue
        self.stopping = False
        self.end: Callable[[End], None] | None = None  # ends the server, where there is one
        self.took = 0.0  # seconds from the start of the process to the first answer
        self._watchers: set[Watcher] = set()

    def stop(self) -> None:
        """Let everyone who waits go, because the server ends."""
        self.stopping = True
        for watcher in tuple(self._watchers):
            watcher.wake()

    @contextmanager
    def on(self, task_id: str) -> Iterator[Watcher]:
        """A watcher of that job, known already or not."""
        watcher = Watcher(task_id)
        end = self.queue.listen(watcher.heard)
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            end()
            self._watchers.discard(watcher)

    async def finished(self, job: Job) -> None:
        """Wait until the job is over. Stopping if the server ends before it."""
        with self.on(job.id) as watcher:
            while not job.finished.is_set():
                if self.stopping:
                    raise Stopping("The server is being stopped; send the request again when it is back.")
                await watcher.change(HEARTBEAT)
                watcher.look()

    async def arrival(self, task_id: str, watcher: Watcher, patience: float) -> Job | None:
        """The job of that id, which may be on its way; None after `patience` seconds."""
        until = asyncio.get_running_loop().time() + patience
        while (job := self._known(task_id)) is None:
            left = until - asyncio.get_running_loop().time()
            if left <= 0 or self.stopping:
                return None
            await watcher.change(left)
            watcher.look()
        return job

    def _known(self, task_id: str) -> Job | None:
        with suppress(NotFound):
            return self.queue.find(task_id)
        return None
