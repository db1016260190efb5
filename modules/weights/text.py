"""CLIP's text side: prompt text to token ids, token ids to hidden states."""

from __future__ import annotations

from collections import OrderedDict
from functools import cache
from typing import Any

import torch
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from modules.weights.tokenizer import VOCABULARY


@cache
def tokenizer() -> Any:
    """CLIP's tokenizer as transformers know it, from the vocabulary that ships with the program."""
    return CLIPTokenizer.from_pretrained(VOCABULARY, local_files_only=True)


class TextEncoder:
    """Hidden states of chunks of 77 tokens; the last ones are kept, as people change one thing at a time."""

    KEPT = 64

    def __init__(self, model: CLIPTextModel, device: torch.device):
        self.model = model
        self.device = device
        self._made: OrderedDict[tuple[tuple[tuple[int, ...], ...], int], Tensor] = OrderedDict()

    def encode(self, tokens: list[tuple[int, ...]], clip_skip: int = 1) -> Tensor:
        """`[B,77,D]` float32 on the device. `clip_skip` n: the n-th layer from the end, then the final norm."""
        key = tuple(tokens), max(1, clip_skip)
        if key not in self._made:
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
        inner = getattr(self.model, "text_model", self.model)  # transformers 4 nests it, 5 does not
        made: Tensor = inner.final_layer_norm(state).float()
        return made
