"""The parameters text of a picture ↔ prompt, negative prompt and ordered pairs; what a pair means is told elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

PAIR = re.compile(
    r"""(?<![\w\ \-/])[\ \-/]*          # a key begins where its run of characters does, which keeps the search linear
    (\w[\w\ \-/]+):\s*
    ("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)""",
    re.VERBOSE,
)
NEGATIVE = "Negative prompt:"
PAIRS_AT_LEAST = 3  # fewer in the last line, and it belongs to the prompt


@dataclass(frozen=True, slots=True)
class Parameters:
    """An infotext taken apart; the values of the pairs are still text."""

    prompt: str = ""
    negative_prompt: str = ""
    pairs: dict[str, str] = field(default_factory=dict)


def quote(value: object) -> str:
    """The value as it stands in a pair: bare, or a JSON string where that would not read back."""
    text = str(value)
    bare = not set(text) & set(",:\n") and text == text.strip() and not text.startswith('"')
    return text if bare else json.dumps(text, ensure_ascii=False)


def unquote(text: str) -> str:
    """What `quote` was given; a broken quotation is taken literally."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    try:
        return str(json.loads(text))
    except ValueError:
        return text


def write(prompt: str, negative_prompt: str, pairs: Mapping[str, object]) -> str:
    """The text; pairs whose value is None are left out."""
    said = [key if key == value else f"{key}: {quote(value)}" for key, value in pairs.items() if value is not None]
    negative = f"\n{NEGATIVE} {negative_prompt}" if negative_prompt else ""
    return f"{prompt}{negative}\n{', '.join(said)}".strip()


def read(text: str) -> Parameters:
    """Take a text apart; anything that is no infotext comes back as a prompt."""
    lines = text.strip().split("\n")
    last = PAIR.findall(lines[-1])
    if len(last) >= PAIRS_AT_LEAST:
        lines.pop()
    else:
        last = []
    prompt: list[str] = []
    negative: list[str] = []
    target = prompt
    for line in (one.strip() for one in lines):
        if line.startswith(NEGATIVE) and target is prompt:
            target, line = negative, line[len(NEGATIVE) :].strip()
        target.append(line)
    return Parameters("\n".join(prompt), "\n".join(negative), {key: unquote(value.strip()) for key, value in last})
