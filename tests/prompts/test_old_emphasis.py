"""Emphasis by bracket tokens, as A1111 had it in its first months."""

import pytest

from modules.prompts.old_emphasis import bracket_factors, pack_old
from modules.weights.tokenizer import tokenize, vocabulary

FACTORS = bracket_factors(vocabulary())


def weighted(prompt):
    """The pieces of the one chunk with their weights."""
    words = {token: text for text, token in vocabulary().items()}
    chunk = pack_old(tokenize(prompt), FACTORS)
    assert len(chunk.tokens) == len(chunk.weights) == 77
    pieces = [(words[token], weight) for token, weight in zip(chunk.tokens, chunk.weights, strict=True)]
    return pieces[1 : chunk.used + 1]


def test_brackets_weigh_what_follows_them():
    assert weighted("a (b) [c] d") == [
        ("a</w>", 1),
        ("b</w>", 1.1),
        ("c</w>", pytest.approx(1 / 1.1)),
        ("d</w>", pytest.approx(1)),
    ]
    assert dict(weighted("((castle)) hill"))["castle</w>"] == pytest.approx(1.21)


def test_a_number_is_no_weight():
    assert [text for text, _ in weighted("(red:1.3)")] == ["red</w>", ":</w>", "1</w>", ".</w>", "3</w>"]


def test_a_token_whose_brackets_cancel_out_is_a_word():
    assert weighted("a ()") == [("a</w>", 1), ("()</w>", 1)]


def test_what_does_not_fit_is_cut_off():
    chunk = pack_old(tokenize("(cat " * 100), FACTORS)
    assert chunk.used == 100 and chunk.tokens[75] != chunk.tokens[76] == 49407
    assert chunk.weights[-1] == 1 and chunk.weights[75] > 1000
