"""Finished pictures made larger on the Extras tab."""

import io
import re

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import expect

from tests.browser.conftest import JOB_MS, Ui


def png(width: int = 40, height: int = 24, name: str = "one.png", parameters: str = "") -> dict:
    file, info = io.BytesIO(), PngInfo()
    if parameters:
        info.add_text("parameters", parameters)
    Image.new("RGB", (width, height), "#c03020").save(file, "PNG", pnginfo=info)
    return {"name": name, "mimeType": "image/png", "buffer": file.getvalue()}


class Extras(Ui):
    """The Extras tab; elements are named by their ids without `extras_`."""

    NAME = "extras"

    def ready(self) -> None:
        super().ready()
        self.tab("extras")

    def mode(self, name: str) -> None:
        """Go to a sub-tab."""
        self.page.locator(f"#extras_{name}_tab-button").click()

    def give(self, elem_id: str, *files: dict) -> None:
        """Upload pictures."""
        self.at(elem_id).locator("input[type=file]").set_input_files(list(files))

    def made(self) -> str:
        """Press Generate and wait; gives what was done."""
        self.at("generate").click()
        expect(self.log()).to_contain_text("Time taken", timeout=JOB_MS)
        return self.infotext()

    def size(self) -> tuple[int, int]:
        """Of the picture shown."""
        with Image.open(self.download()) as image:
            return image.size


@pytest.fixture
def extras(page, address) -> Extras:
    """The opened tab."""
    return Extras(page, address)


def test_one_picture_by_a_factor_and_to_a_size(extras, data):
    extras.at("generate").click()
    expect(extras.log()).to_contain_text("no picture")
    extras.give("image", png(parameters="a cat\nSteps: 1, Sampler: Euler, Seed: 3"))
    expect(extras.at("image").locator("img")).to_be_visible()
    extras.choose("upscaler_1", "Lanczos")
    told = extras.made()
    assert told.startswith("a cat") and told.endswith("Postprocess upscale by: 4, Postprocess upscaler: Lanczos")
    assert extras.size() == (160, 96)
    with Image.open(data / "outputs/extras-images/00000.png") as image:
        assert list(image.info) == ["parameters", "postprocessing", "extras"]
    extras.mode("scale_to")
    extras.set(upscaling_resize_w=64, upscaling_resize_h=128)
    extras.page.locator("#upscaling_res_switch_btn").click()
    expect(extras.number("upscaling_resize_w")).to_have_value("128")
    extras.at("generate").click()
    expect(extras.page.locator("#html_info_extras")).to_contain_text("crop to: 128x64", timeout=JOB_MS)
    assert extras.size() == (128, 64)


def test_many_pictures_and_a_folder(extras, data):
    extras.choose("upscaler_1", "Nearest")
    extras.mode("batch_process")
    extras.give("image_batch", png(name="cat.png"), png(16, 16, name="dog.png"))
    expect(extras.at("image_batch")).to_contain_text("dog")
    extras.made()
    expect(extras.at("gallery").locator(".thumbnails button")).to_have_count(2)
    assert {"cat.png", "dog.png"} <= {path.name for path in (data / "outputs/extras-images").iterdir()}
    extras.mode("batch_directory")
    extras.at("batch_input_dir").locator("input, textarea").fill(str(data / "outputs/none"))
    extras.at("generate").click()
    expect(extras.log()).to_contain_text("There is no folder")
    extras.at("batch_input_dir").locator("input, textarea").fill("outputs/extras-images")
    extras.at("batch_output_dir").locator("input, textarea").fill("outputs/larger")
    extras.made()
    assert {"cat.png", "dog.png"} <= {path.name for path in (data / "outputs/larger").iterdir()}


def test_a_restorer_without_its_file_says_what_is_missing(extras):
    extras.give("image", png())
    expect(extras.at("image").locator("img")).to_be_visible()
    extras.at("gfpgan-checkbox").locator("input").check()
    expect(extras.number("gfpgan_visibility")).to_have_value("1")
    extras.at("generate").click()
    expect(extras.log()).to_contain_text("There is no GFPGAN model")


def test_a_picture_is_sent_here(extras):
    extras.tab("pnginfo")
    extras.page.locator("#pnginfo_image input[type=file]").set_input_files([png()])
    expect(extras.page.locator("#pnginfo_image img")).to_be_visible()
    extras.page.locator("#extras_tab").click()
    expect(extras.at("image").locator("img")).to_be_visible()
    extras.choose("upscaler_1", "Lanczos")
    extras.made()
    extras.at("send_to_extras").click()
    expect(extras.at("image").locator("img")).to_have_js_property("naturalWidth", 160)
    expect(extras.page.locator("#tab_extras-button")).to_have_attribute("aria-selected", re.compile("true"))
