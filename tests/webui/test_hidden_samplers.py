"""Hidden samplers are left out of the menus and are there all the same for whoever names them."""

import asyncio

import gradio as gr
import pytest

from modules.generate.plan import request_from
from modules.generate.request import Txt2Img
from modules.host.builtin.xyz import XYZPlot
from modules.sampling.tables import choose
from modules.webui.form import make, opening, restocked
from modules.webui.paste import filled

LOOKS = {"sampler_name": {}, "hr_sampler_name": {"unsaid": "Use same sampler"}}
HIDDEN = ["Euler", "DPM++ 2M"]  # the second is what a form begins with


@pytest.fixture(autouse=True)
def no_loops(monkeypatch):
    """gradio's own locks leave an event loop open each."""
    for where in ("utils", "queueing"):
        monkeypatch.setattr(f"gradio.{where}.safe_get_lock", asyncio.Lock)
    monkeypatch.setattr("gradio.utils.safe_get_stop_event", asyncio.Event)


def made(app):
    with gr.Blocks(analytics_enabled=False):
        return make(app, "txt2img", Txt2Img, LOOKS)


def values(choices):
    return [one[1] if isinstance(one, tuple) else one for one in choices]


def test_the_menus_of_both_passes_are_without_them(fresh_app):
    fresh_app.options.change({"hide_samplers": HIDDEN})
    for name, menu in made(fresh_app).fields.items():
        assert not set(HIDDEN) & set(values(menu.choices)), name
        assert "Euler a" in values(menu.choices) and menu.allow_custom_value
    assert made(fresh_app).fields["sampler_name"].value == "DPM++ SDE"


def test_a_page_that_is_opened_again_has_them_hidden_and_back(fresh_app):
    form = made(fresh_app)
    assert not form.fields["sampler_name"].allow_custom_value  # what is typed there is one of the menu
    fresh_app.options.change({"hide_samplers": HIDDEN})
    update = restocked(fresh_app, form)[opening(form).index(form.fields["sampler_name"])]
    assert not set(HIDDEN) & set(values(update["choices"]))
    assert update["allow_custom_value"] and update["value"] == "DPM++ SDE"
    fresh_app.options.change({"hide_samplers": []})
    assert restocked(fresh_app, form) == [gr.skip()] * 2


def test_the_plot_offers_the_others(fresh_app):
    fresh_app.options.change({"hide_samplers": HIDDEN})
    plot = XYZPlot(fresh_app.options, fresh_app.catalogs, lambda tab: [])
    for axis in ("Sampler", "Hires sampler"):
        offered = plot.choices("txt2img", axis)
        assert "Euler a" in offered and not set(HIDDEN) & set(offered)


def test_who_names_one_has_it(fresh_app):
    fresh_app.options.change({"hide_samplers": HIDDEN})
    form = made(fresh_app)
    text = "a cat\nSteps: 2, Sampler: Euler, Seed: 3, Size: 64x64"
    assert dict(zip(form.names(), filled(fresh_app, form, text), strict=True))["sampler_name"] == "Euler"
    assert choose(request_from({"sampler_name": "Euler"}).sampler_name, "Automatic").name == "Euler"
    assert set(HIDDEN) < set(fresh_app.catalogs["all samplers"]())
