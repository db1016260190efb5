"""gradio's script with the look-ups."""

import re

from modules.webui import quicker


def test_the_installed_gradio_is_the_one_that_is_known():
    made = quicker.rewritten()
    assert made is not None, "gradio's script is written otherwise; look again at SWAPS"
    name, text = made
    assert (quicker.ASSETS / name).is_file()
    for old, new in quicker.SWAPS:
        assert old not in text and new in text


def test_another_gradio_is_left_alone(monkeypatch, tmp_path):
    (tmp_path / "core-other.js").write_text("function Y(e){return e}")
    monkeypatch.setattr(quicker, "ASSETS", tmp_path)
    assert quicker.rewritten() is None


def test_the_page_gets_it():
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    api = FastAPI()
    quicker.serve(api)
    name, text = quicker.rewritten()
    answer = TestClient(api).get(f"/assets/{name}")
    assert answer.text == text and re.match("text/javascript", answer.headers["content-type"])
