"""The ways a picture is brought to another size, A1111's resize modes."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image

JUST, CROP, FILL, LATENT = range(4)
MODES = ("Just resize", "Crop and resize", "Resize and fill", "Just resize (latent upscale)")
Scaler = Callable[[Image.Image, int, int], Image.Image]  # to exactly this width and height


def lanczos(image: Image.Image, width: int, height: int) -> Image.Image:
    """With the Lanczos filter."""
    return image.resize((width, height), Image.Resampling.LANCZOS)


def resize(image: Image.Image, mode: int, width: int, height: int, scale: Scaler = lanczos) -> Image.Image:
    """The image at this size: stretched, filling the frame and cut, or whole within it with its edges drawn out."""
    if mode not in (CROP, FILL):
        return scale(image, width, height)
    inner = _covering(image, width, height) if mode == CROP else _within(image, width, height)
    scaled = scale(image, *inner)
    made = Image.new("RGB", (width, height))
    left, top = width // 2 - inner[0] // 2, height // 2 - inner[1] // 2
    made.paste(scaled, box=(left, top))
    if mode == FILL:
        _draw_edges_out(made, scaled, left, top)
    return made


def _covering(image: Image.Image, width: int, height: int) -> tuple[int, int]:
    """The least size of the image's own proportions that leaves nothing of the frame free."""
    if width / height > image.width / image.height:
        return width, image.height * width // image.width
    return image.width * height // image.height, height


def _within(image: Image.Image, width: int, height: int) -> tuple[int, int]:
    """The greatest size of the image's own proportions that fits into the frame; at least one pixel wide and high."""
    if width / height < image.width / image.height:
        return width, max(image.height * width // image.width, 1)
    return max(image.width * height // image.height, 1), height


def _draw_edges_out(made: Image.Image, inner: Image.Image, left: int, top: int) -> None:
    """Stretch the first and last row, or column, of the inner image over what is left free beside it."""
    width, height = inner.size
    if top > 0:
        for box, place in (((0, 0, width, 0), 0), ((0, height, width, height), top + height)):
            made.paste(inner.resize((made.width, top), box=box), box=(0, place))
    elif left > 0:
        for box, place in (((0, 0, 0, height), 0), ((width, 0, width, height), left + width)):
            made.paste(inner.resize((left, made.height), box=box), box=(place, 0))
