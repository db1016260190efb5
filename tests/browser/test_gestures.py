"""What hands do beside clicking: pieces moved, pictures dropped, Generate forever, pictures kept."""

import csv
import io
import zipfile

from PIL import Image
from playwright.sync_api import expect

from modules.imaging.files import SaveOptions, encode

TEXT = "a fox\nNegative prompt: hen\nSteps: 3, Sampler: Euler, CFG scale: 6, Seed: 9, Size: 64x64"

DROP = """([selector, bytes, address]) => {
    const carried = new DataTransfer();
    if (bytes) {
        carried.items.add(new File([new Uint8Array(bytes)], "one.png", {type: "image/png"}));
    } else {
        carried.setData("text/uri-list", address);
    }
    dropped(document.querySelector(selector), carried);
}"""


def test_a_prompt_by_keys_and_drops(ui, data):
    page, prompt = ui.page, ui.prompt()
    prompt.fill("a cat, (red, blue:1.2), by the sea")
    prompt.evaluate("area => area.setSelectionRange(12, 12)")
    prompt.press("Alt+ArrowLeft")
    expect(prompt).to_have_value("(red, blue:1.2), a cat, by the sea")
    prompt.press("Alt+ArrowRight")
    prompt.press("Alt+ArrowRight")
    expect(prompt).to_have_value("a cat, by the sea, (red, blue:1.2)")
    prompt.press("Control+z")
    expect(prompt).to_have_value("a cat, (red, blue:1.2), by the sea")

    picture = encode(Image.new("RGB", (64, 64)), TEXT, SaveOptions())
    page.evaluate(DROP, ["#txt2img_neg_prompt textarea", list(picture), ""])
    expect(prompt).to_have_value("a fox")
    expect(ui.prompt("neg_prompt")).to_have_value("hen")
    expect(ui.number("seed")).to_have_value("9")
    page.evaluate(DROP, ["#txt2img_prompt textarea", None, "https://elsewhere.example/one.png"])
    expect(page.locator("#webui-told")).to_contain_text("is on another server")


def test_pictures_are_kept_dragged_and_made_forever(ui, data):
    page = ui.page
    ui.prompt().fill("an owl, at night")
    ui.set(steps=1, width=64, height=64, seed=30, batch_count=2)
    ui.generate()
    ui.finished()
    page.locator("#save_txt2img").click()
    expect(ui.log()).to_contain_text("Saved: ")
    with (data / "log/images/log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[-1]["prompt"] == "an owl, at night" and rows[-1]["seed"] == "30" and rows[-1]["width"] == "64"
    assert (data / "log/images" / rows[-1]["filename"]).is_file()
    page.locator("#save_zip_txt2img").click()
    link = page.locator("#download_files_txt2img a[href*='images.zip']")
    with page.expect_download() as found:
        link.click()
    with zipfile.ZipFile(found.value.path()) as archive:
        names = archive.namelist()
        with Image.open(io.BytesIO(archive.read(names[-1]))) as image:
            assert "Seed: 31," in image.info["parameters"]
    assert len(names) == 3

    shown = ui.at("gallery").locator(".preview img").first.get_attribute("src")
    ui.tab("img2img")
    page.evaluate(DROP, ["#img2img_image", None, shown])
    expect(page.locator("#img2img_image img")).to_be_visible()

    ui.tab("txt2img")
    ui.set(seed=-1, batch_count=1)
    ui.prompt().fill("forever")
    ui.at("generate").click(button="right")
    page.get_by_role("menuitem", name="Generate forever").first.click()
    info = page.locator("#html_info_txt2img .infotext")
    expect(info).to_contain_text("forever")
    first = info.inner_text()
    expect(info).not_to_have_text(first)  # another one came by itself
    ui.at("generate").dispatch_event("contextmenu")
    page.get_by_role("menuitem", name="Cancel generate forever").dispatch_event("click")
    ui.finished()

    ui.prompt().fill("")
    ui.prompt("neg_prompt").fill("")
    page.locator("#paste").click()
    expect(ui.prompt()).to_have_value("forever")
