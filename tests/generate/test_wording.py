"""From the words of a request to those that are drawn."""

import pytest

from modules.generate import infotext
from modules.generate.plan import plan, request_from
from modules.generate.wording import Sources, count, has_brackets, tells_schedules_apart, word
from modules.host.extensions.builtin import ROOT, writers
from modules.host.extensions.finding import Off, discover
from modules.prompts.stylefiles import Styles
from modules.settings.folders import Folders
from modules.settings.options import Options
from modules.settings.sections import Launch
from modules.settings.store import Store


@pytest.fixture
def sources(tmp_path):
    (tmp_path / "styles.csv").write_text(
        'name,prompt,negative_prompt\nPhoto,"photo of {prompt}, 35mm",painting\nNote,x # y,\n'
    )
    (tmp_path / "wildcards").mkdir()
    (tmp_path / "wildcards/color.txt").write_text("red\ngreen\nblue\n")
    launch = Launch(data_dir=str(tmp_path))
    drawing = writers(discover(ROOT, Off.of({}, launch), print), Folders.of(launch))
    return Sources(Styles([tmp_path / "styles.csv"]), drawing)


@pytest.fixture
def view(tmp_path):
    return Options(Store(tmp_path / "config.json")).view()


def worded(sources, view, seeds=(1,), **values):
    return word(request_from(values), view, seeds, sources)


def test_styles_then_comments(sources, view):
    made = worded(sources, view, prompt="a # b", negative_prompt="c", styles=["Photo", "Note"])
    assert (made.prompts, made.negative_prompts) == (
        ("photo of a",),
        ("c, painting",),
    )  # the comment eats the rest, as in A1111
    kept = worded(sources, view.over(enable_prompt_comments=False), prompt="a # b")
    assert kept.prompts == ("a # b",) and kept.extra == {} and kept.comments == ()


def test_what_is_not_there_is_told(sources, view):
    made = worded(sources, view.over(enable_wildcards=True), prompt="__no__ a", styles=["None such"])
    assert made.prompts == ("__no__ a",)
    assert made.comments == (
        "There is no style 'None such'; it was left out.",
        "There is no wildcards/no.txt for __no__; it was drawn as text.",
    )


def test_what_the_old_emphasis_cuts_off_is_told(sources, view):
    old = view.over(use_old_emphasis_implementation=True)
    assert worded(sources, old, prompt="cat " * 75).comments == ()
    (told,) = worded(sources, old, prompt="a", negative_prompt="cat " * 76).comments
    assert "75 tokens" in told


def test_each_image_draws_by_its_seed(sources, view):
    seeds = tuple(range(40))
    on = view.over(enable_wildcards=True)
    made = worded(sources, on, seeds, prompt="a __color__ {cat|dog}", negative_prompt="{x|y}")
    assert len(set(made.prompts)) == 6 and set(made.negative_prompts) == {"x", "y"}
    for seed in (0, 17, 39):
        assert worded(sources, on, (seed,), prompt="a __color__ {cat|dog}").prompts == made.prompts[seed : seed + 1]
    assert made.extra == {"Template": "a __color__ {cat|dog}", "Negative Template": "{x|y}"}
    assert worded(sources, on, seeds, prompt="a cat").extra == {}
    assert worded(sources, view, seeds, prompt="a {cat|dog}").prompts == ("a {cat|dog}",) * 40


def test_the_infotext_holds_what_was_drawn(app, sources):
    request = request_from(
        {
            "prompt": "a {cat|dog}, __color__",
            "seed": 3,
            "batch_size": 4,
            "override_settings": {"enable_wildcards": True},
        }
    )
    planned = plan(request, app.options, app.library, sources)
    for index in range(4):
        text = infotext.write(planned, index, planned.checkpoint)
        assert text.startswith(planned.wording.prompts[index] + "\nSteps: ")
        assert 'Template: "a {cat|dog}, __color__", Version: ' in text
        reading = infotext.read(text, planned.view.specs())
        assert reading.request().prompt == planned.wording.prompts[index] and not reading.unknown


def test_whether_brackets_are_left_once_schedules_are_drawn():
    assert has_brackets("a (b)", "", 10, False) and has_brackets("a", "[b]", 10, False)
    assert not has_brackets("a [b:c:0.5] <lora:(x):1>", "d", 10, False)


def test_whether_the_rule_for_times_matters():
    assert tells_schedules_apart("[a:b:1.0]", "", 10) and tells_schedules_apart("", "[a:b:1.5]", 10)
    assert not tells_schedules_apart("[a:b:0.5] [c:d:5] (e)", "f", 10)


def test_counts_with_styles_and_without_comments(sources, view):
    asked = 9999, ["Photo"]
    assert count("a cat # not this", *asked, view, sources) == (4, 75)
    assert count("b", *asked, view, sources, negative=True) == (3, 75)
    plain = view.over(include_styles_into_token_counters=False)
    assert count("a cat # not this", *asked, plain, sources)[0] == 2
    assert count("b", *asked, plain, sources, negative=True)[0] == 1
