"""Generation as tools for language models, at /mcp: the Model Context Protocol over HTTP, stateless, with --mcp.

Of the protocol (modelcontextprotocol.io, "Streamable HTTP") this is the half that answers requests; it opens no stream
and keeps no session, both of which a server may leave out.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from modules import VERSION
from modules.app import App
from modules.declare import specs
from modules.exceptions import ParameterError, WebuiError
from modules.generate.request import Img2Img, Txt2Img
from modules.generate.request import Request as Generation
from modules.settings.reach import User
from modules.webapi import generation
from modules.webapi.errors import sentence
from modules.webapi.progress import media_type
from modules.webapi.rights import who
from modules.webapi.schemas import IMG2IMG, TXT2IMG
from modules.webapi.watch import Watch

VERSIONS = ("2025-06-18", "2025-03-26", "2024-11-05")  # of the protocol, newest first
UNREADABLE, NO_REQUEST, NO_METHOD, BAD_WORDS = -32700, -32600, -32601, -32602  # JSON-RPC 2.0, section 5.1
TOOLS: dict[str, tuple[type[Generation], Any, str]] = {
    "txt2img": (Txt2Img, TXT2IMG, "Make pictures from words with Stable Diffusion."),
    "img2img": (Img2Img, IMG2IMG, "Make pictures from a picture and words; init_images holds it in base64."),
}
LISTS = "list_choices"
OF_THE_PAGE = "options", "localizations"  # menus that draw nothing


class Refused(Exception):
    """A JSON-RPC error."""

    def __init__(self, code: int, text: str):
        super().__init__(text)
        self.code = code


class Call(BaseModel):
    """A JSON-RPC 2.0 request; a notification has no id."""

    jsonrpc: str
    method: str
    params: dict[str, Any] = {}
    id: int | str | None = None


class ToolCall(BaseModel):
    """The params of tools/call."""

    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)


def routes(app: App, watch: Watch) -> APIRouter:
    """The one route, where the flag asks for it."""
    router = APIRouter()
    if not app.launch.mcp:
        return router
    tools = Tools(app, watch)

    @router.post("/mcp", include_in_schema=False)
    async def mcp(request: Request) -> Response:
        call_id: int | str | None = None
        try:
            call = _call(await request.body())
            call_id = call.id
            told = await tools.answer(call, who(request))
        except Refused as refused:
            error = {"code": refused.code, "message": str(refused)}
            return JSONResponse({"jsonrpc": "2.0", "id": call_id, "error": error}, 400 if call_id is None else 200)
        if call.id is None:
            return Response(status_code=202)
        return JSONResponse({"jsonrpc": "2.0", "id": call.id, "result": told})

    @router.api_route("/mcp", methods=["GET", "DELETE"], include_in_schema=False)
    async def no_stream() -> Response:
        return Response(status_code=405, headers={"Allow": "POST"})

    return router


def _call(body: bytes) -> Call:
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(UNREADABLE, "The body is not JSON.") from None
    try:
        return Call.model_validate(sent)
    except ValidationError as error:
        raise Refused(NO_REQUEST, sentence(error.errors())) from None


class Tools:
    """What can be called."""

    def __init__(self, app: App, watch: Watch):
        self._app = app
        self._watch = watch
        self._schemas = {name: _schema(kind, model) for name, (kind, model, _) in TOOLS.items()}

    async def answer(self, call: Call, user: User) -> dict[str, Any]:
        """The result of a call. Refused for what the protocol does not know."""
        if call.method == "initialize":
            asked = call.params.get("protocolVersion")
            return {
                "protocolVersion": asked if asked in VERSIONS else VERSIONS[0],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "webui", "version": VERSION},
            }
        if call.method == "ping" or call.method.startswith("notifications/"):
            return {}
        if call.method == "tools/list":
            return {"tools": self._listed()}
        if call.method == "tools/call":
            return await self._called(call.params, user)
        raise Refused(NO_METHOD, f"There is no method {call.method[:60]!r}.")

    def _listed(self) -> list[dict[str, Any]]:
        made = [
            {"name": name, "description": text, "inputSchema": self._schemas[name]}
            for name, (_, _, text) in TOOLS.items()
        ]
        nothing = {"type": "object", "properties": {}}
        text = "Name what can be chosen: checkpoints, samplers, schedulers, upscalers, styles."
        return [*made, {"name": LISTS, "description": text, "inputSchema": nothing}]

    async def _called(self, params: Mapping[str, Any], user: User) -> dict[str, Any]:
        try:
            call = ToolCall.model_validate(params)
        except ValidationError as error:
            raise Refused(BAD_WORDS, sentence(error.errors())) from None
        if call.name == LISTS:
            menus = {name: list_ for name, list_ in self._app.catalogs.items() if name not in OF_THE_PAGE}
            found = await run_in_threadpool(lambda: {name: list_() for name, list_ in menus.items()})
            return {"content": [_text(json.dumps(found))], "isError": False}
        if call.name not in TOOLS:
            raise Refused(BAD_WORDS, f"There is no tool {call.name[:60]!r}.")
        try:
            return {"content": await self._made(call, user), "isError": False}
        except WebuiError as error:
            return {"content": [_text(str(error))], "isError": True}

    async def _made(self, call: ToolCall, user: User) -> list[dict[str, Any]]:
        kind, model, _ = TOOLS[call.name]
        try:
            body = model.model_validate(call.arguments)
        except ValidationError as error:
            raise ParameterError(sentence(error.errors())) from None
        job, understood = await run_in_threadpool(generation.submit, self._app, body, kind, user)
        await self._watch.finished(job)
        told = await run_in_threadpool(generation.answer, job, understood)
        texts = json.loads(told["info"]).get("infotexts", [])
        return [*(_image(one) for one in told["images"]), *(_text(one) for one in texts)]


def _schema(kind: type[Generation], model: Any) -> dict[str, Any]:
    """A body's JSON schema, of the request's own parameters; the API's other fields are taken as well."""
    fields = model.model_json_schema()["properties"]
    return {"type": "object", "properties": {name: fields[name] for name in specs(kind)}}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _image(data: str) -> dict[str, Any]:
    return {"type": "image", "data": data, "mimeType": media_type(base64.b64decode(data[:64]))}
