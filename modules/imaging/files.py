"""Pictures become files: encoded with their text, numbered, saved beside what is already there."""

import io
import itertools
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from modules.exceptions import ParameterError, WebuiError
from modules.imaging.disk import explained, place, store
from modules.imaging.metadata import exif_comment, png_info, whole
from modules.imaging.pixels import flatten

TRIES = 500

_EXIF_LIMIT = 65533  # what one JPEG marker holds


@dataclass(frozen=True, kw_only=True, slots=True)
class SaveOptions:
    """How pictures are written; `format` is an extension of FORMATS."""

    format: str = "png"
    jpeg_quality: int = 80  # also of WebP and AVIF
    webp_lossless: bool = False
    embed_metadata: bool = True
    save_txt: bool = False
    export_4chan: bool = True  # a JPEG copy of pictures beyond the next two
    img_downscale_threshold: float = 4.0  # MiB of the file
    target_side_length: int = 4000  # pixels; the copy is made no larger
    background: str = "#ffffff"  # behind what is transparent, where the format is not


@dataclass(frozen=True, slots=True)
class Format:
    """A file format: Pillow's name, the longest side it holds, and the modes to hand over as they are."""

    pillow: str
    longest: int
    modes: tuple[str, ...]


_JPEG = Format("JPEG", 65500, ("L", "RGB"))
_TIFF = Format("TIFF", 2**31 - 1, ("L", "RGB", "RGBA"))
FORMATS: Mapping[str, Format] = {
    "png": Format("PNG", 2**31 - 1, ("1", "L", "LA", "P", "I;16", "RGB", "RGBA")),
    "jpg": _JPEG,
    "jpeg": _JPEG,
    "webp": Format("WEBP", 16383, ("RGB", "RGBA")),
    "avif": Format("AVIF", 32768, ("RGB", "RGBA")),
    "gif": Format("GIF", 65535, ("L", "P", "RGB", "RGBA")),
    "bmp": Format("BMP", 2**31 - 1, ("1", "L", "RGB")),
    "tif": _TIFF,
    "tiff": _TIFF,
}


def encode(
    image: Image.Image, text: str | None, options: SaveOptions, extra_items: Mapping[str, str] | None = None
) -> bytes:
    """Encode a picture with its text into the very bytes that `save` writes.

    extra_items are more PNG chunks; other formats hold the text alone. What the format cannot hold, by its side or the
    text's length, becomes a PNG. Raises ParameterError for an unknown format, WebuiError for a picture that no encoder
    takes.
    """
    return _encoded(image, text, options, extra_items, extension(image, text, options))


def extension(image: Image.Image, text: str | None, options: SaveOptions) -> str:
    """Say under which extension, without dot, the picture will be saved: the chosen one, or png if that cannot."""
    chosen = options.format.lower().lstrip(".")
    Image.init()
    if chosen not in FORMATS or FORMATS[chosen].pillow not in Image.SAVE:
        known = ", ".join(name for name, kind in FORMATS.items() if kind.pillow in Image.SAVE)
        raise ParameterError(f"Pictures cannot be saved as “{options.format}”; choose one of {known}.")
    kind = FORMATS[chosen]
    too_long = kind is _JPEG and options.embed_metadata and text and len(exif_comment(text)) > _EXIF_LIMIT
    return "png" if too_long or max(image.size) > kind.longest else chosen


def save(
    image: Image.Image,
    folder: Path,
    stem: str,
    text: str | None,
    options: SaveOptions,
    extra_items: Mapping[str, str] | None = None,
) -> Path:
    """Save a picture as `stem` with its extension in `folder`, which is made if need be, and give the file's path.

    A taken name gets `-1`, `-2`…; `/` in the stem makes sub-folders. The `.txt` and the JPEG copy that the options may
    want get the same name. Raises WebuiError if the disk refuses.
    """
    folder, base = place(folder, stem)
    base = base or "image"
    names = itertools.chain([base], (f"{base}-{number}" for number in range(1, TRIES)))
    return store(folder, names, _files(image, text, options, extra_items))


def numbered_save(
    image: Image.Image,
    folder: Path,
    pattern_name: str,
    text: str | None,
    options: SaveOptions,
    *,
    head: str = "",
    extra_items: Mapping[str, str] | None = None,
) -> Path:
    """Save a picture as `00012-<name>.png`, or with a `head` as `<head>-0012-<name>.png`, under the next number.

    The name may be empty. See `save`. Pictures saved at the same moment under different names may share a number.
    """
    files = _files(image, text, options, extra_items)  # before the number, which others may take meanwhile
    folder, base = place(folder, pattern_name)
    start, digits = next_number(folder, head), 4 if head else 5
    begin = f"{head}-" if head else ""
    tail = f"-{base}" if base else ""
    names = (f"{begin}{number:0{digits}}{tail}" for number in range(start, start + TRIES))
    return store(folder, names, files)


def next_number(folder: Path, prefix: str = "") -> int:
    """Give the largest number that starts a file's name in the folder, after `prefix-` if given, plus one; else 0."""
    number = re.compile((re.escape(prefix + "-") if prefix else "") + r"([0-9]{1,18})(?![^-.])")
    with explained(folder), suppress(FileNotFoundError), os.scandir(folder) as entries:
        found = (number.match(entry.name) for entry in entries if not entry.is_dir())
        return max((int(match[1]) for match in found if match), default=-1) + 1
    return 0


def _files(
    image: Image.Image, text: str | None, options: SaveOptions, extra_items: Mapping[str, str] | None
) -> dict[str, bytes]:
    """Give all files of one picture by what follows the stem, the picture itself first."""
    chosen = extension(image, text, options)
    files = {f".{chosen}": _encoded(image, text, options, extra_items, chosen)}
    if options.save_txt and text is not None:
        files[".txt"] = (whole(text) + "\n").encode("utf-8")
    side = min(options.target_side_length, _JPEG.longest)
    too_wide = max(image.size) > side
    too_big = len(files[f".{chosen}"]) > options.img_downscale_threshold * 2**20
    if options.export_4chan and (too_wide or (too_big and FORMATS[chosen] is not _JPEG)):
        scale = min(1.0, side / max(image.size))
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        copy = flatten(image, options.background)
        copy = copy.resize(size, Image.Resampling.LANCZOS) if too_wide else copy
        if text is not None and len(exif_comment(text)) > _EXIF_LIMIT:
            text = None
        files["-downscaled.jpg" if chosen == "jpg" else ".jpg"] = _encoded(copy, text, options, None, "jpg")
    return files


def _encoded(
    image: Image.Image,
    text: str | None,
    options: SaveOptions,
    extra_items: Mapping[str, str] | None,
    chosen: str,
) -> bytes:
    kind = FORMATS[chosen]
    out = io.BytesIO()
    try:
        picture = _fitting(image, kind, options.background)
        arguments = _arguments(kind.pillow, options)
        if options.embed_metadata:
            arguments |= _metadata(kind.pillow, text, extra_items or {})
        picture.save(out, kind.pillow, icc_profile=image.info.get("icc_profile"), **arguments)
    except (OSError, ValueError, RuntimeError) as error:
        raise WebuiError(f"The picture could not be written as {kind.pillow} ({error}); try another format.") from error
    return out.getvalue()


def _fitting(image: Image.Image, kind: Format, background: str) -> Image.Image:
    """Give a copy in a mode the format takes, without the texts of the file the picture may have come from.

    A copy, because Pillow keeps the arguments of `save` in the image, where two threads would mix up their texts.
    """
    keyed = "transparency" in image.info and kind.pillow not in ("PNG", "GIF")  # only they have a transparent colour
    if image.mode in kind.modes and not keyed:
        picture = image.copy()
    elif "RGBA" in kind.modes and image.has_transparency_data:
        picture = image.convert("RGBA")
    else:
        picture = flatten(image, background).copy()
    picture.info = {key: picture.info[key] for key in ("transparency",) if key in picture.info}
    return picture


def _arguments(pillow: str, options: SaveOptions) -> dict[str, Any]:
    if pillow == "WEBP" and options.webp_lossless:
        return {"lossless": True, "exact": True, "quality": options.jpeg_quality}
    return {"quality": options.jpeg_quality} if pillow in ("JPEG", "WEBP", "AVIF") else {}


def _metadata(pillow: str, text: str | None, extra_items: Mapping[str, str]) -> dict[str, Any]:
    if pillow == "PNG":
        return {"pnginfo": png_info({**extra_items, **({} if text is None else {"parameters": text})})}
    if not text:
        return {}
    if pillow == "GIF":
        return {"comment": whole(text).encode("utf-8")}
    return {"exif": exif_comment(text)} if pillow in ("JPEG", "WEBP", "AVIF") else {}
