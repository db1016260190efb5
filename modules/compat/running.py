"""`process_images`: the way from `p` through the engine to `Processed`, within a job or as one of its own."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from modules.compat import processed as results
from modules.compat.binding import app
from modules.compat.processing import request_of, take
from modules.generate.plan import Plan
from modules.generate.plan import plan as make_plan
from modules.jobs.progress import Progress

WORKER = "worker"  # the name of the thread that owns the models


class Runs(threading.local):
    """What runs on this thread: the `p` and the plan of the job, and of what it began itself."""

    def __init__(self) -> None:
        self.stack: list[tuple[Any, Plan]] = []

    def p(self) -> Any:
        """The newest `p`."""
        return self.stack[-1][0] if self.stack else None

    def view(self) -> Any:
        """The options of the job."""
        return self.stack[-1][1].view if self.stack else None


RUNS = Runs()


def process_images(p: Any) -> results.Processed:
    """Make the pictures of `p`. Called by the worker within its job, by any other thread as a job of its own."""
    if threading.current_thread().name == WORKER and (job := app().queue.current) is not None:
        return draw(p, job.progress)
    made: results.Processed = app().queue.submit("script", lambda progress: draw(p, progress)).wait()
    return made


process_images_inner = process_images


def draw(p: Any, progress: Progress) -> results.Processed:
    """The same, on the worker's thread."""
    from modules.compat.hooks import ScriptHooks

    request = request_of(p)
    plan = plan_of(p, request)
    steps = progress.batches, progress.steps, progress.batch, progress.step
    hooks = ScriptHooks(p)
    try:
        result = app().engine.run(plan, progress, hooks)
    finally:
        hooks.close()
    progress.batches, progress.steps, progress.batch, progress.step = steps
    return hooks.processed or results.of_result(p, result)


def plan_of(p: Any, request: Any = None) -> Plan:
    """The plan of a request, with the seeds and prompts that `p` lists already."""
    program = app()
    request = request or request_of(p)
    return make_plan(request, program.options, program.library, program.sources)


def planned(p: Any, prompts: Any = None, seeds: Any = None, subseeds: Any = None, negatives: Any = None) -> Plan:
    """A plan that says of each image what the lists, or else those of `p`, say: for its infotext."""
    from modules.compat.readback import worded

    plan = plan_of(p)
    p_lists = {
        "all_prompts": prompts or p.all_prompts or list(plan.wording.prompts),
        "all_negative_prompts": negatives or p.all_negative_prompts or list(plan.wording.negative_prompts),
        "all_seeds": seeds or p.all_seeds or list(plan.seeds),
        "all_subseeds": subseeds or p.all_subseeds or list(plan.subseeds),
    }
    return worded(plan, p_lists, p.extra_generation_params)


def settle(p: Any, plan: Plan) -> None:
    """Tell `p` what was decided: seeds and the prompts of every image."""
    take(p, replace(plan.request, seed=plan.seeds[0], subseed=plan.subseeds[0]))


__all__ = ["RUNS", "draw", "plan_of", "planned", "process_images", "process_images_inner", "settle"]
