"""Requests that the program makes itself, guarded: nothing of this machine or its neighbours is asked by accident.

A host name is looked up once, what it stands for is judged, and the connection goes to that very address, so that a
second answer of a name server (DNS rebinding) changes nothing. Every hop of a redirect goes the same way.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore

from modules.exceptions import Forbidden, ParameterError

SCHEMES = ("http", "https")
STEP = 10.0  # seconds for a connection, or for the next bytes
REDIRECTS = 5
MOVED = (301, 302, 303, 307, 308)
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: IPv4 addresses in IPv6's clothes
FAILURES = (
    httpcore.ConnectError, httpcore.ReadError, httpcore.WriteError, httpcore.TimeoutException, httpcore.ProtocolError,
    httpcore.UnsupportedProtocol, ValueError, OSError,
)  # fmt: skip

Headers = Mapping[str, str]
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


class Answer:
    """What came back: where it lay in the end, its status, its headers by lower-case name, and its body in pieces.

    `on_the_way`: the headers of the redirects that led there.
    """

    def __init__(self, url: str, response: httpcore.Response, on_the_way: Mapping[str, str]):
        self.url = url
        self.status = response.status
        self.headers, self.on_the_way = _told(response), on_the_way
        self._response = response

    def pieces(self) -> Iterator[bytes]:
        """The body. Unreachable where it breaks off."""
        with failing(self.url):
            yield from self._response.iter_stream()


@contextmanager
def opened(url: str, headers: Headers, *, local: bool = False, secret: str = "") -> Iterator[Answer]:
    """Ask for an address, following redirects. Forbidden or ParameterError with a sentence where it cannot be asked.

    `secret`: the Authorization for the first host alone; whoever it redirects to is told nothing.
    """
    first = url.partition(":")[0], checked(url)
    before: dict[str, str] = {}
    with httpcore.ConnectionPool(network_backend=Guarded(local), max_keepalive_connections=0) as pool:
        for _ in range(REDIRECTS + 1):
            words = dict(headers) | {"Host": checked(url)}
            if secret and (url.partition(":")[0], words["Host"]) == first:
                words["Authorization"] = secret
            with ExitStack() as stack:
                with failing(url):
                    asked = pool.stream("GET", url, headers=_encoded(words), extensions=_timeouts())
                    response = stack.enter_context(asked)
                if response.status not in MOVED:
                    yield Answer(url, response, before)
                    return
                before |= _told(response)
            url = urljoin(url, before.get("location", ""))
    raise ParameterError(f"{url[:100]} redirects too often.")


@contextmanager
def failing(url: str) -> Iterator[None]:
    """What goes wrong with the network, as a ParameterError that names the address."""
    try:
        yield
    except (*FAILURES, UnicodeError) as error:
        raise Unreachable(f"{url[:100]} cannot be reached: {str(error) or type(error).__name__}.") from None


class Unreachable(ParameterError):
    """An address that does not answer, or stops in the middle."""


def post(url: str, body: bytes, headers: Headers, *, local: bool = False) -> int:
    """Send JSON to an address, following no redirect: the status of the answer. Raises as `opened` does."""
    words = {"Content-Type": "application/json", "User-Agent": "webui", **headers, "Host": checked(url)}
    pool = httpcore.ConnectionPool(network_backend=Guarded(local), max_keepalive_connections=0)
    extra: Any = {"headers": _encoded(words), "content": body, "extensions": _timeouts()}
    with failing(url), pool, pool.stream("POST", url, **extra) as answer:
        return answer.status


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


def agent(name: str = "") -> str:
    """How the program names itself."""
    return name.encode("ascii", "replace").decode() or "webui"


def _timeouts() -> dict[str, Any]:
    return {"timeout": {"connect": STEP, "read": STEP, "write": STEP, "pool": STEP}}


def _encoded(words: Headers) -> dict[bytes | str, bytes | str]:
    return {name: value for name, value in words.items()}  # noqa: C416 - its keys may be bytes too


def _told(response: httpcore.Response) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
