"""Scripts: their arguments by position, who joins in, and that one's failure stays its own."""

from dataclasses import dataclass, replace

import pytest
from PIL import Image, ImageOps

from modules.declare import Range, param
from modules.exceptions import ExtensionError, Forbidden, Interrupted, ParameterError
from modules.generate.hooks import Hooks
from modules.generate.request import Img2Img, Txt2Img
from modules.host import AlwaysOn, Script, Selectable
from modules.host.builtin.xyz import XYZPlot
from modules.host.catalogue import Scripts
from modules.settings.reach import Role, User

SMALL = {"prompt": "x", "seed": 1, "steps": 1, "width": 64, "height": 64, "sampler_name": "Euler"}
UNSAVED = {"do_not_save_samples": True, "do_not_save_grid": True}


@dataclass(frozen=True)
class Params:
    note: str = param("<p>read me</p>", "")
    strength: float = param(0.0, "Sepia", slider=Range(0, 1, 0.1), valid=Range(0, 1), infotext="Sepia")
    mode: str = param("a", "Mode", choices=("a", "b", "c"))


class Sepia(AlwaysOn):
    title, params = "Sepia", Params

    def composed(self, batch, index, image):
        return Image.blend(image, ImageOps.colorize(image.convert("L"), "#201008", "#ffe8c0"), self.given.strength)


@pytest.fixture
def scripts(app):
    """Scripts of a test's own, over the shared program."""
    return Scripts(app.scripts.troubles.__class__(), app.scripts.means)


def run(app, scripts, request):
    scripts.check(request)
    job = app.queue.submit(
        "test", lambda progress: app.engine.run(scripts.means.planner(request), progress, scripts.hooks(progress))
    )
    return job.wait(60)


def test_arguments_go_by_position_and_a_choice_may_be_told_by_its_number():
    made = Sepia().values([None, 0.5, 2, "more than there are"], "txt2img")
    assert (made.strength, made.mode) == (0.5, "c")
    assert Sepia().values([], "txt2img") == Params()
    for args, said in (
        ([None, 2], "outside 0 to 1"),
        ([None, 0, 3], "no choice number 3"),
        ([None, 0, "z"], "none of"),
    ):
        with pytest.raises(ParameterError, match=said):
            Sepia().values(args, "txt2img")


def test_one_that_is_always_on_joins_in_only_where_it_is_asked_for_and_is_told(app, scripts):
    scripts.add(Sepia())
    plain = run(app, scripts, Txt2Img(**SMALL, **UNSAVED))
    brown = run(app, scripts, Txt2Img(**SMALL, **UNSAVED, alwayson_scripts={"sepia": [None, 1.0]}))
    assert "Sepia" not in plain.pictures[0].infotext and "Sepia: 1.0" in brown.pictures[0].infotext
    red, _, blue = brown.pictures[0].image.split()
    assert sum(red.histogram()[200:]) > sum(blue.histogram()[200:])
    assert plain.pictures[0].image != brown.pictures[0].image


def test_a_script_sets_no_option_that_its_user_may_not_set(app, tmp_path):
    lines = [False, False, "start", f"--prompt x --outpath_samples {tmp_path}/elsewhere"]
    asked = Txt2Img(**SMALL, script_name="Prompts from file or textbox", script_args=lines)
    for role in (Role.GUEST, Role.USER):
        with pytest.raises(Forbidden, match="set outdir_samples for a picture"):
            app.generate(asked, user=User("visitor", role))
    app.generate(asked).wait(60)
    assert len(list((tmp_path / "elsewhere").rglob("*.png"))) == 1
    plot = {"script_name": "X/Y/Z plot", "script_args": ["Clip skip", "1-2"]}
    app.generate(Txt2Img(**SMALL, **UNSAVED, **plot), user=User("visitor", Role.GUEST)).wait(60)


def test_unknown_scripts_and_arguments_are_refused_before_the_job_is_queued(app):
    for words in ({"script_name": "nope"}, {"alwayson_scripts": {"nope": []}}, {"script_name": "loopback"}):
        with pytest.raises(ParameterError, match=r"There is no"):
            app.generate(Txt2Img(**SMALL, **words))
    with pytest.raises(ParameterError, match="Loops"):
        app.generate(
            Img2Img(**SMALL, init_images=[Image.new("RGB", (64, 64))], script_name="Loopback", script_args=["x"])
        )


class Broken(Script):
    title, always_on = "Broken", True

    def hooks(self, request, args):
        class Part(Hooks):
            calls = 0

            def drawn(self, batch, index, image):
                self.calls += 1
                raise ZeroDivisionError("my fault")

            def composed(self, batch, index, image):
                return ImageOps.invert(image)

        return Part()


def test_a_hook_that_raises_is_named_and_left_out_and_nothing_else_suffers(app, scripts):
    plain = run(app, scripts, Txt2Img(**SMALL, **UNSAVED))
    scripts.add(Broken(), "bad-extension")
    scripts.add(Sepia(), "good-extension")
    result = run(app, scripts, Txt2Img(**SMALL, **UNSAVED, alwayson_scripts={"Sepia": [None, 1.0]}))
    assert any("'bad-extension' failed in drawn: ZeroDivisionError: my fault" in text for text in result.comments)
    assert "Sepia: 1.0" in result.pictures[0].infotext
    assert result.pictures[0].image != ImageOps.invert(plain.pictures[0].image)
    noted = scripts.troubles.of("bad-extension")
    assert len(noted) == 1 and "ZeroDivisionError" in noted[0].trace and not scripts.troubles.of("good-extension")


def test_what_is_raised_by_ones_own_hook_ends_the_job(app, scripts):
    scripts.add(Broken())
    with pytest.raises(ZeroDivisionError):
        run(app, scripts, Txt2Img(**SMALL, **UNSAVED))


class Twice(Selectable):
    title = "Twice"

    def make(self, studio, plan, values):
        first = studio.make(plan.request)
        return replace(first, pictures=first.pictures + studio.make(replace(plan.request, seed=2)).pictures)


class Falls(Selectable):
    title = "Falls"

    def make(self, studio, plan, values):
        raise KeyError("gone")


def test_a_chosen_script_makes_the_pictures_and_the_always_on_ones_join_in(app, scripts):
    scripts.add(Twice())
    scripts.add(Sepia())
    result = run(app, scripts, Txt2Img(**SMALL, **UNSAVED, script_name="twice", alwayson_scripts={"Sepia": [0, 0.5]}))
    assert ["Seed: 1," in one.infotext for one in result.pictures] == [True, False]
    assert all("Sepia: 0.5" in one.infotext for one in result.pictures)


def test_a_chosen_script_of_an_extension_that_fails_is_named(app, scripts):
    scripts.add(Falls(), "bad-extension")
    with pytest.raises(ExtensionError, match="'bad-extension' failed in its script 'Falls': KeyError"):
        run(app, scripts, Txt2Img(**SMALL, script_name="Falls"))


def test_a_hook_may_make_pictures_itself_and_joiners_are_asked_for_each_plan(app, scripts):
    asked = []

    def joiner(plan):
        asked.append(plan.request.prompt)
        return None

    class Detail(Selectable):
        title = "Detail"

        def make(self, studio, plan, values):
            class Inner(Hooks):
                def drawn(self, batch, index, image):
                    inner = studio.draw(studio.plan(replace(plan.request, prompt="inner")), alone=True)
                    return inner.pictures[0].image

            return studio.draw(studio.plan(plan.request), Inner())

    scripts.join(joiner)
    scripts.add(Detail())
    request = Txt2Img(**SMALL, **UNSAVED, script_name="Detail")
    outer = run(app, scripts, request)
    inner = run(app, scripts, replace(request, script_name="", prompt="inner"))
    assert outer.pictures[0].image == inner.pictures[0].image
    assert asked == ["x", "inner"]


def test_an_interruption_is_nobodys_failure(app, scripts):
    class Stops(Broken):
        def hooks(self, request, args):
            class Part(Hooks):
                def begin(self, plan):
                    raise Interrupted("stop")

            return Part()

    scripts.add(Stops(), "any")
    with pytest.raises(Interrupted):
        run(app, scripts, Txt2Img(**SMALL))
    assert not scripts.troubles.of("any")


def test_arguments_of_one_that_is_always_on_are_axes_of_the_plot(app, scripts):
    scripts.add(Sepia(), "brown")
    plot = XYZPlot(app.options, app.catalogs, scripts.axes)
    scripts.add(plot)
    assert [axis.label for axis in plot.axes("txt2img")][-2:] == ["[Sepia] Sepia", "[Sepia] Mode"]
    assert plot.choices("txt2img", "[Sepia] Mode") == ["a", "b", "c"]
    args = ["[Sepia] Sepia", "0, 0.5", [], "[Sepia] Mode", "", ["a", "c"], "Nothing", "", [], False, True]
    asked = {"script_name": plot.title, "script_args": args, "alwayson_scripts": {"sepia": [None, 0.1]}}
    result = run(app, scripts, Txt2Img(**SMALL, **UNSAVED, **asked))
    assert ["Sepia: 0.5" in one.infotext for one in result.pictures] == [False, True, False, True]
    assert "X Type: [Sepia] Sepia" in result.grids[0].infotext
    scripts.drop("brown")
    assert "[Sepia] Mode" not in [axis.label for axis in plot.axes("txt2img")]
    with pytest.raises(ParameterError, match="outside 0 to 1"):
        scripts.add(Sepia())
        scripts.check(Txt2Img(script_name=plot.title, script_args=["[Sepia] Sepia", "7"]))
