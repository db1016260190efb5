"""A1111's `modules.ui`: symbols and small helpers of the page."""

import html as _html

from modules.ui_components import FormGroup, FormHTML, FormRow, ToolButton  # noqa: F401

from modules.compat.binding import facade as _facade
from modules.compat.calls import wrap_gradio_call, wrap_gradio_gpu_call  # noqa: F401
from modules.compat.page import PAGE as _PAGE
from modules.compat.page import create_output_panel, create_refresh_button  # noqa: F401

random_symbol = "\U0001f3b2\ufe0f"
reuse_symbol = "\u267b\ufe0f"
paste_symbol = "\u2199\ufe0f"
refresh_symbol = "\U0001f504"
save_style_symbol = "\U0001f4be"
apply_style_symbol = "\U0001f4cb"
clear_prompt_symbol = "\U0001f5d1\ufe0f"
extra_networks_symbol = "\U0001f3b4"
switch_values_symbol = "\U000021c5"
restore_progress_symbol = "\U0001f300"
detect_image_size_symbol = "\U0001f4d0"
folder_symbol = "\U0001f4c2"
up_down_symbol = "\u2195\ufe0f"
interrogate_symbol = "\U0001f4ce"


def plaintext_to_html(text, classname=None):
    """Text as a paragraph."""
    content = "<br>\n".join(_html.escape(line) for line in str(text).split("\n"))
    return f"<p class='{classname}'>{content}</p>" if classname else f"<p>{content}</p>"


def gr_show(visible=True):
    """An update of what is seen."""
    return {"visible": visible, "__type__": "update"}


def versions_html():
    """Versions of what the program runs on."""
    import platform

    import gradio

    from modules import VERSION

    told = {"version": VERSION, "python": platform.python_version(), "gradio": gradio.__version__}
    return "&#x2000;•&#x2000;".join(f"{name}: {version}" for name, version in told.items())


def apply_styles(prompt, prompt_neg, styles):
    """Updates of both prompts and of the styles."""
    import gradio as gr

    from modules import shared

    made = shared.prompt_styles
    prompts = made.apply_styles_to_prompt(prompt, styles), made.apply_negative_styles_to_prompt(prompt_neg, styles)
    return [*(gr.update(value=one) for one in prompts), gr.update(value=[])]


def update_negative_prompt_token_counter(text, steps):
    """Counted by the page itself."""
    return ""


update_token_counter = update_negative_prompt_token_counter


def ordered_ui_categories():
    """A1111's order."""
    yield from ("prompt", "image", "inpaint", "sampler", "accordions", "checkboxes", "dimensions", "cfg", "denoising",
                "seed", "batch", "override_settings", "scripts")  # fmt: skip


def create_ui():
    """The page is the program's own."""
    raise NotImplementedError("The page is made by the program.")


_facade(
    __name__,
    {
        "txt2img_paste_fields": lambda app: _PAGE.paste_fields("txt2img"),
        "img2img_paste_fields": lambda app: _PAGE.paste_fields("img2img"),
        "opts": lambda app: __import__("modules.shared").shared.opts,
        "cmd_opts": lambda app: __import__("modules.shared").shared.cmd_opts,
    },
)
