"""Beside the prompt boxes: token counters that warn of lonely brackets, and styles."""

import re

import pytest
from playwright.sync_api import expect

STYLES = 'name,prompt,negative_prompt\nPhoto,"photo of {prompt}, 35mm",painting\nPlain,"x, y",\n'
INFOTEXT = """photo of a hill, 35mm
Negative prompt: painting
Steps: 2, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 64x64"""


@pytest.fixture
def styles(data):
    path = data / "styles.csv"
    path.write_text(STYLES)
    yield
    path.unlink()


def test_the_counters_follow_the_typing(ui):
    counter = ui.at("token_counter")
    expect(counter).to_have_text("0/75")
    ui.prompt().press_sequentially("a [cat|big dog] in a (hat")
    expect(counter).to_have_text("6/75")
    expect(counter).to_have_class(re.compile("unbalanced"))
    expect(counter).to_have_attribute("title", re.compile(r"\(\s*$"))
    ui.prompt().press_sequentially("), \\(")
    expect(counter).not_to_have_class(re.compile("unbalanced"))
    ui.prompt("neg_prompt").fill("cat " * 76)
    expect(ui.at("negative_token_counter")).to_have_text("76/150")
    ui.reload()
    expect(ui.at("negative_token_counter")).to_have_text("76/150")


def test_a_style_counts_is_applied_and_is_found_again(styles, ui):
    chosen = ui.at("styles").locator(".token")
    ui.prompt().fill("a hill")
    ui.at("styles").locator("input").click()
    ui.page.locator("ul[role=listbox] li", has_text="Photo").filter(visible=True).click()
    expect(ui.at("token_counter")).to_have_text("8/75")
    expect(ui.at("negative_token_counter")).to_have_text("1/75")
    ui.at("style_apply").click()
    expect(ui.prompt()).to_have_value("photo of a hill, 35mm")
    expect(ui.prompt("neg_prompt")).to_have_value("painting")
    expect(chosen).to_have_count(0)
    ui.prompt().fill(INFOTEXT)
    ui.page.locator("#paste").click()
    expect(ui.prompt()).to_have_value("a hill")
    expect(chosen).to_have_text(re.compile("Photo"))
