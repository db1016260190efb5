"""What is in a pickle of tensors, from its opcodes alone: nothing is built, so there is nothing that could run.

Notation of Python's `pickletools`; how torch writes a tensor: `_rebuild_tensor_v2(storage, offset, size, stride, …)`.
"""

from __future__ import annotations

import pickletools
import re
from typing import Any, BinaryIO

TOLD = ("step", "sd_checkpoint", "sd_checkpoint_name")  # values that A1111 writes beside an embedding
HARMLESS = re.compile(
    r"collections OrderedDict|(builtins|__builtin__) set"
    r"|torch (Size|Tensor|device|dtype|(b?float|u?int|bool|complex)\w*)|torch(\.cuda|\.storage)? \w+Storage"
    r"|torch\._utils _rebuild_\w+|torch\.nn\.(parameter Parameter|modules\.container ParameterDict)"
)
REBUILD = "torch._utils _rebuild_"
Shapes = tuple[tuple[str, tuple[int, ...]], ...]


class Foreign(Exception):
    """A pickle that names something else than tensors and plain tables."""


def outline(stream: BinaryIO) -> tuple[Shapes, dict[str, Any]]:
    """Names and shapes of the tensors in the pickle that begins here, and of its plain values those in `TOLD`."""
    reader = _Reader()
    for opcode, value, _ in pickletools.genops(stream):
        reader.take(opcode.name, value)
    return tuple(reader.shapes), reader.told


class _Reader:
    """Follows the opcodes as far as needed: which text came last, and which numbers follow a storage."""

    def __init__(self) -> None:
        self.shapes: list[tuple[str, tuple[int, ...]]] = []
        self.told: dict[str, Any] = {}
        self._memo: dict[int, Any] = {}
        self._last: Any = None  # what was pushed last, if it is a plain value
        self._words: list[str] = []
        self._name = ""  # of the tensor that is being rebuilt
        self._numbers: list[int] | None = None  # offset and size behind a storage

    def take(self, opcode: str, value: Any) -> None:
        """The next opcode with its argument."""
        if opcode in ("BINPUT", "LONG_BINPUT", "PUT", "MEMOIZE"):
            self._memo[len(self._memo) if value is None else value] = self._last
        elif opcode in ("BINGET", "LONG_BINGET", "GET"):
            self._push(self._memo.get(value))
        elif opcode in ("GLOBAL", "INST", "STACK_GLOBAL"):
            self._named(self._taken() if value is None else value)
        elif opcode.startswith("EXT"):
            raise Foreign("an extension")
        elif opcode == "BINPERSID":
            self._numbers = []
        elif "TUPLE" in opcode:
            self._close()
        else:
            self._push(value)

    def _named(self, name: str) -> None:
        if not HARMLESS.fullmatch(name):
            raise Foreign(name.replace(" ", ".")[:80])
        self._push(name)

    def _taken(self) -> str:
        """The last two texts, which since protocol 4 are what a name is made of."""
        module, name = self._words[-2:]
        del self._words[-2:]
        return f"{module} {name}"

    def _push(self, value: Any) -> None:
        if isinstance(value, str) and value.startswith(REBUILD):
            self._name = self._words[-1] if self._words else ""
        elif isinstance(value, str):
            self._words.append(value)
        elif isinstance(value, int) and self._numbers is not None:
            self._numbers.append(value)
        if isinstance(self._last, str) and self._last in TOLD and (value is None or isinstance(value, (int, str))):
            self.told[self._last] = value
        self._last = value

    def _close(self) -> None:
        """A tuple ends; the first one behind a storage is the tensor's size."""
        if self._numbers:
            self.shapes.append((self._name, tuple(self._numbers[1:])))
        self._numbers = self._last = None
