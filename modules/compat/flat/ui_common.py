"""A1111's `modules.ui_common`: what tabs with pictures share."""

import html
import json

from modules.ui import plaintext_to_html

from modules.compat.page import create_output_panel, create_refresh_button  # noqa: F401


def update_generation_info(generation_info, html_info, img_index):
    """The infotext of the picture that was chosen."""
    try:
        info = json.loads(generation_info)
        texts = info["infotexts"]
        if 0 <= img_index < len(texts):
            return f"<p>{html.escape(texts[img_index])}</p>", html_info
    except (ValueError, KeyError, TypeError):
        pass
    return html_info, html_info


def save_files(js_data, images, do_make_zip, index):
    """Save pictures of a gallery to the folder of the option; (files, a line about them)."""
    import gradio as gr
    from modules.infotext_utils import image_from_url_text

    from modules import images as pictures
    from modules import shared

    info = json.loads(js_data or "{}")
    texts = info.get("infotexts", [])
    chosen = images if index is None or index < 0 else [images[index]]
    saved = []
    for place, one in enumerate(chosen):
        text = texts[place if index is None or index < 0 else index] if texts else None
        image = image_from_url_text(one)
        saved.append(
            pictures.save_image(image, shared.opts.outdir_save, "", info=text, extension=shared.opts.samples_format)[0]
        )
    return gr.update(value=saved, visible=True), plaintext_to_html(f"Saved: {saved[0] if saved else ''}")


def setup_dialog(button_show, dialog, *, button_close=None):
    """A button that opens a dialog."""
    dialog.visible = True
