"""The text format by itself: quoting, lines, what counts as parameters."""

import json
from pathlib import Path

import pytest

from modules.prompts.infotext import quote, read, unquote, write

RECORDED = json.loads((Path(__file__).parents[1] / "golden/infotexts.json").read_text())


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: repr(case["text"][-50:]))
def test_prompts_and_pairs_are_read_as_a1111_reads_them(case):
    found = read(case["text"])
    assert found.prompt == case["parsed"]["Prompt"]
    assert found.negative_prompt == case["parsed"]["Negative prompt"]
    for key, value in found.pairs.items():
        said = case["parsed"].get(key)
        if isinstance(said, str) and key not in ("Prompt", "Negative prompt", "Lora hashes", "TI hashes", "Hashes"):
            assert value == said, key


@pytest.mark.parametrize("value", ["plain", "a, b", "a: b", "two\nlines", 'said "x", twice', "ü → 猫", "7.5"])
def test_quoting_round_trips(value):
    assert unquote(quote(value)) == value


def test_write_then_read():
    text = write(
        "a cat,\non a mat", "blur", {"Steps": 20, "Sampler": "Euler a", "Script": "a, b", "Gone": None, "Seed": 1}
    )
    assert text.splitlines()[-1] == 'Steps: 20, Sampler: Euler a, Script: "a, b", Seed: 1'
    found = read(text)
    assert (found.prompt, found.negative_prompt) == ("a cat,\non a mat", "blur")
    assert found.pairs == {"Steps": "20", "Sampler": "Euler a", "Script": "a, b", "Seed": "1"}


def test_two_pairs_are_still_prompt():
    assert read("a cat\nSize: big, Mood: sad").prompt == "a cat\nSize: big, Mood: sad"


def test_no_negative_line_without_a_negative_prompt():
    assert write("a", "", {"Steps": 1}) == "a\nSteps: 1"
