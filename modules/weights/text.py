"""CLIP's text side: prompt text to token ids, token ids to hidden states."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer

from modules.weights.arch import END, Tower
from modules.weights.tokenizer import VOCABULARY


@cache
def tokenizer() -> Any:
    """CLIP's tokenizer as transformers know it, from the vocabulary that ships with the program."""
    return CLIPTokenizer.from_pretrained(VOCABULARY, local_files_only=True)


Rows = tuple[tuple[int, ...], ...]
Places = tuple[tuple[tuple[int, str], ...], ...]
Made = tuple[Tensor, Tensor | None]  # hidden states and, if the tower has it, the pooled text


class TextEncoder:
    """Hidden states of chunks of 77 tokens; the last ones are kept, as people change one thing at a time."""

    KEPT = 64

    def __init__(self, model: CLIPTextModel, device: torch.device, tower: Tower, projection: Tensor | None = None):
        """`projection` `[D,P]` goes over the pooled text of a tower that has one; else that stays as it is."""
        self.model = model
        self.device = device
        self.tower = tower
        self.enter: Callable[[], None] = lambda: None
        self._projection = projection
        self._made: OrderedDict[tuple[Rows, Places, int], Made] = OrderedDict()
        self._vectors: dict[str, Tensor] = {}
        self._standing: Places = ()
        table = self._inner.embeddings.token_embedding
        table.register_forward_hook(self._put_words)

    @property
    def width(self) -> int:
        """D."""
        return int(self.model.config.hidden_size)

    @property
    def beside(self) -> bool:
        """Are its hidden states part of the context?"""
        return self.tower.beside

    @property
    def _inner(self) -> Any:
        return getattr(self.model, "text_model", self.model)  # transformers 4 nests it, 5 does not

    def become(self, tower: Tower, projection: Tensor | None) -> None:
        """Another text encoder of the same sizes, whose weights are in the model already."""
        self.tower, self._projection = tower, projection
        self.learn({})
        self.forget()

    def learn(self, vectors: dict[str, Tensor]) -> None:
        """Know these words, `[n,D]` each by its name, and no others."""
        if vectors.keys() != self._vectors.keys() or any(vectors[name] is not self._vectors[name] for name in vectors):
            self._vectors = dict(vectors)
            self.forget()

    def encode(self, tokens: Sequence[tuple[int, ...]], clip_skip: int = 1, words: Places = ()) -> Tensor:
        """`[B,77,D]` float32 on the device. `clip_skip` n: the n-th layer from the end, where the tower lets it count.

        `words`: for each row the places where a learnt word's vectors begin, with its name.
        """
        return self._kept(tokens, clip_skip, words)[0]

    def pooled(self, tokens: Sequence[tuple[int, ...]], clip_skip: int = 1, words: Places = ()) -> Tensor | None:
        """`[B,P]` float32, the text as one vector; None of a tower that has none."""
        return self._kept(tokens, clip_skip, words)[1]

    def forget(self) -> None:
        """The weights have changed: nothing that was made holds any more."""
        self._made.clear()

    def _kept(self, tokens: Sequence[tuple[int, ...]], clip_skip: int, words: Places) -> Made:
        layer = self.tower.layer or max(1, clip_skip)
        key = tuple(tokens), words, layer
        if key not in self._made:
            self._standing = words
            self._made[key] = self._encode(tokens, layer)
            if len(self._made) > self.KEPT:
                self._made.popitem(last=False)
        self._made.move_to_end(key)
        return self._made[key]

    def _encode(self, tokens: Sequence[tuple[int, ...]], layer: int) -> Made:
        self.enter()
        ids = torch.tensor([_padded(row, self.tower.pad) for row in tokens], device=self.device)
        answer = self.model(input_ids=ids, output_hidden_states=layer > 1)
        pooled = None
        if self.tower.pooled:
            ends = answer.last_hidden_state[torch.arange(len(ids)), ids.argmax(1)]  # END is the highest id
            pooled = (ends if self._projection is None else ends @ self._projection).float()
        if layer == 1:
            return answer.last_hidden_state.float(), pooled
        state = answer.hidden_states[-min(layer, len(answer.hidden_states))]
        return (self._inner.final_layer_norm(state) if self.tower.normed else state).float(), pooled

    def _put_words(self, table: nn.Module, given: tuple[Tensor, ...], rows: Tensor) -> Tensor | None:
        """Vectors in place of the token table's rows `[B,77,D]`."""
        if not any(self._standing):
            return None
        rows = rows.clone()
        for row, places in zip(rows, self._standing, strict=True):
            for place, name in places:
                vectors = self._vectors[name].to(row)
                row[place : place + len(vectors)] = vectors
        return rows


def _padded(row: tuple[int, ...], pad: int) -> tuple[int, ...]:
    """A chunk's token ids with another padding behind the first end token, where it is another."""
    if pad == END:
        return row
    length = row.index(END) + 1 if END in row else len(row)
    return (*row[:length], *[pad] * (len(row) - length))
