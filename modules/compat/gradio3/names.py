"""Names that are gone: `gr.Box`, `gr.Variable`, `gr.inputs`, `IOComponent`, `.style()`, `.update()` of each class."""

from __future__ import annotations

import base64
import io
import sys
import types
from typing import Any

import gradio as gr
import gradio.blocks
import gradio.components
import gradio.layouts
import gradio.processing_utils
import gradio.utils
from PIL import Image

from modules.compat.gradio3 import making

assert making.EARS is not None  # imported first: it keeps gradio from writing files beside these classes
STYLES = {"grid": "columns", "columns": "columns", "rows": "rows", "full_width": "", "rounded": "", "border": ""}
STYLES |= {"margin": "", "mobile_collapse": "", "item_container": "", "rows_cols": ""}


class Box(gr.Group):
    """`gr.Box`: a group."""

    def get_block_name(self) -> str:
        """What the page draws it as."""
        return "group"


class FormComponent:
    """The base that A1111's small components name first."""

    def get_expected_parent(self) -> Any:
        """Side by side with others it stands in a form."""
        return gradio.layouts.Form


def style(self: Any, **words: Any) -> Any:
    """Set properties after the fact; gives the component."""
    for key, value in words.items():
        name = STYLES.get(key, key)
        if name and value is not None:
            setattr(self, name, value)
    return self


def update(**words: Any) -> Any:
    """The update that `Class.update(...)` of gradio 3 gave."""
    words.pop("__type__", None)
    return gr.update(**words)


def encode_pil_to_base64(image: Image.Image) -> str:
    """A PNG as a data URI."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def decode_base64_to_image(text: str) -> Image.Image:
    """The picture of a data URI."""
    from modules.imaging.pixels import from_base64

    return from_base64(text)


def put_on() -> None:
    """Give gradio its old names back."""
    given: dict[Any, dict[str, Any]] = {
        gr: {"Box": Box, "Variable": gr.State, "inputs": gr.components, "outputs": gr.components},
        gradio.components: {
            "IOComponent": gradio.components.Component,
            "FormComponent": FormComponent,
            "Form": gradio.layouts.Form,
            "Box": Box,
            "Variable": gr.State,
        },
        gradio.layouts: {"Box": Box},
        gradio.processing_utils: {
            "encode_pil_to_base64": encode_pil_to_base64,
            "decode_base64_to_image": decode_base64_to_image,
        },
        gradio.utils: {"version_check": lambda: None},
    }
    for owner, names in given.items():
        for name, value in names.items():
            if not hasattr(owner, name):
                setattr(owner, name, value)
    for name in ("inputs", "outputs"):
        sys.modules.setdefault(f"gradio.{name}", gr.components)
    deprecation = types.ModuleType("gradio.deprecation", "Warnings that gradio no longer gives.")
    for name in ("GradioDeprecationWarning", "GradioUnusedKwargWarning"):
        setattr(deprecation, name, type(name, (UserWarning,), {}))
    sys.modules.setdefault("gradio.deprecation", deprecation)
    setattr(gr, "deprecation", sys.modules["gradio.deprecation"])  # noqa: B010 - mypy: no such attribute
    setattr(gradio.blocks.Block, "style", style)  # noqa: B010
    for cls in _classes():
        if "update" not in cls.__dict__:
            setattr(cls, "update", staticmethod(update))  # noqa: B010


def _classes() -> list[type]:
    found = [*vars(gr).values(), *vars(gradio.components).values()]
    return [one for one in found if isinstance(one, type) and issubclass(one, gradio.blocks.Block)]
