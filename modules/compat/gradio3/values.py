"""Values in the shapes of gradio 3: uploads with a name, gallery items by key, sketches with their mask."""

from __future__ import annotations

import functools
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from modules.compat.gradio3 import making

assert making.EARS is not None  # imported first: it keeps gradio from writing files beside these classes
DRAWN_ON = ("sketch", "color-sketch")
GONE = ("tool", "shape", "invert_colors", "mirror_webcam", "brush_radius", "brush_color", "mask_opacity", "opts")


class Upload(str):
    """The path of an uploaded file, which gradio 3 gave as an object with a name."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The path."""
        return str(self)

    @property
    def orig_name(self) -> str:
        """The file's own name."""
        return self.rpartition("/")[2]


class Item(tuple[Any, ...]):
    """A gallery's (picture, caption), which gradio 3 gave as a dict."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        if key in ("name", "data"):
            return super().__getitem__(0)
        if key == "is_file":
            return True
        if key == "caption":
            return super().__getitem__(1)
        return super().__getitem__(key)

    def get(self, key: str, instead: Any = None) -> Any:
        """As of a dict."""
        return self[key] if key in ("name", "data", "is_file", "caption") else instead


class Sketch(gr.ImageEditor):
    """`gr.Image(tool="sketch")`: gives `{"image": …, "mask": …}`, the mask white where it was drawn on."""

    coloured = False

    def preprocess(self, payload: Any) -> Any:
        """From the editor's layers."""
        made = super().preprocess(payload)
        if made is None or made.get("background") is None:
            return None
        if self.coloured:
            return made["composite"]
        background = _image(made["background"])
        mask = Image.new("L", background.size)
        for layer in made["layers"]:
            alpha = _image(layer).convert("RGBA").getchannel("A").resize(background.size)
            mask.paste(255, mask=alpha.point(lambda level: 255 if level else 0))
        shaped = Image.merge("RGB", [mask] * 3)
        image = background.convert("RGB")
        pair = (image, shaped) if self.type != "numpy" else (np.asarray(image), np.asarray(shaped))
        return {"image": pair[0], "mask": pair[1]}

    def get_block_name(self) -> str:
        """What the page draws it as."""
        return "imageeditor"


class ColourSketch(Sketch):
    """`gr.Image(tool="color-sketch")`: gives the picture as it was drawn over."""

    coloured = True


def _image(value: Any) -> Image.Image:
    if isinstance(value, Image.Image):
        return value
    return Image.fromarray(value) if isinstance(value, np.ndarray) else Image.open(value)


def image(cls: Any, words: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The class and keywords of gradio 6 for an image of gradio 3."""
    words = dict(words)
    tool = words.get("tool")
    source = words.pop("source", None)
    for name in GONE:
        words.pop(name, None)
    if source in ("upload", "webcam", "clipboard"):
        words.setdefault("sources", [source, "clipboard"] if source == "upload" else [source])
    if cls is gr.Image and (tool in DRAWN_ON or source == "canvas"):
        if source == "canvas":
            words.setdefault("sources", [])
        return (ColourSketch if tool == "color-sketch" or source == "canvas" else Sketch), words
    return cls, words


def put_on() -> None:
    """Let handlers of files and galleries be given the old shapes too."""
    gr.File.preprocess = _shaped(gr.File.preprocess, _named)  # type: ignore[method-assign]
    gr.UploadButton.preprocess = _shaped(gr.UploadButton.preprocess, _named)  # type: ignore[method-assign]
    gr.Gallery.preprocess = _shaped(gr.Gallery.preprocess, _keyed)  # type: ignore[method-assign]


def _shaped(preprocess: Any, shape: Any) -> Any:
    @functools.wraps(preprocess)
    def wrapped(self: Any, payload: Any) -> Any:
        return shape(preprocess(self, payload))

    return wrapped


def _named(value: Any) -> Any:
    if isinstance(value, list):
        return [_named(one) for one in value]
    return Upload(value) if isinstance(value, str) else value


def _keyed(value: Any) -> Any:
    return [Item(one) if isinstance(one, tuple) else one for one in value] if isinstance(value, list) else value
