"""Many requests as one job: each is planned and drawn when its turn comes, and what fails is told and passed over."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from modules.exceptions import WebuiError
from modules.generate.request import Request
from modules.generate.result import Picture, Result
from modules.jobs.progress import Progress

Draw = Callable[[Request, Progress], Result]  # plans it too


@dataclass(frozen=True, slots=True)
class Turn:
    """A request to come; made when its turn is, so that thousands of pictures need no memory."""

    name: str
    request: Callable[[], Request]


def run(turns: Sequence[Turn], draw: Draw, progress: Progress, shown: int) -> Result:
    """Draw them one after another: all pictures as one result, of which the first `shown` stay in it, -1 for all.

    Where nothing at all could be drawn, what the first one failed with is raised.
    """
    started = time.monotonic()
    results: list[Result] = []
    failures: list[WebuiError] = []
    comments: dict[str, None] = {}
    kept: list[Picture] = []
    for number, turn in enumerate(turns):
        if progress.stop.ends:
            break
        progress.part(number, len(turns))
        progress.say(turn.name)
        try:
            made = draw(turn.request(), progress)
        except WebuiError as error:
            failures.append(error)
            comments[f"{turn.name}: {error}"] = None
            continue
        comments |= dict.fromkeys(made.comments)
        room = len(made.pictures) if shown < 0 else max(shown - len(kept), 0)
        kept += made.pictures[:room]
        results.append(replace(made, pictures=made.pictures[:room], grid=None))
    progress.part(0, 1)
    if not results:
        raise failures[0] if failures else WebuiError("It was stopped before the first picture.")
    seeds = [seed for one in results for seed in one.plan.seeds[: len(one.pictures)]]
    subseeds = [seed for one in results for seed in one.plan.subseeds[: len(one.pictures)]]
    return replace(
        results[-1],
        plan=replace(results[-1].plan, seeds=tuple(seeds), subseeds=tuple(subseeds)),
        pictures=tuple(kept),
        comments=tuple(comments),
        seconds=time.monotonic() - started,
        interrupted=progress.stop.ends,
    )
