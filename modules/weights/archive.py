"""Checkpoints that torch has pickled, read without running anything: tensors stay, what else is in the file falls away.

A file is a zip archive of uncompressed records: one pickle, and the bytes of each storage as they are mapped here. The
pickle may build plain values and tensors; objects of libraries known to be harmless become nothing, others are refused.
"""

from __future__ import annotations

import io
import mmap
import pickle
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

LONGEST = 1 << 22  # bytes of the pickle; real ones have a few hundred thousand
HEADER = 30  # bytes of a record's own header, before its name and its extra field
LIBRARIES = "torch", "numpy", "pytorch_lightning", "lightning", "lightning_fabric", "omegaconf", "argparse", "ldm"
TYPES = {
    "FloatStorage": torch.float32, "HalfStorage": torch.float16, "BFloat16Storage": torch.bfloat16,
    "DoubleStorage": torch.float64, "LongStorage": torch.int64, "IntStorage": torch.int32, "ShortStorage": torch.int16,
    "CharStorage": torch.int8, "ByteStorage": torch.uint8, "BoolStorage": torch.bool,
    "Float8_e4m3fnStorage": torch.float8_e4m3fn, "Float8_e5m2Storage": torch.float8_e5m2,
}  # fmt: skip


class Foreign(Exception):
    """A pickle that asks for something that is neither a tensor, nor plain, nor known to be harmless."""


class Nothing:
    """What stands for an object of a library: whatever is done to it, nothing happens."""

    def __new__(cls, *given: Any, **named: Any) -> Nothing:
        return super().__new__(cls)

    def __init__(self, *given: Any, **named: Any) -> None: ...

    def __call__(self, *given: Any, **named: Any) -> Nothing:
        return self

    def __setstate__(self, state: Any) -> None: ...

    def __setitem__(self, key: Any, value: Any) -> None: ...

    def append(self, value: Any) -> None:
        """Nothing."""

    def extend(self, values: Any) -> None:
        """Nothing."""


class Table(dict[Any, Any]):
    """What stands for an OrderedDict; its attributes fall away."""

    def __setstate__(self, state: Any) -> None: ...


def is_archive(path: Path) -> bool:
    """Is it the kind of file that torch has written since 1.6?"""
    return zipfile.is_zipfile(path)


def read_archive(path: Path) -> Any:
    """What the file holds. Foreign, or ValueError and its like for one that is broken; OSError."""
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        records = {record.filename.partition("/")[2]: record for record in archive.infolist()}
        told = records.get("data.pkl")
        if told is None or told.file_size > LONGEST or "constants.pkl" in records:
            raise ValueError("it holds no pickle of tensors")
        if any(record.compress_type != zipfile.ZIP_STORED for record in records.values()):
            raise ValueError("its records are compressed")
        content = archive.read(told)
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    return _Reader(content, _Storages(mapped, records)).load()


class _Storages:
    """The bytes of tensors, mapped from the file: none is read before it is used."""

    def __init__(self, mapped: mmap.mmap, records: dict[str, zipfile.ZipInfo]):
        self._mapped = mapped
        self._records = records
        self._handed_out = 0

    def get(self, dtype: torch.dtype, key: str, count: int) -> Tensor:
        """`[count]` elements of a record."""
        record = self._records[f"data/{key}"]
        if count * dtype.itemsize > record.file_size:
            raise ValueError(f"record {key} is shorter than it says")
        lengths = self._mapped[record.header_offset + HEADER - 4 : record.header_offset + HEADER]
        begin = record.header_offset + HEADER + sum(int.from_bytes(lengths[i : i + 2], "little") for i in (0, 2))
        if begin + record.file_size > len(self._mapped):
            raise ValueError(f"record {key} is cut short")
        return torch.frombuffer(self._mapped, dtype=dtype, count=count, offset=begin) if count else torch.empty(0)

    def count(self, tensor: Tensor) -> None:
        """Tensors that share a storage may not be more than the file, for each becomes one of its own."""
        self._handed_out += tensor.numel() * tensor.itemsize
        if self._handed_out > 2 * len(self._mapped):
            raise ValueError("its tensors are larger than the file")


class _Reader(pickle._Unpickler):  # not the one in C, which allocates what it is told
    def __init__(self, content: bytes, storages: _Storages):
        super().__init__(io.BytesIO(content), encoding="utf-8")
        self._storages = storages

    def persistent_load(self, told: Sequence[Any]) -> Tensor:
        """A storage: ("storage", its type, record, device, count)."""
        _, dtype, key, _, count = told
        if not isinstance(dtype, torch.dtype):
            raise ValueError("it has a storage of an unknown type")
        return self._storages.get(dtype, str(key), int(count))

    def find_class(self, module: str, name: str) -> Any:
        """What a name in the pickle stands for; never anything that is imported for it."""
        if (module, name) in KNOWN:
            return KNOWN[module, name]
        if module in ("torch._utils", "torch._tensor") and name in ("_rebuild_tensor", "_rebuild_tensor_v2"):
            return self._rebuilt
        if module in ("torch", "torch.storage") and name in TYPES:
            return TYPES[name]
        if (module.partition(".")[0] in LIBRARIES and "." not in name) or name in IDLE.get(module, ()):
            return Nothing
        raise Foreign(f"{module}.{name}"[:80])

    def _rebuilt(self, storage: Tensor, offset: int, size: Sequence[int], stride: Sequence[int], *more: Any) -> Tensor:
        made = storage.as_strided(size, stride, offset)
        if made.numel() > storage.numel():
            raise ValueError("a tensor is larger than its storage")
        self._storages.count(made)
        return made


def _first(value: Any, *more: Any) -> Any:
    return value


BUILTINS, OLD_BUILTINS = "builtins", "__builtin__"
KNOWN: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): Table,
    ("torch", "Size"): tuple,
    ("torch._utils", "_rebuild_parameter"): _first,
    ("torch._utils", "_rebuild_parameter_with_state"): _first,
    (BUILTINS, "set"): set,
    (OLD_BUILTINS, "set"): set,
}
IDLE = {  # names that plain objects are pickled by, beside those of whole libraries
    BUILTINS: ("object", "slice", "complex", "bytearray"),
    OLD_BUILTINS: ("object", "slice", "complex", "bytearray"),
    "collections": ("defaultdict", "Counter"),
    "pathlib": ("Path", "PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"),
    "datetime": ("date", "datetime", "timedelta"),
    "typing": ("Any", "Dict", "List", "Union"),
    "_codecs": ("encode",),
    "copyreg": ("_reconstructor",),
    "copy_reg": ("_reconstructor",),
}
