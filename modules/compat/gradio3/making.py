"""Constructors: keywords of gradio 3 are translated or dropped, and each component is told of before and after."""

from __future__ import annotations

import functools
import inspect
import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import gradio as gr
from gradio import component_meta
from gradio.blocks import Block, BlockContext, Blocks
from gradio.components import Component

log = logging.getLogger(__name__)

OURS = "modules.webui", "modules.host"  # rooms whose components are made for gradio 6
EDITABLE = (
    "textbox", "number", "slider", "checkbox", "checkboxgroup", "radio", "dropdown", "colorpicker", "dataframe",
)  # fmt: skip
RENAMED: Mapping[str, str] = {"default": "value", "show_copy_button": "", "tooltip": "", "info_text": "info"}
CLASS_KEPT = "elem_classes"


class Told(Protocol):
    """Who hears of components."""

    def before(self, component: Any, words: dict[str, Any]) -> None:
        """One is about to be made, with these keywords."""

    def after(self, component: Any, words: dict[str, Any]) -> None:
        """One was made and stands in the layout."""


class _Ears:
    told: Told | None = None
    on: bool = False


EARS = _Ears()


def put_on(told: Told | None) -> bool:
    """Exchange who is told; whether this was the first time."""
    first, EARS.on = not EARS.on, True
    EARS.told = told or EARS.told
    if first:
        component_meta.updateable = updateable
        component_meta.ComponentMeta.__call__ = _made  # type: ignore[method-assign, assignment]
        Block.get_config = _with_inherited(Block.get_config)  # type: ignore[method-assign]
        Block.render = _telling_render(Block.render)  # type: ignore[method-assign]
        _know_signatures(Block)
    return first


def _know_signatures(cls: type) -> None:
    """gradio asks for a constructor's signature several times a component: let it be found, not made, each time."""
    for one in (cls, *cls.__subclasses__()):
        made: Any = one.__dict__.get("__init__")
        while made is not None and "__signature__" not in vars(made):
            made.__signature__ = inspect.signature(made)
            made = vars(made).get("__wrapped__")
        if one is not cls:
            _know_signatures(one)


def _no_interface_files(*args: Any) -> None:
    """gradio would write a .pyi file beside each extension's file that has a component."""


component_meta.create_or_modify_pyi = _no_interface_files  # type: ignore[assignment] # now: the shim has classes


def gradio_class(cls: type) -> type:
    """The nearest of a class's bases that is gradio's own."""
    for one in cls.__mro__:
        if one.__module__.startswith("gradio.") and "__init__" in one.__dict__:
            return one
    return cls


def _made(cls: Any, *args: Any, **words: Any) -> Any:
    """What `Class(...)` does: with keywords that the class knows, telling who listens."""
    frame = sys._getframe(1)
    ours = str(frame.f_globals.get("__name__", "")).startswith(OURS)
    if not ours and not issubclass(cls, Blocks):
        replacement, words = translated(cls, args, words)
        if replacement is not cls:
            return replacement(*args, **words)
    made = cls.__new__(cls, *args, **words)
    told, placed = EARS.told, words.get("render", True) is not False
    if told is not None and placed:
        told.before(made, words)
    type(made).__init__(made, *args, **words)
    if not placed:
        made.__dict__["_made_with"] = words
    elif told is not None:
        told.after(made, words)
    return made


def _telling_render(render: Callable[..., Any]) -> Callable[..., Any]:
    """A component that was made apart is told of where it takes its place."""

    @functools.wraps(render)
    def wrapped(self: Any, *args: Any, **words: Any) -> Any:
        given, told = self.__dict__.pop("_made_with", None), EARS.told
        if given is None or told is None:
            return render(self, *args, **words)
        told.before(self, given)
        answer = render(self, *args, **words)
        told.after(self, given)
        return answer

    return wrapped


def translated(cls: Any, args: tuple[Any, ...], words: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The class and keywords of gradio 6 that gradio 3's amount to."""
    from modules.compat.gradio3 import values

    base = gradio_class(cls)
    kind = base.__name__.lower()
    words = {
        RENAMED[key] if key in RENAMED and key not in _known(cls, base) else key: one for key, one in words.items()
    }
    words.pop("", None)
    if words.pop("readonly", False):
        words["interactive"] = False
    if kind == "image":
        cls, words = values.image(cls, words)
        base = gradio_class(cls)
    if kind in ("file", "uploadbutton") and words.get("type") == "file":
        words["type"] = "filepath"
    if kind == "gallery":
        words.setdefault("type", "filepath")
    if kind in EDITABLE and words.get("interactive") is None and issubclass(cls, Component):
        words["interactive"] = True
    return cls, _fitting(cls, base, words)


def _known(cls: Any, base: type) -> set[str]:
    found: set[str] = set()
    for one in {cls, base}:
        found |= set(inspect.signature(one.__init__).parameters)
    return found


def _fitting(cls: Any, base: type, words: dict[str, Any]) -> dict[str, Any]:
    """The keywords without those that neither the class nor gradio's own knows."""
    known = _known(cls, base)
    gone = sorted(set(words) - known)
    own = inspect.signature(cls.__init__).parameters.values()
    if gone and cls is not base and any(one.kind is one.VAR_KEYWORD for one in own):
        return words  # the extension's own class takes them, and hands on what it knows
    if gone:
        log.debug("gradio 6 has no %s for %s.", ", ".join(gone), base.__name__)
    return {key: one for key, one in words.items() if key in known}


def updateable(function: Callable[..., Any]) -> Callable[..., Any]:
    """As gradio's, but for constructors that take any arguments, and for keywords that an inherited one has lost."""
    spec = inspect.getfullargspec(function)

    @functools.wraps(function)
    def wrapper(self: Any, *args: Any, **words: Any) -> Any:
        base = gradio_class(type(self))
        if (function.__module__ or "").startswith("gradio.") and spec.varkw is None and not _ours(self):
            words = {key: one for key, one in words.items() if key in (*spec.args, *spec.kwonlyargs)}
        inherited = [*inspect.signature(base.__init__).parameters][1:]  # type: ignore[misc]
        names = inherited if spec.varargs else spec.args[1:]
        named = {**dict(zip(names, args, strict=False)), **words}
        first = not hasattr(self, "_constructor_args")
        if first:
            self._constructor_args = []
        self._constructor_args.append(named)
        in_listener, is_render = component_meta.get_local_contexts()  # type: ignore[no-untyped-call]
        if in_listener and not first and not is_render:
            return None
        return function(self, **named) if not spec.varargs else function(self, *args, **words)

    return wrapper


def _ours(component: Any) -> bool:
    return type(component).__module__.startswith("gradio.")


def _with_inherited(get_config: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """gradio sends only what a class's own constructor names; an extension's subclass names little of it."""

    @functools.wraps(get_config)
    def wrapped(self: Any, cls: Any = None) -> dict[str, Any]:
        if cls is None and not type(self).__module__.startswith(("gradio.", *OURS)):
            return {**get_config(self, gradio_class(type(self))), **_plain(get_config(self, None))}
        return get_config(self, cls)

    return wrapped


def _plain(config: dict[str, Any]) -> dict[str, Any]:
    """What JSON holds."""
    kinds = (str, int, float, bool, list, dict, tuple, type(None))
    return {key: one for key, one in config.items() if isinstance(one, kinds)}


def is_block(component: Any) -> bool:
    """Whether it is a part of the layout, not a value."""
    return isinstance(component, BlockContext) or not isinstance(component, gr.components.Component)
