"""Variants and wildcards: what a seed draws, what is text, and what is refused."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modules.exceptions import PromptError
from modules.prompts.variants import Drawn, draw, weighed
from modules.prompts.wildcards import Wildcards


def nothing(name):
    return None


@pytest.fixture
def wildcards(tmp_path):
    files = {
        "color": "# shades\nred\n5::blue\n\n{dark|light} green\n",
        "clothes/hat": "cap\n__color__ fez\n",
        "clothes/warm/coat": "coat\n",
        "round": "and __about__\n",
        "about": "__round__\n",
        "empty": "# nothing\n",
        **{f"twice{i}": f"__twice{i + 1}__ __twice{i + 1}__\n" for i in range(20)},
        "twice20": "word\n",
    }
    for name, text in files.items():
        path = tmp_path / "wildcards" / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "secret.txt").write_text("secret\n")
    return Wildcards(tmp_path / "wildcards")


def drawn(prompt, lookup=nothing, seeds=60):
    return {draw(prompt, seed, lookup).text for seed in range(seeds)}


@pytest.mark.parametrize(
    ("prompt", "all_of_them"),
    [
        ("a {red|blue} cat", {"a red cat", "a blue cat"}),
        ("{a|}b", {"ab", "b"}),
        ("{a|{b|c}}", {"a", "b", "c"}),
        ("{3::a|0::b}", {"a"}),
        ("{2$$a|b|c}", {"a, b", "a, c", "b, a", "b, c", "c, a", "c, b"}),
        ("{1-2$$ and $$a|b}", {"a", "b", "a and b", "b and a"}),
        ("{9$$a|b}", {"a, b", "b, a"}),
        ("{[a|b]|c}", {"[a|b]", "c"}),
        ("{a|b} {a|b}", {"a a", "a b", "b a", "b b"}),
    ],
)
def test_variants(prompt, all_of_them):
    assert drawn(prompt) == all_of_them


@pytest.mark.parametrize(
    "prompt", ["{tag}", "{{tag}}", "} a | b {", "{a|b", "\\{a|b\\}", "a_b __ c __", "snake_case", "____", "[a|b]", "{}"]
)
def test_what_is_no_choice_is_text(prompt):
    assert drawn(prompt, seeds=3) == {prompt}


def test_a_seed_draws_the_same_for_ever():
    """These are written into pictures: they must not change with the version of anything."""
    made = [draw("{a|b|c|d} {2$$1|2|3} {x|y}", seed, nothing).text for seed in (0, 1, 2, 1234567)]
    assert made == FOREVER


FOREVER = ["d 3, 1 x", "a 3, 1 x", "c 2, 1 y", "b 3, 1 y"]


def test_weights_are_kept():
    made = [draw("{3::a|b}", seed, nothing).text for seed in range(2000)]
    assert 0.70 < made.count("a") / 2000 < 0.80
    assert weighed("0.5::a::b") == (0.5, "a::b") and weighed("a::b") == (1.0, "a::b")


def test_wildcards(wildcards):
    look = wildcards.lines
    assert drawn("__color__", look) == {"red", "blue", "dark green", "light green"}
    assert drawn("__clothes/hat__", look) >= {"cap", "blue fez"}
    assert drawn("__clothes/*__!", look) >= {"cap!"} and "coat!" not in drawn("__clothes/*__!", look)
    assert "coat" in drawn("__clothes/**__", look)
    assert drawn("{2::__color__|x}", look) >= {"red", "blue", "x"}
    assert all(len(set(text.split(", "))) == 2 for text in drawn("{2$$__color__}", look))


def test_a_changed_file_is_read_again(wildcards, tmp_path):
    assert wildcards.lines("clothes/warm/coat") == [(1.0, "coat")]
    (tmp_path / "wildcards/clothes/warm/coat.txt").write_text("2::parka")
    assert wildcards.lines("clothes/warm/coat") == [(2.0, "parka")]


@pytest.mark.parametrize(
    "name", ["../secret", "clothes/../../secret", "/etc/hostname", "nope", "./color", "clothes//hat", "**/../secret"]
)
def test_only_files_under_the_folder_are_read(name, wildcards):
    assert wildcards.lines(name) is None


def test_a_link_leads_nowhere_else(wildcards, tmp_path):
    (tmp_path / "wildcards/link.txt").symlink_to(tmp_path / "secret.txt")
    assert wildcards.lines("link") is None


def test_a_missing_wildcard_stays_and_is_told(wildcards):
    assert draw("a __nope__ __empty__", 1, wildcards.lines) == Drawn("a __nope__ __empty__", ("nope", "empty"))


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("__round__", "__round__ leads back to itself: round > about > round."),
        ("__twice0__", "too much to draw"),
        ("{1$$" * 60 + "a|b" + "}" * 60, "nested more than 50 levels deep"),
    ],
)
def test_what_does_not_end_is_refused(prompt, words, wildcards):
    with pytest.raises(PromptError) as caught:
        draw(prompt, 1, wildcards.lines)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_of_any_size_takes_its_time_only(tmp_path):
    (tmp_path / "big.txt").write_text("line\n" * 50_000)
    look = Wildcards(tmp_path).lines
    started = time.process_time()
    assert draw("__big__ " * 5, 1, look).text == "line " * 5
    with pytest.raises(PromptError, match="too much to draw"):
        draw("__big__ " * 1000, 1, look)
    assert time.process_time() - started < 3


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab{}|[]_$1:-* \\", max_size=60), st.integers())
def test_nothing_is_an_error_and_what_is_drawn_is_final(prompt, seed):
    made = draw(prompt, seed, nothing)
    assert draw(prompt, seed, nothing) == made
