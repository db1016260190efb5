"""What follows the end of a job that nobody waits for: its answer is kept, and whoever asked for it is told."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from modules import remote
from modules.exceptions import Forbidden, WebuiError
from modules.jobs.queue import Job, Queue
from modules.webapi.progress import failure
from modules.webapi.results import Results

log = logging.getLogger(__name__)

PAUSES = (0.0, 2.0, 10.0)  # seconds before each try to reach a webhook

PATIENCE = 60.0  # seconds for an answer to be encoded and written

Answer = Callable[[], dict[str, Any]]
Webhook = tuple[str, bool]  # its address, and whether it may lie nearby


class Aftermath:
    """Beside the worker: one thread encodes and writes answers, another speaks to webhooks."""

    def __init__(self, queue: Queue, results: Results):
        self._results = results
        self._lock = threading.Condition()
        self._open: dict[str, tuple[Answer, Webhook | None]] = {}
        self._over: SimpleQueue[tuple[Job, Answer, Webhook | None]] = SimpleQueue()
        self._hooks: SimpleQueue[tuple[Job, Webhook]] = SimpleQueue()
        self._begun = False
        queue.listen(self._heard)

    def follow(self, job: Job, answer: Answer, webhook: Webhook | None) -> None:
        """Be there when it ends; it may have ended already."""
        with self._lock:
            self._open[job.id] = (answer, webhook)
            first, self._begun = not self._begun, True
        for name, work in (("results", self._keep), ("webhooks", self._tell)) if first else ():
            threading.Thread(target=work, name=name, daemon=True).start()
        if job.completed:
            self._heard(job)

    def answer(self, task_id: str) -> dict[str, Any] | None:
        """The answer of a finished job, which may be being written; None if there is none, or it is gone."""
        with self._lock:
            self._lock.wait_for(lambda: task_id not in self._open, PATIENCE)
        return self._results.get(task_id)

    def has(self, task_id: str) -> bool:
        """Whether there is an answer, or will be in a moment."""
        return task_id in self._open or self._results.has(task_id)

    def _heard(self, job: Job) -> None:
        """Called on the worker's thread at every change of every job."""
        if job.completed and job.id in self._open:
            with self._lock:
                followed = self._open.get(job.id)
            if followed is not None:
                self._over.put((job, *followed))

    def _keep(self) -> None:
        while True:
            job, answer, webhook = self._over.get()
            with self._lock:
                if self._open.get(job.id, (None,))[0] is not answer:
                    continue  # told twice
            made = _made(answer)
            if made is not None:
                self._results.keep(job.id, made)
            with self._lock:
                self._open.pop(job.id, None)
                self._lock.notify_all()
            if webhook is not None:
                self._hooks.put((job, webhook))

    def _tell(self) -> None:
        while True:
            job, (url, local) = self._hooks.get()
            told = {"id": job.id, "kind": job.kind, "state": job.state, "error": failure(job)}
            body = json.dumps(told).encode()
            for pause in PAUSES:
                time.sleep(pause)
                try:
                    status = remote.post(url, body, {"X-Job": job.id.encode("ascii", "replace").decode()}, local=local)
                except WebuiError as refused:
                    log.warning("The webhook of job %s was not told: %s", job.id, refused)
                    if isinstance(refused, Forbidden):
                        break
                    continue
                if status < 500:
                    break


def _made(answer: Answer) -> dict[str, Any] | None:
    try:
        return answer()
    except WebuiError:
        return None
    except Exception:
        log.exception("The answer of a job could not be made")
        return None
