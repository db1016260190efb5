"""Files of tensors. Nothing in a file is ever run: pickles are read as tensors and plain values only."""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from modules.exceptions import CorruptFile
from modules.weights.archive import Foreign, is_archive, read_archive

Tensors = dict[str, Tensor]
MALFORMED = (
    EOFError, RuntimeError, ValueError, LookupError, AttributeError, TypeError, ArithmeticError, MemoryError,
    AssertionError, struct.error, zipfile.BadZipFile,
)  # fmt: skip


def read_tensors(path: Path) -> Tensors:
    """All tensors of a safetensors file or a pickle, mapped rather than read; CorruptFile says what is wrong."""
    if path.suffix.lower() != ".safetensors":
        return _flat(_read_mapped(path), path)
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - the file is no mapping
    except SafetensorError as error:
        raise CorruptFile(f"{path.name} is no complete safetensors file ({error}); download it again.") from error
    except OSError as error:
        raise unreadable(path, error) from error


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
