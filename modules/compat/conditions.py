"""Prompts as tensors by the loaded model, for extensions that ask for conditioning by themselves."""

from __future__ import annotations

from typing import Any

from modules.exceptions import ExtensionError


def scheduled(prompt: str, steps: int) -> list[tuple[int, Any]]:
    """(until step, `[n,D]`) of a prompt. ExtensionError where no model is loaded."""
    from dataclasses import replace

    from modules.compat.models import loaded, options
    from modules.compat.running import RUNS
    from modules.generate.conditioning import Conditioner

    model = loaded()
    if model is None or not RUNS.stack:
        raise ExtensionError("Conditioning needs a loaded model; ask for it while pictures are made.")
    stage = replace(RUNS.stack[-1][1].stages[0], steps=steps)
    conditioner = Conditioner(list(model.towers.values()), options(), stage, sizes=model.arch.sizes)
    part = conditioner.steering([prompt], [""]).images[0].parts[0]
    return [(until, one.context[0]) for until, one in zip(part.untils, part.conditions, strict=True)]
