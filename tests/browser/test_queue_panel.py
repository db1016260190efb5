"""Several jobs in a row, their order, and a second device that takes them up."""

from playwright.sync_api import expect

from tests.browser.conftest import JOB_MS, Ui


def test_jobs_are_added_ordered_taken_out_and_shown(ui, browser, address):
    page = ui.page
    ui.set(steps=150, batch_count=100, width=64, height=64)  # until it is interrupted
    ui.prompt().fill("the first of several")
    ui.generate()
    ui.set(steps=1, batch_count=1, width=64, height=64)
    for place, name in enumerate(("second", "third", "fourth"), 2):
        ui.prompt().fill(name)
        ui.prompt().press("Control+Shift+Enter")
        expect(page.locator("#webui-queue > button")).to_have_text(f"Queue: {place}")
    page.locator("#webui-queue > button").click()
    entry = page.locator("#webui-queue li")
    entry.filter(has_text="txt2img fourth").get_by_role("button", name="Put first").click()
    expect(entry.nth(1)).to_contain_text("fourth")
    entry.filter(has_text="txt2img second").get_by_role("button", name="Take out").click()
    expect(entry.filter(has_text="txt2img second")).to_contain_text("cancelled")

    other = browser.new_context().new_page()  # another device
    second = Ui(other, address)
    expect(second.at("interrupt")).to_be_visible()
    expect(other.locator(".progressDiv")).to_be_visible()
    with other.expect_response(lambda answer: "gradio_api" in answer.url and answer.request.method == "POST"):
        second.at("interrupt").click()
    other.context.close()

    # The one put first ran before the third, which is therefore the last to be shown.
    expect(page.locator("#html_info_txt2img")).to_contain_text("third", timeout=JOB_MS)
    expect(page.locator("#webui-queue > button")).to_have_text("Queue")
    page.locator("#webui-queue li", has_text="fourth").locator(".queue-show").click()
    expect(page.locator("#html_info_txt2img")).to_contain_text("fourth", timeout=JOB_MS)
