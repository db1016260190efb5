"""The page in Japanese: every text in sight is, menus send what they always sent, pictures are made."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Ui
from tests.webui.test_translation import NAMES

TABS = ("txt2img", "img2img", "extras", "pnginfo", "modelmerger", "history", "extensions", "settings")
LATIN = """() => {
    const [shown, apart] = [[], AS_IT_IS + ", #licenses, .guests"];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const [text, parent] = [walker.currentNode.nodeValue.trim(), walker.currentNode.parentElement];
        if (text && parent.checkVisibility({visibilityProperty: true}) && !parent.closest(apart)) {
            shown.push(text);
        }
    }
    for (const one of document.querySelectorAll("[placeholder], [title]")) {
        if (one.checkVisibility() && !one.closest(AS_IT_IS)) {
            shown.push(one.placeholder ?? "", one.title);
        }
    }
    return shown;
}"""


def is_english(text: str) -> bool:
    """Whether a text was left as it is that says something."""
    return re.search(r"[a-z]{3}", text) is not None and re.search(r"[\u3040-\u9fff]", text) is None


@pytest.fixture
def japanese(page, address) -> Ui:
    """The page after its language was chosen on the Settings tab."""
    made = Ui(page, address)
    names = (
        made.page.request.get(address + "/sdapi/v1/samplers").json()
        + page.request.get(address + "/sdapi/v1/schedulers").json()
    )
    made.same = {one.get("label", one["name"]) for one in names}
    made.tab("settings")
    page.locator("#settings_search input, #settings_search textarea").fill("localization")
    made.NAME = "setting"
    made.choose("localization", "ja_JP")
    page.locator("#settings_submit").click()
    expect(page.locator("#settings_result")).to_contain_text("Localization")
    page.locator("#settings_restart_gradio").click()
    expect(page.locator("html[lang=ja-JP]")).to_be_attached()
    made.NAME = "txt2img"
    made.ready()
    yield made
    page.request.post(address + "/sdapi/v1/options", data={"localization": "None"})


def test_the_page_is_in_japanese(japanese, page, address):
    expect(japanese.at("generate")).to_have_text("生成")
    left = {}
    for tab in TABS:
        japanese.tab(tab)
        page.wait_for_timeout(500)
        if tab == "settings":
            page.locator("#settings_show_all_pages").click()
            page.wait_for_timeout(1000)
        texts = page.evaluate(LATIN)
        left[tab] = [
            text for text in texts if is_english(text) and not NAMES.fullmatch(text) and text not in japanese.same
        ]
    assert not any(left.values()), left
    with page.expect_download() as found:
        page.get_by_text("翻訳のひな形をダウンロード").click()
    assert json.loads(Path(found.value.path()).read_text())["Generate"] == "生成"
    japanese.tab("txt2img")
    japanese.set(steps=1, width=64, height=64)
    japanese.prompt().fill("Generate")
    japanese.generate()
    assert "Steps: 1" in japanese.finished(), "what is sent and read stays as it is"
    expect(japanese.prompt()).to_have_value("Generate")
    japanese.menu("scheduler").click()
    page.locator("ul[role=listbox] li", has_text="自動").filter(visible=True).first.click()
    page.locator("#txt2img_prompt textarea").click()
    expect(japanese.menu("scheduler")).to_have_value("自動")
    japanese.generate()
    assert "Schedule type: Karras" in japanese.finished(), "automatic: the sampler's own"
