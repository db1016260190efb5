"""100,000 characters of anything are read in under a second, by every parser."""

import time

import pytest

from modules.exceptions import PromptError
from modules.prompts import infotext
from modules.prompts.attention import parse_attention
from modules.prompts.comments import strip_comments
from modules.prompts.composition import parse_composition
from modules.prompts.networks import parse_tags
from modules.prompts.schedule import parse_schedule
from modules.prompts.styles import Style, extract_styles
from modules.prompts.variants import draw

LENGTH = 100_000
STYLES = [Style("a", "a {prompt}"), Style("b", "b", "c")]

PARSERS = {
    "attention": parse_attention,
    "comments": strip_comments,
    "composition": parse_composition,
    "infotext": infotext.read,
    "networks": parse_tags,
    "schedule": lambda prompt: parse_schedule(prompt, 20),
    "styles": lambda prompt: extract_styles(prompt, prompt, STYLES),
    "variants": lambda prompt: draw(prompt, 1, lambda name: None),
}

REPEATED = [
    *"()[]{}<|:# -a\\\n", "()", "(a", "[a:", "[a|", "[(a:", "{a|", "{2$$", "{2::", "<a:", "<a:>", ":2)", "a:5]",
    "[a|b]", "{a|b}", "a b ", "AND ", "BREAK ", "__a", "\\(", "#\n", "ab: 1, ", 'ab:"', 'ab:",', "Negative prompt:\n",
]  # fmt: skip
NESTED = [("(", ")"), ("[", "]"), ("{", "}"), ("[a:b:", "0.5]"), ("[a|", "]"), ("{a|", "}"), ("(a:", "1.1)")]
PROMPTS = [text * (LENGTH // len(text)) for text in REPEATED]
PROMPTS += [left * 20_000 + "a" + right * 20_000 for left, right in NESTED]
PROMPTS += ["a" + " " * LENGTH + ":", 'ab: "' + '\\"' * (LENGTH // 2), 'ab: "' + "b," * (LENGTH // 2)]


def seconds(parser, prompt):
    """Of computing; the least of three, as the machine may be busy."""
    took = []
    while len(took) < 3 and not (took and took[-1] < 1):
        started = time.process_time()
        try:
            PARSERS[parser](prompt)
        except PromptError:
            assert parser == "variants"  # it may say that there is too much to draw
        took.append(time.process_time() - started)
    return min(took)


@pytest.mark.parametrize("prompt", PROMPTS, ids=lambda prompt: repr(prompt[:12]))
@pytest.mark.parametrize("parser", PARSERS)
def test_every_parser_is_linear(parser, prompt):
    assert seconds(parser, prompt) < 1
