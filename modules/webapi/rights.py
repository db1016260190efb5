"""What each role may do over HTTP; what it may do within a route, the route itself asks `request.state.user`."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from modules.exceptions import NotFound
from modules.jobs.queue import Job, Queue
from modules.settings.reach import Role, User

READING = ("GET", "HEAD", "OPTIONS")
# What changes the server for everyone, or tells of the machine it runs on. A path ending in / means all below it.
ADMINS = (
    "/sdapi/v1/unload-checkpoint", "/sdapi/v1/reload-checkpoint", "/sdapi/v1/server-kill",
    "/sdapi/v1/server-restart", "/sdapi/v1/server-stop", "/sdapi/v1/create/", "/sdapi/v1/train/",
    "/sdapi/v1/cmd-flags", "/sdapi/v1/memory", "/internal/sysinfo", "/internal/sysinfo-download", "/internal/share",
    "/internal/restart",
)  # fmt: skip
ADMINS_WRITING = ("/sdapi/v1/options",)
GUESTS_READING = (
    "/", "/config", "/theme.css", "/manifest.json", "/favicon.ico", "/robots.txt", "/openapi.json", "/docs",
    "/assets/", "/static/", "/webui-file/", "/gradio_api/", "/v2/jobs", "/v2/jobs/",
    "/internal/ping", "/internal/queue", "/internal/live/", "/internal/preview/", "/internal/pending-tasks",
    "/internal/quicksettings-hint", "/sd_extra_networks/",
    *(f"/sdapi/v1/{name}" for name in (
        "progress", "samplers", "schedulers", "upscalers", "latent-upscale-modes", "sd-models", "sd-vae",
        "hypernetworks", "face-restorers", "realesrgan-models", "prompt-styles", "embeddings", "loras", "scripts",
        "script-info",
    )),
)  # fmt: skip
GUESTS_WRITING = (
    "/gradio_api/", "/v2/jobs", "/v2/jobs/", "/mcp", "/internal/progress", "/internal/token-counts", "/internal/queue/",
    *(f"/sdapi/v1/{name}" for name in (
        "txt2img", "img2img", "extra-single-image", "extra-batch-images", "png-info", "interrogate", "interrupt",
        "skip",
    )),
)  # fmt: skip


def may(user: User, method: str, path: str) -> bool:
    """Whether this user may send a request of this method there."""
    reads = method in READING
    if user.role is Role.ADMIN:
        return True
    if user.role is Role.GUEST:
        return _among(path, GUESTS_READING if reads else GUESTS_WRITING)
    return not _among(path, ADMINS if reads else ADMINS + ADMINS_WRITING)


def _among(path: str, known: tuple[str, ...]) -> bool:
    path = path.rstrip("/") or "/"  # the router takes a slash at the end for nothing
    return any(path == one or (len(one) > 1 and one.endswith("/") and path.startswith(one)) for one in known)


def who(request: Request) -> User:
    """Who asks."""
    user: User = request.state.user
    return user


Who = Annotated[User, Depends(who)]  # a route's argument of this type is whoever asks


def job_of(queue: Queue, task_id: str, user: User) -> Job:
    """The job of that id, if this user may look at it; else NotFound, which does not tell that there is one."""
    job = queue.find(task_id)
    if not user.sees(job.owner):
        raise NotFound(f"There is no job with the id {task_id[:80]!r}.")
    return job
