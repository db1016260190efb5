"""Textual inversion (Gal et al. 2022): files of vectors that stand for a word of their own.

Known layouts: A1111's `.pt` (`string_to_param`), diffusers' `.bin` and `.safetensors` (one tensor by its word),
`emb_params`, SDXL's `clip_l` with `clip_g`, and PNG pictures whose text chunk `sd-ti-embedding` holds the first as
base64 JSON. Pictures that hide the vectors in their pixels are not read.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from modules.exceptions import CorruptFile
from modules.prompts.chunks import Word
from modules.weights.networks.reading import Network
from modules.weights.tensorfile import read_pickle, read_tensors, unreadable

CHUNK = "sd-ti-embedding"
PICTURES = (".png", ".webp", ".jxl", ".avif")
SUFFIXES = (".pt", ".bin", ".safetensors", *PICTURES)
LONGEST = 75  # vectors that fit into one chunk


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """A word's vectors by text encoder, `te1` and for SDXL `te2`: each `[n, D]`, float32."""

    name: str
    path: Path
    vectors: Mapping[str, Tensor]

    @property
    def count(self) -> int:
        """How many tokens' places it takes."""
        return len(next(iter(self.vectors.values())))

    @property
    def widths(self) -> dict[str, int]:
        """The width that each text encoder must have."""
        return {part: tensor.shape[1] for part, tensor in self.vectors.items()}


class Words:
    """The embeddings that fit a model, found by the token ids of their names; the longest name wins."""

    def __init__(self, embeddings: Iterable[tuple[Embedding, Sequence[int]]]):
        self._by_first: dict[int, list[tuple[tuple[int, ...], Embedding]]] = {}
        for embedding, ids in embeddings:
            if ids:
                self._by_first.setdefault(ids[0], []).append((tuple(ids), embedding))
        for entries in self._by_first.values():
            entries.sort(key=lambda entry: -len(entry[0]))

    def find(self, ids: Sequence[int], place: int) -> Word | None:
        """The embedding whose name begins at this place."""
        for spelt, embedding in self._by_first.get(ids[place], ()):
            if tuple(ids[place : place + len(spelt)]) == spelt:
                return Word(embedding.name, len(spelt), embedding.count)
        return None


def read(path: Path) -> Embedding:
    """The embedding in a file; CorruptFile with a sentence where there is none."""
    try:
        said = _content(path)
        vectors = _vectors(said)
        for tensor in vectors.values():
            if tensor.dim() != 2 or not 1 <= len(tensor) <= LONGEST:
                raise ValueError(f"its tensor is {list(tensor.shape)}")
        named = said.get("name") if path.suffix.lower() in PICTURES else None
        return Embedding(str(named or path.stem), path, vectors)
    except (UnidentifiedImageError, ValueError, TypeError, KeyError) as error:
        raise CorruptFile(f"{path.name} is no textual inversion embedding ({str(error)[:100]}).") from error
    except OSError as error:
        raise unreadable(path, error) from error


def bundled(network: Network) -> list[Embedding]:
    """The words that came along in a network's file; what is no embedding there is left out."""
    made = []
    for name, tensors in network.bundled.items():
        own = {key.partition(".")[0]: tensor for key, tensor in tensors.items()}
        said = {"string_to_param": {"*": own["string_to_param"]}} if "string_to_param" in own else own
        with suppress(ValueError):
            made.append(Embedding(name, network.path, _vectors(said)))
    return made


def _content(path: Path) -> Mapping[Any, Any]:
    suffix = path.suffix.lower()
    if suffix in PICTURES:
        return _picture(path)
    loaded = read_tensors(path) if suffix == ".safetensors" else read_pickle(path)
    if not isinstance(loaded, Mapping):
        raise ValueError("it is no table of tensors")
    return loaded


def _picture(path: Path) -> Mapping[Any, Any]:
    with Image.open(path) as image:
        text = image.info.get(CHUNK)
    if not isinstance(text, (str, bytes)):
        raise ValueError("the picture holds none")
    try:
        said: Mapping[Any, Any] = json.loads(base64.b64decode(text), object_hook=_tensor)
    except binascii.Error as error:
        raise ValueError("its chunk is no base64") from error
    return said


def _tensor(read: dict[str, Any]) -> Any:
    return torch.tensor(read["TORCHTENSOR"]) if "TORCHTENSOR" in read else read


def _vectors(said: Mapping[Any, Any]) -> dict[str, Tensor]:
    if "string_to_param" in said:
        kept = said["string_to_param"]
        return {"te1": _rows(next(iter(dict(kept.items()).values())))}
    if "clip_g" in said and "clip_l" in said:
        return {"te1": _rows(said["clip_l"]), "te2": _rows(said["clip_g"])}
    tensors = [value for value in said.values() if isinstance(value, Tensor)]
    if len(tensors) != 1:
        raise ValueError(f"it holds {len(tensors)} tensors")
    return {"te1": _rows(tensors[0])}


def _rows(tensor: Any) -> Tensor:
    if not isinstance(tensor, Tensor):
        raise ValueError("it holds no tensor")
    found = tensor.detach().float()
    return found[None] if found.dim() == 1 else found
