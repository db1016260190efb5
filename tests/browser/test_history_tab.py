"""Pictures found again, their parameters restored, and looked at over the whole window."""

import re

from PIL import Image
from playwright.sync_api import expect

from modules.imaging.files import SaveOptions, save

TEXT = (
    "{prompt}\nNegative prompt: fog\nSteps: 7, Sampler: Euler a, CFG scale: 4.5, Seed: {seed}, Size: 64x96, Model: old"
)
HOSTILE = "<img src=x onerror=alert(1)> \u202eback\u202c " + "long " * 2000


def test_pictures_of_elsewhere_are_found_and_restored(ui, tmp_path, data):
    page = ui.page
    for number, prompt in enumerate(("a heron in the reeds", HOSTILE)):
        text = TEXT.format(prompt=prompt, seed=70 + number)
        save(Image.new("RGB", (64, 96), "#104080"), tmp_path / "old/2023", f"<b>{number}</b>", text, SaveOptions())
    ui.tab("history")
    page.locator("#history_folder").fill(str(tmp_path / "old"))
    page.locator("#history_add_folder").click()
    cards = page.locator("#history_pictures .history-card")
    search = page.locator("#history_search")
    search.fill("seed:71")
    page.get_by_role("button", name="<img src=x onerror=alert(1)>").click()
    expect(cards).to_have_count(1)
    expect(page.locator("#history_picture .infotext")).to_contain_text("<img src=x onerror=alert(1)>")
    search.fill('"heron in the" model:old')
    page.get_by_role("button", name="a heron in the reeds").click()
    expect(cards).to_have_count(1)
    picture = page.locator("#history_picture")
    expect(picture.locator(".infotext")).to_contain_text("a heron in the reeds")
    with page.expect_download() as found:
        picture.get_by_text("Download").click()
    with Image.open(found.value.path()) as image:
        assert image.info["parameters"].startswith("a heron in the reeds")

    picture.locator("img").click()
    box = page.locator("#lightboxModal")
    expect(box.locator(".infotext")).to_contain_text("a heron in the reeds")
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)

    page.locator("#history_inpaint").click()
    expect(page.locator("#img2maskimg img")).to_be_visible()
    expect(page.locator("#img2img_seed input")).to_have_value("70")
    ui.tab("history")
    page.locator("#history_restore").click()
    expect(ui.prompt()).to_have_value("a heron in the reeds")
    expect(ui.prompt("neg_prompt")).to_have_value("fog")
    expect(ui.menu("sampling")).to_have_value("Euler a")
    for name, value in {"steps": "7", "cfg_scale": "4.5", "seed": "70", "width": "64", "height": "96"}.items():
        expect(ui.number(name)).to_have_value(value)


def test_a_new_picture_is_there_at_once_and_the_lightbox_goes_through_a_batch(ui):
    page = ui.page
    ui.prompt().fill("an otter at dusk")
    ui.set(steps=1, width=64, height=64, batch_count=2, seed=20)
    ui.generate()
    ui.finished()
    ui.at("gallery").locator(".preview .media-button").click()
    box = page.locator("#lightboxModal")
    page.keyboard.press("ArrowRight")
    expect(box.locator(".infotext")).to_contain_text("Seed: 20,")
    page.keyboard.press("ArrowRight")
    expect(box.locator(".infotext")).to_contain_text("Seed: 21,")
    page.keyboard.press("+")
    expect(box.locator(".lightbox-moved")).to_have_attribute("style", re.compile(r"scale\(1\.2\)"))
    page.keyboard.press("b")
    box.locator(".lightbox-slider").fill("25")
    expect(box.locator(".lightbox-before")).to_have_attribute("style", re.compile("75%"))
    page.keyboard.press("i")
    expect(box.locator(".infotext")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    ui.tab("history")
    page.locator("#history_search").fill("otter dusk seed:21")
    expect(page.locator("#history_pictures .history-card")).to_have_count(1)
