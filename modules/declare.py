"""The declaration language: what a parameter or an option is, said once and read by every surface."""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
TRUE_WORDS, FALSE_WORDS = ("true", "yes", "on", "1"), ("false", "no", "off", "0", "")


@dataclass(frozen=True, slots=True)
class Range:
    """Inclusive bounds and the step a slider moves by."""

    low: float
    high: float
    step: float = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Spec:
    """Everything the outside may know of one field.

    `slider` is what a widget offers, `valid` what is accepted at all; `choices` is a fixed tuple or the name of a live
    catalog; `omit` is asked with the request whether the PNG text leaves the field out.
    """

    label: str
    doc: str = ""
    name: str = ""
    type: type = str
    optional: bool = False  # None is a value: "not said"
    default: Any = None
    slider: Range | None = None
    valid: Range | None = None
    multiple_of: int | None = None
    choices: str | tuple[str, ...] = ()
    infotext: str | None = None
    also: tuple[str, ...] = ()  # older infotext keys that still read
    omit: Callable[[Any], bool] | None = None
    absent: Any = None  # of an option: the value that an infotext without its key means
    token: str | None = None  # [token] in filename patterns
    flag: str | None = None  # command line flag
    hidden: bool = False  # not on the settings page
    page_only: bool = False  # neither the API nor a picture's overrides may change it
    restart: bool = False  # takes effect at the next start
    section: str = ""

    def parse(self, text: str) -> Any:
        """The value that a text (infotext, flag) stands for; ValueError with a sentence if it stands for none."""
        return self.check(text.strip() if isinstance(text, str) else text)

    def check(self, value: Any) -> Any:
        """The value in this field's own type, or ValueError with a sentence."""
        if value is None and self.optional:
            return None
        try:
            made = CASTS[self.type](value)
        except (KeyError, TypeError, ValueError, OverflowError):
            raise ValueError(f"{self.label}: {_shown(value)} is not {KINDS.get(self.type, 'a valid value')}.") from None
        if self.valid and not self.valid.low <= made <= self.valid.high:
            low, high = _number(self.valid.low), _number(self.valid.high)
            raise ValueError(f"{self.label}: {_shown(value)} is outside {low} to {high}.")
        if self.multiple_of and made % self.multiple_of:
            raise ValueError(f"{self.label}: {_shown(value)} is not a multiple of {self.multiple_of}.")
        if isinstance(self.choices, tuple) and self.choices:
            for one in made if isinstance(made, list) else [made]:
                if one not in self.choices:
                    raise ValueError(f"{self.label}: {_shown(one)} is none of {', '.join(self.choices)}.")
        return made


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def _bool(value: Any) -> bool:
    if isinstance(value, str):
        word = value.strip().lower()
        if word not in TRUE_WORDS + FALSE_WORDS:
            raise ValueError(value)
        return word in TRUE_WORDS
    if isinstance(value, (bool, int)):
        return bool(value)
    raise TypeError(value)


def _int(value: Any) -> int:
    number = float(value) if not isinstance(value, int) else value
    if number != int(number):
        raise ValueError(value)
    return int(number)


def _float(value: Any) -> float:
    """A finite number; whole numbers given as such stay whole, so that `7` is written `7`, as A1111 does."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lstrip("+-").isdigit():
        return int(value)
    number = float(value)
    if number - number != 0:
        raise ValueError(value)
    return number


def _str(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _list(value: Any) -> list[str]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, Sequence):
        raise TypeError(value)
    return [_str(one) for one in value]


def _dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise TypeError(value)
    return dict(value)


CASTS: dict[type, Callable[[Any], Any]] = {
    bool: _bool,
    int: _int,
    float: _float,
    str: _str,
    list: _list,
    dict: _dict,
    object: lambda value: value,
}
KINDS: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list of texts",
    dict: "a set of names and values",
}


def param(default: T, label: str, **words: Any) -> T:
    """A dataclass field that carries its Spec; typed as its default, so that checkers see a plain field."""
    spec = Spec(label=label, default=default, **words)
    if isinstance(default, (list, dict)):
        made: T = field(default_factory=lambda: type(default)(default), metadata={Spec: spec})
        return made
    plain: T = field(default=default, metadata={Spec: spec})
    return plain


def specs(cls: type) -> dict[str, Spec]:
    """The Specs of a dataclass by field name, in declaration order, with name and type filled in."""
    hints = get_type_hints(cls)
    found = {}
    for one in fields(cls):
        if Spec in one.metadata:
            kind, optional = _plain_type(hints[one.name])
            found[one.name] = replace(one.metadata[Spec], name=one.name, type=kind, optional=optional)
        elif one.default is MISSING and one.default_factory is MISSING:
            raise TypeError(f"{cls.__name__}.{one.name} is declared without param()")
    return found


def _plain_type(hint: Any) -> tuple[type, bool]:
    """(int, True) for `int | None`, (list, False) for `list[str]`."""
    optional = False
    if get_origin(hint) in (Union, types.UnionType):
        parts = [part for part in get_args(hint) if part is not type(None)]
        hint, optional = parts[0], True
    return (object if hint is Any else get_origin(hint) or hint), optional


def checked(cls: type, values: dict[str, Any]) -> dict[str, Any]:
    """The values that `cls` declares, each in its own type; ValueError with a sentence for the first bad one."""
    known = specs(cls)
    return {name: known[name].check(value) for name, value in values.items() if name in known}
