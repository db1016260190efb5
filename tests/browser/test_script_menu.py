"""The Script menu: the program's own scripts and those of an extension written for A1111, from form to gallery."""

import pytest
from PIL import Image
from playwright.sync_api import expect

PLOT = "#script_txt2img_xyz_plot_"


@pytest.fixture
def scripted(ui):
    """The page, small pictures chosen, and what finds things in a script's form."""

    class Scripted:
        def __init__(self):
            ui.set(width=64, height=64, steps=1, seed=5)

        def choose(self, title):
            ui.choose_of(ui.page.locator("#script_list"), title)

        def at(self, name):
            return ui.page.locator(PLOT + name)

        def box(self, name):
            return self.at(name).locator("input, textarea")

        def axis(self, letter, kind, values=None):
            ui.choose_of(self.at(f"{letter}_type"), kind)
            if values is not None:
                self.box(f"{letter}_values").fill(values)

    return Scripted()


def test_a_plot_of_seeds_and_steps_is_a_sheet_with_legends(ui, scripted):
    expect(scripted.at("x_type")).to_be_hidden()
    scripted.choose("X/Y/Z plot")
    scripted.axis("x", "Seed", "1-3")
    scripted.axis("y", "Steps", "1,2")
    scripted.at("include_lone_images").locator("input").check()
    ui.prompt().fill("a red hat")
    ui.generate()
    text = ui.finished()
    assert 'Script: X/Y/Z plot, X Type: Seed, X Values: 1-3, Fixed X Values: "1, 2, 3", Y Type: Steps' in text
    expect(ui.at("gallery").locator(".thumbnails button")).to_have_count(7)
    with Image.open(ui.download()) as sheet:
        left = 64 * 3 // 4
        assert sheet.width == left + 3 * 64 and sheet.height > 2 * 64
        legend = sheet.convert("L").crop((0, 0, sheet.width, sheet.height - 128)).getextrema()
        assert legend[0] < 100 and legend[1] == 255  # dark letters on white


def test_axes_with_choices_have_a_menu_that_fills_swaps_and_turns_into_text(ui, scripted):
    scripted.choose("X/Y/Z plot")
    scripted.axis("x", "RNG source")
    expect(scripted.at("x_values")).to_be_hidden()
    scripted.at("fill_x_tool_button").click()
    tokens = ".token"
    expect(scripted.at("x_values_dropdown").locator(tokens)).to_have_count(3)
    scripted.axis("y", "CFG Scale", "5-6")
    ui.page.locator("#xy_grid_swap_axes_button").click()
    expect(scripted.at("y_values_dropdown").locator(tokens)).to_have_count(3)
    expect(scripted.box("x_values")).to_have_value("5-6")
    scripted.at("csv_mode").locator("input").check()
    expect(scripted.box("y_values")).to_have_value("GPU,CPU,NV")
    scripted.box("y_values").fill("CPU")
    ui.reload()
    expect(scripted.box("y_values")).to_have_value("CPU")
    ui.generate()
    assert "X Type: CFG Scale, X Values: 5-6, Y Type: RNG source, Y Values: CPU" in ui.finished()


def test_a_bad_axis_is_one_sentence_and_a_pasted_sheet_fills_the_form(ui, scripted):
    scripted.choose("X/Y/Z plot")
    scripted.axis("x", "Steps", "1-b")
    ui.at("generate").click()
    expect(ui.log().locator(".error")).to_have_text("X/Y/Z plot, Steps: '1-b' is not a number.")
    scripted.choose("None")
    expect(scripted.at("x_type")).to_be_hidden()
    told = 'Script: X/Y/Z plot, X Type: Sampler, X Values: "Euler,DDIM", Y Type: CFG Scale, Y Values: 5-6'
    ui.prompt().fill(f"a\nSteps: 2, Sampler: Euler, Seed: 7, Size: 64x64, RNG: NV, {told}")
    ui.page.locator("#paste").click()
    expect(scripted.box("y_values")).to_have_value("5-6")
    for again in (False, True):
        if again:
            ui.reload()
        expect(scripted.at("x_values_dropdown").locator(".token")).to_have_count(2)
        expect(scripted.at("x_values")).to_be_hidden()
        expect(scripted.box("y_values")).to_be_visible()


def test_a_prompt_matrix_has_all_combinations(ui, scripted):
    scripted.choose("Prompt matrix")
    ui.prompt().fill("a hat|red|tall")
    ui.generate()
    assert ui.finished().startswith("a hat")
    expect(ui.at("gallery").locator(".thumbnails button")).to_have_count(5)
    ui.at("gallery").locator(".thumbnails button").last.click()
    expect(ui.page.locator("#html_info_txt2img .infotext")).to_contain_text("a hat, red, tall")


def test_prompts_come_from_a_file(ui, scripted, tmp_path):
    scripted.choose("Prompts from file or textbox")
    path = tmp_path / "prompts.txt"
    path.write_text("first\n\nsecond --", encoding="utf-8")
    box = ui.page.locator("#script_txt2img_prompts_from_file_or_textbox_prompt_txt")
    ui.page.locator(f"#{box.get_attribute('id')}_file").locator("xpath=..").locator("input[type=file]").set_input_files(
        path
    )
    expect(box.locator("textarea")).to_have_value("first\n\nsecond --")


def test_an_extensions_script_is_in_the_same_menu_and_works(ui, scripted):
    ui.prompt().fill("a red hat")
    ui.generate()
    ui.finished()
    with Image.open(ui.download()) as plain:
        before = plain.convert("RGB").getpixel((20, 20))
    scripted.choose("Invert colours")
    ui.page.locator("#script_txt2img_invert_colours_times input[type=number]").fill("5")
    ui.page.keyboard.press("Tab")
    ui.generate()
    assert "Inverted: 5" in ui.finished()
    with Image.open(ui.download()) as inverted:
        assert inverted.convert("RGB").getpixel((20, 20)) == tuple(255 - one for one in before)
    ui.prompt().fill(ui.infotext().replace("Inverted: 5", "Inverted: 8"))
    ui.page.locator("#paste").click()
    expect(ui.prompt()).to_have_value("a red hat")
    expect(ui.page.locator("#script_list input")).to_have_value("None")  # as in A1111: the text names no script
    scripted.choose("Invert colours")
    expect(ui.page.locator("#script_txt2img_invert_colours_times input[type=number]")).to_have_value("8")


def test_the_readmes_script_has_its_own_fold_is_told_and_comes_back_from_the_text(ui, scripted):
    fold = ui.page.locator("#script_txt2img_sepia_accordion")
    fold.locator("button").first.click()
    strength = ui.page.locator("#script_txt2img_sepia_strength input[type=number]")
    expect(strength).to_have_value("0")
    ui.prompt().fill("a red hat")
    ui.generate()
    assert "Sepia" not in ui.finished()
    strength.fill("1")
    strength.press("Tab")
    ui.generate()
    assert "Sepia: 1" in ui.finished()
    with Image.open(ui.download()) as brown:
        red, green, blue = brown.convert("RGB").getpixel((20, 20))
    assert red >= green >= blue
    ui.prompt().fill(ui.infotext().replace("Sepia: 1", "Sepia: 0.3"))
    ui.page.locator("#paste").click()
    expect(strength).to_have_value("0.3")
    ui.reload()
    ui.generate()  # the fold is closed again, and counts all the same
    assert "Sepia: 0.3" in ui.finished()


def test_img2img_has_its_own_menu_and_a_script_of_it_runs(ui, scripted, tmp_path):
    Image.effect_noise((64, 64), 80).convert("RGB").save(tmp_path / "start.png")
    ui.tab("img2img")
    ui.NAME = "img2img"
    ui.set(width=64, height=64, steps=1)
    ui.page.locator("#img2img_image input[type=file]").first.set_input_files(tmp_path / "start.png")
    expect(ui.page.locator("#img2img_image img")).to_be_visible()
    ui.choose_of(ui.page.locator("#img2img_script_list"), "Loopback")
    ui.page.locator("#script_loopback_loops input[type=number]").fill("2")
    ui.page.keyboard.press("Tab")
    ui.at("generate").click()
    assert "Denoising curve: Linear" in ui.finished()
    expect(ui.at("gallery").locator(".thumbnails button")).to_have_count(3)
