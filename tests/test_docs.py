"""The README says what there is: every flag, every section, every room."""

import re
from pathlib import Path

import pytest

import modules
from modules import bootstrap
from modules.declare import specs
from modules.settings.sections import SECTIONS, Launch

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", specs(Launch))
def test_every_flag_is_in_the_table_in_its_own_words(name):
    spec = specs(Launch)[name]
    meaning = f"{spec.label}. {spec.doc}" if spec.doc else spec.label
    assert f"| `{spec.flag}` | {meaning} |" in README


@pytest.mark.parametrize("flag", bootstrap.FLAGS)
def test_every_flag_of_the_set_up_is_in_the_table(flag):
    assert f"| `{flag}` | {bootstrap.FLAGS[flag]} |" in README


def test_no_flag_is_in_the_table_that_is_not_there():
    told = set(re.findall(r"^\| `(-[^`]*)` \|", README, re.MULTILINE))
    assert told == {spec.flag for spec in specs(Launch).values()} | set(bootstrap.FLAGS)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_is_named(section):
    assert section in " ".join(README.split())


@pytest.mark.parametrize("room", [room for room in modules.ROOMS if room != "cli"])
def test_every_room_is_in_the_tree(room):
    assert re.search(rf"^  {room}(/|\.py) +\S", README, re.MULTILINE)


@pytest.mark.parametrize("section", SECTIONS.values())
def test_every_option_has_a_label(section):
    assert all(spec.label for spec in specs(section).values())


def test_the_documentation_names_no_machine():
    for path in Path(__file__).parents[1].glob("*.md"):
        assert not re.search(r"/(root|home|work|tmp)/", path.read_text(encoding="utf-8"))
