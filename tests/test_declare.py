"""The declaration language by itself."""

from dataclasses import dataclass

import pytest

from modules.declare import Range, checked, param, specs


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    count: int = param(2, "Count", valid=Range(1, 10))
    size: float = param(1.5, "Size", valid=Range(0, 2))
    name: str = param("a", "Name", choices=("a", "b"))
    on: bool = param(False, "On")
    words: list[str] = param([], "Words")
    maybe: float | None = param(None, "Maybe")


SPECS = specs(Sample)


def test_names_types_and_defaults_come_from_the_field():
    assert [(s.name, s.type, s.optional) for s in SPECS.values()] == [
        ("count", int, False), ("size", float, False), ("name", str, False),
        ("on", bool, False), ("words", list, False), ("maybe", float, True),
    ]  # fmt: skip
    assert Sample() == Sample(count=2, words=[]) and Sample().words is not Sample().words


@pytest.mark.parametrize(
    ("field", "given", "made"),
    [
        ("count", "7", 7), ("count", 7.0, 7), ("size", "1", 1), ("size", "1.0", 1.0), ("on", "True", True),
        ("on", 0, False), ("words", "a, b", ["a", "b"]), ("maybe", None, None), ("maybe", "0.5", 0.5),
    ],
)  # fmt: skip
def test_values_become_their_fields_type(field, given, made):
    result = SPECS[field].check(given)
    assert result == made and type(result) is type(made)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("count", 0), ("count", 11), ("count", 1.5), ("count", "x"), ("count", None),
        ("count", float("inf")), ("count", [1]),
        ("size", float("nan")), ("size", "inf"), ("size", {}), ("name", "c"), ("name", 3), ("on", "maybe"),
        ("on", 1.5), ("words", 3), ("words", [1]),
    ],
)  # fmt: skip
def test_a_bad_value_is_one_sentence_naming_the_field(field, given):
    with pytest.raises(ValueError) as caught:
        SPECS[field].check(given)
    message = str(caught.value)
    assert message.startswith(SPECS[field].label + ": ") and message.endswith(".") and len(message) < 200


def test_whole_numbers_stay_whole_as_a1111_writes_them():
    assert str(SPECS["size"].parse("1")) == "1" and str(SPECS["size"].parse("1.0")) == "1.0"


def test_checked_leaves_out_what_is_not_declared():
    assert checked(Sample, {"count": "3", "other": 1}) == {"count": 3}


def test_every_field_must_be_declared():
    @dataclass
    class Bad:
        x: int

    with pytest.raises(TypeError, match="without param"):
        specs(Bad)
