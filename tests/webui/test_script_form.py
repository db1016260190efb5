"""The scripts' part of the form: what is sent becomes the request's, and an infotext fills it."""

import asyncio
import json
from dataclasses import dataclass, replace

import gradio as gr
import pytest

from modules.declare import Range, param
from modules.exceptions import ParameterError
from modules.generate.request import Img2Img, Txt2Img
from modules.host import AlwaysOn, Script
from modules.host.catalogue import Scripts
from modules.settings.defaults import Defaults
from modules.webui import script_form
from modules.webui.form import make

KINDS = {"txt2img": Txt2Img, "img2img": Img2Img}


@pytest.fixture(autouse=True)
def no_loops(monkeypatch):
    """gradio's own locks leave an event loop open each."""
    for where in ("utils", "queueing"):
        monkeypatch.setattr(f"gradio.{where}.safe_get_lock", asyncio.Lock)
    monkeypatch.setattr("gradio.utils.safe_get_stop_event", asyncio.Event)


def placed(app, tab="txt2img"):
    """The form of a tab with the scripts placed."""
    with gr.Blocks(analytics_enabled=False):
        form = make(app, tab, KINDS[tab], {})
        script_form.place(app, form)
    return form


def sent(form, **changes):
    """What the page sends: everything as it stands but for the changes."""
    return {name: getattr(one, "value", None) for name, one in form.scripts.items()} | changes


def test_the_menu_has_a1111s_entries_and_ids(app):
    form = placed(app, "img2img")
    assert [one[1] for one in form.scripts["script"].choices] == [
        "None", "img2img alternative test", "Loopback", "Outpainting mk2", "Poor man's outpainting", "Prompt matrix",
        "Prompts from file or textbox", "SD upscale", "X/Y/Z plot",
    ]  # fmt: skip
    assert form.scripts["Loopback/loops"].elem_id == "script_loopback_loops"
    assert form.scripts["X/Y/Z plot/x_type"].elem_id == "script_img2img_xyz_plot_x_type"
    assert placed(app).scripts["script"].elem_id == "script_list"


def test_only_the_chosen_one_is_asked_for_with_its_arguments_by_position(app):
    form = placed(app)
    values = sent(form, **{"script": "Prompt matrix", "Prompt matrix/margin_size": 4, "width": 64})
    asked, of_guest = script_form.taken(app, form, values)
    assert asked == {
        "script_name": "Prompt matrix",
        "script_args": [False, False, "positive", "comma", 4],
        "alwayson_scripts": {},
    }
    assert values == {"width": 64} and of_guest == ""
    assert script_form.taken(app, form, sent(form))[0] == {"alwayson_scripts": {}}


def test_bad_values_and_unknown_scripts_are_refused_with_a_sentence(app):
    form = placed(app)
    changes = (
        ({"script": "Nope"}, "There is no script 'Nope'"),
        ({"script": "Prompt matrix", "Prompt matrix/margin_size": "wide"}, "Grid margins"),
        ({"script": "X/Y/Z plot", "X/Y/Z plot/x_type": "Colour"}, "X type: 'Colour' is none of"),
        ({"script": "X/Y/Z plot", "X/Y/Z plot/x_values": ""}, "Seed has no values"),
    )
    for words, said in changes:
        asked, _ = script_form.taken(app, form, sent(form, **words))
        with pytest.raises(ParameterError, match=said):
            app.generate(Txt2Img(prompt="x", **asked))


def test_an_infotext_chooses_the_script_and_fills_its_axes(app):
    form = placed(app)
    axes = 'X Type: Sampler, X Values: "Euler,DDIM", Z Type: Seed, Z Values: 1-3'
    found = script_form.pasted(form, f"a\nSteps: 3, Seed: 1, Sampler: Euler, Script: X/Y/Z plot, {axes}")
    assert found["script"] == "X/Y/Z plot" and found["X/Y/Z plot/x_values_dropdown"] == ["Euler", "DDIM"]
    assert [found[f"X/Y/Z plot/{letter}_type"] for letter in "xyz"] == ["Sampler", "Nothing", "Seed"]
    assert found["X/Y/Z plot/z_values"] == "1-3" and found["X/Y/Z plot/z_values_dropdown"] == []
    assert script_form.pasted(form, "a\nSteps: 3, Seed: 1, Sampler: Euler, Script: Of another program") == {
        "script": "None"
    }
    assert script_form.pasted(form, "only a prompt") == {}


def test_fields_begin_as_ui_config_json_says(app, tmp_path):
    said = {
        "customscript/loopback.py/img2img/Loops/value": 9,
        "customscript/loopback.py/img2img/Loops/maximum": 12,
        "customscript/xyz_grid.py/img2img/X type/value": "Steps",
        "customscript/xyz_grid.py/img2img/X values/visible": True,
        "customscript/sd_upscale.py/img2img/Tile overlap/value": "wide",
    }
    (tmp_path / "ui-config.json").write_text(json.dumps(said))
    app = replace(app, defaults=Defaults(tmp_path / "ui-config.json"))
    form = placed(app, "img2img")
    loops = form.scripts["Loopback/loops"]
    assert (loops.value, loops.maximum) == (9, 12) and form.scripts["SD upscale/overlap"].value == 64
    assert form.scripts["X/Y/Z plot/x_type"].value == "Steps"
    assert form.scripts["X/Y/Z plot/x_values_dropdown"].visible == "hidden"
    assert form.paths()["customscript/loopback.py/img2img/Loops"] is loops
    said["customscript/loopback.py/img2img/Loops/value"] = 10
    (tmp_path / "ui-config.json").write_text(json.dumps(said))
    places = {
        id(one): update
        for one, update in zip(script_form.live([form]), script_form.restocked(app, [form]), strict=True)
    }
    assert places[id(loops)]["value"] == 10


def test_one_that_is_always_on_has_its_form_and_is_sent_and_filled_where_it_is_not_as_usual(app):
    @dataclass(frozen=True)
    class Params:
        strength: float = param(0.0, "Strength", slider=Range(0, 1, 0.1), valid=Range(0, 1), infotext="Sepia")
        mode: str = param("a", "Mode", choices=("a", "b"))

    class Sepia(AlwaysOn):
        title, params = "Sepia", Params

    class Mute(Script):
        title, always_on = "Without arguments", True

    own = Scripts(app.scripts.troubles, app.scripts.means)
    own.add(Mute())
    own.add(Sepia())
    app = replace(app, scripts=own)
    form = placed(app)
    assert [part.script.title for part in form.parts] == ["Sepia"]
    assert script_form.taken(app, form, sent(form))[0] == {"alwayson_scripts": {}}
    changed = script_form.taken(app, form, sent(form, **{"Sepia/strength": 0.5}))[0]
    assert changed == {"alwayson_scripts": {"Sepia": [0.5, "a"]}}
    assert script_form.pasted(form, "a\nSteps: 3, Seed: 1, Sampler: Euler, Sepia: 0.7")["Sepia/strength"] == 0.7
    assert script_form.pasted(form, "a\nSteps: 3, Seed: 1, Sampler: Euler, Sepia: lots") == {"script": "None"}
    assert script_form.pasted(form, "a\nSteps: 3, Seed: 1, Sampler: Euler")["Sepia/strength"] == 0.0
