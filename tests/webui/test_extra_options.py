"""Options on the generation tabs: what differs from the settings goes along with a job, and an infotext fills them."""

import asyncio

import gradio as gr
import pytest

from modules.exceptions import ParameterError
from modules.generate.request import Img2Img, Txt2Img
from modules.webui import extra_options, generation, txt2img
from modules.webui.form import make, opening, restocked
from modules.webui.paste import filled
from modules.webui.submit import Runs

TEXT = "a cat\nSteps: 2, Sampler: Euler a, Seed: 3, Size: 64x64, Clip skip: 2, ENSD: 31337, RNG: CPU"
SHOWN = ["CLIP_stop_at_last_layers", "samples_save", "randn_source"]


@pytest.fixture(autouse=True)
def no_loops(monkeypatch):
    """gradio's own locks leave an event loop open each."""
    for where in ("utils", "queueing"):
        monkeypatch.setattr(f"gradio.{where}.safe_get_lock", asyncio.Lock)
    monkeypatch.setattr("gradio.utils.safe_get_stop_event", asyncio.Event)


def placed(app, shown=SHOWN, **options):
    """The txt2img form with these options on it, and the blocks that it is in."""
    app.options.change({"extra_options_txt2img": shown, **options})
    with gr.Blocks(analytics_enabled=False) as demo:
        form = make(app, "txt2img", Txt2Img, {"steps": {}})
        extra_options.place(app, form)
    return form, demo


def asked(app, form, chips=(), **values):
    """The override settings of what Generate would send."""
    sent = {name: getattr(one, "value", None) for name, one in form.sent().items()}
    sent |= {form.option_key(name): value for name, value in values.items()}
    return Runs(app, None, form).request(chips, sent).override_settings


def test_only_what_differs_from_the_settings_goes_along(fresh_app):
    form, _ = placed(fresh_app)
    assert [one.elem_id for one in form.options.values()] == [f"txt2img_setting_{name}" for name in SHOWN]
    assert asked(fresh_app, form) == {}
    assert asked(fresh_app, form, CLIP_stop_at_last_layers=2, samples_save=False) == {
        "CLIP_stop_at_last_layers": 2,
        "samples_save": False,
    }
    assert fresh_app.options.view().CLIP_stop_at_last_layers == 1
    fresh_app.options.change({"CLIP_stop_at_last_layers": 2})
    assert asked(fresh_app, form, CLIP_stop_at_last_layers=2) == {}
    assert asked(fresh_app, form, CLIP_stop_at_last_layers=1) == {"CLIP_stop_at_last_layers": 1}
    assert asked(fresh_app, form, CLIP_stop_at_last_layers=None) == {}


def test_a_chip_goes_over_the_field_and_nonsense_is_a_sentence(fresh_app):
    form, _ = placed(fresh_app)
    assert asked(fresh_app, form, ["Clip skip: 3"], CLIP_stop_at_last_layers=2) == {"CLIP_stop_at_last_layers": 3}
    with pytest.raises(ParameterError, match="Clip skip: 99 is outside 1 to 12"):
        asked(fresh_app, form, CLIP_stop_at_last_layers=99)


def test_an_infotext_fills_the_fields_and_makes_chips_of_the_others(fresh_app):
    form, _ = placed(fresh_app)

    def told(text):
        return dict(zip(form.names(), filled(fresh_app, form, text), strict=True))

    values = told(TEXT)
    assert values["override settings"] == ["ENSD: 31337"]
    assert values["setting/CLIP_stop_at_last_layers"] == 2 and values["setting/randn_source"] == "CPU"
    assert values["setting/samples_save"] == gr.skip()
    assert told(TEXT.replace(", Clip skip: 2", ""))["setting/CLIP_stop_at_last_layers"] == 1
    fresh_app.options.change({"infotext_skip_pasting": ["Clip skip"]})
    assert told(TEXT)["setting/CLIP_stop_at_last_layers"] == gr.skip()


def test_a_page_that_is_opened_has_the_settings_of_then(fresh_app):
    form, _ = placed(fresh_app)
    fresh_app.options.change({"CLIP_stop_at_last_layers": 4, "randn_source": "CPU"})
    updates = dict(zip(opening(form), restocked(fresh_app, form), strict=True))
    assert updates[form.options["CLIP_stop_at_last_layers"]]["value"] == 4
    assert updates[form.options["randn_source"]]["value"] == "CPU"
    assert updates[form.options["samples_save"]] == gr.skip()


def test_what_a_picture_may_not_set_is_told_and_left_out(fresh_app, caplog):
    form, _ = placed(fresh_app, ["api_useragent", "no_such_thing", "tiling", "disabled_extensions"])
    assert list(form.options) == ["tiling"]
    for name in ("api_useragent", "no_such_thing", "disabled_extensions"):
        assert f"extra_options_txt2img: there is no option {name!r} that a picture may set" in caplog.text


def test_columns_and_accordion(fresh_app):
    wide = {"extra_options_cols": 2}
    _, demo = placed(fresh_app, **wide)
    place = next(one for one in demo.blocks.values() if one.elem_id == "extra_options_txt2img")
    assert [len(row.children) for row in place.children] == [2, 2] and not isinstance(place, gr.Accordion)
    _, demo = placed(fresh_app, extra_options_accordion=True, **wide)
    place = next(one for one in demo.blocks.values() if one.elem_id == "extra_options_txt2img")
    assert isinstance(place, gr.Accordion) and not place.open
    _, demo = placed(fresh_app, [])
    assert "extra_options_txt2img" not in [one.elem_id for one in demo.blocks.values()]


def test_hints_are_by_the_ids_of_the_tab(fresh_app):
    fresh_app.options.change({"extra_options_img2img": ["randn_source", "tiling"]})
    known = fresh_app.options.specs
    assert extra_options.hints(fresh_app, "txt2img") == {}
    assert extra_options.hints(fresh_app, "img2img") == {
        f"img2img_setting_{name}": known[name].doc for name in ("randn_source", "tiling")
    }


@pytest.mark.parametrize("compact", [False, True])
def test_the_compact_layout_has_the_prompts_and_generate_in_the_columns(fresh_app, compact):
    fresh_app.options.change({"compact_prompt_box": compact})
    with gr.Blocks(analytics_enabled=False) as demo:
        form = make(fresh_app, "txt2img", Txt2Img, txt2img.LOOKS)
        generation.toprow(fresh_app, form)
        with generation.settings(fresh_app, form):
            gr.Textbox(elem_id="first_parameter")
        generation.results(form)

    def inside(elem_id):
        found, ids = next(one for one in demo.blocks.values() if one.elem_id == elem_id), []
        while found.parent is not None:
            found = found.parent
            ids.append(found.elem_id)
        return ids

    assert ("txt2img_settings" in inside("txt2img_prompt")) is compact
    assert ("txt2img_settings" in inside("txt2img_styles")) is compact
    assert ("txt2img_results" in inside("txt2img_generate")) is compact
    assert "txt2img_toprow" in inside("txt2img_prompt") and "txt2img_toprow" in inside("paste")
    ids = [one.elem_id for one in demo.blocks.values() if one.elem_id]
    assert len(ids) == len(set(ids))


def test_only_tabs_with_prompts_are_compact(fresh_app):
    fresh_app.options.change({"compact_prompt_box": True})
    with gr.Blocks(analytics_enabled=False):
        assert not make(fresh_app, "extras", Img2Img, {"steps": {}}).is_compact
