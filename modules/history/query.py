"""What is typed into the search: words, and what they are not, such as `seed:5 size:512x768 after:2024-05`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from modules.exceptions import ParameterError

TERM = re.compile(r'(?:(?P<key>[a-z]+):)?(?:"(?P<phrase>[^"]*)"?|(?P<word>\S+))', re.IGNORECASE)
COLUMNS = {"prompt": "prompt", "model": "model", "lora": "networks", "name": "name"}  # that words are looked for in
WORDS = re.compile(r"\w+")
MONTHS = 12


@dataclass(frozen=True, slots=True)
class Query:
    """`match` is for the full text, `clauses` with `values` for the table; both empty for everything."""

    match: str = ""
    clauses: tuple[str, ...] = ()
    values: tuple[int | str, ...] = ()


def parse(text: str) -> Query:
    """Read a search. ParameterError for a size or a date that is none."""
    match: list[str] = []
    clauses: list[str] = []
    values: list[int | str] = []
    for found in TERM.finditer(text):
        key, phrase = (found["key"] or "").lower(), found["phrase"]
        said = found["word"] if phrase is None else phrase
        if key in FILTERS:
            clause, given = FILTERS[key](said)
            clauses.append(clause)
            values += given
        else:
            whole = said if key in COLUMNS or not key else f"{found['key']}:{said}"
            match += _match(COLUMNS.get(key, ""), whole, phrase is None)
    return Query(" ".join(match), tuple(clauses), tuple(values))


def _match(column: str, text: str, open_end: bool) -> list[str]:
    """The words in FTS5's language: all of them one after another, the last one maybe only begun."""
    words = WORDS.findall(text)
    if not words:
        return []
    where = f"{column} : " if column else ""
    return [f'{where}"{" ".join(words)}"{"*" if open_end else ""}']


def _seed(said: str) -> tuple[str, list[int | str]]:
    return "seed = ?", [said]


def _size(said: str) -> tuple[str, list[int | str]]:
    sides = re.fullmatch(r"(\d{1,6})[x×](\d{1,6})", said)
    if sides is None:
        raise ParameterError(f"size:{said[:40]} is no size; write it as size:512x768.")
    return "width = ? AND height = ?", [int(sides[1]), int(sides[2])]


def _date(said: str) -> tuple[str, list[int | str]]:
    first, end = _span(said)
    return "id >= ? AND id < ?", [first, end]


def _after(said: str) -> tuple[str, list[int | str]]:
    return "id >= ?", [_span(said)[0]]


def _before(said: str) -> tuple[str, list[int | str]]:
    return "id < ?", [_span(said)[0]]


FILTERS = {"seed": _seed, "size": _size, "date": _date, "after": _after, "before": _before}


def _span(said: str) -> tuple[int, int]:
    """Begin and end of a year, month or day of this machine's clock, in microseconds."""
    parts = re.fullmatch(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?", said)
    try:
        if parts is None:
            raise ValueError
        year, month, day = int(parts[1]), int(parts[2] or 1), int(parts[3] or 1)
        first = datetime(year, month, day)
        if parts[3]:
            end = datetime.fromtimestamp(first.timestamp() + 26 * 3600).replace(hour=0)  # a day may have 25 hours
        else:
            end = datetime(year + 1, 1, 1) if not parts[2] or month == MONTHS else datetime(year, month + 1, 1)
        return round(first.timestamp() * 1e6), round(end.timestamp() * 1e6)
    except (ValueError, OverflowError, OSError):
        raise ParameterError(f"{said[:40]} is no date; write it as 2024, 2024-05 or 2024-05-31.") from None
