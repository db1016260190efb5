"""What T5 reads of a prompt, put after what CLIP does."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from modules.prompts.attention import Weighted, parse_attention
from modules.weights.t5 import T5Encoder


@dataclass(frozen=True, slots=True)
class Long:
    """T5 as a family uses it. None in its place, in a family that can do without: zeros, as many as CLIP's tokens.

    `width` D of the context; at `least` so many tokens, 0 for as many as CLIP has.
    """

    encoder: T5Encoder | None
    width: int
    least: int = 0

    def after(self, context: Tensor, texts: list[str], emphasis: str) -> Tensor:
        """`[entries,n,D]`: CLIP's context `[entries,m,C]` widened, C being 0 if there is none, then T5's.

        Where CLIP's length counts, what goes beyond it is cut off, as in A1111.
        """
        pieces = [self._pieces(text, emphasis) for text in texts]
        longest = max((len(ids) for ids, _ in pieces), default=0) + 1
        length = max(self.least, longest) if self.least else context.shape[1]
        if self.encoder is None:
            read = context.new_zeros(len(texts), length, self.width)
        else:
            rows = [ids for ids, _ in pieces]
            read = self.encoder.encode(rows, length)
            if emphasis != "Ignore":
                read = _weighed(read, [weights for _, weights in pieces], balanced=emphasis == "Original")
        if not context.shape[2]:
            return read
        return torch.cat([functional.pad(context, (0, self.width - context.shape[2])), read.to(context)], dim=1)

    def _pieces(self, text: str, emphasis: str) -> tuple[list[int], list[float]]:
        """Token ids and their weights."""
        if self.encoder is None:
            return [], []
        ids: list[int] = []
        weights: list[float] = []
        for piece in parse_attention(text) if emphasis != "None" else [Weighted(text)]:
            if not piece.is_break:
                made = self.encoder.tokens(piece.text)
                ids += made
                weights += [piece.weight] * len(made)
        return ids, weights


def _weighed(read: Tensor, weights: list[list[float]], balanced: bool) -> Tensor:
    """Hidden states by their tokens' weights; `balanced`: each text then has the mean it had."""
    length = read.shape[1]
    rows = [(row[: length - 1] + [1.0] * length)[:length] for row in weights]
    if all(weight == 1 for row in rows for weight in row):
        return read
    made = read * read.new_tensor(rows)[:, :, None]
    return made * (read.mean((1, 2), keepdim=True) / made.mean((1, 2), keepdim=True)) if balanced else made
