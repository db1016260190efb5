"""What is fetched for a request's sake: pictures given by their address, where the options allow it."""

from __future__ import annotations

import time
from collections.abc import Callable

from PIL import Image

from modules import remote
from modules.exceptions import Forbidden, ParameterError
from modules.imaging.pixels import from_base64, from_bytes
from modules.settings.options import View

SECONDS = 30.0  # for one picture, redirects and all
LARGEST = 64 << 20  # bytes


def fetch(url: str, *, local: bool = False, agent: str = "") -> bytes:
    """What lies at an address. Forbidden or ParameterError with a sentence where it cannot be had."""
    until = time.monotonic() + SECONDS
    headers = {"Accept": "image/*", "User-Agent": remote.agent(agent)}
    with remote.opened(url, headers, local=local) as answer:
        return _body(answer, until)


def _body(answer: remote.Answer, until: float) -> bytes:
    if answer.status != 200:
        raise ParameterError(f"{answer.url[:100]} answered {answer.status}.")
    body = bytearray()
    for piece in answer.pieces():
        body += piece
        if len(body) > LARGEST:
            raise ParameterError(f"{answer.url[:100]} is larger than {LARGEST >> 20} MiB.")
        if time.monotonic() > until:
            raise ParameterError(f"{answer.url[:100]} takes longer than {SECONDS:.0f} seconds.")
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
