"""Prompts read by the program's own parsers, in the shapes that A1111's have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from modules.compat.stubs import explained
from modules.prompts.attention import parse_attention
from modules.prompts.composition import parse_composition
from modules.prompts.schedule import parse_schedule


class ScheduledPromptConditioning(NamedTuple):
    """A condition, and the last step that it holds at."""

    end_at_step: int
    cond: Any


class ComposableScheduledPromptConditioning:
    """One part of a prompt that AND composes."""

    def __init__(self, schedules: Any, weight: float = 1.0):
        self.schedules, self.weight = schedules, weight


class MulticondLearnedConditioning:
    """The parts of each image's prompt."""

    def __init__(self, shape: Any, batch: Any):
        self.shape, self.batch = shape, batch


class SdConditioning(list[str]):
    """Prompts with the size of the picture."""

    def __init__(
        self,
        prompts: Any,
        is_negative_prompt: bool = False,
        width: Any = None,
        height: Any = None,
        copy_from: Any = None,
    ):
        super().__init__(prompts)
        source = copy_from if copy_from is not None else prompts
        self.is_negative_prompt = is_negative_prompt or getattr(source, "is_negative_prompt", False)
        self.width = width or getattr(source, "width", None)
        self.height = height or getattr(source, "height", None)
        self.distilled_cfg_scale: Any = None


class DictWithShape(dict[str, Any]):
    """A condition of SDXL, which has the shape of its text."""

    def __init__(self, x: Any, shape: Any = None):
        super().__init__(x)

    @property
    def shape(self) -> Any:
        """Of the text."""
        return self["crossattn"].shape


def parse_prompt_attention(text: str) -> list[list[Any]]:
    """[text, weight] pairs; BREAK has the weight -1."""
    return [["BREAK", -1] if one.is_break else [one.text, one.weight] for one in parse_attention(text)]


def get_learned_conditioning_prompt_schedules(
    prompts: Sequence[str], base_steps: int, hires_steps: int | None = None, use_old_scheduling: bool = False
) -> list[list[list[Any]]]:
    """[[until step, text]…] of each prompt."""
    return [
        [[one.until, one.text] for one in parse_schedule(prompt, base_steps, hires_steps, use_old_scheduling)]
        for prompt in prompts
    ]


def get_multicond_prompt_list(prompts: Any) -> tuple[list[list[tuple[int, float]]], Any, dict[str, int]]:
    """(for each prompt the (index, weight) of its parts, the distinct parts, their indexes)."""
    flat: dict[str, int] = {}
    made = []
    for prompt in prompts:
        parts = parse_composition(prompt)
        made.append([(flat.setdefault(part.text, len(flat)), part.weight) for part in parts])
    return made, SdConditioning(list(flat), copy_from=prompts), flat


def get_learned_conditioning(model: Any, prompts: Any, steps: int, *args: Any, **words: Any) -> list[list[Any]]:
    """The schedule of each prompt as tensors, by the loaded model's text encoders."""
    from modules.compat.conditions import scheduled

    return [
        [ScheduledPromptConditioning(until, cond) for until, cond in scheduled(prompt, int(steps))]
        for prompt in prompts
    ]


def get_multicond_learned_conditioning(model: Any, prompts: Any, steps: int, *args: Any, **words: Any) -> Any:
    """The same of the parts that AND composes."""
    indexes, flat, _ = get_multicond_prompt_list(prompts)
    learned = get_learned_conditioning(model, flat, steps)
    batch = [[ComposableScheduledPromptConditioning(learned[i], weight) for i, weight in row] for row in indexes]
    return MulticondLearnedConditioning((len(prompts),), batch)


def reconstruct_cond_batch(c: Any, current_step: int) -> Any:
    """The conditions of a step, stacked."""
    import torch

    rows = [next((one.cond for one in row if current_step <= one.end_at_step), row[0].cond) for row in c]
    return torch.stack(rows)


def reconstruct_multicond_batch(c: Any, current_step: int) -> Any:
    """Of A1111's old denoiser."""
    raise explained("prompt_parser.reconstruct_multicond_batch")
