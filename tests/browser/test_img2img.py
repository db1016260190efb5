"""Pictures made from pictures: uploaded, painted over, sent from tab to tab."""

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import JOB_MS, Ui
from tests.webapi.test_bad_pictures import BROKEN, ODD

SHORT = {"steps": 2, "width": 64, "height": 64, "seed": 3}


def png(width: int = 64, height: int = 64, colour: str = "#c03020") -> dict:
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, "PNG")
    return {"name": "one.png", "mimeType": "image/png", "buffer": file.getvalue()}


class Img2Img(Ui):
    """The img2img tab; elements are named by their ids without `img2img_`."""

    NAME = "img2img"

    def ready(self) -> None:
        super().ready()
        self.tab("img2img")

    def mode(self, name: str) -> None:
        """Go to a sub-tab."""
        self.page.locator(f"#img2img_{name}_tab-button").click()

    def give(self, elem_id: str, file: dict) -> None:
        """Upload a picture."""
        box = self.page.locator(f"#{elem_id}")
        box.locator("input[type=file]").set_input_files(file)
        expect(box.locator("img")).to_be_visible()

    def paint(self, *places: tuple[float, float], tab: str = "inpaint") -> None:
        """A stroke through places, in shares of the picture's sides."""
        canvas = self.page.locator(f"#img2img_{tab}_tab .mask-layer canvas")
        expect(canvas).to_be_visible()
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*point, steps=5)
        self.page.mouse.up()

    def picture(self) -> np.ndarray:
        """The pixels of the picture shown."""
        with Image.open(self.download()) as image:
            return np.asarray(image.convert("RGB")).astype(int)


@pytest.fixture
def img(page, address) -> Img2Img:
    """The opened tab."""
    return Img2Img(page, address)


def test_a_picture_becomes_another(img):
    img.give("img2img_image", png(80, 48))
    expect(img.page.locator("#inpaint_controls")).to_be_hidden()
    img.at("detect_image_size_btn").click()
    expect(img.number("width")).to_have_value("80")
    expect(img.number("height")).to_have_value("48")
    img.set(steps=2, seed=3)
    img.prompt().fill("a cat")
    img.generate()
    text = img.finished()
    assert "Size: 80x48" in text and "Denoising strength: 0.75" in text and "Mask" not in text

    img.page.locator("#img2img_tab_resize_by-button").click()
    expect(img.at("scale_resolution_preview")).to_have_text("from 80x48 to 80x48")
    img.set(scale=2)
    expect(img.at("scale_resolution_preview")).to_have_text("from 80x48 to 160x96")
    img.generate()
    expect(img.page.locator("#html_info_img2img")).to_contain_text("Size: 160x96", timeout=JOB_MS)


def test_what_is_painted_and_nothing_else_is_drawn_anew(img):
    img.mode("inpaint")
    expect(img.page.locator("#inpaint_controls")).to_be_visible()
    img.give("img2maskimg", png())
    img.set(**SHORT, mask_blur=0)
    img.page.locator("#img2img_inpaint_tab .mask-tools input").fill("80")
    img.paint((0.1, 0.9), (0.9, 0.9))  # to be taken back
    img.paint((0.2, 0.2), (0.7, 0.2))
    img.page.get_by_role("button", name="Clear").click()
    img.paint((0.2, 0.2), (0.7, 0.2))
    img.paint((0.9, 0.9), (0.9, 0.9))
    img.page.get_by_role("button", name="Undo").click()
    img.generate()
    assert "Denoising strength: 0.75" in img.finished()
    changed = np.abs(img.picture() - np.array([0xC0, 0x30, 0x20])).max(axis=-1) > 8
    assert changed[8:16, 16:44].mean() > 0.8
    assert not changed[32:].any()


def test_what_counts_for_models_that_edit_is_shown_for_those_only(img):
    expect(img.at("image_cfg_scale")).to_be_hidden()
    img.page.evaluate("readNativeSize(JSON.stringify({name: 'x', side: null, edits: true}))")
    expect(img.number("image_cfg_scale")).to_have_value("1.5")
    expect(img.at("native_size")).to_be_hidden()


def test_a_sketch_is_drawn_anew_where_it_is(img):
    img.mode("inpaint_sketch")
    expect(img.at("mask_alpha")).to_be_visible()
    img.give("inpaint_sketch", png())
    img.set(**SHORT, mask_blur=0, denoising_strength=0)
    tools = img.page.locator("#img2img_inpaint_sketch_tab .mask-tools")
    tools.locator("input[type=range]").fill("80")
    tools.locator("input[type=color]").fill("#0000ff")
    img.paint((0.2, 0.2), (0.7, 0.2), tab="inpaint_sketch")
    img.generate()
    assert "Denoising strength: 0," in img.finished()
    picture = img.picture()
    assert np.abs(picture[32:] - np.array([0xC0, 0x30, 0x20])).max() <= 8
    assert (picture[8:16, 20:40, 2] > picture[32:, :, 2].mean() + 20).mean() > 0.8


def test_an_uploaded_mask(img):
    img.mode("inpaint_upload")
    img.give("img_inpaint_base", png())
    img.set(**SHORT)
    img.prompt().press("Control+Enter")
    expect(img.log().locator(".error")).to_have_text("There is no mask; put one below the picture.")
    img.give("img_inpaint_mask", png(colour="white"))
    img.page.locator("#img2img_inpainting_fill").get_by_text("latent noise").click()
    img.page.locator("#img2img_inpaint_full_res").get_by_text("Only masked").click()
    img.generate()
    text = img.finished()
    assert "Masked content: latent noise" in text and "Inpaint area: Only masked" in text


def test_no_picture_is_one_sentence(img):
    img.prompt().press("Control+Enter")
    expect(img.log().locator(".error")).to_contain_text("There is no picture to start from")
    expect(img.at("interrupt")).to_be_hidden()


def test_odd_uploads_are_drawn_over_and_hostile_ones_answered_in_one_sentence(img):
    def upload(elem_id, data):
        box = img.page.locator(f"#{elem_id}")
        clear = box.get_by_role("button", name="Remove Image")
        if clear.count():
            clear.click()
        file = {"name": "one.png", "mimeType": "image/png", "buffer": data}
        with img.page.expect_response(lambda answer: "/upload?" in answer.url):
            box.locator("input[type=file]").set_input_files(file)
        expect(box.locator("img")).to_be_attached()

    img.mode("inpaint_upload")
    img.set(**SHORT)
    upload("img_inpaint_base", ODD["animated GIF"])
    upload("img_inpaint_mask", BROKEN["cut PNG"][0])
    img.prompt().press("Control+Enter")
    expect(img.log().locator(".error")).to_contain_text("not an image that can be read")
    expect(img.log().locator("p")).to_have_count(1)
    upload("img_inpaint_mask", png(300, 20, "white")["buffer"])
    img.generate()
    assert "Size: 64x64" in img.finished(), "a mask of another size is brought to the picture's"
    upload("img_inpaint_base", BROKEN["bomb"][0])
    img.prompt().press("Control+Enter")
    expect(img.log().locator(".error")).to_contain_text("megapixels")


def test_a_reload_during_a_run_finds_it_again(img):
    img.give("img2img_image", png())
    img.set(**SHORT | {"steps": 150, "batch_count": 100})
    img.generate()
    expect(img.page.locator("#img2img_gallery_container .progressDiv")).to_contain_text("%", timeout=JOB_MS)
    img.page.reload()
    Ui.ready(img)
    img.tab("img2img")
    expect(img.at("interrupt")).to_be_visible()
    expect(img.page.locator("#img2img_image img")).to_be_visible()
    expect(img.page.locator("#img2img_gallery_container .progressDiv")).to_contain_text("%", timeout=JOB_MS)
    img.prompt().press("Escape")
    expect(img.at("interrupt")).to_be_hidden(timeout=JOB_MS)


def test_a_result_goes_on_to_inpainting_with_its_parameters(ui, address):
    ui.set(steps=2, width=64, height=96, seed=11)
    ui.prompt().fill("two cats")
    ui.generate()
    ui.finished()
    path = ui.download()
    ui.at("send_to_inpaint").click()
    img = ui.page.locator
    expect(img("#img2maskimg img")).to_be_visible()
    expect(img("#img2img_prompt textarea")).to_have_value("two cats")
    for name, value in {"width": "64", "height": "96", "seed": "11", "steps": "2"}.items():
        expect(img(f"#img2img_{name} input[type=number]")).to_have_value(value)

    ui.tab("pnginfo")
    file = {"name": "one.png", "mimeType": "image/png", "buffer": path.read_bytes()}
    img("#pnginfo_image input[type=file]").set_input_files(file)
    expect(img("#html_info_pnginfo .infotext").first).to_be_visible()
    img("#img2img_tab").click()
    expect(img("#img2img_image img")).to_be_visible()
    img("#img2img_prompt textarea").press("Control+Enter")
    expect(img("#html_info_img2img .infotext")).to_contain_text("two cats", timeout=JOB_MS)
    expect(img("#html_info_img2img .infotext")).to_contain_text("Seed: 11, Size: 64x96")
