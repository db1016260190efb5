"""Files of tensors. Nothing in a file is ever run: pickles are read as tensors and plain values only."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from modules.exceptions import CorruptFile

Tensors = dict[str, Tensor]


def read_tensors(path: Path) -> Tensors:
    """All tensors of a safetensors file, mapped rather than read, or of a pickle; CorruptFile says what is wrong."""
    if path.suffix.lower() != ".safetensors":
        return _flat(read_pickle(path), path)
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - the file is no mapping
    except SafetensorError as error:
        raise CorruptFile(f"{path.name} is no complete safetensors file ({error}); download it again.") from error
    except OSError as error:
        raise unreadable(path, error) from error


def read_pickle(path: Path) -> Any:
    """What a pickle of tensors and plain values holds."""
    try:
        with torch.serialization.safe_globals([torch.nn.ParameterDict]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CorruptFile(f"{path.name} holds more than tensors and is not opened; find it as .safetensors.") from error
    except OSError as error:
        raise unreadable(path, error) from error
    except (EOFError, RuntimeError, ValueError, KeyError, AttributeError, IndexError, TypeError) as error:
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
