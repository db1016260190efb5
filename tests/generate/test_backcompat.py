"""Which version an infotext is from, and what is switched for it."""

import pytest

from modules import VERSION
from modules.generate.backcompat import parse_version, switches
from modules.generate.infotext import read
from modules.prompts.infotext import Parameters, write
from modules.settings.options import Options
from modules.settings.store import Store

EVERY = ["use_old_scheduling", "pad_cond_uncond_v0", "use_downcasted_alpha_bar", "refiner_switch_by_sample_steps"]


def found(version, prompt="a [b:c:0.5]", sampler="DDIM", refiner="x"):
    pairs = {"Sampler": sampler, "Refiner": refiner} | ({} if version is None else {"Version": version})
    return Parameters(prompt, "", pairs)


def test_versions_in_order():
    falling = [
        "2.0.0",
        "v1.10.1",
        "v1.8.0-12-gabc1234",
        "1.8.0",
        "v1.8.0-RC",
        "v1.7.0-225-g1",
        "1.7.0",
        "v1.6",
        "1.0.0-pre-1578-g394ffa7b",
    ]
    made = [parse_version(text) for text in falling]
    assert None not in made and made == sorted(made, reverse=True)
    assert parse_version("v1.5.2") == parse_version("1.5.2") == (1, 5, 2, 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<none>",
        "classic",
        "f0.0.17v1.8.0rc-latest-276-g29be1da7",
        "f2.0.1v1.10.1-previous-659-gc055f2d4",
        "6173470",
    ],
)
def test_other_programs_have_no_version_of_a1111(text):
    assert parse_version(text) is None and switches(found(text)) == []


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        ("v1.5.2", EVERY),
        ("1.5.2", EVERY),
        ("v1.6.0-RC-12-gabc1234", EVERY),
        ("v1.6.0", EVERY[2:]),
        ("v1.7.0-225-gabc1234", EVERY[3:]),
        ("v1.8.0-RC", EVERY[3:]),
        ("v1.8.0", []),
        (VERSION, []),
        (None, []),
    ],
)
def test_older_pictures_are_drawn_as_they_were(version, wanted):
    assert switches(found(version)) == wanted


def test_only_what_could_matter_is_switched():
    assert switches(found("v1.5.2", "a", "Euler", "")) == ["use_downcasted_alpha_bar"]
    assert switches(found("v1.5.2", "[a]", "PLMS", "")) == EVERY[:3]


def test_an_infotext_asks_for_the_options(tmp_path):
    specs = Options(Store(tmp_path / "config.json")).view().specs()
    text = write("a [b:c:1.5]", "", {"Steps": 1, "Sampler": "Euler", "Seed": 1, "Version": "v1.5.1"})
    assert read(text, specs).overrides["use_old_scheduling"] is True
    assert read(text, specs, compatible=False).overrides["use_old_scheduling"] is False
    few = {name: spec for name, spec in specs.items() if name != "use_downcasted_alpha_bar"}
    assert "use_downcasted_alpha_bar" not in read(text, few).overrides


def test_a_hypernetwork_becomes_a_tag(tmp_path):
    specs = Options(Store(tmp_path / "config.json")).view().specs()
    pairs = {"Steps": 1, "Sampler": "Euler", "Seed": 1, "Hypernet": "anime_3"}
    assert read(write("a", "", pairs), specs).values["prompt"] == "a<hypernet:anime_3:1.0>"
    assert read(write("a", "", pairs | {"Hypernet strength": 0.6}), specs).values["prompt"] == "a<hypernet:anime_3:0.6>"
