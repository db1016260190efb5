"""Checkpoints merged, styles edited, settings looked after: on the page."""

import json

from playwright.sync_api import expect

from tests.browser.conftest import JOB_MS


def test_a_merger_is_made_and_listed(ui, page, checkpoint_folder):
    ui.tab("modelmerger")
    for place in ("primary", "secondary"):
        page.locator(f"#modelmerger_{place}_model_name input").click()
        page.locator("ul[role=listbox] li", has_text="tiny-sd1").filter(visible=True).first.click()
    page.locator("#modelmerger_custom_name textarea, #modelmerger_custom_name input").first.fill("merged on the page")
    page.locator("#modelmerger_merge").click()
    result = page.locator("#modelmerger_result")
    expect(result).to_contain_text("Checkpoint saved to", timeout=JOB_MS)
    made = checkpoint_folder / "models/Stable-diffusion/merged on the page.safetensors"
    try:
        assert made.is_file()
        page.locator("#modelmerger_merge").click()
        expect(result).to_contain_text("There is a file merged on the page.safetensors already")
    finally:
        made.unlink()
        made.with_suffix(".yaml").unlink(missing_ok=True)


def test_a_download_is_refused_with_its_reason_and_this_machine_is_not_asked(ui, page):
    ui.tab("modelmerger")
    page.get_by_role("button", name="Download a model").click()
    source, result = page.locator("#download_source").get_by_role("textbox"), page.locator("#download_result")
    expect(page.locator("#download_kind")).to_be_visible()
    source.fill("castle")
    page.locator("#download_start").click()
    expect(result).to_contain_text("'castle' says nothing to download")
    source.fill("http://127.0.0.1:9/ink.safetensors")
    page.locator("#download_start").click()
    expect(result).to_contain_text("127.0.0.1 is an address of this machine", timeout=JOB_MS)


def test_styles_are_written_applied_and_taken_away(ui, page, data, accepted):
    ui.prompt().fill("my cat")
    ui.at("styles_edit_button").click()
    ui.at("style_copy").click()
    expect(ui.at("edit_style_prompt").locator("textarea")).to_have_value("my cat")
    ui.at("styles_edit_select").locator("input").fill("Ink")
    page.keyboard.press("Enter")
    ui.at("edit_style_prompt").locator("textarea").fill("{prompt} in ink")
    ui.at("edit_style_save").click()
    expect(page.get_by_text("Saved: Ink")).to_be_visible()
    assert (data / "styles.csv").read_bytes().decode("utf-8-sig").splitlines()[-1] == "Ink,{prompt} in ink,"
    ui.at("style_apply_dialog").click()
    expect(ui.prompt()).to_have_value("my cat in ink")
    ui.at("edit_style_delete").click()
    expect(ui.at("edit_style_prompt").locator("textarea")).to_have_value("")
    page.keyboard.press("Escape")
    expect(page.locator("#txt2img_styles_dialog")).to_be_hidden()
    assert "Ink" not in (data / "styles.csv").read_text(encoding="utf-8-sig")


def test_settings_are_imported_looked_at_and_put_back(ui, page, data, accepted):
    ui.set(steps=33)
    ui.tab("settings")
    page.locator("#settings_tab_defaults-button").click()
    page.locator("#ui_defaults_apply").click()
    expect(page.locator("#ui_defaults_review")).to_contain_text("Sampling steps")
    assert json.loads((data / "ui-config.json").read_text())["txt2img/Sampling steps/value"] == 33
    page.evaluate("sessionStorage.clear()")
    ui.reload()
    expect(ui.number("steps")).to_have_value("33")
    ui.tab("settings")
    page.locator("#settings_tab_defaults-button").click()
    page.locator("#ui_defaults_reset").click()
    expect(page.locator("#ui_defaults_review")).to_contain_text("begin as usual")
    page.locator("#settings_tab_import-button").click()
    sent = json.dumps({"n_rows": 3, "forge_preset": "sd"}).encode()
    file = {"name": "config.json", "mimeType": "application/json", "buffer": sent}
    page.locator("#settings_import_files input[type=file]").set_input_files([file])
    expect(page.locator("#settings_import_files")).to_contain_text("config")
    page.locator("#settings_import").click()
    expect(page.locator("#settings_import_result")).to_contain_text("1 settings changed (n_rows), 1 kept unread")
    page.locator("#settings_tab_changes-button").click()
    page.locator("#settings_reset_names textarea, #settings_reset_names input").first.fill("n_rows")
    page.locator("#settings_reset").click()
    expect(page.locator("#settings_changes")).to_contain_text("1 settings are as they came")
    assert json.loads((data / "config.json").read_text())["n_rows"] == -1
