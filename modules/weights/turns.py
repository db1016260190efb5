"""A model that is larger than its device's memory: its parts take turns there, or the layers of its largest part do."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.weak import WeakIdKeyDictionary

log = logging.getLogger(__name__)

GIB = 1 << 30
BODY = "unet"  # the part whose layers may take turns
LEAST_WORK = GIB  # bytes that computing takes beside the weights, at the sizes people draw; more for larger networks
SHARE_OF_WORK = 0.15
SDXL = "SDXL"


class Way(IntEnum):
    """What is on the device at a time, with A1111's flag for it; each needs less memory and more time."""

    WHOLE = 0
    PARTS = 1  # --medvram
    LAYERS = 2  # --lowvram


def way_for(sizes: Mapping[str, int], free: int | None, wish: str = "", family: str = "") -> tuple[Way, str]:
    """How to use a model of these bytes by part where so many are free (None: as many as needed), and why, in words.

    `wish`: a flag's: `medvram`, `medvram_sdxl`, `lowvram`.
    """
    if wish == "lowvram":
        return Way.LAYERS, "as --lowvram says"
    if wish == "medvram" or (wish == "medvram_sdxl" and family == SDXL):
        return Way.PARTS, f"as --{wish.replace('_', '-')} says"
    if free is None:
        return Way.WHOLE, ""
    work = max(LEAST_WORK, int(sizes.get(BODY, 0) * SHARE_OF_WORK))
    whole, largest = sum(sizes.values()) + work, max(sizes.values(), default=0) + work
    if whole <= free:
        return Way.WHOLE, ""
    told = f"{free / GIB:.1f} GiB are free, and the whole model would need {whole / GIB:.1f}"
    return (Way.PARTS if largest <= free else Way.LAYERS), told


SAYS = {
    Way.PARTS: "its parts take turns on the device",
    Way.LAYERS: "its parts take turns on the device, and so do the layers of the largest",
}


class Turns:
    """Where a model's parts are. `enter` is called before a part is used; `sparing` makes do with less memory.

    A tensor that left the device is again the one that was in main memory before: nothing is copied back.
    """

    def __init__(self, device: torch.device, parts: Mapping[str, nn.Module], way: Way = Way.WHOLE):
        """The parts are in main memory where `way` is not WHOLE."""
        self.device = device
        self.way = way
        self.rows = 0  # at most so many in one call of the network; 0: all
        self._parts = dict(parts)
        self._resting = False
        self._inside = ""  # the part whose turn it is
        self._home: Any = WeakIdKeyDictionary()
        self._hooks: list[Any] = []
        if way == Way.LAYERS:
            self._let_layers_take_turns()

    def enter(self, name: str) -> None:
        """Have a part on the device, and where parts take turns, no other."""
        resting, self._resting = self._resting, False
        if self.way == Way.WHOLE:
            for part in self._parts.values() if resting else ():
                self.bring(part)
            return
        there = next(self._parts[name].parameters()).device.type == self.device.type
        if self._inside == name and there and not resting:  # a VAE file's tensors may have come in the meantime
            return
        self._inside = name
        for other, part in self._parts.items():
            if other != name:
                self.send(part)
        part = self._parts[name]
        if name == BODY and self.way == Way.LAYERS:
            for layer in _layers(part):
                self.send(layer)
            self.bring(part, without=set(_layers(part)))
        else:
            self.bring(part)

    def rest(self) -> None:
        """Have everything in main memory until a part is used again."""
        if self.device.type != "cpu" and not self._resting:
            for part in self._parts.values():
                self.send(part)
            self._resting = True
            empty(self.device)

    def sparing(self, ask: Callable[[slice], Tensor], rows: int) -> Tensor:
        """The network's answer for so many rows. Where memory does not hold the work, it goes on with less at a time.

        torch.OutOfMemoryError when the least is too much.
        """
        while True:
            size = min(self.rows or rows, rows)
            try:
                self.enter(BODY)
                return torch.cat([ask(slice(first, first + size)) for first in range(0, rows, size)])
            except torch.OutOfMemoryError:
                if size == 1 and self.way == Way.LAYERS:
                    raise
            self._spare(size)

    def _spare(self, size: int) -> None:
        self._inside = ""
        if size > 1:
            self.rows = size // 2
            log.warning("The device's memory does not hold %d rows at once; it goes on with %d.", size, self.rows)
        else:
            self.way = Way(self.way + 1)
            log.warning("The device's memory does not hold the work; from now on %s.", SAYS[self.way])
            if self.way == Way.LAYERS:
                self._let_layers_take_turns()
        empty(self.device)

    def _let_layers_take_turns(self) -> None:
        for layer in _layers(self._parts[BODY]):
            self._hooks.append(layer.register_forward_pre_hook(lambda module, given: self.bring(module)))
            self._hooks.append(layer.register_forward_hook(lambda module, given, answer: self.send(module)))

    def bring(self, part: nn.Module, without: set[nn.Module] | None = None) -> None:
        """A module's tensors to the device; those of some modules in it stay."""
        for tensor in _tensors(part, without or set()):
            if tensor.device.type != self.device.type:
                self._home[tensor] = tensor.data
                tensor.data = tensor.data.to(self.device, non_blocking=True)

    def send(self, part: nn.Module) -> None:
        """A module's tensors to main memory."""
        for tensor in _tensors(part, set()):
            if tensor.device.type != "cpu":
                home = self._home.pop(tensor, None)
                tensor.data = tensor.data.cpu() if home is None else home


def empty(device: torch.device) -> None:
    """Give memory that nothing uses back to the device."""
    gc.collect()
    if device.type in ("cuda", "xpu", "mps"):
        getattr(torch, device.type).empty_cache()


def _layers(part: nn.Module) -> list[nn.Module]:
    """The modules in a part's outermost lists."""
    found: list[nn.Module] = []
    for child in part.children():
        found += list(child) if isinstance(child, nn.ModuleList) else _layers(child)
    return found


def _tensors(part: nn.Module, without: set[nn.Module]) -> Iterator[Tensor]:
    if part in without:
        return
    yield from (one for one in (*part._parameters.values(), *part._buffers.values()) if one is not None)
    for child in part.children():
        yield from _tensors(child, without)


def bytes_of(tensors: Sequence[Tensor], dtype: torch.dtype) -> int:
    """How much memory tensors take once they are of a precision; quantised ones stay as they are."""
    return sum(one.numel() * (one.itemsize if hasattr(one, "quant_type") else dtype.itemsize) for one in tensors)
