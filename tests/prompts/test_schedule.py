"""Prompts that change and prompts of several parts, against what AUTOMATIC1111 made of the same ones."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modules.prompts.composition import Part, parse_composition
from modules.prompts.schedule import Step, parse_schedule

RECORDED = json.loads((Path(__file__).parents[1] / "golden/schedules.json").read_text())


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: repr(case[0][:40]))
def test_schedules_are_a1111s(case):
    prompt, steps, hires_steps, old, wanted, *_ = case
    assert [[step.until, step.text] for step in parse_schedule(prompt, steps, hires_steps, old)] == wanted


@pytest.mark.parametrize("case", [case for case in RECORDED if len(case) > 5], ids=lambda case: repr(case[0][:40]))
def test_parts_are_a1111s(case):
    assert [[part.text, part.weight] for part in parse_composition(case[0])] == case[5]


def test_a_weight_that_is_no_number_is_text():
    assert parse_composition("a AND b :1.2.3") == [Part("a"), Part(" b :1.2.3")]


def test_what_is_no_construct_is_text():
    for prompt in ("[a:b:c]", "[a:b", "a]", "(a [b) c]", "[a|b", "[a:b:c:0.5]"):
        assert parse_schedule(prompt, 10) == [Step(10, prompt)]


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab ()[]:|\\1.5\n", max_size=60), st.integers(1, 30))
def test_nothing_is_an_error_and_the_last_entry_is_the_last_step(prompt, steps):
    made = parse_schedule(prompt, steps)
    assert made[-1].until == steps and [step.until for step in made] == sorted({step.until for step in made})
