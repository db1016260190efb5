"""From a typed prompt to a file, and back from the file into the form."""

import json
import re
import urllib.request

import pytest
from PIL import Image
from playwright.sync_api import expect

from modules.imaging.metadata import read_text

LONG = {"steps": 150, "batch_count": 100, "width": 64, "height": 64}  # to be interrupted
SHORT = {"steps": 2, "width": 64, "height": 64}


def saved_text(path) -> str:
    with Image.open(path) as image:
        return read_text(image)[0]


def preview_source(ui, unlike: str | None = None) -> str:
    """The address of the live preview, once it is another than `unlike`."""
    painted = "image => image && image.naturalWidth > 0 && image.src"
    image = "document.querySelector('.livePreview img')"
    ui.page.wait_for_function(
        f"unlike => ![false, null, unlike].includes(({painted})({image}))", arg=unlike, timeout=60_000
    )
    return ui.page.locator(".livePreview img").get_attribute("src")


def test_a_prompt_becomes_a_file_over_a_reload(ui):
    ui.set(**LONG, seed=7)
    ui.prompt().fill("a (red:1.2) cat, <b>bold</b> & “quoted”\nsecond line")
    ui.prompt("neg_prompt").fill("blurry, \\(text\\)")
    ui.generate()
    first = preview_source(ui)
    second = preview_source(ui, ui.page.locator(".livePreview img").evaluate("image => image.src"))
    assert first != second
    expect(ui.page.locator(".progressDiv")).to_contain_text("%")
    expect(ui.page).to_have_title(re.compile(r"^\[\d+%.*\] Stable Diffusion$"))

    ui.reload()
    expect(ui.at("interrupt")).to_be_visible()
    preview_source(ui)
    expect(ui.prompt()).to_have_value("a (red:1.2) cat, <b>bold</b> & “quoted”\nsecond line")
    expect(ui.number("steps")).to_have_value("150")
    ui.prompt().press("Escape")
    text = ui.finished()
    assert text.startswith(
        "a (red:1.2) cat, <b>bold</b> & “quoted”\nsecond line\nNegative prompt: blurry, \\(text\\)\nSteps: 150,"
    )
    assert "Seed: 7," in text and "Size: 64x64," in text
    expect(ui.page).to_have_title("Stable Diffusion")
    expect(ui.log()).to_contain_text("Interrupted after")
    path = ui.download()
    assert saved_text(path) == text


def test_a_picture_in_the_gallery_shows_its_own_infotext(ui):
    ui.set(**SHORT, batch_count=2, seed=10)
    ui.prompt().fill("two cats")
    ui.generate()
    assert "Seed: 10," in ui.finished()
    ui.at("gallery").locator("button.thumbnail-item").nth(2).click()  # after the grid and the first
    expect(ui.page.locator("#html_info_txt2img .infotext")).to_contain_text("Seed: 11,")
    ui.at("reuse_seed").click()
    expect(ui.number("seed")).to_have_value("11")
    ui.at("random_seed").click()
    expect(ui.number("seed")).to_have_value("-1")


def test_png_info_restores_every_field(ui):
    fields = {"width": 128, "height": 72, "steps": 3, "cfg_scale": 5.5, "seed": 1234}
    extras = {"subseed": 99, "subseed_strength": 0.25, "seed_resize_from_w": 64, "seed_resize_from_h": 96}
    ui.prompt().fill("a house,\nby the sea")
    ui.prompt("neg_prompt").fill("rain: heavy, fog")
    ui.choose("sampling", "Euler a")
    ui.choose("scheduler", "Karras")
    ui.at("subseed_show").locator("input").check()
    ui.set(**fields, **extras)
    ui.generate()
    text = ui.finished()
    path = ui.download()

    ui.page.evaluate("forgetValues()")
    ui.reload()
    expect(ui.prompt()).to_have_value("")
    ui.tab("pnginfo")
    ui.page.locator("#pnginfo_image input[type=file]").set_input_files(
        {"name": "one.png", "mimeType": "image/png", "buffer": path.read_bytes()}
    )
    shown = ui.page.locator("#html_info_pnginfo .infotext").first
    expect(shown).to_be_visible()
    assert shown.inner_text() == text
    ui.at("tab").click()

    expect(ui.prompt()).to_have_value("a house,\nby the sea")
    expect(ui.prompt("neg_prompt")).to_have_value("rain: heavy, fog")
    expect(ui.menu("sampling")).to_have_value("Euler a")
    expect(ui.menu("scheduler")).to_have_value("Karras")
    expect(ui.at("subseed_show").locator("input")).to_be_checked()
    for name, value in (fields | extras).items():
        expect(ui.number(name)).to_have_value(str(value))
    ui.generate()
    assert ui.finished() == text


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_png_info_reads_other_formats(ui, kind):
    from modules.imaging.files import SaveOptions, encode

    text = "a cat\nSteps: 5, Sampler: Euler, CFG scale: 4, Seed: 3, Size: 64x64, Clip skip: 2"
    picture = encode(Image.new("RGB", (64, 64)), text, SaveOptions(format=kind.lower()))
    ui.tab("pnginfo")
    name, kind = f"one.{kind.lower()}", f"image/{kind.lower()}"
    ui.page.locator("#pnginfo_image input[type=file]").set_input_files(
        {"name": name, "mimeType": kind, "buffer": picture}
    )
    expect(ui.page.locator("#html_info_pnginfo .infotext").first).to_have_text(text)
    ui.at("tab").click()
    expect(ui.at("override_settings")).to_contain_text("Clip skip: 2")


def test_png_info_of_no_picture_is_one_sentence(ui):
    ui.tab("pnginfo")
    broken = {"name": "one.png", "mimeType": "image/png", "buffer": b"no picture at all"}
    ui.page.locator("#pnginfo_image input[type=file]").set_input_files(broken)
    expect(ui.page.locator("#html_info_pnginfo .error")).to_contain_text("no picture that can be read")
    ui.at("tab").click()  # sends nothing, and leaves the form as it was
    expect(ui.number("steps")).to_have_value("20")


def test_override_settings_hold_for_one_run(ui, address):
    text = "a cat\nSteps: 2, Sampler: Euler a, CFG scale: 4, Seed: 3, Size: 64x64, Clip skip: 2, ENSD: 31337, RNG: CPU"
    expect(ui.at("override_settings")).to_be_hidden()
    expect(ui.number("setting_eta_ancestral")).to_have_value("1")
    ui.prompt().fill(f"{text}, Eta: 0.5")
    ui.page.locator("#paste").click()
    expect(ui.prompt()).to_have_value("a cat")
    for chip in ("Clip skip: 2", "ENSD: 31337", "RNG: CPU"):
        expect(ui.at("override_settings")).to_contain_text(chip)
    expect(ui.number("setting_eta_ancestral")).to_have_value("0.5")
    expect(ui.at("override_settings")).not_to_contain_text("Eta")
    ui.set(setting_eta_ancestral=0.7)
    ui.generate()
    told = ui.finished()
    assert "Clip skip: 2, ENSD: 31337, RNG: CPU" in told and "Eta: 0.7" in told
    ui.reload()
    expect(ui.number("setting_eta_ancestral")).to_have_value("0.7")
    with urllib.request.urlopen(address + "/sdapi/v1/options") as answer:
        options = json.load(answer)
    assert (options["CLIP_stop_at_last_layers"], options["eta_ancestral"]) == (1, 1)


def test_interrupt_keeps_the_page_usable(ui):
    ui.set(**LONG)
    ui.prompt().fill("never to be finished")
    ui.generate()
    preview_source(ui)
    ui.at("interrupt").click()
    expect(ui.at("interrupt")).to_be_hidden(timeout=60_000)
    expect(ui.at("generate")).to_be_visible()
    ui.set(**SHORT, batch_count=1)
    ui.prompt().fill("finished")
    ui.generate()
    assert ui.finished().startswith("finished\n")


def test_ctrl_enter_during_a_run_starts_again(ui):
    ui.set(**LONG)
    ui.prompt().fill("the first")
    ui.generate()
    preview_source(ui)
    ui.set(**SHORT, batch_count=1)
    ui.prompt().fill("the second")
    ui.prompt().press("Control+Enter")
    expect(ui.page.locator("#html_info_txt2img")).to_contain_text("the second", timeout=60_000)
    assert ui.finished().startswith("the second\n")


def test_escape_interrupts_and_alt_enter_skips(ui):
    ui.set(**LONG)
    ui.prompt().fill("stopped by keys")
    ui.generate()
    preview_source(ui)
    ui.prompt().press("Alt+Enter")
    expect(ui.page.locator(".progressDiv")).to_contain_text(re.compile(r"^[1-9]%"), timeout=60_000)
    ui.prompt().press("Escape")
    expect(ui.at("interrupt")).to_be_hidden(timeout=60_000)


def test_bad_input_is_one_sentence(ui):
    ui.prompt().fill("x" * 10)
    ui.set(**SHORT)
    ui.set(seed=10**30)
    ui.prompt().press("Control+Enter")
    expect(ui.log().locator(".error")).to_have_text(re.compile(r"^Seed: 1e\+30 is outside -1 to \d+\.$"))
    expect(ui.at("interrupt")).to_be_hidden()
    ui.set(seed=3)
    ui.generate()
    assert "Size: 64x64" in ui.finished()
    expect(ui.log().locator(".error")).to_have_count(0)


def test_unsaved_pictures_carry_their_text(ui, address):
    body = b'{"samples_save": %s}'

    def post(value: bytes) -> None:
        asked = urllib.request.Request(
            address + "/sdapi/v1/options", body % value, {"Content-Type": "application/json"}, method="POST"
        )
        urllib.request.urlopen(asked).close()

    post(b"false")
    try:
        ui.set(**SHORT, seed=77)
        ui.prompt().fill("not saved")
        ui.generate()
        text = ui.finished()
        assert saved_text(ui.download()) == text
    finally:
        post(b"true")
