"""What listeners hear while the page is built, and the tabs they answer with."""

import asyncio

import gradio as gr
import pytest

from modules import server
from modules.app import build
from modules.declare import Spec
from modules.host.events import PageBuilt, PageTabs, SettingsPage, Started
from modules.settings.sections import Launch


@pytest.fixture
def app(tmp_path, monkeypatch):
    monkeypatch.setattr("gradio.utils.safe_get_lock", asyncio.Lock)  # gradio's own leave an event loop open each
    monkeypatch.setattr("gradio.queueing.safe_get_lock", asyncio.Lock)
    monkeypatch.setattr("gradio.utils.safe_get_stop_event", asyncio.Event)
    made = build(Launch(data_dir=str(tmp_path), no_download_sd_model=True))
    yield made
    made.queue.close()


def test_a_tab_and_an_option_of_a_listener(app):
    heard = []

    def tabs(event):
        heard.append("tabs")
        with gr.Blocks(analytics_enabled=False) as blocks:
            gr.Textbox(elem_id="of_a_listener")
        return [(blocks, "Mine", "mine")]

    def settings(event):
        heard.append("settings")
        app.options.register(
            Spec(label="A listener's option", name="listened", type=bool, default=True, section="Mine")
        )

    app.events.on(PageTabs, tabs)
    app.events.on(PageTabs, lambda event: 1 / 0, "broken")
    app.events.on(SettingsPage, settings)
    app.events.on(PageBuilt, lambda event: heard.append(event.demo))
    app.events.on(Started, lambda event: heard.append("started"))
    server.create(app)
    assert heard[:2] == ["tabs", "settings"] and heard[3] == "started"
    ids = [one.elem_id for one in heard[2].blocks.values()]
    assert ids.count("tab_mine") == ids.count("of_a_listener") == ids.count("setting_listened") == 1
    assert "ZeroDivisionError" in app.extensions.troubles.of("broken")[0].sentence
