"""The files that a page names: gradio judges those that bear its mark, and here those without one are refused."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

API, UPLOAD = "/gradio_api/", "/gradio_api/upload"
MARK = "gradio.FileData"


class Marked:
    """ASGI middleware before gradio: no call of the page's functions may name a file without gradio's mark.

    gradio refuses paths that were neither uploaded nor are served, but looks for them at marked values only: an
    unmarked picture goes on to the function, which would open any file of the server.
    """

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", "")) if scope["type"] == "http" else ""
        if not path.startswith(API) or path == UPLOAD or scope["method"] != "POST":
            return await self.app(scope, receive, send)
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message["type"] == "http.request" and message.get("more_body", False)
        if _names_unmarked(body):
            refusal = JSONResponse({"detail": "A file was named that was not uploaded; upload it first."}, 403)
            return await refusal(scope, receive, send)
        await self.app(scope, _again(body, receive), send)


def _again(body: bytes, receive: Receive) -> Receive:
    """`receive` that gives the body at once, then whatever comes after it."""
    waiting = [body]

    async def given() -> Message:
        return {"type": "http.request", "body": waiting.pop(), "more_body": False} if waiting else await receive()

    return given


def _names_unmarked(body: bytes) -> bool:
    try:
        return _unmarked(json.loads(body))
    except RecursionError:
        return True
    except ValueError:  # gradio refuses it too
        return False


def _unmarked(value: Any) -> bool:
    """Whether anything in it has a path and no mark."""
    if isinstance(value, list):
        return any(_unmarked(one) for one in value)
    if not isinstance(value, dict):
        return False
    meta = value.get("meta")
    marked = isinstance(meta, dict) and meta.get("_type") == MARK
    return ("path" in value and not marked) or any(_unmarked(one) for one in value.values())
