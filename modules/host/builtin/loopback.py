"""Loopback: each picture is drawn over the one before, at a strength that moves along a curve."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from modules.declare import Range, param
from modules.exceptions import ParameterError
from modules.generate.plan import Plan
from modules.generate.request import Img2Img, Request
from modules.generate.result import Result
from modules.generate.source import ORIGINAL
from modules.host.gathering import gathered, saved_grid, sheet, with_pairs
from modules.host.script import Selectable, Studio
from modules.imaging.pixels import flatten

CURVES: dict[str, Callable[[float], float]] = {  # share of the loops → share of the change in strength
    "Aggressive": lambda share: math.sin(share * math.pi / 2),
    "Linear": lambda share: share,
    "Lazy": lambda share: 1 - math.cos(share * math.pi / 2),
}

NO, DEEP = "None", "DeepBooru"

# fmt: off


@dataclass(frozen=True, kw_only=True, slots=True)
class Params:
    """Its arguments."""

    loops: int = param(4, "Loops", slider=Range(1, 32), valid=Range(1, 1000))
    final_denoising_strength: float = param(0.5, "Final denoising strength", slider=Range(0, 1, 0.01),
                                            valid=Range(0, 1))
    denoising_curve: str = param("Linear", "Denoising strength curve", choices=tuple(CURVES))
    append_interrogation: str = param(NO, "Append interrogated prompt at each iteration",
                                      choices=(NO, "CLIP", DEEP))

# fmt: on


class Loopback(Selectable):
    """With a batch count, that many times from the start, of which only the last pictures are shown."""

    title = "Loopback"
    file = "loopback.py"
    tabs = ("img2img",)
    params = Params

    def check(self, request: Request, args: Sequence[Any]) -> None:
        if self.values(args, "img2img").append_interrogation == DEEP:
            raise ParameterError(f"There is no {DEEP} model here; choose CLIP or None for the appended prompt.")

    def make(self, studio: Studio, plan: Plan, values: Params) -> Result | None:
        request = plan.request
        assert isinstance(request, Img2Img)
        batches, seed = request.n_iter, plan.seeds[0]
        told = {"Final denoising strength": values.final_denoising_strength, "Denoising curve": values.denoising_curve}
        alone = replace(request, subseed=plan.subseeds[0], n_iter=1, batch_size=1, do_not_save_grid=True)
        every: list[Result] = []
        kept: list[Result] = []
        studio.share(batches * values.loops)
        for _ in range(batches):
            now, last = alone, None
            for loop in range(values.loops):
                now = replace(now, seed=seed, denoising_strength=self._strength(request, values, loop))
                if values.append_interrogation != NO:
                    now = replace(now, prompt=self._described(studio, now, plan))
                made = studio.draw(with_pairs(studio.plan(now), told))
                if not made.pictures:
                    break
                every, last, seed = [*every, made], made, seed + 1
                if batches == 1:
                    kept.append(made)
                if made.interrupted:
                    break
                now = replace(now, init_images=[made.pictures[0].image], inpainting_fill=ORIGINAL)
            if batches > 1 and last is not None:
                kept.append(last)
            if studio.stopped:
                break
        if not kept:
            return None
        result = gathered(kept, interrupted=studio.stopped)
        return self._with_grid(studio, result, every[0])

    @staticmethod
    def _described(studio: Studio, now: Img2Img, plan: Plan) -> str:
        """The prompt as it was, and what the picture shows that is drawn over."""
        shown = studio.caption(flatten(now.init_images[0], plan.view.img2img_background_color))
        return ", ".join(filter(None, (plan.request.prompt, shown)))

    @staticmethod
    def _strength(request: Img2Img, values: Params, loop: int) -> float:
        start = request.denoising_strength
        if values.loops == 1:
            return start
        moved = CURVES[values.denoising_curve](loop / (values.loops - 1))
        return min(1.0, start + (values.final_denoising_strength - start) * moved)

    @staticmethod
    def _with_grid(studio: Studio, result: Result, first: Result) -> Result:
        if len(result.pictures) < 2:
            return result
        plan = replace(first.plan, request=replace(first.plan.request, do_not_save_grid=False))
        images = [one.image for one in result.pictures]
        grid = saved_grid(sheet(studio, images, plan, rows=1), plan, first.pictures[0].infotext, studio.folders)
        return replace(result, grid=grid)
