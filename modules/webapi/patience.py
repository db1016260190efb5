"""Requests that never end: who sends too slowly is dropped, and a body that grows too large is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from modules.webapi.errors import answer

LOOK = 2.0  # seconds between two looks at a connection
GRACE = 15.0  # seconds in which a request may come as slowly as it likes
LINGER = 1 << 20  # bytes that may still come of a request which has been answered already
SLOWEST = 500  # bytes a second that it must have come by on average after that
LARGEST = 256 << 20  # bytes of a body
LARGEST_UPLOAD = 2 << 30  # bytes of the files that the page uploads at once; gradio writes them to the disk
UPLOADS = "/gradio_api/upload"


class Patient(H11Protocol):
    """uvicorn's HTTP/1.1 with a limit to its patience: slow senders (slow loris) hold no connection for long."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._got = 0  # bytes of the request that is coming
        self._since = self.loop.time()
        self._is_answered = False  # before all of it had come
        self._look = self.loop.call_later(LOOK, self._look_at_it)

    def data_received(self, data: bytes) -> None:
        self._got += len(data)
        if self._is_answered and self._got > LINGER:
            self.transport.abort()
        else:
            super().data_received(data)

    def on_response_complete(self) -> None:
        self._got, self._since = 0, self.loop.time()
        self._is_answered = self.conn.their_state is h11.SEND_BODY
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._look.cancel()
        super().connection_lost(exc)

    def _look_at_it(self) -> None:
        if self.transport.is_closing():
            return
        if self._is_too_slow():
            self.transport.abort()
            return
        self._look = self.loop.call_later(LOOK, self._look_at_it)

    def _is_too_slow(self) -> bool:
        if self.flow.read_paused or self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            return False  # it waits for us, not we for it
        if self.conn.their_state is h11.IDLE and self.cycle is not None and not self.cycle.response_complete:
            return False
        waited = self.loop.time() - self._since
        if self._is_answered:
            return waited > LOOK
        patience = self.timeout_keep_alive if self._got == 0 else GRACE
        return waited > patience and self._got < SLOWEST * waited


class Sized:
    """ASGI middleware: no body is read further than its largest size."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        most = LARGEST_UPLOAD if scope["path"].endswith(UPLOADS) else LARGEST
        refusal = answer(413, "TooLarge", f"The request is too large; at most {most >> 20} MiB are taken.")
        said = dict(scope["headers"]).get(b"content-length", b"")
        if said.isdigit() and int(said) > most:
            return await refusal(scope, receive, send)
        got = 0

        async def counted() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            return {"type": "http.disconnect"} if got > most else message

        async def told(message: Any) -> None:
            if got <= most:
                await send(message)
            elif message["type"] == "http.response.start":  # whatever the inside makes of half a body
                await refusal(scope, receive, send)

        await self.app(scope, counted, told)
