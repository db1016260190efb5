"""T5's encoder (Raffel et al. 2019, arXiv 1910.10683), which reads prompts for SD3 and Flux.

Its vocabulary does not ship with the program: it is read from the file that is beside the encoder, see `vocabulary`.
"""

from __future__ import annotations

import re
import struct
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import Unigram
from torch import Tensor

from modules.exceptions import CorruptFile
from modules.weights.dimensions import Shapes

PAD, END, UNKNOWN = 0, 1, 2  # token ids
SPACE = "\N{LOWER ONE EIGHTH BLOCK}"
Piece = tuple[str, float]  # what it spells, and its log probability

LLAMA = {  # llama.cpp's names, as GGUF files have them → transformers'
    "token_embd": "shared",
    "enc.output_norm": "encoder.final_layer_norm",
    "attn_q": "layer.0.SelfAttention.q",
    "attn_k": "layer.0.SelfAttention.k",
    "attn_v": "layer.0.SelfAttention.v",
    "attn_o": "layer.0.SelfAttention.o",
    "attn_rel_b": "layer.0.SelfAttention.relative_attention_bias",
    "attn_norm": "layer.0.layer_norm",
    "ffn_gate": "layer.1.DenseReluDense.wi_0",
    "ffn_up": "layer.1.DenseReluDense.wi_1",
    "ffn_down": "layer.1.DenseReluDense.wo",
    "ffn_norm": "layer.1.layer_norm",
}
LLAMA_BLOCK = re.compile(r"enc\.blk\.(\d+)\.(\w+)\.weight")


def renamed(key: str) -> str:
    """A tensor of the encoder under transformers' name."""
    if found := LLAMA_BLOCK.fullmatch(key):
        return f"encoder.block.{found[1]}.{LLAMA.get(found[2], found[2])}.weight"
    module, _, own = key.rpartition(".")
    return f"{LLAMA.get(module, module)}.{own}"


def t5_arguments(shapes: Shapes, prefix: str) -> dict[str, Any]:
    """Of transformers' T5Config for an encoder of version 1.1."""
    block = prefix + "encoder.block.0.layer."
    tokens, width = shapes[prefix + "shared.weight"]
    buckets, heads = shapes[block + "0.SelfAttention.relative_attention_bias.weight"]
    blocks = {key.removeprefix(prefix).split(".")[2] for key in shapes if key.startswith(prefix + "encoder.block.")}
    return {
        "vocab_size": tokens,
        "d_model": width,
        "d_kv": shapes[block + "0.SelfAttention.q.weight"][0] // heads,
        "d_ff": shapes[block + "1.DenseReluDense.wi_0.weight"][0],
        "num_layers": len(blocks),
        "num_heads": heads,
        "relative_attention_num_buckets": buckets,
        "feed_forward_proj": "gated-gelu",
    }


class T5Encoder:
    """Hidden states of whole texts; the last ones are kept."""

    KEPT = 64

    def __init__(self, model: Any, device: torch.device, tokenizer: Tokenizer):
        self.model = model
        self.device = device
        self.enter: Callable[[], None] = lambda: None
        self._tokenizer = tokenizer
        self._made: OrderedDict[tuple[int, ...], Tensor] = OrderedDict()

    def forget(self) -> None:
        """The weights have changed: nothing that was made holds any more."""
        self._made.clear()

    def tokens(self, text: str) -> list[int]:
        """Ids without an end."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def encode(self, rows: Sequence[Sequence[int]], length: int) -> Tensor:
        """`[B,length,D]` float32 of token ids; each row gets an end, and is padded or cut before it."""
        return torch.cat([self._kept(tuple([*row][: length - 1]), length) for row in rows])

    def _kept(self, row: tuple[int, ...], length: int) -> Tensor:
        ids = (*row, END, *[PAD] * (length - len(row) - 1))
        if ids not in self._made:
            self.enter()
            asked = torch.tensor([ids], device=self.device)
            self._made[ids] = self.model(input_ids=asked).last_hidden_state.float()
            if len(self._made) > self.KEPT:
                self._made.popitem(last=False)
        self._made.move_to_end(ids)
        return self._made[ids]


def vocabulary(path: Path) -> Tokenizer:
    """From `tokenizer.json` or sentencepiece's `spiece.model`; CorruptFile with a sentence if it is neither."""
    try:
        if path.suffix == ".json":
            return Tokenizer.from_file(str(path))
        return unigram(list(_pieces(path.read_bytes())))
    except OSError as error:
        raise CorruptFile(f"{path} cannot be read: {error.strerror or error}.") from error
    except Exception as error:  # tokenizers raises nothing more particular
        raise CorruptFile(f"{path} is no vocabulary of T5; download it again.") from error


def unigram(pieces: Sequence[Piece]) -> Tokenizer:
    """Kudo 2018 (arXiv 1804.10959), with sentencepiece's treatment of blanks."""
    made = Tokenizer(Unigram(list(pieces), unk_id=UNKNOWN))
    made.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]
    )
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always")
    made.decoder = decoders.Metaspace(replacement=SPACE)
    return made


def told_by(metadata: Mapping[str, Any]) -> list[Piece] | None:
    """The pieces that a GGUF file of the encoder carries, if it does."""
    pieces, scores = metadata.get("tokenizer.ggml.tokens"), metadata.get("tokenizer.ggml.scores")
    if not pieces or not scores or len(pieces) != len(scores):
        return None
    return [(str(piece), float(score)) for piece, score in zip(pieces, scores, strict=True)]


def _pieces(data: bytes) -> Iterator[Piece]:
    """sentencepiece's ModelProto, field 1, repeated: its field 1 is the text, 2 the score (protobuf's wire)."""
    for number, value in _fields(data):
        if number == 1 and isinstance(value, bytes):
            said = dict(_fields(value))
            yield bytes(said[1]).decode(), struct.unpack("<f", said.get(2, bytes(4)))[0]


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        kind = tag & 7
        if kind == 0:
            value, place = _varint(data, place)
            yield tag >> 3, value
            continue
        size, place = _varint(data, place) if kind == 2 else ({1: 8, 5: 4}[kind], place)
        if place + size > len(data):
            raise ValueError("cut short")
        yield tag >> 3, data[place : place + size]
        place += size


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[place] & 0x7F) << shift
        shift += 7
        place += 1
        if not data[place - 1] & 0x80:
            return value, place
