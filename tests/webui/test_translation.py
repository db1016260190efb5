"""The page in other languages: the shipped ones have every text of the page; the user's and extensions' files count."""

import asyncio
import json
import logging
import re
from types import SimpleNamespace

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from modules.host import localizations
from modules.settings.folders import PROGRAM
from modules.webui import page, translation
from modules.webui.shelf import Shelf

SHIPPED = ("ja_JP", "zh_CN")
NAMES = re.compile(  # of things that are called the same everywhere
    r"png|jpe?g|webp|avif|ckpt|safetensors|GPU|CPU|NV|TAESD|(SD )?VAE|CLIP|BLIP|DeepBooru|GFPGAN|CodeFormer"
    r"|txt2img|img2img"
    r"|bh[12]|vary_coeff|time_\w+|logSNR|karras|(poly)?exponential|FreeU( [bs][12])?|ENSD|Eta|rho|Eta DDIM|CFG|SHA-256"
    r"|LoRA|Lora|[\w-]+\.(json|csv|safetensors)|\d+x\d+|sd_model_checkpoint|[a-z]-[a-z]|API|Stable Diffusion( XL)?"
)


@pytest.fixture(scope="module", autouse=True)
def no_loops():
    """gradio's own locks leave an event loop open each."""
    with pytest.MonkeyPatch.context() as changed:
        for where in ("utils", "queueing"):
            changed.setattr(f"gradio.{where}.safe_get_lock", asyncio.Lock)
        changed.setattr("gradio.utils.safe_get_stop_event", asyncio.Event)
        yield


@pytest.fixture(scope="module")
def texts(app):
    demo = page.build(app, Shelf(app.folders, app.options.view(), []))
    return translation.texts(app, demo, page._hints(app))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_language_has_every_text_of_the_page(texts, name):
    table = localizations.table([PROGRAM / "localizations" / f"{name}.json"])
    missing = [text for text in texts if text not in table and not NAMES.fullmatch(text)]
    assert not missing, f"write their translations into localizations/{name}.json"
    same = [text for text, said in table.items() if text == said and not NAMES.fullmatch(text)]
    assert not same, "these are not translated"
    gaps = [text for text, said in table.items() if text.count("{}") != said.count("{}")]
    assert not gaps, "what is put into these texts has no place in the translation"


def test_what_the_scripts_say_is_among_the_texts(texts):
    assert {"Generate", "Queue: {}", "Sampling method", "Just resize", "Clear both prompts"} <= set(texts)
    assert not {"Euler a", "Karras"} & set(texts), "names of ways to draw stay"


def test_files_of_the_user_and_of_extensions_go_over_the_programs(tmp_path, caplog):
    own, theirs = tmp_path / "own", tmp_path / "theirs.json"
    own.mkdir()
    (own / "ja_JP.json").write_text('{"Generate": "mine", "Skip": 5}')
    (own / "broken.json").write_text("{")
    theirs.write_text('\ufeff{"Generate": "theirs", "Theirs": "da"}', encoding="utf-8")
    extensions = SimpleNamespace(taken=[SimpleNamespace(localizations={"xx": theirs, "ja_JP": theirs})])
    folders = SimpleNamespace(localizations=own)
    found = localizations.files(folders, extensions)
    assert localizations.names(folders, extensions) == ["None", "broken", "ja_JP", "xx", "zh_CN"]
    table = localizations.table(found["ja_JP"])
    assert table["Generate"] == "theirs" and table["Theirs"] == "da" and table["Skip"] == "スキップ"
    with caplog.at_level(logging.WARNING):
        assert localizations.table(found["broken"]) == {}
    assert "broken.json is no file of translations" in caplog.text


def test_the_page_reads_the_chosen_language_and_gives_a_template(app):
    with gr.Blocks() as demo:
        gr.Textbox(label="Sampling method", placeholder="Own words", info="It's so")
        gr.Button("Generate")
        gr.HTML("<p>One <b>two</b></p>")
        gr.Dropdown(["Euler a", ("Second", 2)], label="Menu")
    api = FastAPI()
    translation.serve(api, app, demo, {"some_id": "A hint"})
    client = TestClient(api)
    given = client.get(f"/{translation.SCRIPT}")
    assert given.text.startswith("window.localization = {};") and given.headers["cache-control"] == "no-store"
    template = client.get(f"/{translation.TEMPLATE}").json()
    assert list(template)[:9] == [
        "Sampling method", "Own words", "It's so", "Generate", "One", "two", "Menu", "Second", "A hint",
    ]  # fmt: skip
    assert json.dumps("</script>") not in given.text
