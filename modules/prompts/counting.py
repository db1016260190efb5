"""How many tokens a prompt takes, as the counter beside the prompt box says."""

from __future__ import annotations

from collections.abc import Callable

from modules.prompts.chunks import LENGTH, Chunk
from modules.prompts.composition import parse_composition
from modules.prompts.networks import parse_tags
from modules.prompts.schedule import parse_schedule

Chunker = Callable[[str], list[Chunk]]  # a text without schedules to its chunks


def count_tokens(prompt: str, steps: int, chunks: Chunker, negative: bool = False) -> tuple[int, int]:
    """(tokens, the next multiple of 75) of a prompt's longest part at its longest moment.

    In a negative prompt AND and network tags are text.
    """
    parts = [prompt] if negative else [part.text for part in parse_composition(parse_tags(prompt)[0])]
    texts = {step.text for part in parts for step in parse_schedule(part, steps)}
    count = max(_used(chunks(text)) for text in texts)
    return count, LENGTH * max(1, -(-count // LENGTH))


def _used(chunks: list[Chunk]) -> int:
    return sum(chunk.used for chunk in chunks)
