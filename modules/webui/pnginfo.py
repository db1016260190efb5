"""The PNG Info tab: the text of a picture's making, and the way back into the form."""

from __future__ import annotations

import html
from typing import Any

import gradio as gr
from PIL import Image

from modules.app import App
from modules.imaging.metadata import read_text
from modules.webui import extras_tab
from modules.webui.controls import AS_IS, FREE, QUIET
from modules.webui.form import Form
from modules.webui.paste import filled
from modules.webui.send import PLACES, bind_picture
from modules.webui.submit import infotext


def build(app: App, txt2img: Form, img2img: Form, extras: Form) -> None:
    """Place the tab's components and bind them."""
    with gr.Row(elem_id="pnginfo_columns"):
        with gr.Column(min_width=320):
            image = gr.Image(
                label="Source",
                elem_id="pnginfo_image",
                type="filepath",
                image_mode=None,  # as it is: a converted copy has lost its text
                sources=["upload", "clipboard"],
                buttons=["fullscreen"],
                interactive=True,
            )
            with gr.Row(elem_id="pnginfo_buttons"):
                send = gr.Button("Send to txt2img", elem_id=f"{txt2img.tab}_tab", min_width=120)
                others = {name: gr.Button(f"Send to {name}", elem_id=f"{name}_tab", min_width=120) for name in PLACES}
                finish = gr.Button("Send to extras", elem_id="extras_tab", min_width=120)
        with gr.Column(min_width=320):
            shown = gr.HTML(elem_id="html_info_pnginfo", padding=False)
            text = gr.Textbox(visible="hidden", elem_id="generation_info_pnginfo")

    def sent(parameters: str) -> list[Any]:
        return filled(app, txt2img, parameters)

    # Without preprocessing an unreadable file is ours to explain; gradio still refuses any path that was not uploaded.
    image.change(read, inputs=[image], outputs=[shown, text], **AS_IS)
    send.click(sent, inputs=[text], outputs=txt2img.components(), **FREE).then(
        None, js=f"() => switchTo('{txt2img.tab}')", **QUIET
    )
    bind_picture(app, others, image, text, img2img)
    extras_tab.receive(finish, lambda upload: upload and upload["path"], [image], extras)


def read(upload: dict[str, Any] | None) -> tuple[str, str]:
    """The page's HTML and the parameters of an uploaded picture."""
    if not upload:
        return "", ""
    try:
        with Image.open(upload["path"]) as image:
            parameters, items = read_text(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # what Pillow raises for broken files
        sentence = "This file is no picture that can be read; try the original file."
        gr.Warning(sentence)
        return f'<p class="error">{sentence}</p>', ""
    found = ({"parameters": parameters} if parameters else {}) | items
    blocks = [f"<h4>{html.escape(key)}</h4>{infotext(value)}" for key, value in found.items()]
    return "".join(blocks) or "<p>This picture holds no parameters.</p>", parameters or ""
