"""The Extensions tab over a server of its own: installed, switched off, rolled back, and named where broken."""

import json
import subprocess
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import Ui, serving

SCRIPT = """
from modules import scripts
class Thing(scripts.Script):
    def title(self): return "{0}"
    def show(self, is_img2img): return scripts.AlwaysVisible
"""


OLD = """
const translations = new Map(), openedFrom = "theirs";  // names that the page's own scripts have, too
function countTokens() { throw new Error("theirs"); }
window.seen = {};
document.addEventListener("DOMContentLoaded", () => {
    seen.loaded = true;
    const observer = new MutationObserver(() => {
        if (Object.keys(opts).length) {
            observer.disconnect();
            seen.options = true;
        }
    });
    observer.observe(document, {childList: true, subtree: true});
});
window.addEventListener("load", {handleEvent: () => { seen.complete = true; }});
onUiLoaded(() => {
    seen.prompt = document.querySelectorAll("#txt2img_prompt > label > textarea, .no_such > label > input").length;
    seen.tab = gradioApp().querySelector("#tabs > .tab-nav > button.selected")?.textContent;
    seen.first = document.querySelector("#tabs > div > button:nth-child(1)")?.textContent;
    seen.matches = document.querySelector("#txt2img_prompt textarea").matches("label > textarea");
});
window.pictures = {opened: [], given: []};
const observer = new MutationObserver(() => {
    if (!document.querySelector("#img2img_width")) {
        return;
    }
    observer.disconnect();
    const tabs = document.getElementById("mode_img2img");
    pictures.tabs = Array.from(tabs.querySelectorAll("button"), (one) => one.textContent.trim());
    for (const id of ["img2img_image", "img2img_sketch", "img2maskimg", "inpaint_sketch", "img_inpaint_base"]) {
        const input = document.getElementById(id).querySelector("input");
        input.addEventListener("change", () => pictures.given.push(id));
    }
    for (const button of document.querySelectorAll("#img2img_settings > div > div > button:not(.selected)")) {
        button.addEventListener("click", () => pictures.opened.push(tabs.querySelector("button.selected").id));
    }
});
observer.observe(document, {childList: true, subtree: true});
"""


def run(folder, *words):
    who = "-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "init.defaultBranch=main"
    subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, check=True)


@pytest.fixture(scope="module")
def origins(tmp_path_factory):
    """Two repositories: of what is there from the start, and of what will be installed."""
    made = tmp_path_factory.mktemp("origins")
    for name in ("Thing", "Later"):
        (made / name / "scripts").mkdir(parents=True)
        run(made / name, "init", "--quiet")
        commit(made / name, SCRIPT.format(name))
    return made


@pytest.fixture(scope="module")
def data(tmp_path_factory, origins):
    made = tmp_path_factory.mktemp("extensions")
    folder = made / "extensions" / "<i>broken"
    (folder / "scripts").mkdir(parents=True)
    (folder / "scripts" / "one.py").write_text("raise OSError('<img src=x onerror=alert(1)>')\n")
    old = made / "extensions" / "old" / "javascript"
    old.mkdir(parents=True)
    (old / "old.js").write_text(OLD)
    run(made / "extensions", "clone", "--quiet", str(origins / "Thing"), "thing")
    return made


def commit(work, text):
    (work / "scripts" / "thing.py").write_text(text)
    run(work, "add", ".")
    run(work, "commit", "--quiet", "-m", "a change")


def test_scripts_written_for_gradio_3_find_their_places(ui, page):
    page.wait_for_function("seen.options")
    places = {"loaded": True, "complete": True, "options": True, "prompt": 1, "matches": True}
    assert page.evaluate("seen") == places | {"tab": "txt2img", "first": "txt2img"}


def test_scripts_may_have_names_that_the_pages_own_have_too(ui, page):
    page.wait_for_function("seen.options")
    assert page.evaluate("translations instanceof Map && openedFrom") == "theirs"
    ui.prompt().fill("a cat")
    expect(ui.at("token_counter")).to_have_text("2/75")


def test_scripts_find_the_pictures_of_tabs_that_were_never_opened(ui, page, tmp_path):
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    ui.tab("img2img")
    page.wait_for_function("pictures.tabs")
    tabs = ["img2img", "Sketch", "Inpaint", "Inpaint sketch", "Inpaint upload", "Batch"]
    assert page.evaluate("pictures.tabs.slice(0, 6)") == tabs  # buttons of pictures follow
    page.locator("#img2img_image input[type=file]").set_input_files(tmp_path / "red.png")
    page.locator("#mode_img2img button[role=tab]", has_text="Inpaint upload").click()
    expect(page.locator("#img_inpaint_base")).to_have_count(1)
    page.locator("#img_inpaint_base input[type=file]").set_input_files(tmp_path / "red.png")
    page.locator("#mode_img2img button[role=tab]", has_text="Batch").click()
    page.wait_for_function("pictures.opened.length == 2")
    assert page.evaluate("pictures.opened") == ["img2img_inpaint_upload_tab-button", "img2img_batch_tab-button"]
    assert page.evaluate("pictures.given") == ["img2img_image", "img_inpaint_base"]


@pytest.fixture(scope="module")
def address(checkpoint_folder, data):
    with serving(data, checkpoint_folder) as url:
        yield url


def titles(page, address):
    return page.request.get(f"{address}/sdapi/v1/scripts").json()["txt2img"]


def restarted(ui, page, act):
    """Do something that has the program begin anew; the page comes back by itself."""
    page.evaluate("window.before = true")
    page.leaving = True  # requests break off while the program is away
    act()
    page.wait_for_function("!window.before && document.body?.hasAttribute('data-ui-ready')", timeout=120_000)
    page.leaving = False
    ui.tab("extensions")
    expect(page.locator("#extensions tbody tr").first).to_be_visible()


@pytest.mark.slow
def test_from_a_repository_to_a_roll_back(browser, address, data, origins):
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    alerts = []
    page.on("dialog", lambda asked: (alerts.append(asked.message), asked.dismiss()))
    page.leaving = False
    ui = Ui(page, address)
    ui.tab("extensions")
    broken = page.locator("#extensions tr.trouble").first
    expect(broken).to_contain_text("Extension '<i>broken' failed in scripts/one.py: OSError: <img src=x")
    broken.locator("summary").click()
    expect(broken.locator("pre")).to_contain_text("raise OSError")
    assert page.locator("#extensions img, #extensions i").count() == 0

    page.locator("#extensions_install_from_url_tab-button").click()
    page.locator("#extensions_install_url textarea, #extensions_install_url input").first.fill("--upload-pack=x")
    page.locator("#extensions_install_button").click()
    result = page.locator("#extension_install_result")
    expect(result).to_contain_text("No extension can be had from '--upload-pack=x'")
    page.locator("#extensions_install_url textarea, #extensions_install_url input").first.fill(str(origins / "Later"))
    page.locator("#extensions_install_button").click()
    expect(result).to_contain_text("Installed into")

    page.locator("#extensions_installed_tab-button").click()
    rows = page.locator("#extensions tbody tr")
    expect(rows.filter(has_text=str(origins / "Later"))).to_contain_text("after the restart")
    assert {"thing"} == {"thing", "later"} & set(titles(page, address))

    commit(origins / "Thing", "import no_such_module_anywhere\n")
    page.locator("#extensions_check").click()
    expect(rows.filter(has_text=str(origins / "Thing"))).to_contain_text("new commits")
    page.locator('#extensions input[name="enable_<i>broken"]').uncheck()
    assert page.request.post(address + "/sdapi/v1/options", data=LAYOUT).ok
    restarted(ui, page, page.locator("#extensions_apply").click)
    assert json.loads((data / "config.json").read_text())["disabled_extensions"] == ["<i>broken"]
    assert {"thing", "later"} <= set(titles(page, address))
    expect(page.locator("#extensions tr.trouble", has_text="OSError")).to_have_count(0)
    expect(page.locator("#extensions")).to_contain_text("could not be loaded, so it is back at")
    expect(page.locator("#extensions")).to_contain_text("No module named 'no_such_module_anywhere'")
    assert alerts == []
    _assert_compact(ui, page)
    page.leaving = True
    context.close()


LAYOUT = {
    "compact_prompt_box": True,
    "extra_options_img2img": ["CLIP_stop_at_last_layers", "tiling"],
    "extra_options_accordion": True,
}


def _assert_compact(ui, page):
    """As options of the restarted program have it: prompts at the left, Generate at the right, options on a tab."""

    def top(name):
        return ui.at(name).bounding_box()["y"]

    def left(name):
        return ui.at(name).bounding_box()["x"]

    ui.tab("txt2img")
    assert top("neg_prompt") < top("tools") < top("sampling")
    assert left("prompt") == pytest.approx(left("sampling"), abs=2)
    assert top("generate") < top("gallery") < top("sampling")
    assert left("generate") == pytest.approx(left("gallery"), abs=2) and left("gallery") > left("sampling") + 300
    page.set_viewport_size({"width": 390, "height": 844})
    assert top("neg_prompt") < top("gallery") < top("sampling")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.set_viewport_size({"width": 1400, "height": 900})
    ui.tab("img2img")
    options = page.locator("#extra_options_img2img")
    expect(page.locator("#img2img_setting_tiling")).to_have_count(0)
    options.locator("button", has_text="Options").click()
    expect(page.locator("#img2img_setting_tiling input")).not_to_be_checked()
    expect(page.locator("#img2img_setting_CLIP_stop_at_last_layers input[type=number]")).to_have_value("1")


INDEX = """
{"extensions": [
  {"name": "<b>One</b>", "url": "javascript:alert(1)", "description": "<script>alert(1)</script>", "tags": ["ads"]},
  {"name": "Two", "url": "https://example.invalid/two", "added": "2024-01-01", "tags": ["tab"]}
]}
"""


class Listing(BaseHTTPRequestHandler):
    """Gives the index out."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(INDEX.encode())

    def log_message(self, *words):
        """Nothing."""


def test_a_list_is_fetched_when_asked_for(ui, page):
    with HTTPServer(("127.0.0.1", 0), Listing) as server:
        Thread(target=server.handle_request, daemon=True).start()
        ui.tab("extensions")
        page.locator("#extensions_available_tab-button").click()
        url = page.locator("#extensions_index_url textarea, #extensions_index_url input").first
        url.fill(f"http://127.0.0.1:{server.server_port}/index.json")
        page.locator("#refresh_available_extensions").click()
        rows = page.locator("#available_extensions tr")
        expect(rows).to_have_count(3)
    assert page.locator("#available_extensions a").count() == 1
    page.locator("#extensions_hide_tags label", has_text="ads").click()
    expect(rows).to_have_count(2)
    page.locator("#available_extensions [data-install]").click()
    expect(page.locator("#extensions_available_result")).to_contain_text("failed", timeout=60_000)
