"""Undo and redo of the whole form: a paste, a style, a hand, each one step; over a reload too."""

from playwright.sync_api import expect

PASTED = """a red cat
Negative prompt: rain
Steps: 7, Sampler: Euler, Schedule type: Karras, CFG scale: 3.5, Seed: 5, Size: 128x64"""


SETTLED = """wanted => {
    const steps = formSteps.txt2img;
    const arrived = steps && Object.entries(wanted).every(([name, value]) => steps.latest[name] === value);
    return arrived && !steps.moved && sameValues(steps.latest, steps.now);
}"""


def settled(page, **values):
    """Wait until the form has these values and they are a step of their own, as when the hand rests."""
    page.wait_for_function(SETTLED, arg=values)


def test_changes_of_the_form_are_taken_back_and_made_again(ui, page):
    undo, redo = ui.at("undo"), ui.at("redo")
    ui.prompt().fill("first words")
    settled(page, prompt="first words")
    ui.prompt().fill(PASTED)
    settled(page, prompt=PASTED)
    page.locator("#paste").click()
    expect(ui.number("steps")).to_have_value("7")
    settled(page, steps=7)
    ui.set(cfg_scale=9)
    settled(page, cfg_scale=9)
    undo.click()
    expect(ui.number("cfg_scale")).to_have_value("3.5")
    expect(ui.number("steps")).to_have_value("7")
    undo.click()
    expect(ui.prompt()).to_have_value(PASTED)
    expect(ui.number("steps")).to_have_value("20")
    expect(ui.menu("sampling")).to_have_value("DPM++ 2M")
    settled(page, prompt=PASTED)
    page.locator("#txt2img_redo").focus()
    page.keyboard.press("Control+y")
    expect(ui.prompt()).to_have_value("a red cat")
    expect(ui.prompt("neg_prompt")).to_have_value("rain")
    expect(ui.number("width")).to_have_value("128")
    expect(ui.menu("sampling")).to_have_value("Euler")
    settled(page, width=128)
    ui.reload()
    expect(redo).to_be_visible()
    page.keyboard.press("Control+z")
    expect(ui.prompt()).to_have_value(PASTED)
    expect(ui.number("width")).to_have_value("512")
    undo.click()
    expect(ui.prompt()).to_have_value("first words")
    undo.click()
    expect(ui.prompt()).to_have_value("")
    settled(page, prompt="")
    ui.set(steps=3)
    settled(page, steps=3)
    redo.click()
    expect(ui.number("steps")).to_have_value("3")
    expect(ui.prompt()).to_have_value("")


def test_ctrl_z_in_the_prompt_stays_the_prompts_own(ui, page):
    ui.set(steps=9)
    settled(page, steps=9)
    ui.prompt().press_sequentially("one")
    ui.prompt().press("Control+z")
    expect(ui.prompt()).not_to_have_value("one")
    expect(ui.number("steps")).to_have_value("9")
