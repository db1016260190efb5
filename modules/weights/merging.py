"""Checkpoints become one: tensor by tensor, so that no more than one of them is ever held beside the mapped files."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from modules.exceptions import CorruptFile, WebuiError
from modules.weights.dimensions import VAE
from modules.weights.library import Checkpoint
from modules.weights.recipe import DIFFERENCE, LETTERS, SOURCES, Planned, merges, written
from modules.weights.tensorfile import Tensors, read_tensors

Tell = Callable[[int, int], None]  # tensors done, of how many; may raise to end the work
NAMES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8",
    torch.bool: "BOOL", torch.float8_e4m3fn: "F8_E4M3", torch.float8_e5m2: "F8_E5M2",
}  # fmt: skip
ALIGNED = 8  # bytes that a safetensors header is padded to


def merge(plan: Planned, hashed: tuple[Checkpoint, ...], tell: Tell) -> Path:
    """Write the new checkpoint, whole or not at all; its path. CorruptFile, WebuiError or what `tell` raises."""
    models = [read_tensors(one.path) for one in plan.models]
    mixture = Mixture(plan, models, read_tensors(plan.vae) if plan.vae else {})
    if not mixture.names:
        raise WebuiError(f"{plan.merge.discard_weights!r} leaves nothing of the checkpoint.")
    metadata = written(plan, hashed)
    plan.target.parent.mkdir(parents=True, exist_ok=True)
    temporary = plan.target.with_name(plan.target.name + ".part")
    try:
        if plan.merge.checkpoint_format == "safetensors":
            _write(temporary, mixture, metadata, tell)
        else:
            torch.save({"state_dict": dict(_told(mixture, tell))}, temporary)
        os.replace(temporary, plan.target)
    except OSError as error:
        raise WebuiError(f"{plan.target} could not be written: {error.strerror or error}.") from error
    finally:
        temporary.unlink(missing_ok=True)
    _copy_config(plan)
    return plan.target


@dataclass(frozen=True, slots=True)
class Mixture:
    """What the new file holds, each tensor made when it is asked for."""

    plan: Planned
    models: list[Tensors]
    vae: Tensors

    @property
    def names(self) -> list[str]:
        """Of its tensors: the widest first, as safetensors aligns them."""
        discard = self.plan.discard
        kept = (name for name in self.models[0] if discard is None or not discard.search(name))
        return sorted(kept, key=lambda name: (-self.dtype(name).itemsize, name))

    def dtype(self, name: str) -> torch.dtype:
        """Of the tensor in the new file, known before it is made."""
        own, baked = self.models[0][name], self._baked(name)
        made = own.dtype if baked is None else baked.dtype
        if baked is None and self._mixed(name) is not None and own.itemsize > 1:
            for other in self._others(name):  # an inpainting model's tensor keeps its own type
                if other.shape == own.shape and other.itemsize > 1:
                    made = torch.promote_types(made, other.dtype)
        return torch.float16 if self.plan.merge.save_as_half and made == torch.float32 else made

    def tensor(self, name: str) -> Tensor:
        """The tensor as the new file has it."""
        baked = self._baked(name)
        made = baked if baked is not None else self._mix(name)
        return made.to(self.dtype(name)).contiguous()

    def _baked(self, name: str) -> Tensor | None:
        if not name.startswith(VAE):
            return None
        found = self.vae.get(name.removeprefix(VAE), self.vae.get(name))
        return found if found is not None and found.shape == self.models[0][name].shape else None

    def _mixed(self, name: str) -> Tensor | None:
        """B's tensor, where A's is mixed with it."""
        if len(self.models) == 1 or not merges(name) or not self.models[0][name].is_floating_point():
            return None
        return self.models[1].get(name)

    def _others(self, name: str) -> list[Tensor]:
        return [one[name] for one in self.models[1:] if name in one]

    def _mix(self, name: str) -> Tensor:
        """A·(1−M) + B·M, or A + (B−C)·M, in the files' own precision, as A1111 computes it."""
        own, other = self.models[0][name], self._mixed(name)
        if other is None:
            return own
        if own.shape != other.shape:  # an inpainting or instruct-pix2pix model: what it is given besides stays
            made = own.clone()
            made[:, :4] = self._blend(own[:, :4], name, other)
            return made
        return self._blend(own, name, other)

    def _blend(self, own: Tensor, name: str, other: Tensor) -> Tensor:
        share = self.plan.merge.multiplier
        if self.plan.merge.interp_method == DIFFERENCE:
            third = self.models[2].get(name)
            difference = torch.zeros_like(_wide(other)) if third is None else _wide(other) - _wide(third)
            return _wide(own) + difference * share
        return (1 - share) * _wide(own) + share * _wide(other)


def _wide(tensor: Tensor) -> Tensor:
    """The tensor in a precision that can be computed in."""
    return tensor.float() if tensor.itemsize == 1 else tensor


def _told(mixture: Mixture, tell: Tell) -> Iterator[tuple[str, Tensor]]:
    names = mixture.names
    for place, name in enumerate(names):
        tell(place, len(names))
        yield name, mixture.tensor(name)
    tell(len(names), len(names))


def _write(path: Path, mixture: Mixture, metadata: dict[str, str], tell: Tell) -> None:
    """A safetensors file: its header's length in 8 bytes, the header as JSON, then the tensors one after another."""
    head: dict[str, object] = {"__metadata__": metadata} if metadata else {}
    end = 0
    for name in mixture.names:
        shape, dtype = list(mixture.models[0][name].shape), mixture.dtype(name)
        if dtype not in NAMES:
            raise CorruptFile(f"{name} is of a type that safetensors does not know ({dtype}).")
        begin, end = end, end + mixture.models[0][name].numel() * dtype.itemsize
        head[name] = {"dtype": NAMES[dtype], "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNED)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, tensor in _told(mixture, tell):
            file.write(tensor.reshape(-1).view(torch.uint8).numpy().data if tensor.numel() else b"")
        file.flush()
        os.fsync(file.fileno())


def _copy_config(plan: Planned) -> None:
    """The .yaml that the recipe names goes beside the new file."""
    wanted = plan.merge.config_source
    if wanted == SOURCES[-1]:
        return
    chosen = plan.models if wanted == SOURCES[0] else plan.models[LETTERS.index(wanted) :][:1]
    config = next((one.sidecar for one in chosen if one.sidecar), None)
    if config is not None:
        shutil.copyfile(config, plan.target.with_suffix(".yaml"))
