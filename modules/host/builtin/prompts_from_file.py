"""Prompts from file or textbox: a job for each line, which is a prompt or a row of `--key value`."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from modules.declare import param, specs
from modules.exceptions import ParameterError
from modules.generate.plan import Plan, request_from
from modules.generate.request import Request
from modules.generate.result import Result
from modules.host.gathering import gathered
from modules.host.script import Selectable, Studio

PROMPTS = "prompt", "negative_prompt"
OTHER_NAMES = {"sampler_index": "sampler_name"}
AS_OPTIONS = {"sd_model": "sd_model_checkpoint", "outpath_samples": "outdir_samples", "outpath_grids": "outdir_grids"}
OVERLOOKED = "prompt_for_display", "restore_faces"

# fmt: off


@dataclass(frozen=True, kw_only=True, slots=True)
class Params:
    """Its arguments."""

    iterate: bool = param(False, "Iterate seed every line")
    iterate_batch: bool = param(False, "Use same random seed for all lines")
    prompt_position: str = param("start", "Insert prompts at the", choices=("start", "end"))
    prompt_txt: str = param("", "List of prompt inputs")

# fmt: on


def read_line(line: str) -> dict[str, str]:
    """The keys and values of a line; a prompt's words need no quotes. ValueError for what is neither."""
    words, said = shlex.split(line), {}
    place = 0
    while place < len(words):
        key = words[place]
        if not key.startswith("--"):
            raise ValueError(f"{key[:40]!r} stands where a --key should")  # as in a plain prompt
        end = place + 2
        while key[2:] in PROMPTS and end < len(words) and not words[end].startswith("--"):
            end += 1
        if place + 1 >= len(words):
            raise ValueError(f"{key[:40]} has no value")
        said[key[2:]] = " ".join(words[place + 1 : end])
        place = end
    return said


def understood(said: dict[str, str], kind: type[Request]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(request fields, options) that a line's keys stand for; ValueError for what nothing here knows."""
    known = specs(kind)
    named = {OTHER_NAMES.get(key, key): text for key, text in said.items() if key not in OVERLOOKED}
    options = {AS_OPTIONS[key]: named.pop(key) for key in list(named) if key in AS_OPTIONS}
    if unknown := next((key for key in named if key not in known), None):
        raise ValueError(f"--{unknown[:40]} is no key known here")
    return {key: known[key].parse(text) for key, text in named.items()}, options


def asked_by(line: str, request: Request, position: str) -> Request:
    """The request with what a line says in place of its own; prompts are put together with those that are there."""
    options: dict[str, str]
    try:
        values, options = understood(read_line(line), type(request))
    except ValueError as error:
        if line.startswith("--"):
            raise ParameterError(f"The line {line[:60]!r} cannot be read: {str(error).rstrip('.')}.") from error
        values, options = {"prompt": line}, {}
    for key in PROMPTS:
        said, there = values.get(key), getattr(request, key)
        if said and there:
            values[key] = f"{said} {there}" if position == "start" else f"{there} {said}"
    made: Request = request_from(values, type(request))
    return replace(
        request, **{key: getattr(made, key) for key in values}, override_settings=request.override_settings | options
    )


class PromptsFromFile(Selectable):
    """Each line is planned before the first one is drawn."""

    title = "Prompts from file or textbox"
    file = "prompts_from_file.py"
    params = Params
    looks = MappingProxyType({"prompt_txt": {"lines": 4, "max_lines": 20, "upload": "Upload prompt inputs"}})

    def check(self, request: Request, args: Any) -> None:
        self._requests(request, self.values(args, "txt2img"))

    def sets(self, request: Request, args: Any) -> Collection[str]:
        asked = self._requests(request, self.values(args, "txt2img"))
        return {name for one in asked for name in one.override_settings}

    def make(self, studio: Studio, plan: Plan, values: Params) -> Result | None:
        asked = replace(plan.request, do_not_save_grid=True)
        if values.iterate or values.iterate_batch:
            asked = replace(asked, seed=plan.seeds[0])
        plans = [studio.plan(one) for one in self._requests(asked, values)]
        studio.share(len(plans))
        results = []
        for one in plans:
            results.append(studio.draw(one))
            if studio.stopped:
                break
        return gathered(results)

    @staticmethod
    def _requests(request: Request, values: Params) -> list[Request]:
        lines = [line.strip() for line in values.prompt_txt.splitlines() if line.strip()]
        if not lines:
            raise ParameterError("There is no prompt in the list of prompt inputs; write one on each line.")
        made = []
        for number, line in enumerate(lines):
            moved = number * request.batch_size * request.n_iter if values.iterate and request.seed != -1 else 0
            made.append(asked_by(line, replace(request, seed=request.seed + moved), values.prompt_position))
        return made
