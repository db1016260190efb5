"""One ASGI middleware over page, API and files: who asks (login), for which host, and from which page."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
import secrets
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modules.exceptions import ParameterError
from modules.settings.reach import HOST, Role, User, is_open
from modules.settings.sections import Launch
from modules.webapi.errors import answer
from modules.webapi.logins import Door, Login, parse, read_file
from modules.webapi.rights import may

log = logging.getLogger(__name__)

NETLOC = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:/@\s?#]+)(?::(\d{1,5}))?")
READING = ("GET", "HEAD", "OPTIONS")
DEFAULT_PORTS = {"http": "80", "https": "443"}
API = ("/sdapi", "/v2", "/mcp")
METHODS = "GET, POST, PUT, PATCH, DELETE, OPTIONS"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the flags allow."""

    hosts: frozenset[str]
    opened: bool  # serves other machines
    origins: frozenset[str]
    pattern: re.Pattern[str] | None  # of more origins
    page: Door
    api: Door
    made_up: tuple[str, ...] = ()  # user:password each, the administrator's first; to be told once
    tunnel: set[str] = field(default_factory=set)  # host names under which --share is reached now

    def knows_host(self, netloc: str) -> bool:
        """Whether a Host header names this server. An address is safe, a foreign name may be DNS rebinding."""
        found = NETLOC.fullmatch(netloc)
        name = found[1].lower().rstrip(".") if found else ""
        if name in self.hosts or name in self.tunnel:
            return True
        try:
            address = ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return self.opened or address.is_loopback

    def knows_origin(self, origin: str, netloc: str) -> bool:
        """Whether a request may come from a page of that origin: this server's own, or one that a flag names."""
        if self.trusts(origin) or "*" in self.origins:
            return True
        scheme, _, rest = origin.partition("://")
        return scheme in DEFAULT_PORTS and _with_port(rest, scheme) == _with_port(netloc, scheme)

    def trusts(self, origin: str) -> bool:
        """Whether a flag names this origin."""
        return origin in self.origins or bool(self.pattern and self.pattern.fullmatch(origin))


def _with_port(netloc: str, scheme: str) -> str:
    found = NETLOC.fullmatch(netloc)
    return f"{found[1]}:{found[2] or DEFAULT_PORTS[scheme]}".lower() if found else ""


def rules(launch: Launch) -> Rules:
    """The rules of some flags; an open server without a login for the page gets one. ParameterError for a bad flag."""
    opened = is_open(launch)
    made_up: tuple[str, ...] = ()
    page = parse(launch.gradio_auth, "--gradio-auth")
    if launch.gradio_auth_path:
        page += read_file(Path(launch.gradio_auth_path).expanduser(), "--gradio-auth-path")
    if opened and not page:
        roles = {"webui": Role.ADMIN} | ({"guest": Role.GUEST} if launch.share else {})
        passwords = {user: secrets.token_urlsafe(9) for user in roles}
        page = tuple(Login.of(user, passwords[user], role) for user, role in roles.items())
        made_up = tuple(f"{user}:{password}" for user, password in passwords.items())
    api = parse(launch.api_auth, "--api-auth")
    origins = frozenset(one.strip().rstrip("/").lower() for one in launch.cors_allow_origins.split(",") if one.strip())
    return Rules(
        _hosts(launch, opened, origins), opened, origins, _pattern(launch), Door(page), Door(page + api), made_up
    )


def _pattern(launch: Launch) -> re.Pattern[str] | None:
    text = launch.cors_allow_origins_regex
    try:
        return re.compile(text, re.IGNORECASE) if text else None
    except re.error as error:
        raise ParameterError(f"--cors-allow-origins-regex: {text!r} is no regular expression ({error}).") from error


def _hosts(launch: Launch, opened: bool, origins: frozenset[str]) -> frozenset[str]:
    """Names this server answers to; a trusted origin's host is one, so that a reverse proxy can be named by it."""
    names = {"localhost", launch.server_name} | {urlsplit(origin).hostname or "" for origin in origins}
    if opened:
        own = socket.gethostname()
        names |= {own, own.split(".")[0], own.split(".")[0] + ".local"}
    return frozenset(name.lower() for name in names if name)


class Guard:
    """ASGI middleware, outermost: host, then origin, then login."""

    def __init__(self, app: ASGIApp, rules: Rules):
        self.app = app
        self.rules = rules
        self._checkers = ThreadPoolExecutor(2, "login")  # scrypt is heavy: never more than two at once

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        refusal = self._stranger(scope, headers)
        origin = headers.get("origin", "").lower()
        if refusal is None and origin and scope.get("method") == "OPTIONS":
            refusal = Response()  # a preflight carries no login; the browser reads the headers below
        if refusal is None:
            refusal = await self._unknown(scope, headers)
        if refusal is None:
            refusal = _beyond(scope)
        if scope["type"] == "websocket" and refusal is not None:
            await receive()
            return await send({"type": "websocket.close", "code": 1008})
        await (refusal or self.app)(scope, receive, _told(send, [*self._shields(), *self._cors(headers)]))

    def _stranger(self, scope: Scope, headers: Headers) -> Response | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or NETLOC.fullmatch(hosts[0]) is None:
            return _refusal(scope, 400, "The request must name one host.")
        if not self.rules.knows_host(hosts[0]):
            way = f"call it by its address, or start it with --cors-allow-origins=http://{hosts[0]}"
            return _refusal(scope, 403, f"This server is not {hosts[0]}; {way}.")
        origin = headers.get("origin", "").lower()
        changes = scope["type"] == "websocket" or scope["method"] not in READING or scope["method"] == "OPTIONS"
        changes = changes or "text/event-stream" in headers.get("accept", "")
        if changes and not origin and headers.get("sec-fetch-site") == "cross-site":
            return _refusal(scope, 403, "Pages of other sites may not use this server.")
        if origin and changes and not self.rules.knows_origin(origin, hosts[0]):
            way = f"if they should, start it with --cors-allow-origins={origin}"
            return _refusal(scope, 403, f"Pages of {origin} may not use this server; {way}.")
        return None

    async def _unknown(self, scope: Scope, headers: Headers) -> Response | None:
        door = self.rules.api if is_api(scope) else self.rules.page
        if not door.logins:
            _come_in(scope, HOST)
            return None
        header = headers.get("authorization", "").encode("latin-1")
        ask = {"WWW-Authenticate": 'Basic realm="webui", charset="UTF-8"'}
        if not header:
            return _refusal(scope, 401, "Log in with a user name and password (HTTP Basic).", ask)
        if user := door.remembers(header):
            _come_in(scope, user)
            return None
        address = (scope.get("client") or ("",))[0]
        if pause := door.pause(address):
            text = "Too many wrong logins; wait a little and try again."
            return _refusal(scope, 429, text, {"Retry-After": str(int(pause) + 1)})
        if user := await asyncio.get_running_loop().run_in_executor(self._checkers, door.opens, header, address):
            _come_in(scope, user)
            return None
        log.warning("A login from %s failed.", address)
        return _refusal(scope, 401, "The user name or the password is wrong.", ask)

    def _shields(self) -> list[tuple[bytes, bytes]]:
        """What keeps browsers from guessing kinds, and foreign pages from laying ours under a button of theirs."""
        framed = [] if self.rules.origins or self.rules.pattern else [(b"x-frame-options", b"SAMEORIGIN")]
        return [(b"x-content-type-options", b"nosniff"), *framed]

    def _cors(self, headers: Headers) -> list[tuple[bytes, bytes]]:
        origin = headers.get("origin", "")
        named = self.rules.trusts(origin.lower())
        if not origin or not (named or "*" in self.rules.origins):
            return []
        wanted = headers.get("access-control-request-headers", "Authorization, Content-Type")
        said = {"allow-origin": origin if named else "*", "allow-methods": METHODS, "allow-headers": wanted}
        if named:
            said["allow-credentials"] = "true"
        pairs = [(f"access-control-{name}".encode(), text.encode("latin-1")) for name, text in said.items()]
        return [*pairs, (b"vary", b"Origin")]


def _told(send: Send, more: list[tuple[bytes, bytes]]) -> Send:
    """`send` with these headers, and none of the CORS headers that the parts inside may say."""

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message.get("headers", ()) if not pair[0].lower().startswith(b"access-control-")]
            message = {**message, "headers": kept + more}
        await send(message)

    return told


def is_api(scope: Scope) -> bool:
    """Whether the router will take this path for the API, behind a proxy's sub-path too."""
    path = below(scope)
    return any(path == prefix or path.startswith(prefix + "/") for prefix in API)


def below(scope: Scope) -> str:
    """The path as the router sees it, without a proxy's sub-path."""
    path, root = str(scope["path"]), scope.get("root_path", "")
    return path[len(root) :] if root and path.startswith(root + "/") else path


def _come_in(scope: Scope, user: User) -> None:
    """From here on the request is this user's: `request.state.user`."""
    scope.setdefault("state", {})["user"] = user


def _beyond(scope: Scope) -> Response | None:
    """A refusal where the user's role does not reach this far."""
    user = scope["state"]["user"]
    if scope["type"] == "http" and not may(user, scope["method"], below(scope)):
        return _refusal(
            scope, 403, f"A {user.role.name.lower()} may not do this: {scope['method']} {below(scope)[:200]}."
        )
    return None


def _refusal(scope: Scope, status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    path = scope["path"]
    if any(f"{prefix}/" in path for prefix in (*API, "/internal")):
        return answer(status, "HTTPException", text, headers)
    return PlainTextResponse(text + "\n", status, headers)
