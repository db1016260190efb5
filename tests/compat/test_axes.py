"""Axes that extensions append to A1111's X/Y/Z plot are axes of the program's own."""

import pytest

from modules.exceptions import ParameterError, WebuiError
from modules.generate.request import Img2Img, Txt2Img

PLOTTED = """
    from modules import scripts

    class Toned(scripts.Script):
        def title(self):
            return "Toned"

        def show(self, is_img2img):
            return scripts.AlwaysVisible

        def process(self, p):
            p.extra_generation_params["Tone"] = getattr(p, "tone", None)
            p.extra_generation_params["Depth"] = getattr(p, "depth", None)

    grid = next(one.module for one in scripts.scripts_data if one.script_class.__module__ == "xyz_grid.py")

    def confirmed(p, values):
        for value in values:
            if value not in ("warm", "cold"):
                raise RuntimeError(f"Unknown tone: {value}")

    def breaks(p, value, values):
        raise KeyError("broken")

    tone = dict(confirm=confirmed, choices=lambda: ["warm", "cold"])
    grid.axis_options.extend([
        grid.AxisOption("[Toned] Tone", str, grid.apply_field("tone"), **tone),
        grid.AxisOption("[Toned] Depth", int, grid.apply_field("depth"), cost=0.5),
        grid.AxisOption("[Toned] Breaks", str, breaks),
        grid.AxisOption("[Toned] CFG", float, grid.apply_field("cfg_scale"), format_value=grid.format_value),
        grid.AxisOption("Seed", int, grid.apply_field("seed")),
        grid.AxisOptionImg2Img("[Toned] Over", int, grid.apply_field("depth")),
    ])
"""
SMALL = {"prompt": "x", "seed": 1, "steps": 1, "width": 64, "height": 64, "sampler_name": "Euler"}
SMALL |= {"do_not_save_samples": True, "do_not_save_grid": True, "script_name": "X/Y/Z plot"}


def plot(app, x, y=("Nothing", "", [])):
    args = [*x, *y, "Nothing", "", [], True, True]
    return app.generate(Txt2Img(**SMALL, script_args=args)).wait(120)


@pytest.fixture
def app(extension, names):
    """The program with such an extension."""
    extension(plotted=PLOTTED)
    return names


def test_they_are_listed_after_the_programs_own_by_tab(app):
    script = app.scripts.find("x/y/z plot", "txt2img")
    own = [axis.label for axis in script.axes("txt2img")]
    assert own[-4:] == ["[Toned] Tone", "[Toned] Depth", "[Toned] Breaks", "[Toned] CFG"] and own.count("Seed") == 1
    assert script.axes("img2img")[-1].label == "[Toned] Over"
    assert script.choices("txt2img", "[Toned] Tone") == ["warm", "cold"]


def test_their_values_reach_p_before_any_hook_and_are_told(app):
    result = plot(app, ("[Toned] Tone", "", ["cold", "warm"]), ("[Toned] Depth", "3-4", []))
    told = [one.infotext for one in result.pictures]
    assert [text.split("Tone: ")[1].split(",")[0] for text in told] == ["cold", "warm", "cold", "warm"]
    assert [text.split("Depth: ")[1].split(",")[0] for text in told] == ["3", "3", "4", "4"]
    assert 'X Type: [Toned] Tone, X Values: "cold,warm", Y Type: [Toned] Depth' in result.grids[0].infotext


def test_what_they_set_of_the_programs_own_parameters_is_drawn(app):
    result = plot(app, ("[Toned] CFG", "2, 9", []))
    assert ["CFG scale: 2.0," in one.infotext for one in result.pictures] == [True, False]
    assert result.pictures[0].image != result.pictures[1].image


def test_bad_values_are_refused_and_an_axis_that_breaks_is_named(app):
    with pytest.raises(ParameterError, match=r"\[Toned\] Depth: 'deep' is not a number"):
        plot(app, ("[Toned] Depth", "deep", []))
    with pytest.raises(ParameterError, match="Unknown tone: blue"):
        plot(app, ("[Toned] Tone", "", ["blue"]))
    with pytest.raises(WebuiError, match=r"The axis '\[Toned\] Breaks' of plotted failed: 'broken'"):
        plot(app, ("[Toned] Breaks", "a", []))
    with pytest.raises(ParameterError, match="no always-on script"):
        app.generate(Img2Img(prompt="x", alwayson_scripts={"axes": []}))
