"""The second pass and the refiner: from the form to a file, and back from its text into the form."""

import json
import re
import urllib.request

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import JOB_MS

HIRES = {"hires_steps": 2, "denoising_strength": 0.55, "hr_scale": 1.5}


def shown_sizes(ui):
    """The line beside the checkbox."""
    return ui.page.locator("#txtimg_hr_finalres")


def without_hash(text: str) -> str:
    """The refiner's hash is told from the second use on, when it is known."""
    return re.sub(r"(Refiner: [^,]*?) \[\w+\]", r"\1", text)


def tick(ui, name: str) -> None:
    ui.at(f"{name}-checkbox").locator("input").check()


def set_options(address: str, **options) -> None:
    body = json.dumps(options).encode()
    request = urllib.request.Request(address + "/sdapi/v1/options", body, {"Content-Type": "application/json"})
    urllib.request.urlopen(request).close()


@pytest.fixture
def all_rows(address):
    """The options that show the second pass's checkpoint, sampler and prompts."""
    names = "hires_fix_show_sampler", "hires_fix_show_prompts"
    set_options(address, **dict.fromkeys(names, True))
    yield
    set_options(address, **dict.fromkeys(names, False))


def test_the_sizes_of_both_passes_are_told(ui):
    expect(ui.at("hr_scale")).to_be_hidden()
    tick(ui, "hr")
    ui.set(width=64, height=96)
    expect(shown_sizes(ui)).to_have_text("from 64x96 to 128x192")
    ui.set(hr_scale=1.5)
    expect(shown_sizes(ui)).to_have_text("from 64x96 to 96x144")
    ui.set(hr_resize_x=128)
    expect(shown_sizes(ui)).to_have_text("from 64x96 to 128x192")
    ui.set(hr_resize_y=128)
    expect(shown_sizes(ui)).to_have_text("from 64x96 to 128x128")
    ui.reload()
    expect(ui.at("hr_scale")).to_be_visible()
    expect(shown_sizes(ui)).to_have_text("from 64x96 to 128x128")


def test_the_second_pass_becomes_a_file_and_reads_back(all_rows, ui):
    tick(ui, "hr")
    tick(ui, "enable")
    ui.set(width=64, height=64, steps=3, seed=5, **HIRES, switch_at=0.5)
    ui.choose("hr_upscaler", "Latent (bicubic)")
    ui.menu("checkpoint").click()
    ui.page.locator("ul[role=listbox] li", has_text="tiny-sd1").filter(visible=True).click()
    ui.page.locator("#hires_prompt textarea").fill("a large cat")
    ui.prompt().fill("a cat")
    ui.generate()
    text = ui.finished()
    for pair in (
        "Hires upscale: 1.5",
        "Hires steps: 2",
        "Hires upscaler: Latent (bicubic)",
        "Hires prompt: a large cat",
    ):
        assert pair in text
    assert "Denoising strength: 0.55" in text and "Refiner: tiny-sd1" in text and "Refiner switch at: 0.5" in text
    expect(ui.at("gallery").locator("img").first).to_have_js_property("naturalWidth", 96)

    ui.page.evaluate("forgetValues()")
    ui.reload()
    ui.prompt().fill(text)
    ui.page.locator("#paste").click()
    expect(ui.prompt()).to_have_value("a cat")
    expect(ui.at("enable-checkbox").locator("input")).to_be_checked()
    expect(ui.menu("hr_upscaler")).to_have_value("Latent (bicubic)")
    expect(ui.page.locator("#hr_sampler input")).to_have_value("Use same sampler")
    expect(ui.page.locator("#hires_prompt textarea")).to_have_value("a large cat")
    for name, value in HIRES.items():
        expect(ui.number(name)).to_have_value(str(value))
    ui.generate()
    assert without_hash(ui.finished()) == without_hash(text)


def test_rare_rows_come_with_what_is_chosen_in_them(ui):
    tick(ui, "hr")
    row = ui.at("hires_fix_row3")
    expect(row).to_be_hidden()
    ui.prompt().fill(
        "a cat\nSteps: 2, Sampler: Euler a, CFG scale: 4, Seed: 3, Size: 64x64, Denoising strength: 0.4, "
        "Hires sampler: DPM++ 2M Karras, Hires upscale: 2, Hires upscaler: Latent, Version: v1.8.0"
    )
    ui.page.locator("#paste").click()
    expect(row).to_be_visible()
    expect(ui.page.locator("#hr_sampler input")).to_have_value("DPM++ 2M")
    expect(ui.page.locator("#hr_scheduler input")).to_have_value("Automatic")  # of DPM++ 2M: Karras
    expect(ui.at("hires_fix_row4")).to_be_hidden()


def test_the_picture_shown_is_gone_over_and_takes_its_own_place(ui):
    def twice_drawn():
        info = json.loads(ui.page.locator("#generation_info_txt2img textarea").input_value())
        return ["Hires upscale" in text for text in info["infotexts"]]

    ui.set(steps=2, width=64, height=64, seed=5, batch_size=2)
    ui.generate()
    ui.finished()
    assert twice_drawn() == [False] * 3  # the grid is first
    ui.at("gallery").locator(".thumbnail-item img").nth(2).click()
    expect(ui.page.locator("#html_info_txt2img")).to_contain_text("Seed: 6")
    ui.at("upscale").click()
    expect(ui.page.locator("#html_info_txt2img")).to_contain_text("Hires upscale: 2", timeout=JOB_MS)
    assert twice_drawn() == [False, False, True]
    assert "Seed: 6" in ui.infotext() and "Size: 64x64" in ui.infotext()
    with Image.open(ui.download()) as image:
        assert image.size == (128, 128)
    ui.at("reuse_seed").click()
    expect(ui.number("seed")).to_have_value("6")


def test_a_chosen_script_goes_over_the_picture_shown_and_a_grid_is_refused(ui):
    def told():
        return json.loads(ui.page.locator("#generation_info_txt2img textarea").input_value())

    ui.prompt().fill("a cat|big")
    ui.set(steps=2, width=64, height=64, seed=5, batch_size=2)
    ui.generate()
    ui.finished()
    ui.at("upscale").click()
    expect(ui.page.locator("#html_log_txt2img")).to_contain_text("choose one of its pictures")
    ui.at("gallery").locator(".thumbnail-item img").nth(1).click()
    expect(ui.page.locator("#html_info_txt2img")).to_contain_text("Seed: 5")
    ui.choose_of(ui.page.locator("#script_list"), "Prompt matrix")
    ui.at("upscale").click()
    expect(ui.page.locator("#html_info_txt2img")).to_contain_text("Hires upscale: 2", timeout=JOB_MS)
    texts = told()["infotexts"]
    assert [text.split("\n")[0] for text in texts] == ["a cat|big", "a cat", "a cat", "a cat, big", "a cat|big"]
    assert told()["all_seeds"] == [5, 5, 5, 6]
