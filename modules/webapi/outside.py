"""Requests that the server makes itself, for pictures given by their address and for webhooks: guarded.

A host name is looked up once, what it stands for is judged, and the connection goes to that very address, so that a
second answer of a name server (DNS rebinding) changes nothing. Every hop of a redirect goes the same way.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore
from PIL import Image

from modules.exceptions import Forbidden, ParameterError
from modules.imaging.pixels import from_base64, from_bytes
from modules.settings.options import View

SCHEMES = ("http", "https")
SECONDS = 30.0  # for one picture, redirects and all
STEP = 10.0  # seconds for a connection, or for the next bytes
LARGEST = 64 << 20  # bytes
REDIRECTS = 5
MOVED = (301, 302, 303, 307, 308)
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: IPv4 addresses in IPv6's clothes

Headers = dict[bytes | str, bytes | str]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_public(address: Address) -> bool:
    """Whether it belongs to somebody out there, whatever it is dressed as."""
    if isinstance(address, ipaddress.IPv6Address):
        if inside := address.ipv4_mapped or address.sixtofour:
            return is_public(inside)
        if address.teredo or address in NAT64:
            return False
    return address.is_global and not address.is_multicast


class Guarded(httpcore.SyncBackend):
    """httpcore's way to the network, closed towards this machine and its neighbours unless they are allowed."""

    def __init__(self, local: bool):
        self._local = local

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        address = self._address(host, port)
        return super().connect_tcp(address, port, timeout, local_address, socket_options)

    def connect_unix_socket(self, *given: Any, **words: Any) -> httpcore.NetworkStream:
        raise httpcore.ConnectError("there are no such addresses")

    def _address(self, host: str, port: int) -> str:
        try:
            found = [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"there is no host {host[:100]}") from error
        if not self._local and not all(is_public(ipaddress.ip_address(one.partition("%")[0])) for one in found):
            raise Forbidden(f"{host[:100]} is an address of this machine or its neighbours, which are out of bounds.")
        return found[0]


def fetch(url: str, *, local: bool = False, agent: str = "") -> bytes:
    """What lies at an address. Forbidden or ParameterError with a sentence where it cannot be had."""
    until = time.monotonic() + SECONDS
    agent = agent.encode("ascii", "replace").decode() or "webui"
    with httpcore.ConnectionPool(network_backend=Guarded(local), max_keepalive_connections=0) as pool:
        for _ in range(REDIRECTS + 1):
            where = checked(url)
            try:
                headers: Headers = {"Host": where, "Accept": "image/*", "User-Agent": agent}
                with pool.stream("GET", url, headers=headers, extensions=_timeouts()) as answer:
                    if answer.status not in MOVED:
                        return _body(answer, url, until)
                    told = {name.lower(): value for name, value in answer.headers}
                    url = urljoin(url, told.get(b"location", b"").decode("latin-1"))
            except (*_FAILURES, UnicodeError) as error:
                raise ParameterError(_unreachable(url, error)) from None
    raise ParameterError(f"{url[:100]} redirects too often.")


def post(url: str, body: bytes, headers: Headers, *, local: bool = False) -> int:
    """Send JSON to an address, following no redirect: the status of the answer. Raises as `fetch` does."""
    where = checked(url)
    words: Headers = {"Content-Type": "application/json", "User-Agent": "webui", **headers, "Host": where}
    with httpcore.ConnectionPool(network_backend=Guarded(local), max_keepalive_connections=0) as pool:
        try:
            with pool.stream("POST", url, headers=words, content=body, extensions=_timeouts()) as answer:
                return answer.status
        except (*_FAILURES, UnicodeError) as error:
            raise ParameterError(_unreachable(url, error)) from None


_FAILURES = (
    httpcore.ConnectError, httpcore.ReadError, httpcore.WriteError, httpcore.TimeoutException, httpcore.ProtocolError,
    httpcore.UnsupportedProtocol, ValueError, OSError,
)  # fmt: skip


def checked(url: str) -> str:
    """The host and port of an address that may be asked; ParameterError for what is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ParameterError(f"{url[:100]!r} is no address that can be asked.") from None
    if parts.scheme not in SCHEMES or not parts.hostname or parts.username is not None or not url.isprintable():
        raise ParameterError(f"{url[:100]!r} is no address that can be asked; give one that begins with https://.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{host}:{port}" if port else host


def _unreachable(url: str, error: Exception) -> str:
    return f"{url[:100]} cannot be reached: {str(error) or type(error).__name__}."


def _timeouts() -> dict[str, Any]:
    return {"timeout": {"connect": STEP, "read": STEP, "write": STEP, "pool": STEP}}


def _body(answer: httpcore.Response, url: str, until: float) -> bytes:
    if answer.status != 200:
        raise ParameterError(f"{url[:100]} answered {answer.status}.")
    body = bytearray()
    for piece in answer.iter_stream():
        body += piece
        if len(body) > LARGEST:
            raise ParameterError(f"{url[:100]} is larger than {LARGEST >> 20} MiB.")
        if time.monotonic() > until:
            raise ParameterError(f"{url[:100]} takes longer than {SECONDS:.0f} seconds.")
    return bytes(body)


def is_address(text: str) -> bool:
    """Whether a picture is given by its address."""
    return text[:8].lower().startswith(("http://", "https://"))


def picture(view: View) -> Callable[[str], Image.Image]:
    """What opens a picture given in base64 or, where the options allow it, by its address."""

    def opened(text: str) -> Image.Image:
        if not is_address(text):
            return from_base64(text)
        allowed(view)
        data = fetch(text, local=not view.api_forbid_local_requests, agent=view.api_useragent)
        return from_bytes(data, f"What lies at {text[:100]} is not an image that can be read.")

    return opened


def allowed(view: View) -> None:
    """Forbidden where the options keep the server from asking others."""
    if not view.api_enable_requests:
        raise Forbidden('This server fetches nothing from elsewhere; the setting "Allow http:// and https://" is off.')
