"""Arrays, base64 and thumbnails: the ways a picture enters and leaves as bare pixels."""

import base64
import binascii
import io
import re
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageOps

from modules.exceptions import ParameterError

# Only plain raster formats: others may start a program (EPS) or read more files.
READABLE = ("PNG", "JPEG", "MPO", "WEBP", "AVIF", "GIF", "BMP", "TIFF")
MAX_PIXELS = 89_478_485  # where Pillow begins to suspect a decompression bomb

_NOT_AN_IMAGE = (
    "What was sent is not an image that can be read; send a PNG, JPEG, WebP, AVIF, GIF, BMP or TIFF file as base64."
)
# What Pillow's decoders raise on damaged files, found by feeding them some.
_DAMAGE = (OSError, SyntaxError, ValueError, TypeError, LookupError, OverflowError, RuntimeError, struct.error)


def to_images(x: NDArray[np.floating]) -> list[Image.Image]:
    """Turn decoded pictures into 8-bit RGB images: floor(255 * clip((x + 1) / 2, 0, 1)).

    x is [B,H,W,3] or [B,3,H,W] in -1..1; where both fit, the last axis is taken for colour. NaN becomes black.
    Raises ParameterError for another shape.
    """
    if x.ndim != 4 or 3 not in (x.shape[1], x.shape[3]):
        raise ParameterError(f"Pictures must be an array of shape [B,H,W,3] or [B,3,H,W], not {list(x.shape)}.")
    if x.shape[3] != 3:
        x = np.moveaxis(x, 1, 3)
    if x.dtype == np.float16:  # half precision cannot hold all 256 steps
        x = x.astype(np.float32)
    # fmax and fmin pass over NaN, which clip would hand to the cast.
    levels = np.fmin(np.fmax((x + 1) / 2, 0), 1) * 255
    return [Image.fromarray(picture) for picture in levels.astype(np.uint8)]


def color(text: str) -> tuple[int, int, int]:
    """Read a colour such as `#ffffff` or `black`; raises ParameterError."""
    try:
        red, green, blue = ImageColor.getrgb(text)[:3]
    except ValueError:
        raise ParameterError(f"“{text}” is not a colour; write it as #rrggbb.") from None
    return red, green, blue


def flatten(image: Image.Image, background: str = "#ffffff") -> Image.Image:
    """Give the image as RGB, what is transparent showing the background; an opaque RGB image is returned itself."""
    if image.mode.startswith("I"):  # 16-bit greys, which Pillow would clip at 255
        grey = np.clip(np.asarray(image).astype(np.int64) >> 8, 0, 255)
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    front = image.convert("RGBA")
    sheet = Image.new("RGB", image.size, color(background))
    sheet.paste(front, mask=front.getchannel("A"))
    return sheet


def thumbnail_jpeg(image: Image.Image, side: int, quality: int) -> bytes:
    """Encode the image as a JPEG that fits a square of `side` pixels; a smaller one keeps its size."""
    scale = min(1.0, side / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    small = flatten(image).resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)  # a copy in any case
    out = io.BytesIO()
    small.save(out, "JPEG", quality=quality, comment=b"")
    return out.getvalue()


def from_base64(text: str) -> Image.Image:
    """Decode base64, bare or as a data URI, into a loaded image.

    Raises ParameterError for what is no whole image, and for one of more than MAX_PIXELS pixels.
    """
    bare = "".join(re.sub(r"^\s*data:[^,]*,", "", text).split()).rstrip("=")
    try:
        data = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ParameterError(_NOT_AN_IMAGE) from None
    return _loaded(data, _NOT_AN_IMAGE)


def from_file(path: Path) -> Image.Image:
    """Read an image file whole. Raises as `from_base64` does."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ParameterError(f"{path.name} cannot be read: {error.strerror or error}.") from error
    return _loaded(
        data, f"{path.name} is not an image that can be read; give a PNG, JPEG, WebP, AVIF, GIF, BMP or TIFF."
    )


def from_bytes(data: bytes, not_an_image: str = _NOT_AN_IMAGE) -> Image.Image:
    """Decode a file's bytes. Raises as `from_base64` does, `not_an_image` being what is said of other bytes."""
    return _loaded(data, not_an_image)


def _loaded(data: bytes, not_an_image: str) -> Image.Image:
    Image.init()
    try:
        image = Image.open(io.BytesIO(data), formats=[name for name in READABLE if name in Image.OPEN])
        if image.width * image.height > MAX_PIXELS:
            raise Image.DecompressionBombError
        image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ParameterError(
            f"The image is too large to be read; give one of at most {MAX_PIXELS // 1_000_000} megapixels."
        ) from None
    except _DAMAGE as error:
        raise ParameterError(not_an_image) from error
    return image


def upright(image: Image.Image) -> Image.Image:
    """The image turned as its EXIF orientation asks for; broken EXIF asks for nothing."""
    try:
        return ImageOps.exif_transpose(image)
    except _DAMAGE:
        return image


def to_base64(data: bytes) -> str:
    """Encode bytes as bare base64 on one line."""
    return base64.b64encode(data).decode("ascii")
