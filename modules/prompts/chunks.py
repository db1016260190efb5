"""A weighted prompt into chunks of 75 tokens, each between a start and an end token, as the text encoder reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from modules.prompts.attention import Weighted

LENGTH = 75  # tokens of prompt in one chunk


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The token ids with a meaning of their own."""

    start: int = 49406
    end: int = 49407
    pad: int = 49407
    comma: int = 267


@dataclass(frozen=True, slots=True)
class Chunk:
    """77 token ids and the weight of each."""

    tokens: tuple[int, ...]
    weights: tuple[float, ...]
    used: int = LENGTH  # tokens of prompt in it; a chunk that another one follows counts as full


@dataclass(slots=True)
class _Packer:
    vocabulary: Vocabulary
    backtrack: int
    chunks: list[Chunk] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    comma: int | None = None  # place of the chunk's last comma

    def add(self, token: int, weight: float) -> None:
        if token == self.vocabulary.comma:
            self.comma = len(self.tokens)  # a comma that finds the chunk full moves on alone
        elif len(self.tokens) == LENGTH and self.comma is not None and 0 < LENGTH - self.comma <= self.backtrack:
            self._move_tail(self.comma + 1)
        if len(self.tokens) == LENGTH:
            self.close()
        self.tokens.append(token)
        self.weights.append(weight)

    def _move_tail(self, start: int) -> None:
        """What follows the last comma goes into the next chunk, so that no phrase is torn."""
        tokens, weights = self.tokens[start:], self.weights[start:]
        del self.tokens[start:], self.weights[start:]
        self.close()
        self.tokens, self.weights = tokens, weights

    def close(self, last: bool = False) -> None:
        """End the chunk, filled up to its length."""
        used = len(self.tokens) if last else LENGTH
        missing = LENGTH - len(self.tokens)
        words = self.vocabulary
        # The first one is the end token even where another token pads: the encoder knows the end by it.
        padding = [words.end, *[words.pad] * missing][: missing + 1]
        weights = [1.0, *self.weights, *[1.0] * (missing + 1)]
        self.chunks.append(Chunk((words.start, *self.tokens, *padding), tuple(weights), used))
        self.tokens, self.weights, self.comma = [], [], None


def pack(
    pieces: Iterable[Weighted],
    tokenize: Callable[[str], list[int]],
    vocabulary: Vocabulary | None = None,
    backtrack: int = 20,
) -> list[Chunk]:
    """The chunks of a prompt, at least one. `backtrack`: how many tokens back the comma may lie at which to break."""
    packer = _Packer(vocabulary or Vocabulary(), backtrack)
    for piece in pieces:
        if piece.is_break:
            packer.close()
            continue
        for token in tokenize(piece.text):
            packer.add(token, piece.weight)
    if packer.tokens or not packer.chunks:
        packer.close(last=True)
    return packer.chunks
