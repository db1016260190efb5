"""What happens outside of a job, told to whoever listens; a listener that fails is named and left out from then on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from modules.host.troubles import Troubles

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Started:
    """The server's application stands and will answer soon: `api` is its FastAPI."""

    api: Any


@dataclass(frozen=True, slots=True)
class PageTabs:
    """The page is being built. An answer is a list of (gradio Blocks, title, element id), a tab each."""


@dataclass(frozen=True, slots=True)
class SettingsPage:
    """Before the Settings tab is built: options are registered now."""


@dataclass(frozen=True, slots=True)
class PageBuilt:
    """The page stands: `demo` is its gradio Blocks."""

    demo: Any


@dataclass(frozen=True, slots=True)
class ModelLoaded:
    """A checkpoint was read from its file, on the worker's thread: `model` is its `weights.loader.Model`."""

    model: Any


@dataclass(slots=True)
class Counting:
    """Before the page is told how many tokens a prompt has: all but `negative` may be exchanged."""

    prompt: str
    steps: int
    styles: list[str]
    negative: bool


@dataclass(frozen=True, slots=True)
class Ending:
    """The program ends or restarts."""


@dataclass(frozen=True, slots=True)
class _Listener:
    kind: type
    call: Callable[[Any], Any]
    owner: str


class Events:
    """Listeners by the class of event they are for. All methods may be called from any thread."""

    def __init__(self, troubles: Troubles):
        self._troubles = troubles
        self._listeners: tuple[_Listener, ...] = ()
        self._lock = threading.Lock()

    def on(self, kind: type[E], call: Callable[[E], Any], owner: str = "") -> Callable[[], None]:
        """Call `call(event)` at each event of that class; answers the function that ends it."""
        listener = _Listener(kind, call, owner)
        with self._lock:
            self._listeners = (*self._listeners, listener)
        return lambda: self._drop(lambda one: one is listener)

    def off(self, owner: str) -> None:
        """Forget all listeners of an extension."""
        self._drop(lambda one: one.owner == owner)

    def tell(self, event: Any) -> list[Any]:
        """What the listeners of this event answer, in order; None is no answer."""
        answers = []
        for listener in self._listeners:
            if isinstance(event, listener.kind):
                try:
                    answers.append(listener.call(event))
                except Exception as error:  # noqa: BLE001 - the extension boundary
                    self._troubles.note(listener.owner, f"at {type(event).__name__}", error)
        return [one for one in answers if one is not None]

    def _drop(self, which: Callable[[_Listener], bool]) -> None:
        with self._lock:
            self._listeners = tuple(one for one in self._listeners if not which(one))
