"""--share: gradio's tunnel to this server, with an end, a switch that closes it, and a plain word where it fails."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter
from gradio import networking, tunneling
from pydantic import BaseModel

log = logging.getLogger(__name__)

OTHER_WAYS = "the README names two other ways, ssh and cloudflared"


class ShareState(BaseModel):
    """Where the server is reached from anywhere, if it is."""

    url: str | None = None
    until: float | None = None  # seconds since 1970


class Share:
    """One tunnel. `hosts` are the names that the guard lets in: the tunnel's is among them while it is open."""

    def __init__(self, hosts: set[str], hours: float):
        self._hosts = hosts
        self._seconds = hours * 3600
        self._lock = threading.Lock()
        self._tunnels: list[tunneling.Tunnel] = []
        self._end: threading.Timer | None = None
        self.state = ShareState()

    def open(self, host: str, port: int) -> str:
        """Open it, which takes seconds: what to tell the user. The server goes on whatever happens."""
        before = list(tunneling.CURRENT_TUNNELS)
        try:
            url = networking.setup_tunnel(host, port, secrets.token_urlsafe(32), None, None)
        except Exception as error:  # noqa: BLE001 - gradio and httpx raise whatever they like
            for one in tunneling.CURRENT_TUNNELS:
                if one not in before:
                    _end(one)
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            text = (
                f"--share: gradio's tunnel could not be opened ({reason.rstrip('.')}). The network may block it or its"
            )
            return f"{text} client {tunneling.BINARY_PATH} may be missing; {OTHER_WAYS}."
        name = (urlsplit(url).hostname or "").lower()
        with self._lock:
            self._tunnels = [one for one in tunneling.CURRENT_TUNNELS if one not in before]
            self._hosts.add(name)
            self.state = ShareState(url=url, until=time.time() + self._seconds)
            self._end = threading.Timer(self._seconds, self.close)
            self._end.daemon = True
            self._end.start()
        end = time.strftime("%A %H:%M", time.localtime(self.state.until))
        return (
            f"Reached from anywhere until {end}:  {url}\nTo end that earlier, press Stop sharing on the Settings tab."
        )

    def close(self) -> None:
        """Let nobody in by it any more, and end its process."""
        with self._lock:
            self._hosts.clear()
            tunnels, self._tunnels = self._tunnels, []
            if self._end is not None:
                self._end.cancel()
            self.state = ShareState()
        for one in tunnels:
            _end(one)
            log.info("The share link is closed.")


def _end(tunnel: Any) -> None:
    process = tunnel.proc
    tunnel.kill()
    if process is not None:
        process.communicate(timeout=5)  # reads what it said to the end, and closes its pipes


def routes(share: Share) -> APIRouter:
    """The state of the tunnel, and its switch; for administrators (see `webapi.rights`)."""
    router = APIRouter(prefix="/internal")

    @router.get("/share")
    def state() -> ShareState:
        return share.state

    @router.delete("/share")
    def close() -> ShareState:
        share.close()
        return share.state

    return router
