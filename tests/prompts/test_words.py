"""Embeddings among the tokens of a prompt: one token by each letter here, an embedding by a capital letter."""

from modules.prompts.attention import Weighted
from modules.prompts.chunks import LENGTH, Vocabulary, Word, pack

COMMA = Vocabulary().comma
VECTORS = {"A": 3, "B": 70}


def tokenize(text):
    return [COMMA if letter == "," else ord(letter) for letter in text]


def find(ids, place):
    name = chr(ids[place])
    return Word(name, 2, VECTORS[name]) if name in VECTORS else None


def packed(text, weight=1.0):
    return pack([Weighted(text, weight)], tokenize, find=find)


def test_an_embedding_takes_as_many_places_as_it_has_vectors():
    (chunk,) = packed("xAay", 1.5)
    assert chunk.tokens[1:6] == (ord("x"), 0, 0, 0, ord("y")) and chunk.words == ((2, "A"),) and chunk.used == 5
    assert chunk.weights[:7] == (1.0, 1.5, 1.5, 1.5, 1.5, 1.5, 1.0)


def test_one_that_does_not_fit_begins_the_next_chunk():
    first, second = packed("x" * 73 + "Aay")
    assert first.words == () and second.words == ((1, "A"),) and second.used == 4
    first, second = packed("Aa" * 2 + "BbAa")
    assert first.words == ((1, "A"), (4, "A")) and second.words == ((1, "B"), (71, "A"))


def test_one_in_a_moved_tail_moves_along():
    first, second = packed("x" * 65 + ",Aa" + "y" * 10)
    assert first.words == () and len(first.tokens) == LENGTH + 2
    assert second.words == ((1, "A"),) and second.tokens[4] == ord("y")
