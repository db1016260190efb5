"""The form's own manners: buttons that move values, keys that weigh words, settings that stay."""

import re

from playwright.sync_api import expect


def test_swap_dice_recycle_and_extra(ui):
    ui.set(width=320, height=640, seed=5)
    ui.at("res_switch_btn").click()
    expect(ui.number("width")).to_have_value("640")
    expect(ui.number("height")).to_have_value("320")
    ui.at("random_seed").click()
    expect(ui.number("seed")).to_have_value("-1")
    ui.at("reuse_seed").click()  # nothing was made yet: nothing happens
    expect(ui.number("seed")).to_have_value("-1")
    expect(ui.at("subseed")).to_be_hidden()
    ui.at("subseed_show").locator("input").check()
    expect(ui.at("subseed")).to_be_visible()


def test_the_checkpoints_own_size_is_offered_while_another_is_set(ui):
    offer = ui.at("native_size")
    expect(offer).to_be_hidden()
    ui.set(width=320)
    expect(offer).to_have_text("Use 512×512, the size that tiny-sd1 was trained for")
    ui.reload()
    expect(ui.number("width")).to_have_value("320")  # the user's own stays
    offer.click()
    expect(ui.number("width")).to_have_value("512")
    expect(offer).to_be_hidden()


def test_parameters_noted_beside_a_checkpoint_are_offered_and_leave_the_rest(ui, checkpoint_folder):
    notes = checkpoint_folder / "models/Stable-diffusion/tiny-sd1.json"
    expect(ui.at("own_parameters")).to_be_hidden()
    notes.write_text('{"defaults": "Steps: 8, Sampler: DDIM, CFG scale: 2.5, Size: 64x96"}')
    try:
        ui.reload()
        ui.prompt().fill("a cat")
        ui.set(seed=5)
        ui.at("own_parameters").click()
        for name, value in {"steps": "8", "cfg_scale": "2.5", "width": "64", "height": "96", "seed": "5"}.items():
            expect(ui.number(name)).to_have_value(value)
        expect(ui.prompt()).to_have_value("a cat")
        expect(ui.at("sampling").locator("input")).to_have_value("DDIM")
        ui.tab("img2img")
        expect(ui.page.locator("#img2img_own_parameters")).to_have_text("Use the parameters noted for tiny-sd1")
    finally:
        notes.unlink()


def test_clearing_asks_first(ui):
    ui.prompt().fill("a cat")
    ui.page.once("dialog", lambda dialog: dialog.dismiss())
    ui.at("clear_prompt").click()
    expect(ui.prompt()).to_have_value("a cat")
    ui.page.once("dialog", lambda dialog: dialog.accept())
    ui.at("clear_prompt").click()
    expect(ui.prompt()).to_have_value("")


WEIGHED = [  # before, with the selection in [] or the caret as |; the key; after
    ("a big ca|t here", "ArrowUp", "a big ([cat]:1.1) here"),
    ("a ([big cat]:1.1)", "ArrowUp", "a ([big cat]:1.2)"),
    ("a (big ca|t:1.2) here", "ArrowUp", "a ([big cat]:1.3) here"),
    ("a (cat:1.1) here|", "ArrowDown", "a (cat:1.1) ([here]:0.9)"),
    ("a ([cat]:1.1)", "ArrowDown", "a [cat]"),
    ("a ([cat]:0.9)", "ArrowUp", "a [cat]"),
    ("a [big cat ]here", "ArrowUp", "a ([big cat]:1.1) here"),
    ("a (c|at)", "ArrowUp", "a ([cat]:1.2)"),
    ("a ((c|at))", "ArrowUp", "a ([cat]:1.3)"),
    ("a (ca|t)", "ArrowDown", "a [cat]"),
    ("<lora:in|k:0.8>", "ArrowUp", "<[lora:ink]:0.85>"),
    ("<lora:in|k:0.8>", "ArrowDown", "<[lora:ink]:0.75>"),
    ("<[lora:ink]:0.95>", "ArrowUp", "<[lora:ink]:1>"),
    ("(a (b:1.1) c|c:1.2)", "ArrowUp", "([a (b:1.1) cc]:1.3)"),
    (r"a \(smi|le\)", "ArrowUp", r"a \(([smile]:1.1)\)"),
    ("a,  |  b", "ArrowUp", "a,  |  b"),
]


def marked(text: str) -> tuple[str, int, int]:
    """The text without its marks, and the selection."""
    if "|" in text:
        place = text.index("|")
        return text.replace("|", ""), place, place
    start, end = text.index("["), text.index("]") - 1
    return text.replace("[", "").replace("]", ""), start, end


def test_attention_keys(ui):
    for before, key, after in WEIGHED:
        plain, start, end = marked(before)
        ui.prompt().fill(plain)
        ui.prompt().evaluate("(area, place) => area.setSelectionRange(...place)", [start, end])
        ui.prompt().press(f"Control+{key}")
        found = ui.prompt().evaluate("area => [area.value, area.selectionStart, area.selectionEnd]")
        assert tuple(found) == marked(after), (before, key)


def test_weighed_words_reach_the_server_and_ctrl_z_takes_them_back(ui):
    ui.prompt().press_sequentially("a cat")
    ui.prompt().press("Control+ArrowUp")
    expect(ui.prompt()).to_have_value("a (cat:1.1)")
    ui.reload()
    expect(ui.prompt()).to_have_value("a (cat:1.1)")
    ui.prompt().press("End")
    ui.prompt().press("Control+ArrowUp")
    ui.prompt().press("Control+z")
    expect(ui.prompt()).to_have_value("a (cat:1.1)")


def test_settings_stay(ui):
    ui.tab("settings")
    ui.page.locator("#settings_stable_diffusion-button").click()
    clip = ui.page.locator("#setting_CLIP_stop_at_last_layers input[type=number]")
    expect(clip).to_have_value("1")
    clip.fill("2")
    clip.press("Tab")
    apply = ui.page.locator("#settings_submit")
    apply.click()
    expect(ui.page.locator("#settings_result")).to_have_text("1 setting changed: Clip skip.")
    ui.reload()
    ui.tab("settings")
    ui.page.locator("#settings_stable_diffusion-button").click()
    expect(clip).to_have_value("2")
    clip.fill("1")
    clip.press("Tab")
    apply.click()
    expect(ui.page.locator("#settings_result")).to_have_text("1 setting changed: Clip skip.")
    apply.click()
    expect(ui.page.locator("#settings_result")).to_have_text("Nothing was changed.")


def test_settings_can_be_searched(ui):
    ui.tab("settings")
    ui.page.locator("#settings_search").locator("input, textarea").fill("clip skip")
    expect(ui.page.locator("#setting_CLIP_stop_at_last_layers")).to_be_visible()
    expect(ui.page.locator("#setting_samples_save")).to_be_hidden()


def test_quicksettings_offer_the_checkpoint(ui):
    checkpoint = ui.page.locator("#setting_sd_model_checkpoint input")
    expect(checkpoint).to_have_value(re.compile("tiny-sd1"))
    ui.page.locator("#refresh_sd_model_checkpoint").click()
    checkpoint.click()
    expect(ui.page.locator("ul[role=listbox] li")).to_have_count(1)


def test_a_phone_shows_all_of_it(browser, address):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto(address)
    expect(page.locator("body[data-ui-ready]")).to_be_attached(timeout=60_000)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.locator("#txt2img_results").bounding_box()["y"] < page.locator("#txt2img_settings").bounding_box()["y"]
    context.close()
