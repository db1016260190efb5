"""Patterns such as `[seed]-[prompt_spaces]` become names that every file system takes."""

import hashlib
import re
import string
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import PurePath
from zoneinfo import ZoneInfo

# A token's text, or a function of its arguments that answers None where the token does not apply.
Token = Callable[[str | None], str | None] | str

MAX_LENGTH = 128

_ILLEGAL = re.compile(r'[#<>:"/\\|?*\x00-\x1f\x7f\ud800-\udfff]')
# Devices, which Windows opens in place of a file whatever the extension.
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)", re.IGNORECASE)
_TAIL = re.compile(r"[\s.]+\Z")
_TOKEN = re.compile(r"\[([^\[\]<>]+)((?:<[^<>\[\]]*>)*)\]")
_BETWEEN_WORDS = re.compile(rf"[\s{re.escape(string.punctuation)}]+")


def name(pattern: str, tokens: Mapping[str, Token], *, max_length: int = MAX_LENGTH) -> str:
    """Expand a pattern to a file name without extension.

    A token is `[token]` or `[token<argument>]`; a function gets what stands between the outer angle brackets
    (`arguments` splits several), or None. Unknown tokens stay as they are. A token that answers None goes, and with it
    the text between it and the token before. Only a `/` of the pattern itself can separate folders. If a part is too
    long, its longest token is cut first, so that a seed behind a prompt survives.
    """
    parts: list[list[tuple[str, bool]]] = [[]]
    for text, from_token in _expanded(pattern, tokens):
        if from_token:
            parts[-1].append((sanitize(text, replace_spaces=False, max_length=max_length), True))
            continue
        first, *others = text.split("/")
        parts[-1].append((first, False))
        parts.extend([(other, False)] for other in others)
    return "/".join(filter(None, (_joined(part, max_length) for part in parts)))


def folder(pattern: str, tokens: Mapping[str, Token], *, max_length: int = MAX_LENGTH) -> PurePath:
    """Expand a pattern to a relative folder; both slashes of the pattern separate, and no part can be `..`."""
    return PurePath(name(pattern.replace("\\", "/"), tokens, max_length=max_length))


def sanitize(text: str, *, replace_spaces: bool = True, max_length: int = MAX_LENGTH) -> str:
    """Make text fit to be one part of a path on every system; it may become empty.

    Illegal characters become `_`, leading blanks and trailing blanks and dots go, Windows' device names get a `_`.
    """
    text = _TAIL.sub("", _ILLEGAL.sub("_", text.lstrip())[:max_length])
    if _RESERVED.match(text):
        text = ("_" + text)[:max_length]
    return text.replace(" ", "_") if replace_spaces else text


def arguments(argument: str | None) -> list[str]:
    """Split what a token's function gets: `[token<a><b>]` gives a and b."""
    return [] if argument is None else argument.split("><")


def text_tokens(prompt: str, negative_prompt: str, now: datetime, *, max_words: int = 8) -> dict[str, Token]:
    """Give the tokens that need only text and time: date, datetime, the prompt's forms and hashes, hasprompt, none."""
    words = [word for word in _BETWEEN_WORDS.split(prompt) if word]
    return {
        "date": now.strftime("%Y-%m-%d"),
        "datetime": lambda argument: _datetime(now, *arguments(argument)[:2]),
        "prompt": prompt.strip().replace(" ", "_"),
        "prompt_spaces": prompt,
        "prompt_words": " ".join(words[:max_words]) or "empty",
        "prompt_hash": lambda argument: _hash(prompt, argument),
        "negative_prompt_hash": lambda argument: _hash(negative_prompt, argument),
        "full_prompt_hash": lambda argument: _hash(f"{prompt} {negative_prompt}", argument),
        "hasprompt": lambda argument: "".join(_found(prompt, wish) for wish in arguments(argument)),
        "none": "",
    }


def _expanded(pattern: str, tokens: Mapping[str, Token]) -> Iterator[tuple[str, bool]]:
    """Give the pattern's pieces in order, each with whether it is a token's text."""
    end = 0
    for match in _TOKEN.finditer(pattern):
        literal = pattern[end : match.start()]
        end = match.end()
        token = tokens.get(match[1].lower())
        if token is None:
            yield literal + match[0], False
            continue
        text = token if isinstance(token, str) else token(match[2][1:-1] if match[2] else None)
        if text is not None:
            yield literal, False
            yield text, True
    yield pattern[end:], False


def _joined(pieces: list[tuple[str, bool]], max_length: int) -> str:
    texts = [text for text, _ in pieces]
    over = len("".join(texts)) - max_length
    if over > 0:
        from_tokens = (index for index, (_, from_token) in enumerate(pieces) if from_token)
        longest = max(from_tokens, key=lambda index: len(texts[index]), default=0)
        texts[longest] = texts[longest][: max(0, len(texts[longest]) - over)].rstrip()
    return sanitize("".join(texts), replace_spaces=False, max_length=max_length)


def _datetime(now: datetime, form: str = "", zone: str = "") -> str:
    """Write the time; an unknown zone changes nothing, an impossible form is replaced by the default one."""
    default = "%Y%m%d%H%M%S"
    if zone:
        with suppress(KeyError, ValueError, OSError):  # a missing zone, a path for a name, a folder of zones
            now = now.astimezone(ZoneInfo(zone))
    try:
        return now.strftime(form or default)
    except ValueError:
        return now.strftime(default)


def _hash(text: str, length: str | None) -> str:
    digits = int(length) if length is not None and re.fullmatch("[0-9]{1,3}", length) else 8
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:digits]


def _found(prompt: str, wish: str) -> str:
    """Give `a` of `a|default` if the prompt holds it in any case, else the default."""
    expected, _, default = wish.partition("|")
    return expected.lower() if expected.lower() in prompt.lower() else default
