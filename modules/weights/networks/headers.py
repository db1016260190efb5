"""What a file of tensors says about itself, from its header alone: no tensor is read, no torch is needed.

safetensors: the JSON at its beginning. Pickles: see `pickles`. PNG pictures: the embedding in their text chunk.
"""

from __future__ import annotations

import base64
import io
import json
import os
import struct
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from modules.exceptions import CorruptFile
from modules.weights.networks import pickles

LONGEST = 1 << 25  # bytes of a header; real ones have a few hundred thousand
LONGEST_PICKLE = 1 << 22
COVERS = "ssmd_cover_images"  # pictures in base64, which nobody wants among the metadata
FOREMOST = ("ss_sd_model_name", "ss_resolution", "ss_clip_skip", "ss_num_train_images", "ss_tag_frequency")
PNG = b"\x89PNG\r\n\x1a\n"
CHUNK = b"sd-ti-embedding\0"
MALFORMED = (
    ValueError, LookupError, TypeError, AttributeError, EOFError, StopIteration, ArithmeticError, RuntimeError,
    MemoryError, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Header:
    """The names and shapes of a file's tensors, in its order, and its metadata as A1111 shows it."""

    shapes: pickles.Shapes = ()
    metadata: dict[str, Any] = field(default_factory=dict)


def read(path: Path) -> Header | None:
    """The header; None for a picture that is just a picture; CorruptFile with a sentence for what is no such file."""
    suffix = path.suffix.lower()
    kind = "safetensors file" if suffix == ".safetensors" else "file of tensors"
    try:
        with path.open("rb") as file:
            if suffix == ".png":
                return _picture(file)
            return _safetensors(file) if suffix == ".safetensors" else _pickle(file)
    except OSError as error:
        raise CorruptFile(f"{path} cannot be read: {error.strerror or error}.") from error
    except pickles.Foreign as error:
        raise CorruptFile(
            f"{path.name} holds more than tensors ({error}) and is not opened; find it as .safetensors."
        ) from error
    except MALFORMED as error:
        brief = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise CorruptFile(f"{path.name} is no complete {kind} ({brief}); download it again.") from error


def tensors_begin(file: BinaryIO) -> int:
    """Where the header of an open safetensors file ends, in bytes; ValueError if there is none."""
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > size - 8:
        raise ValueError("its header is not all there")
    return 8 + length


def _safetensors(file: BinaryIO) -> Header:
    begin = tensors_begin(file)
    if begin > LONGEST:
        raise ValueError(f"its header of {begin} bytes is too long")
    said = json.loads(file.read(begin - 8))
    if not isinstance(said, dict):
        raise ValueError("its header is no table")
    metadata = said.pop("__metadata__", {})
    shapes = tuple((name, tuple(int(n) for n in tensor["shape"])) for name, tensor in said.items())
    end = begin + max((int(tensor["data_offsets"][1]) for tensor in said.values()), default=0)
    if (missing := end - os.fstat(file.fileno()).st_size) > 0:
        raise ValueError(f"{missing} bytes are missing")
    return Header(shapes, _told(metadata))


def _told(metadata: Any) -> dict[str, Any]:
    """Metadata with what matters most in front, and with tables where their JSON text stands in it."""
    if not isinstance(metadata, dict):
        return {}
    said = {key: _table(value) for key, value in metadata.items() if isinstance(value, str) and key != COVERS}
    return {key: said[key] for key in FOREMOST if key in said} | said


def _table(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse) if text.startswith("{") else text
    except (ValueError, RecursionError):
        return text


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _pickle(file: BinaryIO) -> Header:
    """torch's pickles: a zip archive since 1.6, before that several in a row, of which the fourth is the content."""
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            content = next((one for one in archive.infolist() if one.filename.endswith("data.pkl")), None)
            if content is None or content.file_size > LONGEST_PICKLE:
                raise ValueError("it holds no pickle of torch")
            return Header(*pickles.outline(io.BytesIO(archive.read(content))))
    file.seek(0)
    stream = io.BytesIO(file.read(LONGEST_PICKLE))
    for _ in range(3):
        pickles.outline(stream)
    return Header(*pickles.outline(stream))


def _picture(file: BinaryIO) -> Header | None:
    """The embedding in a PNG's text chunk: base64 of JSON in A1111's layout."""
    if file.read(8) != PNG:
        return None
    while len(head := file.read(8)) == 8:
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind == b"tEXt" and length < LONGEST and (text := file.read(length)).startswith(CHUNK):
            return _embedding(json.loads(base64.b64decode(text[len(CHUNK) :])))
        file.seek(4 + (0 if kind == b"tEXt" and length < LONGEST else length), os.SEEK_CUR)
        if kind == b"IEND":
            break
    return None


def _embedding(said: Any) -> Header:
    name, tensor = next(iter(said["string_to_param"].items()))
    rows = tensor["TORCHTENSOR"]
    shapes = ((str(name), (len(rows), len(rows[0]))),)
    return Header(shapes, {key: said[key] for key in pickles.TOLD if key in said})
