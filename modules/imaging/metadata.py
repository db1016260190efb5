"""The text inside picture files: the generation parameters and the items beside them."""

import json
import struct
from collections.abc import Mapping
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

# What Pillow puts into `info` that describes the file and not the picture.
# fmt: off
_TECHNICAL = frozenset((
    "adobe", "adobe_transform", "aspect", "background", "bbox", "blend", "chromaticity", "default_image", "disposal",
    "dpi", "duration", "exif", "extension", "flashpix", "gamma", "icc_profile", "interlace", "jfif", "jfif_density",
    "jfif_unit", "jfif_version", "loop", "mp", "mpoffset", "photoshop", "progression", "progressive", "resolution",
    "srgb", "timestamp", "transparency", "version", "xmp",
))
# fmt: on
_NOVELAI_SAMPLERS = {
    "ddim": "DDIM",
    "ddim_v3": "DDIM",
    "k_dpm_2": "DPM2",
    "k_dpm_2_ancestral": "DPM2 a",
    "k_dpm_adaptive": "DPM adaptive",
    "k_dpm_fast": "DPM fast",
    "k_dpmpp_2m": "DPM++ 2M",
    "k_dpmpp_2m_sde": "DPM++ 2M SDE",
    "k_dpmpp_2s_ancestral": "DPM++ 2S a",
    "k_dpmpp_sde": "DPM++ SDE",
    "k_euler": "Euler",
    "k_euler_ancestral": "Euler a",
    "k_heun": "Heun",
    "k_lms": "LMS",
    "plms": "PLMS",
}
_EXIF_IFD, _USER_COMMENT = 0x8769, 0x9286  # Exif 2.32, tables 3 and 8
_UNDEFINED = 7
_PREFIX = b"Exif\0\0"


def read_text(image: Image.Image) -> tuple[str | None, dict[str, str]]:
    """Read the generation parameters of an opened image and its other text items; broken metadata counts as absent.

    EXIF UserComment goes before the PNG chunk `parameters`, then the comment of a GIF or JPEG, then NovelAI's JSON,
    which is put into A1111's form.
    """
    items = {}
    for key, value in image.info.items():
        text = _decoded(value)
        if isinstance(key, str) and key not in _TECHNICAL and text is not None:
            items[key] = text
    parameters = items.pop("parameters", None)
    exif = image.info.get("exif")
    if isinstance(exif, bytes):
        parameters = _user_comment(exif) or parameters
    if parameters is None:
        parameters = items.pop("comment", None)
    if parameters is None:
        parameters = _novelai(items, image.size)
    return parameters, items


def exif_comment(text: str) -> bytes:
    """Make EXIF bytes that hold only this text as UserComment, byte for byte as A1111's files do (through piexif).

    Layout: a big-endian TIFF header, one directory with the pointer to the Exif directory, that with one entry, then
    the character code `UNICODE` and the text in big-endian UTF-16.
    """
    comment = b"UNICODE\0" + whole(text).encode("utf-16-be")
    first = struct.pack(">HHHIII", 1, _EXIF_IFD, 4, 1, 26, 0)
    second = struct.pack(">HHHII", 1, _USER_COMMENT, _UNDEFINED, len(comment), 40)
    return _PREFIX + b"MM\0*" + struct.pack(">I", 8) + first + second + comment


def png_info(items: Mapping[str, str]) -> PngInfo:
    """Make PNG text chunks, tEXt for Latin-1 and iTXt for all else; keywords are made to fit PNG's 79 bytes."""
    info = PngInfo()
    for key, text in items.items():
        keyword = key.replace("\0", "").encode("latin-1", "replace")[:79].decode("latin-1")
        if keyword:
            info.add_text(keyword, whole(text))
    return info


def whole(text: str) -> str:
    """Make text that every encoding accepts: surrogate pairs joined, single ones replaced, NUL left out."""
    return text.replace("\0", "").encode("utf-16-be", "surrogatepass").decode("utf-16-be", "replace")


def _decoded(value: Any) -> str | None:
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return None
    return str(value) if isinstance(value, str) else None


def _user_comment(exif: bytes) -> str:
    """Find and decode the UserComment in EXIF bytes; empty if there is none or the bytes are broken."""
    tiff = exif.removeprefix(_PREFIX)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return ""
    try:
        (directory,) = struct.unpack_from(order + "I", tiff, 4)
        pointer = _entry(tiff, order, directory, _EXIF_IFD)
        (directory,) = struct.unpack_from(order + "I", tiff, pointer + 8)
        entry = _entry(tiff, order, directory, _USER_COMMENT)
        count, start = struct.unpack_from(order + "II", tiff, entry + 4)
    except (struct.error, LookupError):
        return ""
    if count <= 4:  # so short a value stands in the entry itself
        start = entry + 8
    text = _comment_text(tiff[start : start + count], order)
    return text if text.strip() else ""  # cameras fill an unused comment with blanks


def _entry(tiff: bytes, order: str, directory: int, tag: int) -> int:
    """Give the offset of a tag's 12-byte entry; raises KeyError, or struct.error past the end."""
    (count,) = struct.unpack_from(order + "H", tiff, directory)
    for offset in range(directory + 2, directory + 2 + 12 * count, 12):
        if struct.unpack_from(order + "H", tiff, offset) == (tag,):
            return offset
    raise KeyError(tag)


def _comment_text(raw: bytes, order: str) -> str:
    code, payload = raw[:8], raw[8:]
    if code == b"UNICODE\0":
        text = _utf16(payload, order)
    elif code == b"JIS\0\0\0\0\0":  # the standard means ISO 2022, writers often mean Shift JIS
        text = payload.decode("iso2022_jp" if b"\x1b" in payload else "shift_jis", "replace")
    elif code in (b"ASCII\0\0\0", bytes(8)):
        text = _bytewise(payload, order)
    else:  # no character code at all
        text = _bytewise(raw, order)
    return text.rstrip("\0")


def _bytewise(payload: bytes, order: str) -> str:
    body = payload.rstrip(b"\0")
    if b"\0" in body:
        return _utf16(payload, order)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("latin-1")


def _utf16(payload: bytes, order: str) -> str:
    """Decode UTF-16 of unknown byte order: the zero half of Latin letters tells which it is."""
    if payload[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return payload.decode("utf-16", "replace")
    big, little = payload[::2].count(0), payload[1::2].count(0)
    # In a big-endian file, such as A1111's, a few characters like U+4E00 must not outvote a text without Latin letters.
    margin = 3 if order == ">" else 0
    return payload.decode("utf-16-le" if little > big + margin else "utf-16-be", "replace")


def _novelai(items: Mapping[str, str], size: tuple[int, int]) -> str | None:
    if items.get("Software") != "NovelAI":
        return None
    try:
        made = json.loads(items.get("Comment", ""))
    except (ValueError, RecursionError):
        return None
    if not isinstance(made, dict):
        return None
    lines = [items.get("Description", "")]
    if isinstance(made.get("uc"), str):
        lines.append(f"Negative prompt: {made['uc']}")
    facts = {
        "Steps": made.get("steps"),
        "Sampler": _NOVELAI_SAMPLERS.get(str(made.get("sampler")), "Euler a"),
        "CFG scale": made.get("scale"),
        "Seed": made.get("seed"),
        "Size": f"{size[0]}x{size[1]}",
        "Clip skip": 2,
        "ENSD": 31337,
    }
    numbers_and_names = {key: value for key, value in facts.items() if isinstance(value, str | int | float)}
    lines.append(", ".join(f"{key}: {value}" for key, value in numbers_and_names.items()))
    return whole("\n".join(lines))
