"""A weighted prompt into chunks of 75 tokens, each between a start and an end token, as the text encoder reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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
    """77 token ids and the weight of each; `words` are the places where an embedding's vectors stand, by its name."""

    tokens: tuple[int, ...]
    weights: tuple[float, ...]
    used: int = LENGTH  # tokens of prompt in it; a chunk that another one follows counts as full
    words: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Word:
    """An embedding that begins at some token: how many tokens spell its name, how many places its vectors take."""

    name: str
    spelt: int
    vectors: int


Find = Callable[[Sequence[int], int], Word | None]  # token ids, the place among them


@dataclass(slots=True)
class _Packer:
    vocabulary: Vocabulary
    backtrack: int
    chunks: list[Chunk] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    words: list[tuple[int, str]] = field(default_factory=list)
    comma: int | None = None  # place of the chunk's last comma

    def make_room(self, token: int) -> None:
        """Let the chunk have room for what begins with this token."""
        if token == self.vocabulary.comma:
            self.comma = len(self.tokens)  # a comma that finds the chunk full moves on alone
        elif len(self.tokens) == LENGTH and self.comma is not None and 0 < LENGTH - self.comma <= self.backtrack:
            self._move_tail(self.comma + 1)
        if len(self.tokens) == LENGTH:
            self.close()

    def add(self, token: int, weight: float) -> None:
        self.make_room(token)
        self.tokens.append(token)
        self.weights.append(weight)

    def add_word(self, word: Word, token: int, weight: float) -> None:
        """Vectors are never torn: what does not fit begins the next chunk."""
        self.make_room(token)
        if len(self.tokens) + word.vectors > LENGTH:
            self.close()
        self.words.append((len(self.tokens) + 1, word.name))
        self.tokens += [0] * word.vectors
        self.weights += [weight] * word.vectors

    def _move_tail(self, start: int) -> None:
        """What follows the last comma goes into the next chunk, so that no phrase is torn."""
        tokens, weights = self.tokens[start:], self.weights[start:]
        words = [(place - start, name) for place, name in self.words if place > start]
        del self.tokens[start:], self.weights[start:], self.words[len(self.words) - len(words) :]
        self.close()
        self.tokens, self.weights, self.words = tokens, weights, words

    def close(self, last: bool = False) -> None:
        """End the chunk, filled up to its length."""
        used = len(self.tokens) if last else LENGTH
        missing = LENGTH - len(self.tokens)
        words = self.vocabulary
        # The first one is the end token even where another token pads: the encoder knows the end by it.
        padding = [words.end, *[words.pad] * missing][: missing + 1]
        weights = [1.0, *self.weights, *[1.0] * (missing + 1)]
        self.chunks.append(Chunk((words.start, *self.tokens, *padding), tuple(weights), used, tuple(self.words)))
        self.tokens, self.weights, self.words, self.comma = [], [], [], None


def pack(
    pieces: Iterable[Weighted],
    tokenize: Callable[[str], list[int]],
    vocabulary: Vocabulary | None = None,
    backtrack: int = 20,
    find: Find = lambda ids, place: None,
) -> list[Chunk]:
    """The chunks of a prompt, at least one. `backtrack`: how many tokens back the comma may lie at which to break.

    `find` tells the embeddings among the tokens of a piece.
    """
    packer = _Packer(vocabulary or Vocabulary(), backtrack)
    for piece in pieces:
        if piece.is_break:
            packer.close()
            continue
        _add_piece(packer, tokenize(piece.text), piece.weight, find)
    if packer.tokens or not packer.chunks:
        packer.close(last=True)
    return packer.chunks


def _add_piece(packer: _Packer, ids: list[int], weight: float, find: Find) -> None:
    place = 0
    while place < len(ids):
        word = find(ids, place)
        if word is None:
            packer.add(ids[place], weight)
        else:
            packer.add_word(word, ids[place], weight)
        place += 1 if word is None else word.spelt
