"""The hashes that networks go by: of a file's tensors and of the whole file, both from one reading."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path

from modules.weights.networks.headers import tensors_begin

BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Digests:
    """SHA-256 as 64 hex digits: of the bytes behind a safetensors header (of all where there is none), and of all."""

    tensors: str
    whole: str


def digests(path: Path) -> Digests:
    """Read the file through; OSError if that fails."""
    with path.open("rb") as file:
        begin = 0
        if path.suffix.lower() == ".safetensors":
            with contextlib.suppress(ValueError):
                begin = tensors_begin(file)
        file.seek(0)
        whole, tensors = hashlib.sha256(file.read(begin)), hashlib.sha256()
        while block := file.read(BLOCK):
            whole.update(block)
            tensors.update(block)
    return Digests(tensors.hexdigest(), whole.hexdigest())
