"""CLIP's text side: prompt text to token ids, token ids to hidden states."""

from __future__ import annotations

from collections import OrderedDict
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer

from modules.weights.tokenizer import VOCABULARY


@cache
def tokenizer() -> Any:
    """CLIP's tokenizer as transformers know it, from the vocabulary that ships with the program."""
    return CLIPTokenizer.from_pretrained(VOCABULARY, local_files_only=True)


Rows = tuple[tuple[int, ...], ...]
Places = tuple[tuple[tuple[int, str], ...], ...]


class TextEncoder:
    """Hidden states of chunks of 77 tokens; the last ones are kept, as people change one thing at a time."""

    KEPT = 64

    def __init__(self, model: CLIPTextModel, device: torch.device):
        self.model = model
        self.device = device
        self._made: OrderedDict[tuple[Rows, Places, int], Tensor] = OrderedDict()
        self._vectors: dict[str, Tensor] = {}
        self._standing: Places = ()
        table = getattr(model, "text_model", model).embeddings.token_embedding  # transformers 4 nests it, 5 does not
        table.register_forward_hook(self._put_words)

    @property
    def width(self) -> int:
        """D."""
        return int(self.model.config.hidden_size)

    def learn(self, vectors: dict[str, Tensor]) -> None:
        """Know these words, `[n,D]` each by its name, and no others."""
        if vectors.keys() != self._vectors.keys() or any(vectors[name] is not self._vectors[name] for name in vectors):
            self._vectors = dict(vectors)
            self.forget()

    def encode(self, tokens: list[tuple[int, ...]], clip_skip: int = 1, words: Places = ()) -> Tensor:
        """`[B,77,D]` float32 on the device. `clip_skip` n: the n-th layer from the end, then the final norm.

        `words`: for each row the places where a learnt word's vectors begin, with its name.
        """
        key = tuple(tokens), words, max(1, clip_skip)
        if key not in self._made:
            self._standing = words
            self._made[key] = self._encode(tokens, clip_skip)
            if len(self._made) > self.KEPT:
                self._made.popitem(last=False)
        self._made.move_to_end(key)
        return self._made[key]

    def forget(self) -> None:
        """The weights have changed: nothing that was made holds any more."""
        self._made.clear()

    def _encode(self, tokens: list[tuple[int, ...]], clip_skip: int) -> Tensor:
        ids = torch.tensor(tokens, device=self.device)
        if clip_skip <= 1:
            last: Tensor = self.model(input_ids=ids).last_hidden_state.float()
            return last
        states = self.model(input_ids=ids, output_hidden_states=True).hidden_states
        state = states[-min(clip_skip, len(states))]
        inner = getattr(self.model, "text_model", self.model)
        made: Tensor = inner.final_layer_norm(state).float()
        return made

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
