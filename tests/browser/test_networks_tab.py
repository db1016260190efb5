"""The browser of network files: cards in the prompt and out of it, search, folders, notes and previews."""

import json
import re

from PIL import Image
from playwright.sync_api import expect

from tests.bench.shelf import write

HOSTILE = "<img src=x onerror=alert(1)>"


def fill(folder):
    """A folder of 300 LoRAs, some in sub-folders."""
    (folder / "people/old").mkdir(parents=True, exist_ok=True)
    for number in range(290):
        write(folder / f"style_{number}.safetensors", number)
    for number in range(290, 300):
        write(folder / "people/old" / f"face_{number}.safetensors", number)
    notes = {"description": HOSTILE, "activation text": "inkstyle", "preferred weight": 0.8, "negative text": "photo"}
    (folder / "style_7.json").write_text(json.dumps(notes | {"of another program": 1}))


def test_cards_are_found_used_and_edited(ui, data):
    page, folder = ui.page, data / "Lora"
    fill(folder)
    page.locator("#txt2img_lora-button").click()
    page.locator("#txt2img_lora_extra_refresh").click()
    count = page.locator("#txt2img_lora .extra-count")
    cards = page.locator("#txt2img_lora_cards .card")
    expect(count).to_have_text("300 files")
    expect(page.locator('.card[data-name="style_0"]')).to_be_visible()  # the list has its height
    assert cards.count() < 150  # only those in sight
    page.locator("#txt2img_lora_cards").evaluate("view => view.scrollTop = view.scrollHeight")
    expect(page.locator('.card[data-name="style_289"]')).to_be_visible()

    page.get_by_role("button", name="people/old", exact=True).click()
    expect(count).to_have_text("10 files")
    page.get_by_role("button", name="all", exact=True).click()
    page.locator("#txt2img_lora_extra_search").fill("style_7")
    expect(count).to_have_text("11 files")
    page.locator("#txt2img_lora_extra_sort").select_option("Name")
    page.locator("#txt2img_lora_extra_sort_dir").click()
    expect(cards.first).to_have_attribute("data-name", "style_79")

    card = page.locator('.card[data-name="style_7"]')
    expect(card.locator(".description")).to_have_text(HOSTILE)
    ui.prompt().fill("a cat")
    card.locator(".card-choose").click()
    expect(ui.prompt()).to_have_value("a cat <lora:alias_7:0.8> inkstyle")
    expect(ui.prompt("neg_prompt")).to_have_value("photo")
    card.locator(".card-choose").click()
    expect(ui.prompt()).to_have_value("a cat")
    expect(ui.prompt("neg_prompt")).to_have_value("")

    card.hover()
    card.get_by_role("button", name="Metadata").click()
    expect(page.locator("dialog pre")).to_contain_text('"ss_output_name": "alias_7"')
    page.keyboard.press("Escape")
    card.hover()
    card.get_by_role("button", name="Edit").click()
    page.locator("dialog [name=activation_text]").fill("penstyle")
    page.locator("dialog [name=preferred_weight]").fill("0.55")
    page.locator("dialog button[type=submit]").click()
    expect(page.locator("dialog")).to_have_count(0)
    kept = json.loads((folder / "style_7.json").read_text())
    assert kept["activation text"] == "penstyle" and kept["of another program"] == 1
    card.locator(".card-choose").click()
    expect(ui.prompt()).to_have_value("a cat <lora:alias_7:0.55> penstyle")


def test_a_checkpoint_card_chooses_it(ui, address):
    ui.page.locator("#txt2img_checkpoints-button").click()
    with ui.page.expect_response(lambda answer: "gradio_api/queue/join" in answer.url) as joined:
        ui.page.locator(".card-choose[aria-label=tiny-sd1]").click()
    assert "tiny-sd1" in joined.value.request.post_data
    expect(ui.page.locator("#setting_sd_model_checkpoint input")).to_have_value(re.compile("^tiny-sd1.safetensors"))


def test_the_picture_shown_becomes_a_preview(ui, data):
    page, folder = ui.page, data / "Lora"
    folder.mkdir(exist_ok=True)
    write(folder / "unseen.safetensors", 777)
    ui.set(steps=1, width=64, height=64, seed=5)
    ui.generate()
    ui.finished()
    page.locator("#txt2img_lora-button").click()
    page.locator("#txt2img_lora_extra_refresh").click()
    page.locator("#txt2img_lora_extra_search").fill("unseen")
    card = page.locator('.card[data-name="unseen"]')
    card.hover()
    card.get_by_role("button", name="Edit").click()
    page.get_by_role("button", name="Replace preview").click()
    expect(card.locator("img")).to_be_visible()
    page.wait_for_function("document.querySelector('.card img').naturalWidth === 64")
    with Image.open(folder / "unseen.png") as image:
        assert image.size == (64, 64)
