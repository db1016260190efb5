"""Scripts of one title, the program's own and extensions': each has a name that the page and the API find it by."""

import gradio as gr
import pytest

from modules.generate.request import Txt2Img
from modules.settings.reach import HOST
from modules.webapi import scripts
from modules.webapi.generation import submit
from modules.webapi.schemas import TXT2IMG
from modules.webui import script_form
from modules.webui.form import make

SMALL = {"prompt": "a cat|big", "seed": 1, "steps": 1, "width": 64, "height": 64, "save_images": False}
SAME = """
    from modules import processing, scripts

    class Same(scripts.Script):
        def title(self):
            return "Prompt Matrix"

        def run(self, p):
            p.prompt = "{word}"
            return processing.process_images(p)
"""
NATIVE = """
    from __future__ import annotations

    from dataclasses import replace
    from modules.host import Selectable

    class Same(Selectable):
        title = "Prompt matrix"

        def make(self, studio, plan, values):
            return studio.make(replace(plan.request, prompt="native"))
"""
NAMES = {
    "prompt matrix": ["a cat", "a cat", "a cat, big"],  # the grid first
    "prompt matrix (first)": ["first"],
    "prompt matrix (second)": ["second"],
    "prompt matrix (native)": ["native"],
}


@pytest.fixture
def four(extension):
    """The program's own script and three more of its title."""
    return extension(first=SAME.replace("{word}", "first"), second=SAME.replace("{word}", "second"), native=NATIVE)


def test_the_api_finds_each(four, names):
    listed = scripts._of_tab(names, "txt2img")
    assert {one.name for one in listed if one.name.startswith("prompt matrix")} == set(NAMES)
    for name, prompts in NAMES.items():
        body = TXT2IMG(**SMALL, script_name=name.upper())
        job, _ = submit(names, body, Txt2Img, HOST)
        assert [one.infotext.split("\n")[0] for one in job.wait(60).shown] == prompts


def test_the_page_finds_each(four, names):
    with gr.Blocks(analytics_enabled=False):
        form = make(names, "txt2img", Txt2Img, {})
        script_form.place(names, form)
    shown = [one[1] for one in form.scripts["script"].choices if one[1].lower() in NAMES]
    assert {one.lower() for one in shown} == set(NAMES)
    for title in shown:
        sent = {name: getattr(one, "value", None) for name, one in form.scripts.items()} | {"script": title}
        asked, of_guest = script_form.taken(names, form, sent)
        wishes = four.sent(form, dict.fromkeys(form.guests), of_guest)
        request = Txt2Img(prompt="a cat|big", seed=1, steps=1, width=64, height=64, do_not_save_samples=True, **asked)
        found = names.generate(request, wishes=wishes).wait(60).shown
        assert [one.infotext.split("\n")[0] for one in found] == NAMES[title.lower()]
