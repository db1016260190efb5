"""Files of tensors. Nothing in a file is ever run: pickles are read as tensors and plain values only."""

from __future__ import annotations

import os
import pickle
import struct
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from modules.exceptions import CorruptFile
from modules.weights import gguffile
from modules.weights.archive import Foreign, is_archive, read_archive

Tensors = dict[str, Tensor]
MALFORMED = (
    EOFError, RuntimeError, ValueError, LookupError, AttributeError, TypeError, ArithmeticError, MemoryError,
    AssertionError, struct.error, zipfile.BadZipFile,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mapped:
    """A file in the address space: where its first byte is, and how many there are."""

    path: Path
    start: int
    size: int

    def offset(self, tensor: Tensor) -> int | None:
        """Where in the file a tensor's bytes are; None if they are not one run of bytes of this file."""
        place = tensor.data_ptr() - self.start
        inside = place >= 0 and place + tensor.numel() * tensor.itemsize <= self.size
        return place if inside and tensor.is_contiguous() else None


@dataclass(frozen=True, slots=True)
class File:
    """The tensors of a file, mapped rather than read, and the metadata it has beside them."""

    tensors: Tensors
    metadata: dict[str, Any] = field(default_factory=dict)
    mapped: tuple[Mapped, ...] = ()


def read_tensors(path: Path) -> Tensors:
    """All tensors of a safetensors file or a pickle, mapped rather than read; CorruptFile says what is wrong."""
    return read_file(path).tensors


def read_file(path: Path) -> File:
    """The same of a GGUF file too, with what else the file tells. CorruptFile; ModelError without GGUF's package."""
    if path.suffix.lower() == ".gguf":
        with _explained(path):
            return File(*gguffile.read(path))
    if path.suffix.lower() != ".safetensors":
        return File(_flat(_read_mapped(path), path))
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - the file is no mapping
            metadata = dict(file.metadata() or {})
            first = next(iter(file.offset_keys()), None)
            with path.open("rb") as opened:
                begin = 8 + int.from_bytes(opened.read(8), "little")
    except SafetensorError as error:
        raise CorruptFile(f"{path.name} is no complete safetensors file ({error}); download it again.") from error
    except OSError as error:
        raise unreadable(path, error) from error
    start = None if first is None else tensors[first].data_ptr() - begin
    return File(tensors, metadata, () if start is None else (Mapped(path, start, path.stat().st_size),))


def read_ahead(path: Path) -> None:
    """Have the system fetch a file from the disk while other things are done, where it can."""
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError), path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)


def read_pickle(path: Path) -> Any:
    """What a pickle of tensors and plain values holds."""
    with _explained(path), torch.serialization.safe_globals([torch.nn.ParameterDict]):
        return torch.load(path, map_location="cpu", weights_only=True)


def _read_mapped(path: Path) -> Any:
    with _explained(path):
        if is_archive(path):
            return read_archive(path)
    return read_pickle(path)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """What can go wrong with a pickle, in a sentence."""
    try:
        yield
    except (pickle.UnpicklingError, Foreign) as error:
        what = f" ({error})" if isinstance(error, Foreign) else ""
        raise CorruptFile(
            f"{path.name} holds more than tensors{what} and is not opened; find it as .safetensors."
        ) from error
    except OSError as error:
        raise unreadable(path, error) from error
    except MALFORMED as error:
        brief = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise CorruptFile(f"{path.name} is no complete file of tensors ({brief}); download it again.") from error


def unreadable(path: Path, error: OSError) -> CorruptFile:
    """The sentence for a file that the system does not give."""
    return CorruptFile(f"{path} cannot be read: {error.strerror or error}.")


def _flat(loaded: Any, path: Path) -> Tensors:
    """The tensors of a loaded pickle, at the top or under `state_dict`."""
    if isinstance(loaded, Mapping) and isinstance(loaded.get("state_dict"), Mapping):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, Mapping):
        raise CorruptFile(f"{path.name} holds no table of tensors.")
    return {str(key): value for key, value in loaded.items() if isinstance(value, Tensor)}
