"""The files that a page names or fetches, where gradio's own judgement does not suffice."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modules.settings.reach import User

API, UPLOAD = "/gradio_api/", "/gradio_api/upload"
FILES = f"{API}file"  # followed by = and a path
# Parts of gradio that this page has no use for; some of them write files or fetch from elsewhere.
CLOSED = (
    *(f"{API}{name}" for name in ("vibe", "undo-vibe", "run-history", "process_recording", "proxy=", "dev/", "runs")),
    f"{API}deep_link", "/monitoring", "/deep_link",
)  # fmt: skip
URL = re.compile(r"\s*[a-z][a-z0-9+.-]*:/?/", re.IGNORECASE)
MARK = "gradio.FileData"


class Marked:
    """ASGI middleware before gradio: nobody fetches what is another's, and no call may name a file without a mark.

    gradio refuses paths that were neither uploaded nor are served, but looks for them at marked values only: an
    unmarked picture goes on to the function, which would open any file of the server.
    """

    def __init__(self, app: ASGIApp, may_fetch: Callable[[User, str], bool]):
        self.app = app
        self.may_fetch = may_fetch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", "")) if scope["type"] == "http" else ""
        if path.startswith(CLOSED) or self._is_anothers(path, scope):
            return await JSONResponse({"detail": "There is no such file."}, 404)(scope, receive, send)
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

    def _is_anothers(self, path: str, scope: Scope) -> bool:
        """Whether a file is asked for that this user may not have, or one of another server."""
        if not path.startswith(FILES):
            return False
        name = path[len(FILES) + 1 :]
        return URL.match(name) is not None or not self.may_fetch(scope["state"]["user"], os.path.abspath(name))


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
    """Whether anything in it has a path and no mark, or an address that gradio would fetch."""
    if isinstance(value, list):
        return any(_unmarked(one) for one in value)
    if not isinstance(value, dict):
        return False
    meta = value.get("meta")
    marked = isinstance(meta, dict) and meta.get("_type") == MARK
    foreign = isinstance(path := value.get("path"), str) and URL.match(path) is not None
    return ("path" in value and (not marked or foreign)) or any(_unmarked(one) for one in value.values())
