"""A real server and a real Chromium; a page that errs, or asks for anything beyond this machine, fails its test."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Download,
    Locator,
    Page,
    Request,
    expect,
    sync_playwright,
)

from tests import readme

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
# Pages share one process, and with it what it has compiled; none lives long enough to be compiled for speed.
FLAGS += ["--process-per-site", "--js-flags=--no-opt"]
VIEWPORT = {"width": 1400, "height": 900}
expect.set_options(timeout=30_000)  # for any one thing on the page
CUT_OFF = "AbortError: ", "Unexpected error Connection errored out"
JOB_MS = 240_000  # the first job imports torch, and the machine may be small and busy


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    """The server's data folder: settings, outputs, and the tests' own extensions."""
    folder = tmp_path_factory.mktemp("browser")
    shutil.copytree(Path(__file__).parent / "extensions", folder / "extensions")
    on_the_tab = {"extra_options_txt2img": ["eta_ancestral"]}
    (folder / "config.json").write_text(json.dumps(on_the_tab), encoding="utf-8")
    shown = folder / "extensions/sepia/scripts/sepia.py"
    shown.parent.mkdir(parents=True)
    shown.write_text(readme.script(), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def address(checkpoint_folder, data) -> Iterator[str]:
    """Where the server answers."""
    with serving(data, checkpoint_folder) as url:
        yield url
    said = (data / "server.log").read_text()
    assert "Traceback" not in said, said


@contextmanager
def serving(data: Path, checkpoint_folder: Path, *flags: str) -> Iterator[str]:
    """A server over a data folder, whose log is server.log there: its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url, log = f"http://127.0.0.1:{port}", data / "server.log"
    places = [
        "--data-dir",
        str(data),
        "--models-dir",
        str(checkpoint_folder / "models"),
        "--lora-dir",
        str(data / "Lora"),
    ]
    command = [sys.executable, "webui.py", *places, "--port", str(port), "--skip-load-model-at-start", *flags]
    calm = os.environ | {
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
    }  # the model is tiny, the machine may be too
    with log.open("w") as out:
        server = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, env=calm)
    try:
        _await(url, server, log)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _await(url: str, server: subprocess.Popen, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(url + "/internal/ping", timeout=5):
                return
        except OSError:  # also of another server that had the port a moment ago
            time.sleep(0.2)
    pytest.fail(f"The server did not start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield made
        made.close()


@pytest.fixture(scope="session")
def window(browser) -> Page:
    """The one window of all tests: what it has fetched and compiled is there for the next, as with one who stays."""
    return browser.new_context(viewport=VIEWPORT).new_page()


@pytest.fixture
def page(window, address) -> Iterator[Page]:
    """A page that has kept nothing; it fails its test for any error or distant request, and leaves no job behind."""
    wrong: list[str] = []
    window.leaving = False
    window.set_viewport_size(VIEWPORT)
    heard = {
        "pageerror": lambda error: wrong.append(f"error: {error}"),
        "console": lambda said: _note(said, window, wrong),
        "request": lambda asked: _watch(asked, window, address, wrong),
        "domcontentloaded": lambda _: setattr(window, "leaving", False),
    }
    with ExitStack() as stack:
        for event, handler in heard.items():
            stack.enter_context(hearing(window, event, handler))
        yield window
        window.leaving = True
        window.goto(f"{address}/internal/ping")  # what the page does at last is heard too
    window.context.new_cdp_session(window).send(
        "Storage.clearDataForOrigin", {"origin": address, "storageTypes": "all"}
    )
    window.evaluate("sessionStorage.clear()")
    _empty_queue(address)
    assert not wrong


@contextmanager
def hearing(page: Page, event: str, handler: Callable[[Any], object]) -> Iterator[None]:
    """Call a handler with each event of a page, for a while."""
    page.on(event, handler)
    try:
        yield
    finally:
        page.remove_listener(event, handler)


@pytest.fixture
def accepted(page) -> Iterator[None]:
    """Every question of the page is answered with yes."""
    with hearing(page, "dialog", lambda asked: asked.accept()):
        yield


def _watch(asked: Request, page: Page, address: str, wrong: list[str]) -> None:
    """No request goes beyond the program; leaving the page is noted."""
    page.leaving = page.leaving or asked.is_navigation_request()
    if not asked.url.startswith((address + "/", "data:", "blob:")):
        wrong.append(f"request: {asked.url}")


def _empty_queue(address: str) -> None:
    """Stop what a test that failed half-way has left running, which all later ones would wait for."""
    with urllib.request.urlopen(address + "/internal/queue", timeout=30) as answer:
        left = [job["id"] for job in json.load(answer) if job["state"] in ("running", "queued")]
    for job in reversed(left):
        cancel = f"{address}/internal/queue/{urllib.parse.quote(job, safe='')}/cancel"
        urllib.request.urlopen(urllib.request.Request(cancel, method="POST"), timeout=30).close()


def _note(said: ConsoleMessage, page: Page, wrong: list[str]) -> None:
    """Errors, but for gradio's word that leaving the page cut its open stream off."""
    cut = page.leaving and said.text.startswith(CUT_OFF)
    if said.type == "error" and not cut:
        wrong.append(f"console: {said.text}")


class Ui:
    """The page in the words of someone who uses it; elements are named by their ids without `txt2img_`."""

    NAME = "txt2img"  # of the tab that elements are looked for in

    def __init__(self, page: Page, address: str):
        self.page = page
        self.address = address
        self.open()

    def open(self) -> None:
        """Go to the page."""
        self.page.goto(self.address)
        self.ready()

    def reload(self) -> None:
        """Press F5."""
        self.page.reload()
        self.ready()

    def ready(self) -> None:
        """Wait for the page's own word that all of it stands."""
        expect(self.page.locator("body[data-ui-ready]")).to_be_attached(timeout=60_000)

    def tab(self, name: str) -> None:
        """Go to a tab."""
        self.page.locator(f"#tab_{name}-button").click()

    def at(self, name: str) -> Locator:
        """An element of the tab."""
        return self.page.locator(f"#{self.NAME}_{name}")

    def prompt(self, name: str = "prompt") -> Locator:
        """The text box of a prompt."""
        return self.at(name).locator("textarea")

    def number(self, name: str) -> Locator:
        """The number box of a slider or a number field."""
        return self.at(name).locator("input[type=number]")

    def menu(self, name: str) -> Locator:
        """The text box of a menu."""
        return self.at(name).locator("input[role=combobox]")

    def set(self, **numbers: float) -> None:
        """Type numbers into their boxes."""
        for name, value in numbers.items():
            self.number(name).fill(str(value))
            self.number(name).press("Tab")

    def choose(self, name: str, entry: str) -> None:
        """Choose an entry of a menu."""
        self.choose_of(self.at(name), entry)

    def choose_of(self, menu: Locator, entry: str) -> None:
        """Choose an entry of the menu in an element."""
        box = menu.locator("input[role=combobox]")
        box.click()
        self.page.locator("ul[role=listbox] li", has_text=entry).filter(visible=True).first.click()
        expect(box).to_have_value(entry)

    def generate(self) -> None:
        """Press Ctrl+Enter in the prompt; a run may be over before anybody looks."""
        before = self.page.evaluate("shownTask", self.NAME)
        self.prompt().press("Control+Enter")
        self.page.wait_for_function("([tab, before]) => shownTask(tab) !== before", arg=[self.NAME, before])

    def finished(self) -> str:
        """Wait until the run is over and its picture shown; gives the infotext under it."""
        expect(self.at("interrupt")).to_be_hidden(timeout=JOB_MS)
        expect(self.at("gallery").locator("img").first).to_be_visible()
        return self.infotext()

    def infotext(self) -> str:
        """The infotext under the picture."""
        return self.page.locator(f"#html_info_{self.NAME} .infotext").inner_text()

    def log(self) -> Locator:
        """The line under the infotext."""
        return self.page.locator(f"#html_log_{self.NAME}")

    def download(self) -> Path:
        """Save the picture shown to a file, as its button does."""
        with self.page.expect_download() as found:
            self.at("gallery").locator("button[aria-label=Download]").click()
        download: Download = found.value
        return Path(download.path())


@pytest.fixture
def ui(page, address) -> Ui:
    """The opened page."""
    return Ui(page, address)
