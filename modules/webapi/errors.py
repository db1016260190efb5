"""The HTTP boundary: every failure becomes A1111's error body with one sentence, and none of them a trace."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modules.exceptions import Busy, Forbidden, NotFound, OutOfMemory, ParameterError, PromptError, WebuiError

log = logging.getLogger(__name__)


class NotBuilt(ParameterError):
    """A field of A1111's API that nothing here can honour yet."""


class Conflict(WebuiError):
    """What is asked for does not go with where the thing stands."""


class Gone(WebuiError):
    """It was there once."""


class Stopping(WebuiError):
    """The server ends before the answer is there."""


STATUS: dict[type, int] = {
    Forbidden: 403,
    Busy: 429,
    NotFound: 404,
    ParameterError: 422,
    PromptError: 422,
    Conflict: 409,
    Gone: 410,
    WebuiError: 500,
    NotBuilt: 501,
    Stopping: 503,
    OutOfMemory: 507,
}


def status_of(error: WebuiError) -> int:
    """The HTTP status of an expected failure: that of its nearest class."""
    return next(STATUS[cls] for cls in type(error).__mro__ if cls in STATUS)


def answer(status: int, name: str, text: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """A1111's error body. The sentence stands twice: clients show `detail` or `errors`."""
    text = text.encode("utf-8", "replace").decode("utf-8")  # half characters of the request cannot go back
    return JSONResponse({"error": name, "detail": text, "body": "", "errors": text}, status, headers)


def sentence(problems: Sequence[Any]) -> str:
    """The first problem that pydantic found, as one sentence that names the field."""
    problem = problems[0]
    place = ".".join(str(part) for part in problem["loc"] if part not in ("body", "query"))
    kind, text = problem["type"], problem["msg"]
    if kind == "json_invalid":
        return f"The request is not valid JSON ({problem['ctx']['error']}, at character {problem['loc'][-1]})."
    if kind == "value_error":
        text = str(problem["ctx"]["error"])
    elif kind in ("model_attributes_type", "dict_type") and not place:
        return "Send a JSON object, with the header Content-Type: application/json."
    elif kind == "missing" and not place:
        return "The request is empty; send a JSON object."
    text = text[:1].lower() + text[1:].rstrip(".") if kind != "value_error" else text.rstrip(".")
    return f"{text}." if not place or text.startswith(f"{place}:") else f"{place}: {text}."


def add_handlers(api: FastAPI) -> None:
    """Have the API answer failures this way."""

    @api.exception_handler(WebuiError)
    async def expected(request: Request, error: WebuiError) -> JSONResponse:
        return answer(status_of(error), type(error).__name__, str(error))

    @api.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return answer(422, type(error).__name__, sentence(error.errors()))

    @api.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 400:  # fastapi says so of JSON that even its parser gives up on
            return answer(422, type(error).__name__, "The body cannot be read; send a JSON object.")
        return answer(error.status_code, type(error).__name__, str(error.detail), dict(error.headers or {}))


class Boundary:
    """ASGI middleware: says how long an answer took, and answers for what nobody expected."""

    def __init__(self, app: ASGIApp, logs: bool = False):
        """`logs`: a line for each request to the API."""
        self.app = app
        self.logs = logs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        began = time.perf_counter()
        started = False
        logs = self.logs and any(part in scope["path"] for part in ("/sdapi/", "/v2/"))

        async def timed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                took = f"{time.perf_counter() - began:.4f}"
                if logs:
                    log.info("API %d %s %r %s s", message["status"], scope["method"], scope["path"], took)
                headers = [*message.get("headers", ()), (b"x-process-time", took.encode())]
                message = {**message, "headers": headers}
            await send(message)

        try:
            await self.app(scope, receive, timed)
        except Exception as error:
            log.exception("%s %s failed", scope["method"], scope["path"])
            if started:
                raise
            text = f"Something went wrong here ({type(error).__name__}); see the log."
            await answer(500, type(error).__name__, text)(scope, receive, timed)
