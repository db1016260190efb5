"""Extensions on the program's own door: what the README shows, word for word, and one that fails."""

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from modules.exceptions import ExtensionError, PromptError
from modules.generate.request import Txt2Img
from tests import readme

SMALL = {"prompt": "x", "seed": 1, "steps": 1, "width": 64, "height": 64, "sampler_name": "Euler"}
SMALL |= {"do_not_save_samples": True, "do_not_save_grid": True}
MENU = """
    from __future__ import annotations

    from dataclasses import dataclass, replace
    from modules.declare import param
    from modules.host import Selectable

    @dataclass(frozen=True)
    class Params:
        words: str = param("", "Words")
        breaks: bool = param(False, "Break")

    class Worded(Selectable):
        title, params = "Worded", Params

        def make(self, studio, plan, values):
            if values.breaks:
                raise KeyError("gone")
            return studio.make(replace(plan.request, prompt=values.words))
"""
WRITER = """
    from modules.exceptions import PromptError
    from modules.host import Writer

    class Loud(Writer):
        def write(self, text, seed, view, *, negative):
            if text == "wrong":
                raise PromptError("That is wrong.")
            return (text, []) if negative else (f"{text.upper()} {seed}", ["It is loud."])

    class Broken(Writer):
        def write(self, text, seed, view, *, negative):
            raise KeyError("gone")
"""


def made(app, **words):
    return app.generate(Txt2Img(**SMALL | words)).wait(120).shown


def test_the_readmes_example_runs_as_it_stands(extension, names):
    extension(sepia=readme.script())
    plain = made(names)[0]
    brown = made(names, alwayson_scripts={"sepia": [1.0]})[0]
    assert "Sepia" not in plain.infotext and "Sepia: 1.0" in brown.infotext
    pixels = np.asarray(brown.image, int)
    assert (pixels[..., 0] >= pixels[..., 1]).all() and (pixels[..., 1] >= pixels[..., 2]).all()
    plot = {"script_name": "x/y/z plot", "script_args": ["[Sepia] Strength", "0, 0.5"]}
    assert "X Type: [Sepia] Strength" in made(names, **plot)[0].infotext


def test_the_api_lists_it(extension, names):
    from modules.webapi import scripts

    extension(sepia=readme.script())
    api = FastAPI()
    api.include_router(scripts.routes(names, None))
    found = TestClient(api).get("/sdapi/v1/script-info").json()
    assert [one["args"][0]["label"] for one in found if one["name"] == "sepia"] == ["Strength", "Strength"]


def test_one_to_choose_makes_the_pictures_and_is_named_where_it_fails(extension, names):
    extension(worded=MENU)
    assert made(names, script_name="worded", script_args=["a cat"])[0].infotext.startswith("a cat")
    with pytest.raises(ExtensionError, match="'worded' failed in its script 'Worded': KeyError"):
        made(names, script_name="worded", script_args=["a cat", True])


def test_one_that_writes_prompts_has_a_word_for_each_image_and_is_named_where_it_fails(extension, names):
    extension(loud=WRITER)
    job = names.generate(Txt2Img(**SMALL | {"prompt": "a cat", "batch_size": 2}))
    result = job.wait(60)
    assert [one.infotext.split("\n")[0] for one in result.shown] == ["A CAT 1", "A CAT 2"]
    assert "Template: a cat" in result.shown[0].infotext
    assert result.comments == ("It is loud.", "Extension 'loud' failed in write: KeyError: 'gone'")
    with pytest.raises(PromptError, match="That is wrong"):
        names.generate(Txt2Img(**SMALL | {"prompt": "wrong"}))
