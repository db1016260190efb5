"""Many results as one: what a script that had several jobs done answers with."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from PIL import Image

from modules.generate.backcompat import VERSION_KEY
from modules.generate.hooks import Layout
from modules.generate.plan import Plan
from modules.generate.result import Picture, Result
from modules.generate.saving import save_grid, save_image
from modules.host.script import Studio
from modules.imaging import grids
from modules.prompts import infotext
from modules.settings.folders import Folders

SAVED_ALONE: Mapping[str, Any] = {"do_not_save_samples": True, "do_not_save_grid": True}


def gathered(results: Sequence[Result], pictures: Sequence[Picture] | None = None, **changes: Any) -> Result:
    """The first result with the pictures of all, or with those given, and with `changes`."""
    first = results[0]
    comments = dict.fromkeys(text for one in results for text in one.comments)
    own = [picture for one in results for picture in one.pictures]
    words: dict[str, Any] = {
        "plan": merged([one.plan for one in results]),
        "pictures": tuple(own if pictures is None else pictures),
        "grid": None,
        "seconds": sum(one.seconds for one in results),
        "interrupted": any(one.interrupted for one in results),
        "comments": tuple(comments),
    }
    return replace(first, **words | changes)


def merged(plans: Sequence[Plan]) -> Plan:
    """The first plan with the seeds and prompts of all: what is told of the whole job."""
    first = plans[0]
    wording = replace(
        first.wording,
        prompts=tuple(text for one in plans for text in one.wording.prompts),
        negative_prompts=tuple(text for one in plans for text in one.wording.negative_prompts),
    )
    return replace(
        first,
        stages=(replace(first.stages[0], wording=wording), *first.stages[1:]),
        seeds=tuple(seed for one in plans for seed in one.seeds),
        subseeds=tuple(seed for one in plans for seed in one.subseeds),
    )


def with_pairs(plan: Plan, pairs: Mapping[str, Any]) -> Plan:
    """The plan with more pairs for the infotext of each picture."""
    first = plan.stages[0]
    wording = replace(first.wording, extra={**first.wording.extra, **pairs})
    return replace(plan, stages=(replace(first, wording=wording), *plan.stages[1:]))


def saved_sample(image: Image.Image, plan: Plan, text: str, folders: Folders) -> Picture:
    """A picture that was put together from parts, written where pictures go if the options want it."""
    path = save_image(image, plan, 0, text, folders) if _saves(plan, "samples") else None
    return Picture(image=image, infotext=text, path=path)


def told_of(result: Result, pairs: Mapping[str, Any]) -> str:
    """The infotext of a result's first picture with more pairs, before the version."""
    found = infotext.read(result.shown[0].infotext)
    told: dict[str, Any] = dict(found.pairs)
    version = {key: told.pop(key) for key in (VERSION_KEY,) if key in told}
    return infotext.write(found.prompt, found.negative_prompt, told | dict(pairs) | version)


def saved_grid(image: Image.Image, plan: Plan, text: str, folders: Folders, head: str = "grid") -> Picture:
    """A sheet, written where grids go if the options want it; `head` begins its name."""
    path = save_grid(image, plan, text, folders, head) if _saves(plan, "grid") else None
    return Picture(image=image, infotext=text, path=path)


def _saves(plan: Plan, what: str) -> bool:
    option = plan.view.samples_save if what == "samples" else plan.view.grid_save
    asked = plan.request.do_not_save_samples if what == "samples" else plan.request.do_not_save_grid
    return bool(option and not asked)


def sheet(studio: Studio, images: Sequence[Image.Image], plan: Plan, rows: int | None = None) -> Image.Image:
    """The pictures side by side; `rows` None as the options want grids."""
    view, count = plan.view, len(images)
    shape = grids.shape(count, plan.request.batch_size, view.n_rows, view.grid_prevent_empty_spots)
    layout = Layout([*images], rows or shape[0], math.ceil(count / rows) if rows else shape[1])
    studio.laying_out(plan, layout)
    return grids.grid(layout.images, layout.rows, layout.cols, view.grid_background_color)
