"""A list of extensions to choose from, in the form of A1111's index files: fetched when and whence somebody says."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from modules.exceptions import ParameterError, WebuiError

LONGEST = 16 << 20  # bytes
PATIENCE = 30  # seconds
MOST = 5000  # entries
NEWEST, OLDEST, BY_NAME, BY_NAME_BACK, STARS, AS_IS = (
    "newest first", "oldest first", "a-z", "z-a", "stars", "internal order",
)  # fmt: skip
SORTS = (NEWEST, OLDEST, BY_NAME, BY_NAME_BACK, STARS, AS_IS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One extension that can be had."""

    name: str
    url: str
    description: str = ""
    added: str = ""
    stars: int = 0
    tags: tuple[str, ...] = ()


def fetch(url: str, near: bool) -> list[Entry]:
    """What an index at an address lists; http:// alone where only this machine reaches the server. WebuiError."""
    allowed = ("https", "http") if near else ("https",)
    url = url.strip()
    if urlsplit(url).scheme not in allowed or not urlsplit(url).hostname or not url.isprintable():
        raise ParameterError(f"No list can be had from {url[:80]!r}: give an address that begins with https://.")
    opener = urllib.request.OpenerDirector()
    handlers: list[Any] = [urllib.request.HTTPSHandler(), *([urllib.request.HTTPHandler()] if near else [])]
    handlers += [urllib.request.ProxyHandler(), urllib.request.HTTPRedirectHandler(), urllib.request.UnknownHandler()]
    for one in (*handlers, urllib.request.HTTPErrorProcessor(), urllib.request.HTTPDefaultErrorHandler()):
        opener.add_handler(one)
    try:
        with opener.open(url, timeout=PATIENCE) as answer:
            text = answer.read(LONGEST + 1)
    except (OSError, ValueError) as error:
        raise WebuiError(f"The list at {url[:200]} cannot be had: {getattr(error, 'reason', None) or error}") from error
    if len(text) > LONGEST:
        raise WebuiError(f"The list at {url[:200]} is too long.")
    return parse(text)


def parse(text: bytes) -> list[Entry]:
    """The entries of an index; those that are none are left out. WebuiError where it is no index."""
    try:
        found = json.loads(text)
        rows = found["extensions"]
        return [one for row in rows[:MOST] if (one := _entry(row)) is not None]
    except (ValueError, TypeError, KeyError) as error:
        raise WebuiError(
            "That is no list of extensions: an index.json with the key extensions was expected."
        ) from error


def _entry(row: Any) -> Entry | None:
    if not isinstance(row, Mapping) or not row.get("name") or not row.get("url"):
        return None
    stars, tags = row.get("stars"), row.get("tags")
    return Entry(
        name=str(row["name"])[:200],
        url=str(row["url"])[:500],
        description=str(row.get("description") or "")[:2000],
        added=str(row.get("added") or "")[:20],
        stars=stars if isinstance(stars, int) else 0,
        tags=tuple(str(tag)[:40] for tag in tags) if isinstance(tags, list) else (),
    )


def chosen(entries: Sequence[Entry], hidden: Sequence[str], order: str, words: str) -> list[Entry]:
    """Those without a hidden tag that hold every word, in an order of `SORTS`."""
    wanted = words.lower().split()
    shown = [
        one
        for one in entries
        if not set(one.tags) & set(hidden)
        and all(word in f"{one.name} {one.description} {one.url} {' '.join(one.tags)}".lower() for word in wanted)
    ]
    if order in (NEWEST, OLDEST):
        return sorted(shown, key=lambda one: one.added, reverse=order == NEWEST)
    if order in (BY_NAME, BY_NAME_BACK):
        return sorted(shown, key=lambda one: one.name.lower(), reverse=order == BY_NAME_BACK)
    return sorted(shown, key=lambda one: -one.stars) if order == STARS else shown
