"""The page as a whole: tabs in A1111's order, mounted beside the API in the same server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr
from fastapi import FastAPI

from modules.app import App
from modules.generate.operations import Extras
from modules.generate.request import Img2Img, Txt2Img
from modules.host.events import PageBuilt, PageTabs
from modules.host.script import TABS
from modules.webui import (
    assets,
    download_form,
    extensions_tab,
    extra_options,
    extras_tab,
    generation,
    history_tab,
    img2img,
    lean,
    merger_tab,
    native,
    pnginfo,
    quicker,
    quicksettings,
    script_form,
    send,
    settings_tab,
    small,
    styles_dialog,
    translation,
    txt2img,
)
from modules.webui.controls import CALM, QUIET
from modules.webui.form import Form, opening, recall, restocked
from modules.webui.options_form import as_json
from modules.webui.options_form import opened as options_opened
from modules.webui.shelf import Shelf
from modules.webui.uploads import Marked
from modules.webui.widgets import hints
from modules.weights.downloads.request import Download
from modules.weights.recipe import Merge

TITLE = "Stable Diffusion"
MAX_UPLOAD = "256mb"
# gradio's own bold, weight 600, comes in a file of a few letters only: the others would be of another font.
FONT = gr.themes.LocalFont("Source Sans Pro", weights=(400, 700)), "ui-sans-serif", "system-ui", "sans-serif"


def build(app: App, shelf: Shelf) -> gr.Blocks:
    """The page; each browser that opens it is given the options of that moment."""
    for guest in app.guests:
        guest.before_page()
    own = app.events.tell(PageTabs())  # before the page's own Blocks are open, or theirs would become a part of it here
    demo = gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True)
    with demo:
        settings_json = gr.Textbox(visible="hidden", elem_id="settings_json")
        quick = quicksettings.build(app, settings_json)
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("txt2img", id="txt2img", elem_id="tab_txt2img"):
                words, of_words = txt2img.build(app, shelf)
            with gr.Tab("img2img", id="img2img", elem_id="tab_img2img"):
                images, of_images = img2img.build(app, shelf)
            with gr.Tab("Extras", id="extras", elem_id="tab_extras"):
                finished, of_finished = extras_tab.build(app, shelf)
            with gr.Tab("PNG Info", id="pnginfo", elem_id="tab_pnginfo"):
                pnginfo.build(app, words, images, finished)
            with gr.Tab("Checkpoint Merger", id="modelmerger", elem_id="tab_modelmerger"):
                merged = merger_tab.build(app)
            with gr.Tab("History", id="history", elem_id="tab_history"):
                history_tab.build(app, shelf, words, images, finished)
            _guests_pages(app, own)
            with gr.Tab("Settings", id="settings", elem_id="tab_settings"):
                settings = settings_tab.build(app, settings_json, set(quick), (words, images, finished))
            extensions_tab.build(app)

        forms = words, images, finished
        menus = [component for form in forms for component in opening(form)] + script_form.live(forms)
        for guest in app.guests:
            guest.page_stands(demo, {form.tab: form for form in forms})
        options = [settings_json, *quick.values()]

        def opened() -> list[Any]:
            stocked = [update for form in forms for update in restocked(app, form)] + script_form.restocked(app, forms)
            side = native.told(app)
            first = [*stocked, *merger_tab.opened(app, merged), *native.opening(app, (words, images), side), side]
            return [*first, as_json(app), *options_opened(app, quick)]

        settings_json.change(None, inputs=[settings_json], js="readOptions", **QUIET)
        for form, output in zip(forms, (of_words, of_images, of_finished), strict=True):
            send.bind_gallery(app, form, output, images)
            extras_tab.bind_gallery(form, output, finished)
        styles_dialog.bind(app, [(dialog, form) for form in (words, images) for dialog in form.dialogs])
        sized = [*native.sizes((words, images)), native.bind(app, settings_json, (words, images))]
        loaded = _open(demo, opened, [*menus, *merged, *sized, *options], forms)
        settings_tab.bind_load(app, settings, loaded)
    return demo


def _open(demo: gr.Blocks, opened: Any, outputs: list[Any], forms: Sequence[Form]) -> Any:
    """What happens when the page is opened; gives the event that ends it.

    Past gradio's queue: of several events that begin at once its browser half can lose one.
    """
    loaded = demo.load(opened, outputs=outputs, queue=False, **CALM)
    for form in forms:
        loaded = loaded.then(**recall(form), **CALM)
    return loaded.then(None, js="uiReady", **QUIET)


def _guests_pages(app: App, own: list[Any]) -> None:
    """Tabs that guests have made, and those of `own` that listeners answered with."""
    found = [page for guest in app.guests for page in guest.pages()]
    for blocks, title, elem_id in (*found, *(page for answer in own for page in answer)):
        with gr.Tab(title, id=elem_id, elem_id=f"tab_{elem_id}"):
            blocks.render()


def _hints(app: App) -> dict[str, str]:
    """What buttons and fields are for, by element id."""
    kinds = {txt2img.TAB: Txt2Img, img2img.TAB: Img2Img, extras_tab.TAB: Extras}
    found = [generation.hints(tab) | hints(kind, tab) for tab, kind in kinds.items()]
    found += [hints(Merge, merger_tab.TAB), hints(Download, download_form.TAB)]
    found += [script_form.hints(app, tab) | extra_options.hints(app, tab) for tab in TABS]
    return {name: text for one in found for name, text in one.items()}


def mount(api: FastAPI, app: App) -> gr.Blocks:
    """Put the page at the server's root. The API's routes must be there already: the page takes all that is left."""
    scripts, styles = assets.of_guests(app.guests)
    shelf = Shelf(app.folders, app.options.view(), app.launch.gradio_allowed_path)
    demo = build(app, shelf)
    app.events.tell(PageBuilt(demo))
    translation.serve(api, app, demo, _hints(app))
    api.include_router(small.routes(app, shelf))
    assets.serve(api, app.folders.data, scripts)
    quicker.serve(api)
    gr.mount_gradio_app(
        api,
        demo,
        path="/",
        theme=gr.themes.Default(spacing_size="sm", radius_size="sm", text_size="sm", font=FONT),
        css_paths=[*assets.STYLES, *styles],
        head=assets.head(app.launch.theme, _hints(app), app.folders.data, scripts),
        allowed_paths=[str(path) for path in shelf.served],
        max_file_size=MAX_UPLOAD,
        ssr_mode=False,
        run_history=False,
        footer_links=[],
    )
    lean.lighten(demo)
    api.add_middleware(lean.Kept)
    api.add_middleware(Marked, may_fetch=shelf.may_fetch)
    demo.has_launched = True  # else gradio copies and serves any path of the server that a client names
    return demo
