"""What a hook changed in `p` comes back into the plan."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from modules.compat.binding import app
from modules.compat.processing import request_of
from modules.generate.plan import Plan
from modules.generate.plan import plan as make_plan
from modules.generate.request import Request, Txt2Img
from modules.generate.stages import Stage
from modules.generate.wording import Wording

UNSEEN = "prompt", "negative_prompt", "styles", "seed", "subseed"  # told per image by lists


def lists_of(p: Any, plan: Plan) -> None:
    """Give `p` the prompts and seeds of all images, and those of the second pass."""
    p.main_prompt, p.main_negative_prompt = plan.request.prompt, plan.request.negative_prompt
    p.all_prompts, p.all_negative_prompts = list(plan.wording.prompts), list(plan.wording.negative_prompts)
    p.all_seeds, p.all_subseeds = list(plan.seeds), list(plan.subseeds)
    p.extra_generation_params = {**plan.wording.extra, **p.extra_generation_params}
    if len(plan.stages) > 1:
        second = plan.stages[1].wording
        p.all_hr_prompts, p.all_hr_negative_prompts = list(second.prompts), list(second.negative_prompts)


def told_by(p: Any, plan: Plan) -> Plan:
    """The plan as `p` wants it now: other parameters plan anew, other lists are taken as they are."""
    wanted = request_of(p)
    if differs(wanted, plan.request):
        program = app()
        told_apart: dict[str, Any] = {"seed": plan.seeds[0], "subseed": plan.subseeds[0]}
        told_apart |= {name: getattr(plan.request, name) for name in ("prompt", "negative_prompt", "styles")}
        wanted = replace(wanted, **told_apart, override_settings=_kept(wanted, plan))
        plan = make_plan(wanted, program.options, program.library, program.sources)
    return worded(plan, {name: getattr(p, name, None) for name in LISTS}, p.extra_generation_params)


LISTS = "all_prompts", "all_negative_prompts", "all_seeds", "all_subseeds", "all_hr_prompts", "all_hr_negative_prompts"


def _kept(wanted: Request, plan: Plan) -> dict[str, Any]:
    return {**plan.request.override_settings, **wanted.override_settings}


def differs(one: Request, other: Request) -> bool:
    """Whether two requests differ in more than what is told per image."""
    names = [one.name for one in fields(other) if one.name not in UNSEEN]
    return any(not _same(getattr(one, name), getattr(other, name)) for name in names)


def _same(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))
    try:
        return bool(one == other)
    except Exception:  # noqa: BLE001 - values of extensions
        return False


def worded(plan: Plan, lists: Mapping[str, Any], extra: Mapping[str, Any]) -> Plan:
    """The plan with the prompts and seeds of the lists, as long as the longest of them wants it, and more to tell."""
    count = plan.count
    first = plan.stages[0].wording
    prompts = texts(lists.get("all_prompts"), first.prompts, count)
    negatives = texts(lists.get("all_negative_prompts"), first.negative_prompts, count)
    wording = replace(first, prompts=prompts, negative_prompts=negatives, extra={**first.extra, **told(extra)})
    stages: list[Stage] = [replace(plan.stages[0], wording=wording)]
    for stage in plan.stages[1:]:
        stages.append(replace(stage, wording=_second(stage.wording, wording, first, lists, plan.request)))
    seeds = tuple(int(one) for one in fitted(lists.get("all_seeds"), plan.seeds, count))
    subseeds = tuple(int(one) for one in fitted(lists.get("all_subseeds"), plan.subseeds, count))
    return replace(plan, stages=tuple(stages), seeds=seeds, subseeds=subseeds)


def _second(own: Wording, first: Wording, before: Wording, lists: Mapping[str, Any], request: Request) -> Wording:
    """The second pass's prompts; where it has none of its own, the first one's as they are now."""
    count = len(first.prompts)
    alike = isinstance(request, Txt2Img) and own.prompts == before.prompts
    alike_negative = isinstance(request, Txt2Img) and own.negative_prompts == before.negative_prompts
    given, given_negative = lists.get("all_hr_prompts"), lists.get("all_hr_negative_prompts")
    if alike and (given is None or tuple(given) == own.prompts):
        given = first.prompts
    if alike_negative and (given_negative is None or tuple(given_negative) == own.negative_prompts):
        given_negative = first.negative_prompts
    return replace(
        own,
        prompts=texts(given, own.prompts, count),
        negative_prompts=texts(given_negative, own.negative_prompts, count),
    )


def fitted(given: Sequence[Any] | None, before: Sequence[Any], count: int) -> tuple[Any, ...]:
    """`count` values: those given, repeated from the start where they are too few."""
    source = list(given) if given else list(before)
    return tuple(itertools.islice(itertools.cycle(source), count)) if source else tuple(before)


def texts(given: Sequence[Any] | None, before: Sequence[str], count: int) -> tuple[str, ...]:
    """The same for prompts; where an extension left none, the one that was there stays."""
    usual = fitted(None, before, count)
    return tuple(old if new is None else str(new) for new, old in zip(fitted(given, before, count), usual, strict=True))


def told(extra: Mapping[str, Any]) -> dict[str, Any]:
    """What goes into the infotext; a value may be a function, which A1111 asks when it writes."""
    made = {}
    for key, value in extra.items():
        if callable(value):
            continue
        if value is not None:
            made[str(key)] = value
    return made
