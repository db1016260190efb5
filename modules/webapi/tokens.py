"""POST internal/token-counts: how long the prompts are that stand in the page's boxes. Waits for no job."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from modules.app import App
from modules.generate.plan import request_from
from modules.generate.request import Txt2Img
from modules.generate.wording import count
from modules.host.events import Counting
from modules.webapi.schemas import Body
from modules.webapi.watch import Watch

LONGEST = 50_000  # characters


class TokenCountsRequest(Body):
    """The fields of a request that decide it."""

    prompt: str = Field("", max_length=LONGEST)
    negative_prompt: str = Field("", max_length=LONGEST)
    styles: list[str] = []
    steps: int = 20


class TokenCount(BaseModel):
    """One prompt's."""

    count: int = Field(description="Tokens of the longest part at its longest moment.")
    limit: int = Field(description="The multiple of 75 that holds them.")


class TokenCountsResponse(BaseModel):
    """Of both prompts."""

    prompt: TokenCount
    negative_prompt: TokenCount


def routes(app: App, watch: Watch) -> APIRouter:
    """The route of the token counters."""
    router = APIRouter(prefix="/internal")

    @router.post("/token-counts")
    def token_counts(body: TokenCountsRequest) -> TokenCountsResponse:
        asked: Txt2Img = request_from(body.model_dump())
        return TokenCountsResponse(
            prompt=counted(app, Counting(asked.prompt, asked.steps, [*asked.styles], False)),
            negative_prompt=counted(app, Counting(asked.negative_prompt, asked.steps, [*asked.styles], True)),
        )

    return router


def counted(app: App, asked: Counting) -> TokenCount:
    """How long a prompt is, as those who listen want it counted."""
    app.events.tell(asked)
    words = asked.prompt, asked.steps, asked.styles
    tokens, limit = count(*words, app.options.view(), app.sources, negative=asked.negative)
    return TokenCount(count=tokens, limit=limit)
