"""POST internal/token-counts: how long the prompts are that stand in the page's boxes. Waits for no job."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from modules.app import App
from modules.generate.plan import request_from
from modules.generate.wording import counts
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
        found = counts(request_from(body.model_dump()), app.options.view(), app.sources)
        prompt, negative = (TokenCount(count=count, limit=limit) for count, limit in found)
        return TokenCountsResponse(prompt=prompt, negative_prompt=negative)

    return router
