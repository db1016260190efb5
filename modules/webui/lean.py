"""gradio's server half without what it works out anew for each page that is opened, and again at each event.

With this page's some thousand components that is most of the server's share of the time until the page can be used.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.state_holder import SessionState, StateHolder
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEPT = 16  # answers: one for each name under which the server is spoken to
SAYS_WHERE = (  # headers of a request that the answer to it depends on
    b"host", b"origin", b"accept-encoding", b"x-forwarded-host", b"x-forwarded-proto", b"x-gradio-server",
)  # fmt: skip


def lighten(demo: gr.Blocks) -> None:
    """Have gradio know the signatures of its components, and keep less of each page of the mounted `demo`."""
    for kind in _kinds(Block):
        _sign(vars(kind).get("__init__"))
    demo.state_holder.__class__ = Sessions


def _kinds(kind: type[Block]) -> Iterator[type[Block]]:
    yield kind
    for one in kind.__subclasses__():
        yield from _kinds(one)


def _sign(made: Any) -> None:
    """Note the signature of a function, and of what it wraps, where `inspect` looks first."""
    while inspect.isfunction(made):
        made.__signature__ = inspect.signature(made)  # type: ignore[attr-defined]
        made = getattr(made, "__wrapped__", None)


class Sessions(StateHolder):
    """What the server keeps of pages, without all components' properties: only gradio's deep links would read them."""

    def __getitem__(self, session_id: str) -> SessionState:
        if session_id not in self.session_data:
            self.session_data[session_id] = SessionState(_Unlisted(self.blocks))  # type: ignore[arg-type]
        return super().__getitem__(session_id)


class _Unlisted:
    """Blocks that name no component whose properties are to be noted."""

    blocks: dict[int, Block] = {}

    def __init__(self, whole: gr.Blocks):
        self._whole = whole

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)


class Kept:
    """ASGI middleware: the page, which is the same until the program ends, is made and compressed once."""

    def __init__(self, app: ASGIApp):
        self.app = app
        self.zipping = GZipMiddleware(app)
        self.kept: dict[str, list[Message]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_page = scope["type"] == "http" and scope["method"] == "GET" and _path(scope) in ("", "/")
        if not is_page or b"deep_link" in scope["query_string"]:
            return await self.app(scope, receive, send)
        told = [pair for pair in scope["headers"] if pair[0] in SAYS_WHERE]
        key = repr([scope.get(name) for name in ("scheme", "server", "root_path", "path", "query_string")] + told)
        if key not in self.kept:
            return await self.zipping(scope, receive, self._keeping(key, send))
        for message in self.kept[key]:
            await send(message)

    def _keeping(self, key: str, send: Send) -> Send:
        messages: list[Message] = []

        async def keeping(message: Message) -> None:
            messages.append(message)
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body") and _is_plain(messages[0]):
                while len(self.kept) >= KEPT:
                    del self.kept[next(iter(self.kept))]
                self.kept[key] = messages

        return keeping


def _path(scope: Scope) -> str:
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))


def _is_plain(start: Message) -> bool:
    """Whether an answer is for anybody."""
    return start.get("status") == 200 and not any(name == b"set-cookie" for name, _ in start["headers"])
