"""Listeners: `_js` is `js`, and what gradio 6 says in other words or not at all."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio import events
from gradio.blocks import Block, Blocks
from gradio.blocks_events import BLOCKS_EVENTS

DEAD = "status_tracker", "no_target", "collects_event_data", "every", "postprocess_fn", "_preprocess"


def translated(words: dict[str, Any]) -> dict[str, Any]:
    """A listener's keywords in gradio 6's terms."""
    made = {key: one for key, one in words.items() if key not in DEAD}
    if "_js" in made:
        made["js"] = made.pop("_js")
    if made.get("api_name") is False:
        del made["api_name"]
        made["api_visibility"] = "private"
    if isinstance(made.get("show_progress"), bool):
        made["show_progress"] = "full" if made["show_progress"] else "hidden"
    if made.get("scroll_to_output", 0) is None:
        del made["scroll_to_output"]
    if made.get("queue", 0) is None:
        del made["queue"]
    return made


def _translating(listener: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(listener)
    def wrapped(*args: Any, **words: Any) -> Any:
        return listener(*args, **translated(words))

    wrapped.__dict__["translates"] = True
    return wrapped


def set_event_trigger(
    self: Any, event_name: str, fn: Any = None, inputs: Any = None, outputs: Any = None, **words: Any
) -> Any:
    """A listener by its event's name."""
    return getattr(self, event_name)(fn, inputs, outputs, **words)


def put_on() -> None:
    """Translate for every class there is and every listener to come."""
    set_up = events.EventListener._setup

    def setup(*args: Any, **words: Any) -> Any:
        return _translating(set_up(*args, **words))

    setattr(events.EventListener, "_setup", staticmethod(setup))  # noqa: B010 - mypy: assignment to a method
    for cls in _below(Block):
        for event in cls.__dict__.get("EVENTS") or (BLOCKS_EVENTS if cls is Blocks else ()):
            listener = getattr(cls, str(event), None)
            if listener is not None and not getattr(listener, "translates", False):
                setattr(cls, str(event), _translating(listener))
    setattr(gr.Image, "edit", property(lambda self: self.input))  # noqa: B010 - mypy: no such attributes
    setattr(Block, "set_event_trigger", set_event_trigger)  # noqa: B010
    queue = Blocks.queue

    @functools.wraps(queue)
    def queued(self: Blocks, *args: Any, **words: Any) -> Any:
        known = "status_update_rate", "api_open", "max_size", "default_concurrency_limit"
        return queue(self, **{key: one for key, one in words.items() if key in known})

    setattr(Blocks, "queue", queued)  # noqa: B010
    setattr(Blocks, "dependencies", property(lambda self: [one.get_config() for one in self.fns.values()]))  # noqa: B010


def _below(base: type) -> set[type]:
    found, to_see = set(), [base]
    while to_see:
        cls = to_see.pop()
        if cls not in found:
            found.add(cls)
            to_see += cls.__subclasses__()
    return found
