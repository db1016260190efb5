"""Prompt matrix: every combination of the parts of a prompt that stand behind bars."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from modules.declare import Range, param
from modules.exceptions import ParameterError
from modules.generate.plan import Plan
from modules.generate.request import Request
from modules.generate.result import Result
from modules.host.gathering import saved_grid, sheet
from modules.host.legends import inks
from modules.host.script import Selectable, Studio
from modules.imaging.legends import matrix

JOINTS = {"comma": ", ", "space": " "}
MOST_PARTS = 12

# fmt: off


@dataclass(frozen=True, kw_only=True, slots=True)
class Params:
    """Its arguments."""

    put_at_start: bool = param(False, "Put variable parts at start of prompt")
    different_seeds: bool = param(False, "Use different seed for each picture")
    prompt_type: str = param("positive", "Select prompt", choices=("positive", "negative"))
    variations_delimiter: str = param("comma", "Select joining char", choices=tuple(JOINTS))
    margin_size: int = param(0, "Grid margins (px)", slider=Range(0, 500, 2), valid=Range(0, 10000))

# fmt: on


def combined(parts: list[str], joint: str, at_start: bool) -> list[str]:
    """The prompt of each combination: the first part always, part n of the others where bit n of its number is set."""
    prompts = []
    for number in range(1 << len(parts) - 1):
        chosen = [text.strip().strip(",") for place, text in enumerate(parts[1:]) if number >> place & 1]
        prompts.append(joint.join([*chosen, parts[0]] if at_start else [parts[0], *chosen]))
    return prompts


class PromptMatrix(Selectable):
    """One plan of all combinations, and their grid with what each one has."""

    title = "Prompt matrix"
    file = "prompt_matrix.py"
    params = Params

    def make(self, studio: Studio, plan: Plan, values: Params) -> Result | None:
        negative = values.prompt_type == "negative"
        asked = replace(plan.request, do_not_save_grid=True)
        parts = (asked.negative_prompt if negative else asked.prompt).split("|")
        if len(parts) > MOST_PARTS + 1:
            raise ParameterError(f"{len(parts) - 1} parts make too many pictures; a matrix takes {MOST_PARTS} of them.")
        prompts = combined(parts, JOINTS[values.variations_delimiter], values.put_at_start)
        result = studio.draw(self._planned(studio, replace(asked, seed=plan.seeds[0]), prompts, negative, values))
        if len(result.pictures) < len(prompts):
            return result
        first, view = result.pictures[0], plan.view
        grid = sheet(studio, [one.image for one in result.pictures], plan, rows=1 << (len(parts) - 1) // 2)
        grid = matrix(grid, first.image.size, parts[1:], values.margin_size, inks(view))
        own = replace(result.plan, request=plan.request)
        return replace(result, grids=(saved_grid(grid, own, first.infotext, studio.folders, "prompt_matrix"),))

    @staticmethod
    def _planned(studio: Studio, asked: Request, prompts: list[str], negative: bool, values: Params) -> Plan:
        """One plan of so many pictures, each with its own prompt."""
        planned = studio.plan(replace(asked, n_iter=math.ceil(len(prompts) / asked.batch_size)))
        count, stages = len(prompts), []
        own: dict[str, Any] = {"negative_prompts" if negative else "prompts": tuple(prompts)}
        for stage in planned.stages:
            wording = stage.wording
            both: dict[str, Any] = {
                "prompts": wording.prompts[:count],
                "negative_prompts": wording.negative_prompts[:count],
            } | own
            stages.append(replace(stage, wording=replace(wording, **both)))
        seeds = [planned.seeds[0] + (number if values.different_seeds else 0) for number in range(count)]
        return replace(planned, stages=tuple(stages), seeds=tuple(seeds), subseeds=planned.subseeds[:count])
