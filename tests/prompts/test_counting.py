"""The token counter against A1111's own counts."""

import json
from pathlib import Path

import pytest

from modules.prompts.attention import parse_attention
from modules.prompts.chunks import pack
from modules.prompts.counting import count_tokens
from modules.weights.tokenizer import tokenize

RECORDED = json.loads((Path(__file__).parents[1] / "golden/prompts.json").read_text())


def chunks(text):
    return pack(parse_attention(text), tokenize)


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: repr(case["prompt"][:40]))
def test_counts_are_a1111s(case):
    assert sum(chunk.used for chunk in chunks(case["prompt"])) == case["tokens"]


@pytest.mark.parametrize(
    ("prompt", "counted"),
    [
        ("", (0, 75)),
        ("a cat", (2, 75)),
        ("a [cat:very big dog:0.5]", (4, 75)),
        ("a [cat|big dog]", (3, 75)),
        ("a cat AND a very big dog :0.5", (4, 75)),
        ("a cat<lora:x:1>", (2, 75)),
        ("a BREAK b", (76, 150)),
        ("cat " * 75, (75, 75)),
        ("cat " * 76, (76, 150)),
    ],
)
def test_the_longest_part_at_its_longest_moment_counts(prompt, counted):
    assert count_tokens(prompt, 20, chunks) == counted


def test_a_negative_prompt_has_one_part_and_no_tags():
    assert count_tokens("cat AND dog", 20, chunks, negative=True) == (3, 75)
    assert count_tokens("<lora:x:1>", 20, chunks, negative=True)[0] > 1
