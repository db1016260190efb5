"""Patterns become names, and no prompt can make a dangerous one."""

import hashlib
import random
import re
from datetime import datetime, timezone
from pathlib import PurePath

import pytest

from modules.imaging.naming import arguments, folder, name, sanitize, text_tokens

NOW = datetime(2026, 11, 22, 23, 30, 5, tzinfo=timezone.utc)
HOSTILE = [
    "../../etc/passwd",
    "..",
    ".",
    "",
    "   ",
    "/",
    "\\\\server\\share",
    "C:\\windows",
    "a\0b\r\n\tc",
    "con",
    "LPT1.txt",
    "nul .png",
    "x" * 1000,
    "界" * 300,
    "\ud800 lone",
    " . . ",
    "a:b|c?d*e<f>g\"h#i",
]  # fmt: skip


def tokens(prompt: str = "a red, (cat:1.2) on a mat", negative: str = "blurry"):
    return text_tokens(prompt, negative, NOW)


def expand(pattern: str, prompt: str = "a red, (cat:1.2) on a mat", **others):
    return name(pattern, tokens(prompt) | others)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[date]", "2026-11-22"),
        ("[DATE]-x", "2026-11-22-x"),
        ("[datetime]", "20261122233005"),
        ("[datetime<%H.%M>]", "23.30"),
        ("[datetime<%d %H><Asia/Tokyo>]", "23 08"),
        ("[datetime<><Asia/Tokyo>]", "20261123083005"),
        ("[datetime<%H><Nowhere/Land>]", "23"),
        ("[datetime<%H><../../etc/passwd>]", "23"),
        ("[datetime<%Y/%m>]", "2026_11"),
        ("[prompt]", "a_red,_(cat_1.2)_on_a_mat"),
        ("[prompt_spaces]", "a red, (cat_1.2) on a mat"),
        ("[prompt_words]", "a red cat 1 2 on a mat"),
        ("[hasprompt<Cat|dog>]", "cat"),
        ("[hasprompt<bird|Nothing>]", "Nothing"),
        ("[hasprompt<bird><red|x><moon|y>]", "redy"),
        ("[hasprompt]", ""),
        ("[none]", ""),
        ("[unknown]-[date]", "[unknown]-2026-11-22"),
        ("[unknown<1>]", "[unknown_1_]"),
        ("plain", "plain"),
        ("[", "["),
        ("[[date]]", "[2026-11-22]"),
    ],
)
def test_patterns(pattern, expected):
    assert expand(pattern) == expected


def test_hashes():
    digest = hashlib.sha256(b"cat").hexdigest()
    assert expand("[prompt_hash]", "cat") == digest[:8]
    assert expand("[prompt_hash<12>]", "cat") == digest[:12]
    assert expand("[prompt_hash<x>]", "cat") == digest[:8]
    assert expand("[prompt_hash<999>]", "cat") == digest
    assert expand("[negative_prompt_hash]") == hashlib.sha256(b"blurry").hexdigest()[:8]
    assert expand("[full_prompt_hash]", "cat") == hashlib.sha256(b"cat blurry").hexdigest()[:8]


def test_prompt_words_are_at_most_eight_and_never_none():
    assert expand("[prompt_words]", "1 2 3, 4 5 6 7 8 9 10") == "1 2 3 4 5 6 7 8"
    assert name("[prompt_words]", text_tokens("1 2 3", "", NOW, max_words=2)) == "1 2"
    assert expand("[prompt_words]", " ,() ") == "empty"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[seed]-[gone]", "7"),
        ("a-[gone]-b", "-b"),
        ("[seed] and [gone] or [gone]-[date]", "7-2026-11-22"),
        ("[unknown] x [gone]", "[unknown]"),
        ("[date]/[gone]", "2026-11-22"),
    ],
)
def test_a_token_without_answer_takes_the_text_before_it_along(pattern, expected):
    assert expand(pattern, seed="7", gone=lambda argument: None) == expected


def test_a_function_gets_its_raw_argument():
    seen = []

    def keep(argument):
        seen.append(argument)
        return "x"

    assert expand("[t][t<>][t<a>][t<a|b><c>]", t=keep) == "xxxx"
    assert seen == [None, "", "a", "a|b><c"]
    assert [arguments(argument) for argument in seen] == [[], [""], ["a"], ["a|b", "c"]]


def test_each_token_is_trimmed():
    assert expand("[prompt_spaces]-[seed]", " a cat. ", seed="7") == "a cat-7"


def test_a_prompt_cannot_smuggle_in_tokens_or_folders():
    assert expand("[prompt_spaces]", "[date]/x") == "[date]_x"


def test_too_long_a_name_is_cut_in_its_longest_token():
    cut = expand("[prompt]-[seed]", "x" * 500, seed="1234567")
    assert cut == "x" * 120 + "-1234567"
    assert len(expand("y" * 300)) == 128
    assert name("[prompt]", tokens("x" * 500), max_length=200) == "x" * 200
    assert [len(part) for part in expand("[prompt]/[prompt]", "x" * 500).split("/")] == [128, 128]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('#<>:"/\\|?*\n\t', "_" * 12),
        ("  a b. . ", "a_b"),
        ("...", ""),
        (".hidden", ".hidden"),
        ("con", "_con"),
        ("Com1.tar", "_Com1.tar"),
        ("console", "console"),
        ("é 世", "é_世"),
        ("x" * 200, "x" * 128),
    ],
)
def test_sanitize(text, expected):
    assert sanitize(text) == expected


def test_sanitize_may_keep_spaces():
    assert sanitize(" a  b ", replace_spaces=False) == "a  b"


def test_a_cut_cannot_uncover_a_device():
    assert sanitize("console", max_length=3) == "_co"


def safe(part: str) -> bool:
    device = re.match(r"(?i)(con|prn|aux|nul|com\d|lpt\d)( *\.|$)", part)
    return (
        not re.search(r'[#<>:"/\\|?*\x00-\x1f\ud800-\udfff]', part) and part == part.strip().rstrip(".") and not device
    )


def test_hostile_texts_make_safe_names_and_folders():
    chance = random.Random(3)
    soup = './\\:*?"<>| \n\0a界\ud800[]conul'
    texts = HOSTILE + ["".join(chance.choices(soup, k=chance.randrange(40))) for _ in range(500)]
    for text in texts:
        for part in (sanitize(text), sanitize(text, replace_spaces=False), expand("[prompt]", text)):
            assert safe(part), (text, part)
            assert len(part) <= 128
            assert sanitize(part, replace_spaces=False) == part
        path = folder(text + "/[prompt_spaces]\\" + text, tokens(text))
        assert not path.is_absolute()
        assert all(safe(part) for part in path.parts), (text, path)


def test_folders():
    assert folder("[date]", tokens()) == PurePath("2026-11-22")
    assert folder("/[date]\\sub/../[none]/[hasprompt<cat>]", tokens()) == PurePath("2026-11-22", "sub", "cat")
    assert folder("[none]", tokens()) == PurePath()
