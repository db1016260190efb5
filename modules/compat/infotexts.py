"""Infotexts as dicts under A1111's keys, and the buttons that send pictures and texts to the tabs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from modules.compat.binding import app
from modules.compat.page import PAGE
from modules.prompts import infotext

SENDABLE = {"txt2img": "txt2img", "img2img": "img2img", "inpaint": "img2img", "extras": "extras"}


class PasteField(tuple):  # type: ignore[type-arg]
    """(component, infotext key or function), with the API's name for it."""

    def __new__(cls, component: Any, target: Any, *, api: Any = None) -> PasteField:
        made = super().__new__(cls, (component, target))
        made.__dict__.update(component=component, api=api)
        made.__dict__["label"] = target if isinstance(target, str) else None
        made.__dict__["function"] = target if callable(target) else None
        return made


@dataclass
class ParamBinding:
    """A button that sends a picture, a text, or both to a tab."""

    paste_button: Any
    tabname: str
    source_text_component: Any = None
    source_image_component: Any = None
    source_tabname: Any = None
    override_settings_component: Any = None
    paste_field_names: list[str] = field(default_factory=list)


def parse_generation_parameters(x: str, skip_fields: Any = None) -> dict[str, Any]:
    """The pairs of an infotext; the prompts are pairs too, and sizes come in halves."""
    found = infotext.read(x or "")
    made: dict[str, Any] = {"Prompt": found.prompt, "Negative prompt": found.negative_prompt}
    for key, value in found.pairs.items():
        first, sign, second = value.partition("x")
        if sign and first.isdigit() and second.isdigit():
            made[f"{key}-1"], made[f"{key}-2"] = first, second
        else:
            made[key] = value
    usual = {"Clip skip": "1", "RNG": "GPU", "Schedule type": "Automatic", "Hires sampler": "Use same sampler"}
    for key, value in usual.items():
        made.setdefault(key, value)
    return {key: value for key, value in made.items() if key not in (skip_fields or ())}


def infotext_to_setting_name_mapping() -> list[tuple[str, str]]:
    """(key, option)."""
    return [(spec.infotext, name) for name, spec in app().options.specs.items() if spec.infotext]


def create_override_settings_dict(text_pairs: Any) -> dict[str, Any]:
    """The options that the page's chips stand for."""
    from modules.generate.infotext import parse_chip

    return dict(parse_chip(text, app().options.specs) for text in text_pairs or ())


def get_override_settings(params: dict[str, Any], *, skip_fields: Any = None) -> list[tuple[str, str, Any]]:
    """(key, option, value) of what an infotext says otherwise than the options do."""
    view, made = app().options.view(), []
    for key, name in infotext_to_setting_name_mapping():
        if key in params and str(getattr(view, name)) != str(params[key]):
            made.append((key, name, params[key]))
    return made


def create_buttons(tabs_list: Any) -> dict[str, Any]:
    """A button for each tab."""
    return {tab: gr.Button(f"Send to {tab}", elem_id=f"{tab}_tab") for tab in tabs_list}


def add_paste_fields(tabname: str, init_img: Any, fields: Any, override_settings_component: Any = None) -> None:
    """What an extension's own tab takes of an infotext."""
    PAGE.paste[tabname] = {
        "init_img": init_img,
        "fields": fields,
        "override_settings_component": override_settings_component,
    }


def register_paste_params_button(binding: ParamBinding) -> None:
    """To be connected once the page stands."""
    PAGE.bindings.append(binding)


def bind_buttons(buttons: dict[str, Any], send_image: Any, send_generate_info: Any) -> None:
    """The same for several."""
    for tab, button in buttons.items():
        text = send_generate_info if not isinstance(send_generate_info, str) else None
        source = send_generate_info if isinstance(send_generate_info, str) else None
        register_paste_params_button(
            ParamBinding(
                button, tab, source_text_component=text, source_image_component=send_image, source_tabname=source
            )
        )


def image_from_url_text(filedata: Any) -> Any:
    """The picture that the page sends: of a gallery its first, a file's, or base64."""
    from modules.imaging.pixels import from_base64, from_file

    while isinstance(filedata, (list, tuple)):
        if not filedata:
            return None
        filedata = filedata[0]
    if isinstance(filedata, dict):
        filedata = filedata.get("name") or (filedata.get("image") or {}).get("path") or filedata.get("path")
    if not isinstance(filedata, str):
        return filedata
    if filedata.startswith("data:"):
        return from_base64(filedata)
    return from_file(_served(filedata.rpartition("/file=")[2].split("?")[0]))


def _served(text: str) -> Any:
    """A path that the page may fetch."""
    from pathlib import Path

    from modules.exceptions import Forbidden

    path, folders = Path(text).resolve(), app().folders
    import tempfile

    if not any(path.is_relative_to(root) for root in (folders.data, Path(tempfile.gettempdir()).resolve())):
        raise Forbidden(f"{path.name} does not lie in a folder that the page may use.")
    return path


def send_image_and_dimensions(x: Any) -> tuple[Any, Any, Any]:
    """(picture, width, height)."""
    image = x if not isinstance(x, (str, list, dict)) else image_from_url_text(x)
    size = (
        (image.width, image.height) if app().options.view().send_size and image is not None else (gr.skip(), gr.skip())
    )
    return image, *size


def connect_paste_params_buttons() -> None:
    """Give the registered buttons their life; called when the page's forms stand."""
    from modules.webui.paste import filled

    program = app()
    for binding in PAGE.bindings:
        tab = SENDABLE.get(binding.tabname)
        form = PAGE.forms.get(tab or "")
        if form is None or binding.paste_button is None:
            continue
        if binding.source_image_component is not None and (target := _target(form, binding.tabname)) is not None:
            js = "(x) => [Array.isArray(x) ? x[0] ?? null : x]"
            binding.paste_button.click(
                _passed, inputs=[binding.source_image_component], outputs=[target], js=js, show_progress="hidden"
            )
        if binding.source_text_component is not None and tab != "extras":
            binding.paste_button.click(
                lambda text, form=form: filled(program, form, text or ""),
                inputs=[binding.source_text_component],
                outputs=form.components(),
                show_progress="hidden",
            )
        binding.paste_button.click(
            None, js=f"() => {{ switch_to_{binding.tabname}(); return []; }}", show_progress="hidden"
        )


def _passed(value: Any) -> Any:
    made = image_from_url_text(value) if isinstance(value, (list, dict, str)) else value
    if made is None or isinstance(made, str):
        return made
    import tempfile

    from PIL import Image

    if not isinstance(made, Image.Image):
        made = Image.fromarray(made)
    with tempfile.NamedTemporaryFile(suffix=".png", prefix="sent-", delete=False) as file:
        made.save(file, "PNG")
    return file.name


def _target(form: Any, tab: str) -> Any:
    name = {"img2img": "picture", "inpaint": "inpainted", "extras": "image"}.get(tab)
    return form.beside.get(name) if name else None
