"""What a run and the page show beside pictures: title, sound, the user's style sheet, the frame of a size to come."""

from playwright.sync_api import expect

from tests.browser.test_img2img import Img2Img, png

LISTEN = """() => {
    window.signs = {titles: [], played: []};
    const silence = "data:audio/wav;base64,UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=";
    document.head.append(element("meta", {name: "webui-sound", content: silence}));
    HTMLMediaElement.prototype.play = function () {
        signs.played.push([this.id, this.volume]);
        return Promise.resolve();
    };
    navigator.wakeLock.request = async (kind) => {
        signs.screen = (signs.screen ?? 0) + 1;
        return {kind, released: false, release: async () => signs.screen--};
    };
    const title = document.querySelector("title");
    new MutationObserver(() => signs.titles.push(document.title)).observe(title, {childList: true});
}"""


def test_title_and_sound_of_a_run(ui, page):
    first = page.title()
    page.evaluate(LISTEN)
    page.evaluate("opts.notification_volume = 30")
    ui.set(steps=8, width=128, height=128)
    ui.generate()
    page.wait_for_function("signs.screen === 1")
    ui.finished()
    page.wait_for_function("signs.played.length && signs.screen === 0")
    signs = page.evaluate("signs")
    assert signs["played"] == [["audio_notification", 0.3]]
    told = [title for title in signs["titles"] if title.startswith("[")]
    assert any("%" in title and title.endswith(f"] {first}") for title in told), signs["titles"]
    assert page.title() == first
    off = "notification_audio", "show_progress_in_title", "prevent_screen_sleep_during_generation"
    page.evaluate(
        "off => { off.forEach((name) => (opts[name] = false)); delete signs.screen; signs.titles = []; }", off
    )
    ui.generate()
    ui.finished()
    signs = page.evaluate("signs")
    assert len(signs["played"]) == 1
    assert not [title for title in signs["titles"] if title.startswith("[")] and "screen" not in signs


def test_the_users_style_sheet_counts_from_the_next_load(ui, page, data):
    (data / "user.css").write_text("#txt2img_generate { outline: 7px solid rgb(1, 2, 3); }")
    try:
        ui.reload()
        expect(ui.at("generate")).to_have_css("outline-width", "7px")
    finally:
        (data / "user.css").unlink()


def test_a_frame_shows_the_shape_while_the_size_is_changed(page, address):
    img = Img2Img(page, address)
    img.give("img2img_image", png(128, 128))
    frame = page.locator("#imageARPreview")
    img.number("width").fill("512")
    img.number("height").fill("256")
    expect(frame).to_be_visible()
    box, picture = frame.bounding_box(), page.locator("#img2img_image img").bounding_box()
    assert abs(box["width"] / box["height"] - 2) < 0.1
    assert picture["x"] - 3 <= box["x"] and box["y"] + box["height"] <= picture["y"] + picture["height"] + 3
    expect(frame).to_be_hidden()
