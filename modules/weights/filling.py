"""A file's tensors into a module's places: read straight where they are to be, without a copy on the way."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from modules.exceptions import CorruptFile
from modules.weights.gguffile import is_packed, packed_like, shape_of, unpacked, with_packed_layers
from modules.weights.tensorfile import Mapped, unreadable

MOST = 1 << 30  # bytes that one call to the system reads
READERS = min(4, os.cpu_count() or 1)  # threads that read at once: one does not use all of memory's or a disk's speed

Reads = list[tuple[int, int, Tensor, Mapped]]  # of an open file, from where on, into what


@dataclass(frozen=True, kw_only=True, slots=True)
class Filling:
    """What all parts of one checkpoint are filled from and with. `name` is the file's, for sentences.

    `mapped`: the files whose bytes the tensors are. `keeps`: tensors that stay in 32 bits. `storage`: the precision in
    which linear layers and convolutions keep theirs, where it is another one.
    """

    name: str
    device: torch.device
    dtype: torch.dtype
    mapped: Sequence[Mapped] = ()
    storage: torch.dtype | None = None
    keeps: Callable[[str], bool] = field(default=lambda key: False)

    def fill(self, model: Any, tensors: Mapping[str, Tensor]) -> Any:
        """The module with these values; its own tensors are written to where they fit. CorruptFile changes nothing."""
        if any(is_packed(one) for one in tensors.values()):
            with_packed_layers(model, dict(tensors), self.dtype)
        places = dict(_places(model))
        self._check(type(model).__name__, places, tensors)
        with ExitStack() as stack:
            files = {one.start: stack.enter_context(_opened(one)) for one in self.mapped}
            reads: Reads = []
            for key in sorted(tensors, key=lambda key: tensors[key].data_ptr()):  # as they lie in the file
                self._put(places[key], key, tensors[key], files, reads)
            _read_all(reads)
        return model.eval().requires_grad_(False) if model.training else model

    def _check(self, part: str, places: Mapping[str, _Place], tensors: Mapping[str, Tensor]) -> None:
        """Every place has its tensor, of its shape, and there is no other."""
        missing = next((key for key in places if key not in tensors), None)
        fault = next(
            (
                f"{key} has the shape {list(shape_of(one))} in place of {list(shape_of(places[key].tensor))}"
                for key, one in tensors.items()
                if key in places and shape_of(one) != shape_of(places[key].tensor) and not places[key].packed(one)
            ),
            None,
        )
        if missing:
            fault = f"{missing} is missing"
        elif extra := next((key for key in tensors if key not in places), None):
            fault = f"{extra[:80]} has no place in it"
        if fault:
            raise CorruptFile(f"{self.name} does not hold a whole {part}: {fault}.")

    def _put(self, place: _Place, key: str, source: Tensor, files: Mapping[int, int], reads: Reads) -> None:
        packed = is_packed(source) and place.packed(source)
        dtype = torch.float32 if self.keeps(key) else source.dtype if packed else self._dtype(place)
        if is_packed(source) and not packed:
            source = unpacked(source, dtype)
        target = place.tensor.data
        alike = target.dtype == dtype and target.shape == source.shape and target.device == self.device
        if packed:
            target = torch.empty_like(source.as_subclass(Tensor), device=self.device)
            place.set(packed_like(source, target))
        elif not alike:
            target = torch.empty(source.shape, dtype=dtype, device=self.device)
            place.set(target)
        self._copy(target, source.as_subclass(Tensor), files, reads)

    def _dtype(self, place: _Place) -> torch.dtype:
        stored = self.storage is not None and isinstance(place.module, (nn.Linear, nn.Conv2d))
        return self.storage if stored and self.storage else self.dtype

    def _copy(self, target: Tensor, source: Tensor, files: Mapping[int, int], reads: Reads) -> None:
        """Copy it now, or note that it can be read from the file."""
        if target.device.type == "cpu" and target.dtype == source.dtype and target.is_contiguous():
            for one in self.mapped:
                if (offset := one.offset(source)) is not None:
                    reads.append((files[one.start], offset, target, one))
                    return
        target.copy_(source)


@dataclass(slots=True)
class _Place:
    """Where a tensor of a module hangs."""

    module: nn.Module
    name: str
    tensor: Tensor

    def packed(self, source: Tensor) -> bool:
        """Can it take a quantised tensor as it is?"""
        if self.name != "weight" or not isinstance(self.module, nn.Linear) or not is_packed(source):
            return False
        return shape_of(source) == (self.module.out_features, self.module.in_features)

    def set(self, tensor: Any) -> None:
        """Exchange it."""
        self.tensor = tensor
        if self.name in self.module._buffers:
            self.module._buffers[self.name] = tensor
        else:
            whole = isinstance(tensor, nn.Parameter)
            self.module._parameters[self.name] = tensor if whole else nn.Parameter(tensor, requires_grad=False)


def _places(model: nn.Module) -> Iterator[tuple[str, _Place]]:
    """All places of a module that a file has tensors for, by name."""
    for prefix, module in model.named_modules():
        hidden = module._non_persistent_buffers_set
        own = module._parameters | {name: one for name, one in module._buffers.items() if name not in hidden}
        for name, tensor in own.items():
            if tensor is not None:
                yield f"{prefix}.{name}".lstrip("."), _Place(module, name, tensor)


@contextmanager
def _opened(mapped: Mapped) -> Iterator[int]:
    try:
        file = os.open(mapped.path, os.O_RDONLY)
    except OSError as error:
        raise unreadable(mapped.path, error) from error
    try:
        yield file
    finally:
        os.close(file)


def _read_all(reads: Reads) -> None:
    """Each thread takes the next one; what one of them raises, this raises."""
    waiting = iter(reads)

    def work() -> None:
        for one in waiting:
            _read(*one)

    with ThreadPoolExecutor(READERS) as pool:
        for done in [pool.submit(work) for _ in range(READERS)]:
            done.result()


def _read(file: int, offset: int, target: Tensor, mapped: Mapped) -> None:
    """Bytes of a file into a tensor's memory."""
    values: Any = target.view(-1).view(torch.uint8).numpy()
    view = memoryview(values)
    done = 0
    while done < len(view):
        count = os.preadv(file, [view[done : done + MOST]], offset + done)
        if count <= 0:
            raise CorruptFile(f"{mapped.path.name} became shorter while it was read; download it again.")
        done += count
