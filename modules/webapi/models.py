"""What there is to choose from: checkpoints, samplers, schedule types, styles."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter
from pydantic import BaseModel

from modules.app import App
from modules.sampling.tables import AUTOMATIC, SAMPLERS, SCHEDULES
from modules.webapi.watch import Watch


class SDModelItem(BaseModel):
    """A checkpoint."""

    title: str
    model_name: str
    hash: str | None = None
    sha256: str | None = None
    filename: str
    config: str | None = None


class SamplerItem(BaseModel):
    """A sampler."""

    name: str
    aliases: list[str]
    options: dict[str, str]


class SchedulerItem(BaseModel):
    """A schedule type, as A1111 has told it since 1.9."""

    name: str
    label: str
    aliases: list[str] | None = None
    default_rho: float = -1.0
    need_inner_model: bool = False


class PromptStyleItem(BaseModel):
    """A style."""

    name: str
    prompt: str | None = None
    negative_prompt: str | None = None


def routes(app: App, watch: Watch) -> APIRouter:
    """The routes of lists."""
    router = APIRouter(prefix="/sdapi/v1")

    @router.get("/sd-models")
    def sd_models() -> list[SDModelItem]:
        return [
            SDModelItem(
                title=one.title,
                model_name=one.model_name,
                hash=one.short_hash,
                sha256=one.sha256,
                filename=str(one.path),
                config=str(one.sidecar) if one.sidecar else None,
            )
            for one in app.library.checkpoints()
        ]

    @router.get("/prompt-styles")
    def prompt_styles() -> list[PromptStyleItem]:
        return [PromptStyleItem(**asdict(one)) for one in app.sources.styles.all().values()]

    @router.post("/refresh-checkpoints")
    def refresh_checkpoints() -> None:
        app.library.scan()

    @router.get("/samplers")
    async def samplers() -> list[SamplerItem]:
        return [SamplerItem(name=row.name, aliases=list(row.aliases), options=row.options) for row in SAMPLERS]

    @router.get("/schedulers")
    async def schedulers() -> list[SchedulerItem]:
        return [SchedulerItem(name=AUTOMATIC.lower(), label=AUTOMATIC)] + [
            SchedulerItem(
                name=row.name,
                label=row.label,
                aliases=list(row.aliases) or None,
                default_rho=row.rho,
                need_inner_model=row.needs_model,
            )
            for row in SCHEDULES
        ]

    return router
