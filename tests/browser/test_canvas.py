"""The canvas by hand: brush, eraser, undo and redo, zoom and pan, keys, pen and fingers, 4096x4096, colours."""

import io

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.test_img2img import Img2Img, png

PIXELS = """(tab) => {
    const canvas = document.querySelector(`#img2img_${tab}_tab .mask-layer canvas`);
    const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const rows = new Array(canvas.height).fill(0);
    let count = 0;
    for (let place = 3; place < data.length; place += 4) {
        count += data[place] > 127;
        rows[Math.floor(place / 4 / canvas.width)] += data[place] / 255;
    }
    return {count, rows};
}"""
MIDDLE = """() => {
    const canvas = document.querySelector("#img2img_inpaint_sketch_tab .mask-layer canvas");
    return Array.from(canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data);
}"""
POINTER = """([type, x, y, id, kind, pressure, buttons]) => {
    const canvas = document.querySelector("#img2img_inpaint_tab .mask-layer canvas");
    const box = canvas.getBoundingClientRect();
    canvas.setPointerCapture = () => {};
    canvas.dispatchEvent(new PointerEvent(type, {pointerId: id, pointerType: kind, pressure, buttons, button: 0,
        bubbles: true, cancelable: true, clientX: box.left + x * box.width, clientY: box.top + y * box.height}));
}"""


class Canvas(Img2Img):
    """The inpaint tab with a picture on it."""

    def ready(self) -> None:
        super().ready()
        self.mode("inpaint")
        self.give("img2maskimg", png(256, 256))
        expect(self.canvas()).to_be_visible()

    def canvas(self, tab: str = "inpaint"):
        """Where one paints."""
        return self.page.locator(f"#img2img_{tab}_tab .mask-layer canvas")

    def pixels(self) -> dict:
        """How many are painted, and how much in each row."""
        return self.page.evaluate(PIXELS, "inpaint")

    def stands(self, state: dict) -> bool:
        """Whether that is painted now; a line drawn as a whole has a little thinner edges than one drawn in pieces."""
        return self.pixels()["rows"] == pytest.approx(state["rows"], abs=16)

    def pointer(self, kind: str, *moves: tuple, pressure: float = 0.5, buttons: int = 1) -> None:
        """What a pen or fingers do: (what, x, y, which finger)."""
        for what, x, y, finger in moves:
            self.page.evaluate(POINTER, [f"pointer{what}", x, y, finger, kind, pressure, buttons])

    def shown(self) -> tuple[float, float, float]:
        """Left, top and width of the canvas on the page."""
        box = self.canvas().bounding_box()
        return box["x"], box["y"], box["width"]


@pytest.fixture
def drawn(page, address) -> Canvas:
    """The opened tab."""
    return Canvas(page, address)


def test_strokes_are_taken_back_and_made_again(drawn):
    states = [drawn.pixels()]
    assert states[0]["count"] == 0
    for number in range(8):  # more than are drawn again from the first
        drawn.paint((0.1, 0.1 * (number + 1)), (0.9, 0.1 * (number + 1)))
        states.append(drawn.pixels())
    drawn.page.get_by_role("button", name="Eraser").click()
    drawn.paint((0.5, 0.05), (0.5, 0.9))
    states.append(drawn.pixels())
    assert 0 < states[-1]["count"] < states[-2]["count"]
    drawn.page.wait_for_function(
        "maskOf(document.querySelector('#img2img_inpaint_tab .paintable')).strokes.kept.length"
    )
    for state in reversed(states[:-1]):
        drawn.canvas().press("Control+z")
        assert drawn.stands(state)
    for state in states[1:]:
        drawn.canvas().press("Control+Shift+z")
        assert drawn.stands(state)
    drawn.page.get_by_role("button", name="Clear", exact=True).filter(visible=True).click()
    assert drawn.pixels()["count"] == 0
    drawn.canvas().press("Control+z")
    assert drawn.stands(states[-1])


def test_brush_zoom_and_pan(drawn):
    size = drawn.page.locator("#img2img_inpaint_tab .mask-tools input[type=range]")
    before = float(size.input_value())
    drawn.canvas().hover()
    drawn.canvas().press("]")
    assert float(size.input_value()) > before
    drawn.canvas().press("[")
    drawn.canvas().press("[")
    assert float(size.input_value()) < before
    left, top, width = drawn.shown()
    drawn.page.mouse.move(left + width / 4, top + width / 4)
    drawn.page.mouse.wheel(0, -100)
    assert drawn.shown()[2] == pytest.approx(1.15 * width, rel=0.01)
    assert drawn.shown()[0] == pytest.approx(left - 0.15 * width / 4, abs=2), "not zoomed around the pointer"
    image = drawn.page.locator("#img2maskimg img").bounding_box()
    assert image["width"] == pytest.approx(drawn.shown()[2], rel=0.01), "the picture stays under the canvas"
    zoomed = drawn.shown()
    drawn.page.keyboard.down(" ")
    drawn.paint((0.3, 0.3), (0.5, 0.4))
    drawn.page.keyboard.up(" ")
    assert drawn.pixels()["count"] == 0, "with Space the hand moves the picture"
    assert drawn.shown()[0] - zoomed[0] == pytest.approx(0.2 * zoomed[2], abs=3)
    drawn.paint((0.5, 0.5), (0.6, 0.5))
    assert drawn.pixels()["count"] > 0
    drawn.canvas().press("0")
    assert drawn.shown() == pytest.approx((left, top, width), abs=1)
    drawn.page.mouse.wheel(0, 0)
    drawn.page.keyboard.down("Control")
    now = float(size.input_value())
    drawn.page.mouse.wheel(0, -100)
    drawn.page.keyboard.up("Control")
    assert float(size.input_value()) > now


def test_pen_and_fingers(drawn):
    soft = [("down", 0.2, 0.3, 1), ("move", 0.8, 0.3, 1), ("up", 0.8, 0.3, 1)]
    drawn.pointer("pen", *soft, pressure=0.25)
    thin = drawn.pixels()["count"]
    drawn.canvas().press("Control+z")
    drawn.pointer("pen", *soft, pressure=1)
    thick = drawn.pixels()["count"]
    assert 2 * thin < thick, "a pen's pressure is the brush's width"
    drawn.pointer("pen", *soft, pressure=1, buttons=32)
    assert drawn.pixels()["count"] < thick / 10, "a pen's other end erases"
    drawn.pointer("touch", *soft)
    painted = drawn.pixels()
    width = drawn.shown()[2]
    apart = [
        ("down", 0.4, 0.5, 1),
        ("down", 0.6, 0.5, 2),
        ("move", 0.8, 0.5, 2),
        ("up", 0.8, 0.5, 2),
        ("up", 0.4, 0.5, 1),
    ]
    drawn.pointer("touch", *apart)
    assert drawn.pixels() == painted, "two fingers paint nothing"
    assert drawn.shown()[2] > 1.5 * width, "they zoom"


def test_a_large_picture_and_colours(drawn):
    file = io.BytesIO()
    Image.new("RGB", (4096, 4096), "#406080").save(file, "PNG", compress_level=1)
    drawn.page.locator(
        "#img2maskimg button[aria-label=Clear], #img2maskimg button[aria-label='Remove Image']"
    ).first.click()
    drawn.give("img2maskimg", {"name": "large.png", "mimeType": "image/png", "buffer": file.getvalue()})
    expect(drawn.canvas()).to_have_js_property("width", 4096)
    drawn.paint((0.2, 0.5), (0.8, 0.5))
    assert drawn.pixels()["count"] > 4096 * 0.6 * 100, "painted at the picture's own size"
    drawn.mode("inpaint_sketch")
    drawn.give("inpaint_sketch", png(128, 128))
    drawn.page.locator("#img2img_inpaint_sketch_tab input[type=color]").fill("#00ff00")
    drawn.paint((0.2, 0.5), (0.8, 0.5), tab="inpaint_sketch")
    assert drawn.page.evaluate(MIDDLE) == [0, 255, 0, 255]
