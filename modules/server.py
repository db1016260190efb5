"""The HTTP server: API, page and middleware put together, and the process around them from start to clean end."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import signal
import socket
import ssl
import sys
import threading
import time
import webbrowser
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import psutil
import uvicorn
from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from modules import VERSION
from modules.app import App
from modules.exceptions import NotFound, WebuiError
from modules.host.events import Ending, Started
from modules.settings.sections import Launch
from modules.webapi import (
    browser,
    cards,
    describe,
    errors,
    extras,
    generation,
    history,
    images,
    internal,
    jobs,
    lifecycle,
    live,
    logins,
    mcp,
    models,
    networks,
    options,
    patience,
    progress,
    scripts,
    security,
    tokens,
    unbuilt,
    waiting,
)
from modules.webapi.patience import Patient
from modules.webapi.watch import End, Watch

log = logging.getLogger(__name__)

RESOURCES = (
    generation, extras, progress, live, options, models, networks, images, tokens, internal, lifecycle, cards, scripts,
    describe, unbuilt, jobs, mcp, browser, history, waiting,
)  # fmt: skip
NOTHING = "/{rest:path}"  # paths below a prefix that no route has
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ZIPPED = ("", "/", "/config")
PORTS = 100  # tried after the default one
BREATH = 0.5  # seconds between the first answer and the import of torch, which would slow the page's first load
ANSWERED = 0.1  # seconds in which the answer to the request that ends the server gets out
GRACE = 2  # seconds for open requests at the end
LAST_STEP = 5.0  # seconds for the running job to notice the end


def create(app: App, rules: security.Rules | None = None) -> FastAPI:
    """The whole ASGI application; `rules` are the flags' own if left out."""
    rules = rules or security.rules(app.launch)
    watch = Watch(app.queue)
    api = FastAPI(title="webui", version=VERSION, docs_url=None, redoc_url=None)
    api.state.watch = watch
    if app.launch.share:
        from modules.webui import share

        api.state.share = share.Share(rules.tunnel, app.launch.share_hours)
        api.include_router(share.routes(api.state.share))
    for resource in RESOURCES:
        api.include_router(resource.routes(app, watch))
    for prefix in ("/sdapi", "/internal", "/sd_extra_networks", "/v2"):
        api.add_api_route(f"{prefix}{NOTHING}", _nothing(prefix), methods=list(METHODS), include_in_schema=False)
    errors.add_handlers(api)
    demo = None
    if not app.launch.nowebui:
        from modules.webui.page import mount  # gradio takes a second to import

        demo = mount(api, app)
    for guest in app.guests:
        guest.started(demo, api)
    app.events.tell(Started(api))
    api.router.routes.sort(key=_late)
    api.add_middleware(Compressed)
    api.add_middleware(patience.Sized)
    api.add_middleware(security.Guard, rules=rules)
    api.add_middleware(errors.Boundary, logs=app.launch.api_log)
    api.add_middleware(Below, subpath=_subpath(app.launch))
    return api


def _late(route: Any) -> int:
    """What takes all that is left comes after what guests have added: first under a prefix, then the page."""
    path = getattr(route, "path", None)
    return 2 if isinstance(route, Mount) and path == "" else 1 if str(path).endswith(NOTHING) else 0


def _subpath(launch: Launch) -> str:
    return f"/{path}" if (path := launch.subpath.strip("/")) else ""


def _nothing(prefix: str) -> Callable[[str], None]:
    def nothing(rest: str) -> None:
        raise NotFound(f"There is nothing at {prefix}/{rest[:200]} for this method.")

    return nothing


class Below:
    """ASGI middleware: everything lives under a sub-path, whether or not a reverse proxy has taken it off already."""

    def __init__(self, app: ASGIApp, subpath: str):
        self.app = app
        self.subpath = subpath

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app({**scope, "root_path": self.subpath} if self.subpath else scope, receive, send)


class Compressed:
    """ASGI middleware: gzip for the page itself and its configuration, which are large; event streams must not wait."""

    def __init__(self, app: ASGIApp):
        self.app = app
        self.zipping = GZipMiddleware(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        zips = scope["type"] == "http" and scope["path"].removeprefix(scope.get("root_path", "")) in ZIPPED
        await (self.zipping if zips else self.app)(scope, receive, send)


class Server(uvicorn.Server):
    """uvicorn that tells when it answers, and lets event streams go when it is to end."""

    def __init__(self, config: uvicorn.Config, watch: Watch, ready: Callable[[], None]):
        super().__init__(config)
        self._watch = watch
        self._ready = ready
        self.restarts = False
        watch.end = self.end

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            threading.Thread(target=self._ready, name="ready", daemon=True).start()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.stop(at_once=self.should_exit and sig == signal.SIGINT)

    def end(self, how: End) -> None:
        """End the server after the answer that is being given."""
        self.restarts = how is End.RESTART
        threading.Timer(ANSWERED, _leave if how is End.KILL else self.stop).start()

    def stop(self, at_once: bool = False) -> None:
        """End the server; from any thread."""
        self.should_exit, self.force_exit = True, at_once
        self._watch.stop()


def serve(app: App, fixed_port: bool = False) -> int:
    """Serve until a signal ends it; the exit status. WebuiError for flags that cannot be met.

    With `fixed_port` only the flag's own port will do.
    """
    if told := _errand(app):
        _say(told)
        return 0
    _allow_connections()
    rules, tls = security.rules(app.launch), _tls(app.launch)
    with contextlib.closing(bind(app.launch, fixed_port)) as listener:
        api = create(app, rules)
        config = uvicorn.Config(
            api,
            http=Patient,
            log_config=None,
            access_log=False,
            timeout_keep_alive=app.launch.timeout_keep_alive,
            timeout_graceful_shutdown=GRACE,
            **tls,
        )
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
        url = f"{'https' if tls else 'http'}://{_shown(listener)}:{listener.getsockname()[1]}{_subpath(app.launch)}"

        def ready() -> None:
            _started(app, url, rules, api.state.watch)
            if app.launch.share:
                _say(api.state.share.open(_shown(listener), listener.getsockname()[1]))

        running = Server(config, api.state.watch, ready)
        running.run([listener])
        if app.launch.share:
            api.state.share.close()
    _end(app, running.restarts)
    return 0


def _errand(app: App) -> str:
    """What a flag asks for instead of serving, done: what came of it."""
    launch = app.launch
    if launch.hash_passwords:
        if not launch.gradio_auth_path:
            raise WebuiError("--hash-passwords needs the file that holds them; name it by --gradio-auth-path.")
        count = logins.hash_file(Path(launch.gradio_auth_path).expanduser(), "--hash-passwords")
        return f"Passwords replaced by hashes: {count}"
    if launch.dump_sysinfo:
        path = Path("sysinfo.json").resolve()
        path.write_text(json.dumps(internal.report(app), indent=4, default=str), encoding="utf-8")
        return f"The report is in {path}"
    return ""


def _tls(launch: Launch) -> dict[str, Any]:
    """uvicorn's words for https; none without the flags. WebuiError where they cannot be met."""
    key, certificate = launch.tls_keyfile, launch.tls_certfile
    if not key and not certificate:
        return {}
    if launch.share:
        raise WebuiError("--share brings https of its own; leave --tls-keyfile and --tls-certfile out.")
    if not certificate:
        raise WebuiError("--tls-keyfile needs the certificate too; name it by --tls-certfile.")
    try:  # uvicorn would end in a trace
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key or None)
    except (OSError, ssl.SSLError) as error:
        text = f"https is not possible with --tls-certfile {certificate} and --tls-keyfile {key} ({error})."
        raise WebuiError(text) from error
    return {"ssl_certfile": certificate} | ({"ssl_keyfile": key} if key else {})


def _allow_connections() -> None:
    """As many open files as the system grants: every connection is one, and 1024 are soon taken."""
    with contextlib.suppress(ImportError, OSError, ValueError):  # Windows has no such limit
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def bind(launch: Launch, fixed_port: bool) -> socket.socket:
    """A listening socket at the flags' address; WebuiError if there is none to be had."""
    host = launch.server_name.strip("[]") or ("0.0.0.0" if launch.listen else "127.0.0.1")
    first = launch.port
    last = first if fixed_port or first != Launch().port else min(65535, first + PORTS)
    for port in range(first, last + 1):
        listener = _listener(host, port)
        if listener is not None:
            if port != first:
                log.info("Port %d is taken by another program; using %d.", first, port)
            return listener
    ports = f"Port {first} is" if first == last else f"Ports {first} to {last} are all"
    raise WebuiError(f"{ports} taken by another program; choose another --port.")


def _listener(host: str, port: int) -> socket.socket | None:
    """None if the port is taken."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise WebuiError(f"There is no address {host!r} here ({error.strerror}); see --server-name.") from error
    try:
        if os.name == "posix":  # elsewhere the same option would steal a port in use
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            return None
        text = f"The program may not serve at {host}:{port} ({error.strerror}); see --server-name and --port."
        raise WebuiError(text) from error
    return listener


def _shown(listener: socket.socket) -> str:
    host = str(listener.getsockname()[0])
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _started(app: App, url: str, rules: security.Rules, watch: Watch) -> None:
    """The server answers: say so, and begin what the page need not wait for."""
    watch.took = time.time() - psutil.Process().create_time()
    lines = [f"Running on local URL:  {url}"]
    scheme, port = url.partition(":")[0], url.rpartition(":")[2]
    if rules.opened and "127.0.0.1" not in app.launch.server_name and not (app.launch.share and not app.launch.listen):
        lines.append(f"Other machines reach it at {scheme}://{socket.gethostname()}:{port}")
    for login in rules.made_up:
        user, _, password = login.partition(":")
        lines.append(f"Log in as {user} with the password {password}")
    if rules.made_up:
        lines.append("Logins are made up for this run; choose your own with --gradio-auth user:password")
    _say("\n".join(lines))
    if app.launch.autolaunch:
        webbrowser.open(url)
    app.history.refresh()
    if not app.launch.skip_load_model_at_start:
        timer = threading.Timer(BREATH, app.load_checkpoint)
        timer.daemon = True
        timer.start()


def _leave() -> None:
    os._exit(0)


def _tell_ending(app: App) -> None:
    """Extensions put their things away; one that takes too long is not waited for."""
    telling = threading.Thread(target=app.events.tell, args=(Ending(),), name="ending", daemon=True)
    telling.start()
    telling.join(LAST_STEP)


def _end(app: App, restarts: bool) -> None:
    """End the worker; where it is deep in a step, leave without tidying up, which torch's threads would crash."""
    _tell_ending(app)
    app.queue.close(LAST_STEP)
    if restarts:
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    if app.queue.current is not None:
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0)
