"""Prompts into the tensors that steer the UNet."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from modules.prompts.attention import parse_attention
from modules.prompts.chunks import Chunk, pack
from modules.settings.options import View
from modules.weights.text import TextEncoder, tokenize


class Conditioner:
    """Encodes prompts for one job; equal prompts are encoded once."""

    def __init__(self, text: TextEncoder, view: View):
        self._text = text
        self._clip_skip: int = view.CLIP_stop_at_last_layers
        self._backtrack: int = view.comma_padding_backtrack
        self._made: dict[str, Tensor] = {}

    def condition(self, prompts: Sequence[str]) -> Tensor:
        """`[B,n·77,D]`; the prompts of one batch must fill equally many chunks."""
        return torch.cat([self._one(prompt) for prompt in prompts])

    def _one(self, prompt: str) -> Tensor:
        if prompt not in self._made:
            chunks = pack(parse_attention(prompt), tokenize, backtrack=self._backtrack)
            encoded = self._text.encode([chunk.tokens for chunk in chunks], self._clip_skip)
            self._made[prompt] = torch.cat([emphasise(z, chunk) for z, chunk in zip(encoded, chunks, strict=True)])[
                None
            ]
        return self._made[prompt]


def emphasise(z: Tensor, chunk: Chunk) -> Tensor:
    """Scale each token's hidden state `[77,D]` by its weight, then the whole so that its mean is what it was."""
    if all(weight == 1 for weight in chunk.weights):
        return z
    scaled = z * torch.tensor(chunk.weights, dtype=z.dtype, device=z.device)[:, None]
    return scaled * (z.mean() / scaled.mean())
