"""The weight syntax against what AUTOMATIC1111 made of the same prompts."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modules.prompts.attention import Weighted, parse_attention
from modules.prompts.chunks import pack
from modules.weights.tokenizer import tokenize

RECORDED = json.loads((Path(__file__).parents[1] / "golden/prompts.json").read_text())


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: repr(case["prompt"][:40]))
def test_pieces_are_a1111s(case):
    assert [[piece.text, piece.weight] for piece in parse_attention(case["prompt"])] == case["attention"]


@pytest.mark.parametrize("case", [c for c in RECORDED if "chunks" in c], ids=lambda case: repr(case["prompt"][:40]))
def test_chunks_are_a1111s(case):
    chunks = pack(parse_attention(case["prompt"]), tokenize)
    assert len(chunks) == len(case["chunks"])
    for chunk, said in zip(chunks, case["chunks"], strict=True):
        assert list(chunk.tokens) == said["tokens"] + [49407] * (77 - len(said["tokens"]))
        assert list(chunk.weights) == said["weights"] + [1.0] * (77 - len(said["weights"]))


def test_a_broken_weight_is_drawn_literally():
    assert parse_attention("(a:1.3.5)") == [Weighted("a:1.3.5", 1.1)]
    assert parse_attention("a:1.3)") == [Weighted("a:1.3)")]


def test_break_is_marked_and_a_bracket_unmarks_it():
    assert [piece.is_break for piece in parse_attention("a BREAK b")] == [False, True, False]
    assert not any(piece.is_break for piece in parse_attention("(a BREAK b)"))


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab ()[]:\\1.", max_size=60))
def test_nothing_is_an_error(prompt):
    assert parse_attention(prompt)


def test_deep_nesting_keeps_its_product():
    deep = 1500
    pieces = parse_attention("(" * deep + "a:2" + ")" * deep + "b" + "(c" * 3000 + ":0.5)" * 3000 + "(d:3)")
    by_text = {piece.text: piece.weight for piece in pieces}
    assert by_text["d"] == pytest.approx(3) and by_text["b"] == pytest.approx(1)
