"""Model files fetched through the API: the body of such a job, and what it answers in the end."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pydantic import create_model

from modules.app import App
from modules.declare import specs
from modules.jobs.queue import Job
from modules.settings.reach import User
from modules.webapi.schemas import Body, fields
from modules.weights.downloads.request import Download

DOWNLOAD: type[Any] = create_model("DownloadRequest", __base__=Body, **fields(Download, {}))


def submit(app: App, body: Any, user: User, task_id: str | None) -> Job:
    """Queue it. Forbidden for all but administrators."""
    return app.download(Download(**{name: getattr(body, name) for name in specs(Download)}), task_id, user)


def answer(job: Job) -> dict[str, Any]:
    """Where the file is, and whether its checksum was known."""
    arrived = job.wait()
    return {"info": str(arrived), **asdict(arrived), "path": str(arrived.path)}
