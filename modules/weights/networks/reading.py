"""A network's file becomes tensors by module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from modules.exceptions import CorruptFile
from modules.weights.networks.formats import Piece
from modules.weights.networks.keys import split
from modules.weights.tensorfile import read_tensors

BUNDLED = "bundle_emb."  # what follows is an embedding's name, then the tensor's own
SUFFIXES = (".safetensors", ".pt", ".ckpt", ".bin")
Target = tuple[str, str]  # part (unet, te1, te2) and module with underscores


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """One file: its pieces by the module they are for, embeddings that came along, and names it did not understand."""

    path: Path
    pieces: Mapping[Target, Piece]
    bundled: Mapping[str, Mapping[str, Tensor]] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


def read(path: Path) -> Network:
    """The network in a file; CorruptFile with a sentence where there is none."""
    return arranged(path, read_tensors(path))


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


def _first(keys: list[str]) -> str:
    return repr(keys[0][:60]) if keys else "nothing"
