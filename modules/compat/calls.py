"""Handlers of extensions' buttons: in the queue, with A1111's line below the result."""

from __future__ import annotations

import html
import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from modules.compat.binding import app
from modules.exceptions import WebuiError


def queued(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as a job of its own, unless it is within one."""

    @wraps(function)
    def call(*args: Any, **words: Any) -> Any:
        if threading.current_thread().name == "worker":
            return function(*args, **words)
        return app().queue.submit("extension", lambda progress: function(*args, **words)).wait()

    return call


def wrap_gradio_gpu_call(func: Callable[..., Any], extra_outputs: Any = None) -> Callable[..., Any]:
    """A handler that needs the models: first argument a task id or not, last output a line about it."""
    return wrap_gradio_call(queued(func), extra_outputs=extra_outputs, add_stats=True)


def wrap_gradio_call(
    func: Callable[..., Any], extra_outputs: Any = None, add_stats: bool = False
) -> Callable[..., Any]:
    """A handler whose failure is told in its last output, an HTML."""

    @wraps(func)
    def call(*args: Any, **words: Any) -> Any:
        started = time.monotonic()
        try:
            answer = list(func(*args, **words))
        except Exception as error:  # noqa: BLE001 - the extension boundary
            said = str(error) if isinstance(error, WebuiError) else f"{type(error).__name__}: {error}"
            outputs = [None, ""] if extra_outputs is None else extra_outputs
            return (*outputs, f"<div class='error'>{html.escape(said)}</div>")
        if add_stats:
            line = f"Time taken: {time.monotonic() - started:.1f} sec."
            answer[-1] = f"{answer[-1]}<div class='performance'><p class='time'>{line}</p></div>"
        return tuple(answer)

    return call


wrap_gradio_call_no_job = wrap_gradio_call


class QueueLock:
    """`queue_lock`: who holds it has the models to himself, as a job has."""

    def __init__(self) -> None:
        self._held = threading.local()

    def __enter__(self) -> QueueLock:
        depth = getattr(self._held, "depth", 0)
        self._held.depth = depth + 1
        if depth == 0 and threading.current_thread().name != "worker":
            begun, self._held.over = threading.Event(), threading.Event()
            over = self._held.over

            def hold(progress: Any) -> None:
                begun.set()
                over.wait()

            app().queue.submit("extension", hold)
            begun.wait()
        return self

    def __exit__(self, *args: Any) -> None:
        self._held.depth -= 1
        if self._held.depth == 0 and getattr(self._held, "over", None) is not None:
            self._held.over.set()
            self._held.over = None

    def acquire(self, *args: Any) -> bool:
        """As a lock's."""
        self.__enter__()
        return True

    def release(self) -> None:
        """As a lock's."""
        self.__exit__()


QUEUE_LOCK = QueueLock()
