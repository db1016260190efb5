"""Prompts into the tensors that steer the UNet, at each of its calls."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from modules.prompts.attention import Weighted, parse_attention
from modules.prompts.chunks import LENGTH, Chunk, Vocabulary, pack
from modules.prompts.composition import parse_composition
from modules.prompts.schedule import Step, parse_schedule
from modules.settings.options import View
from modules.weights.text import TextEncoder
from modules.weights.tokenizer import tokenize


@dataclass(frozen=True, slots=True)
class Scheduled:
    """One part of a prompt through all calls: `tensors[i]` `[1,n·77,D]` holds up to call `untils[i]`."""

    untils: tuple[int, ...]
    tensors: tuple[Tensor, ...]
    weight: float = 1.0

    def at(self, call: int) -> Tensor:
        """The tensor for the model's call number `call`, counted from 0."""
        return next((z for until, z in zip(self.untils, self.tensors, strict=True) if call <= until), self.tensors[-1])


class Conditioner:
    """Encodes prompts for one job; equal prompts are encoded once."""

    def __init__(self, text: TextEncoder, view: View, steps: int):
        self._text = text
        self._steps = steps
        self._clip_skip: int = view.CLIP_stop_at_last_layers
        self._backtrack: int = view.comma_padding_backtrack
        self._emphasis: str = view.emphasis
        self._made: dict[str, Scheduled] = {}

    def positive(self, prompt: str) -> list[Scheduled]:
        """The parts of a prompt with their weights."""
        parts = [(self._scheduled(part.text), part.weight) for part in parse_composition(prompt)]
        return [Scheduled(made.untils, made.tensors, weight) for made, weight in parts]

    def negative(self, prompt: str) -> Scheduled:
        """A negative prompt, which has one part: AND is a word in it."""
        return self._scheduled(prompt)

    def _scheduled(self, text: str) -> Scheduled:
        if text not in self._made:
            entries = parse_schedule(text, self._steps)
            self._made[text] = Scheduled(tuple(entry.until for entry in entries), self._encoded(entries))
        return self._made[text]

    def _encoded(self, entries: list[Step]) -> tuple[Tensor, ...]:
        """All entries together, `[entries,77,D]` per chunk, for the emphasis is balanced over all of them."""
        packed = [pack(self._pieces(entry.text), tokenize, backtrack=self._backtrack) for entry in entries]
        longest = max(len(chunks) for chunks in packed)
        columns = [[chunks[i] if i < len(chunks) else EMPTY for chunks in packed] for i in range(longest)]
        encoded = [self._column(column) for column in columns]
        return torch.cat(encoded, dim=1).chunk(len(entries))

    def _pieces(self, text: str) -> list[Weighted]:
        return [Weighted(text)] if self._emphasis == "None" else parse_attention(text)

    def _column(self, column: list[Chunk]) -> Tensor:
        z = self._text.encode([chunk.tokens for chunk in column], self._clip_skip)
        return z if self._emphasis == "Ignore" else emphasise(z, column, balanced=self._emphasis == "Original")


EMPTY = Chunk(
    (Vocabulary().start, *[Vocabulary().end] * (LENGTH + 1)),
    (1.0,) * (LENGTH + 2),
)


def emphasise(z: Tensor, chunks: list[Chunk], balanced: bool = True) -> Tensor:
    """Scale each token's hidden state in `[B,77,D]` by its weight; `balanced`: then all, back to the mean they had."""
    weights = torch.tensor([chunk.weights for chunk in chunks], dtype=z.dtype, device=z.device)
    if (weights == 1).all():
        return z
    scaled = z * weights[..., None]
    return scaled * (z.mean() / scaled.mean()) if balanced else scaled
