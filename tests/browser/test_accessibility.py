"""axe-core finds nothing serious on any tab, in light and in dark; and the page is whole on a phone."""

from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Ui

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
TABS = ("tab_txt2img", "txt2img_lora", "tab_img2img", "tab_extras", "tab_pnginfo", "tab_modelmerger", "tab_history")
TABS += ("tab_settings", "tab_extensions")
RULES = {  # the dark page has the same elements in other colours
    "light": ["wcag2a", "wcag2aa"],
    "dark": {"type": "rule", "values": ["color-contrast"]},
}
RUN = """async (rules) => {
    const told = await axe.run(document, {resultTypes: ["violations"], runOnly: rules});
    const grave = told.violations.filter((one) => ["serious", "critical"].includes(one.impact));
    return grave.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.target.join(" ")}`));
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_is_found(page, address, theme):
    Ui(page, f"{address}/?__theme={theme}")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = {}
    for tab in TABS:
        page.locator(f"#{tab}-button").click()
        expect(page.locator(f"#{tab}")).to_be_visible()
        found[tab] = page.evaluate(RUN, RULES[theme])
    assert not any(found.values()), found


def test_on_a_phone_prompt_generate_and_picture_come_first(page, address):
    page.set_viewport_size({"width": 390, "height": 844})
    ui = Ui(page, address)
    for tab in TABS:  # there is no room for all of them in the row: some are in the menu behind it
        page.evaluate("tab => openTabs(tab)", tab)
        expect(page.locator(f"#{tab}")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, tab
    page.evaluate("openTabs('tab_img2img', 'img2img_batch_tab')")
    expect(page.locator("#img2img_batch_tab")).to_be_visible()
    page.evaluate("openTabs('tab_txt2img', 'txt2img_generation')")
    places = [ui.at(name).bounding_box() for name in ("prompt", "generate", "gallery", "steps")]
    assert all(box is not None for box in places)
    prompt, generate, gallery, steps = places
    assert generate["y"] + generate["height"] <= 844
    assert prompt["y"] < gallery["y"] < steps["y"]
    assert gallery["y"] < 600


def test_words_are_of_one_font(ui, page):
    asked = page.context.new_cdp_session(page)
    asked.send("DOM.enable")
    asked.send("CSS.enable")
    root = asked.send("DOM.getDocument")["root"]["nodeId"]
    for place, wanted in {"#txt2img_generate": "Source Sans", "#txt2img_prompt": "IBM Plex Mono"}.items():
        node = asked.send("DOM.querySelector", {"nodeId": root, "selector": place})["nodeId"]
        fonts = asked.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
        assert [font["familyName"].startswith(wanted) for font in fonts] == [True], (
            "all letters, of the page's own font"
        )
