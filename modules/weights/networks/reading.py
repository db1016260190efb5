"""A network's file becomes tensors by module. Nothing in a file is ever run: pickles are read as tensors only."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from modules.exceptions import CorruptFile
from modules.weights.networks.formats import Piece
from modules.weights.networks.keys import split

BUNDLED = "bundle_emb."  # what follows is an embedding's name, then the tensor's own
SUFFIXES = (".safetensors", ".pt", ".ckpt", ".bin")
Target = tuple[str, str]  # part (unet, te1, te2) and module with underscores


@dataclass(frozen=True, slots=True)
class Network:
    """One file: its pieces by the module they are for, embeddings that came along, and names it did not understand."""

    path: Path
    pieces: Mapping[Target, Piece]
    bundled: Mapping[str, Mapping[str, Tensor]] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


def read(path: Path) -> Network:
    """The network in a file; CorruptFile with a sentence where there is none."""
    return arranged(path, tensors_of(path))


def tensors_of(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file or of a pickle that holds nothing else."""
    try:
        if path.suffix.lower() == ".safetensors":
            with safe_open(path, framework="pt", device="cpu") as file:
                return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - the file is no mapping
        return _flat(torch.load(path, map_location="cpu", weights_only=True))
    except (SafetensorError, EOFError, RuntimeError, ValueError) as error:
        raise CorruptFile(f"{path.name} cannot be read as a network ({_brief(error)}); download it again.") from error
    except pickle.UnpicklingError as error:
        raise CorruptFile(f"{path.name} holds more than tensors and is not opened; find it as .safetensors.") from error
    except OSError as error:
        raise CorruptFile(f"{path} cannot be read: {error.strerror or error}.") from error


def arranged(path: Path, tensors: Mapping[str, Tensor]) -> Network:
    """Tensors by their keys, sorted by module; CorruptFile if none is a network's."""
    pieces: dict[Target, dict[str, Tensor]] = {}
    bundled: dict[str, dict[str, Tensor]] = {}
    unknown = []
    for key, tensor in tensors.items():
        if key.startswith(BUNDLED):
            name, _, own = key.removeprefix(BUNDLED).partition(".")
            bundled.setdefault(name, {})[own] = tensor
        elif (found := split(key)) is not None:
            part, module, own = found
            pieces.setdefault((part, module), {})[own] = tensor
        else:
            unknown.append(key)
    if not pieces and not bundled:
        raise CorruptFile(f"{path.name} holds no network that is known here (it begins with {_first(unknown)}).")
    return Network(path, {target: Piece(own) for target, own in pieces.items()}, bundled, tuple(unknown))


def _flat(loaded: Any) -> dict[str, Tensor]:
    """The tensors of a loaded pickle, one level deep or under `state_dict`."""
    if isinstance(loaded, dict) and isinstance(loaded.get("state_dict"), dict):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, dict):
        raise ValueError("it is no table of tensors")
    return {str(key): value for key, value in loaded.items() if isinstance(value, Tensor)}


def _first(keys: list[str]) -> str:
    return repr(keys[0][:60]) if keys else "nothing"


def _brief(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
