"""How many tokens a prompt takes, as the counter beside the prompt box says."""

from __future__ import annotations

from collections.abc import Callable

from modules.prompts.chunks import LENGTH, Chunk
from modules.prompts.composition import parse_composition
from modules.prompts.networks import parse_tags
from modules.prompts.schedule import parse_schedule

Chunker = Callable[[str], list[Chunk]]  # a text without schedules to its chunks


def moments(prompt: str, steps: int, *, negative: bool = False, old: bool = False) -> set[str]:
    """Every text that one of the prompt's parts is at some step. In a negative prompt AND and network tags are text."""
    parts = [prompt] if negative else [part.text for part in parse_composition(parse_tags(prompt)[0])]
    return {step.text for part in parts for step in parse_schedule(part, steps, old=old)}


def count_tokens(prompt: str, steps: int, chunks: Chunker, negative: bool = False) -> tuple[int, int]:
    """(tokens, the next multiple of 75) of the prompt's longest moment."""
    count = max(sum(chunk.used for chunk in chunks(text)) for text in moments(prompt, steps, negative=negative))
    return count, LENGTH * max(1, -(-count // LENGTH))
