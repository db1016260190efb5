"""Options of the page: gallery, full page viewer, tabs, keys, canvas, progress; and the gallery's small copies."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import JOB_MS, Ui
from tests.browser.test_img2img import Img2Img, png

SET = {
    "gallery_height": "333px",
    "hidden_tabs": ["Extras", "Settings"],
    "ui_tab_order": ["History", "img2img"],
    "js_modal_lightbox_initially_zoomed": True,
    "sd_webui_modal_lightbox_icon_opacity": 0.5,
    "keyedit_precision_attention": 0.2,
    "keyedit_delimiters": "-",
    "keyedit_move": False,
    "img2img_inpaint_mask_brush_color": "#00ff00",
    "canvas_hotkey_grow_brush": "K",
    "show_progressbar": False,
    "hide_samplers": ["Euler", "DPM2"],
    "js_modal_lightbox_gamepad": True,
    "js_modal_lightbox_gamepad_repeat": 10_000,
}
PAD = """() => {
    window.pad = {axes: [0, 0], buttons: Array.from({length: 17}, () => ({pressed: false}))};
    navigator.getGamepads = () => [null, pad];
    window.seen = [];
    new MutationObserver(() => seen.push(1)).observe(document.getElementById("modalImage"), {attributeFilter: ["src"]});
}"""
REST = """async () => {
    pad.axes[0] = 0;
    for (let frame = 0; frame < 3; frame++) {
        await new Promise(requestAnimationFrame);
    }
    return seen.length;
}"""


@pytest.fixture
def chosen(page, address):
    """The page while these options hold."""
    before = page.request.get(address + "/sdapi/v1/options").json()
    assert page.request.post(address + "/sdapi/v1/options", data=SET).ok
    yield Ui(page, address)
    page.request.post(address + "/sdapi/v1/options", data={name: before[name] for name in SET})


def test_options_of_gallery_viewer_tabs_and_keys(chosen, page):
    expect(page.locator("#tab_extras-button")).to_be_hidden()
    expect(page.locator("#tab_settings-button")).to_be_visible()  # or nobody could bring the others back
    places = [page.locator(f"#tab_{name}-button").bounding_box()["x"] for name in ("history", "img2img", "txt2img")]
    assert places == sorted(places)
    assert page.locator("#txt2img_gallery_container > .block").bounding_box()["height"] == 333
    chosen.prompt().fill("red-cat dog, sun")
    chosen.prompt().press("End")
    for _ in range(10):
        chosen.prompt().press("ArrowLeft")
    chosen.prompt().press("Control+ArrowUp")
    expect(chosen.prompt()).to_have_value("red-(cat:1.2) dog, sun")
    chosen.prompt().press("Alt+ArrowRight")
    expect(chosen.prompt()).to_have_value("red-(cat:1.2) dog, sun")
    chosen.prompt().fill("a moth\nSteps: 2, Sampler: Euler, Seed: 3, Size: 64x64")
    page.locator("#paste").click()
    expect(chosen.menu("sampling")).to_have_value("Euler")  # hidden, and there all the same for one who names it
    chosen.menu("sampling").click()
    offered = page.locator("ul[role=listbox] li")
    expect(offered.filter(has_text="Euler a")).to_have_count(1)
    expect(offered.filter(has_text=re.compile(r"^\W*(Euler|DPM2)$"))).to_have_count(0)
    page.keyboard.press("Escape")
    chosen.set(batch_count=2)
    chosen.generate()
    expect(page.locator(".progressDiv")).to_have_count(0)
    assert "Sampler: Euler," in chosen.finished()
    chosen.at("gallery").locator(".preview .media-button img").click()
    picture = page.locator("#modalImage")
    shown, own = picture.bounding_box()["width"], picture.evaluate("image => image.naturalWidth")
    assert shown == pytest.approx(own, abs=1)
    _go_by_gamepad(page, picture)
    page.mouse.move(700, 500)
    page.locator("#lightboxModal .infotext").click()
    page.evaluate("document.activeElement.blur()")
    expect(page.locator(".lightbox-tools")).to_have_css("opacity", "0.5")
    page.keyboard.press("Escape")


def _go_by_gamepad(page, picture):
    """A push of the stick is one step at once, and of what is held another one each period; the cross does the same."""
    page.evaluate(PAD)
    pictures = [picture.get_attribute("src")]
    for steps in (1, 2):
        page.evaluate("pad.axes[0] = 0.6")
        page.wait_for_function("(steps) => seen.length >= steps", arg=steps)
        assert page.evaluate(REST) == steps
        pictures.append(picture.get_attribute("src"))
    assert len(set(pictures)) == 3
    page.evaluate("pad.axes[0] = -0.6")
    expect(picture).to_have_attribute("src", pictures[1])
    assert page.evaluate(REST) == 3
    page.evaluate("opts.js_modal_lightbox_gamepad_repeat = 50; pad.buttons[14].pressed = true")
    page.wait_for_function("seen.length >= 6")
    page.evaluate("pad.buttons[14].pressed = false; pad.axes[0] = 0.2")  # as a stick at rest may be
    before = page.evaluate(REST.replace("pad.axes[0] = 0;", ""))
    assert page.evaluate(REST.replace("pad.axes[0] = 0;", "")) == before


def test_options_of_the_canvas(chosen, page, address):
    img = Img2Img(page, address)
    img.mode("inpaint")
    img.give("img2maskimg", png(64, 64))
    size = page.locator("#img2img_inpaint_tab .mask-tools input[type=range]")
    canvas = page.locator("#img2img_inpaint_tab .mask-layer canvas")
    before = float(size.input_value())
    canvas.hover()
    canvas.press("k")
    assert float(size.input_value()) > before
    img.paint((0.2, 0.5), (0.8, 0.5))
    drawn = "(canvas) => Array.from(canvas.getContext('2d').getImageData(32, 32, 1, 1).data)"
    assert canvas.evaluate(drawn) == [0, 255, 0, 255]


def test_the_gallery_shows_small_copies_and_keeps_the_files(ui, page):
    ui.set(steps=1, width=320, height=320, batch_count=2)
    ui.prompt().fill("small copies")
    ui.generate()
    ui.finished()
    small = ui.at("gallery").locator(".thumbnails .thumbnail-item img")
    expect(small).to_have_count(3)
    expect(small.nth(1)).to_have_attribute("src", re.compile("internal/small"))
    expect(small.nth(1)).to_have_js_property("naturalWidth", 256)
    assert page.request.get(small.nth(1).evaluate("image => image.src")).headers["content-type"] == "image/jpeg"
    ui.at("gallery").locator(".preview .media-button img").click()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#modalImage")).to_have_js_property("naturalWidth", 320)
    page.keyboard.press("Escape")
    assert "small copies" in ui.download().read_bytes().decode("latin-1")
    for path in ("/etc/passwd", str(ui.address), "../config.json"):
        assert page.request.get(f"{ui.address}/internal/small", params={"file": path}).status == 404


def test_fields_of_an_infotext_are_disregarded_and_pictures_not_shown(ui, page, address):
    wishes = {"infotext_skip_pasting": ["Seed", "Sampler", "Size-1", "Clip skip"], "do_not_show_images": True}
    before = page.request.get(address + "/sdapi/v1/options").json()
    assert page.request.post(address + "/sdapi/v1/options", data=wishes).ok
    try:
        ui.prompt().fill("a moth\nSteps: 1, Sampler: Euler, Seed: 9, Size: 64x96, Clip skip: 2, ENSD: 31337")
        page.locator("#paste").click()
        expect(ui.number("height")).to_have_value("96")
        for name, value in {"steps": "1", "seed": "-1", "width": "512"}.items():
            expect(ui.number(name)).to_have_value(value)
        expect(ui.menu("sampling")).to_have_value("DPM++ 2M")
        expect(ui.at("override_settings")).to_contain_text("ENSD: 31337")
        expect(ui.at("override_settings")).not_to_contain_text("Clip skip")
        ui.set(width=64)
        ui.generate()
        expect(page.locator("#html_info_txt2img")).to_contain_text("a moth", timeout=JOB_MS)
        expect(ui.at("gallery").locator("img")).to_have_count(0)
    finally:
        page.request.post(address + "/sdapi/v1/options", data={name: before[name] for name in wishes})


def test_interrupt_leaves_the_current_picture_alone_until_it_is_pressed_again(ui, page, address):
    assert page.request.post(address + "/sdapi/v1/options", data={"interrupt_after_current": True}).ok
    state = address + "/sdapi/v1/progress?skip_current_image=true"
    try:
        ui.set(steps=150, width=128, height=128, batch_count=3)
        ui.generate()
        expect(page.locator(".progressDiv")).to_contain_text("%", timeout=JOB_MS)
        ui.at("interrupt").click()
        page.wait_for_function("async (url) => (await (await fetch(url)).json()).state.stopping_generation", arg=state)
        assert not page.request.get(state).json()["state"]["interrupted"]
        ui.at("interrupt").click()
        ui.finished()
        expect(ui.log()).to_contain_text("Interrupted after")
    finally:
        page.request.post(address + "/sdapi/v1/options", data={"interrupt_after_current": False})
