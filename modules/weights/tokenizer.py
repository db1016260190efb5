"""CLIP's tokenizer: text to token ids. No torch here, for the page counts tokens while people type."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import ftfy
from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import BPE

VOCABULARY = Path(__file__).parent / "data" / "clip"  # OpenAI's byte-pair encoding, MIT

SPECIAL = ("<|startoftext|>", "<|endoftext|>")
WORD_END = "</w>"
# Radford et al. 2021, the released tokenizer: special tokens, contractions, words, digits, runs of anything else
PIECE = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"


def tokenize(text: str) -> list[int]:
    """Token ids without start and end; odd quotes, ligatures and broken encodings are mended first, as for CLIP."""
    plain = text.isascii() and text.isprintable() and "&" not in text  # ftfy would leave it as it is, but take longer
    ids: list[int] = _tokenizer().encode(text if plain else ftfy.fix_text(text), add_special_tokens=False).ids
    return ids


@cache
def vocabulary() -> Mapping[str, int]:
    """Every token's text and id; one that ends a word carries `</w>`."""
    tokens: dict[str, int] = _tokenizer().get_vocab()
    return tokens


@cache
def _tokenizer() -> Tokenizer:
    files = str(VOCABULARY / "vocab.json"), str(VOCABULARY / "merges.txt")
    made = Tokenizer(BPE.from_file(*files, end_of_word_suffix=WORD_END, unk_token=SPECIAL[1]))
    made.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECE), "removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    made.add_special_tokens(list(SPECIAL))
    return made
