"""Networks on a model: the sum of what the wanted ones do, put on, changed and taken off module by module."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from modules.weights.networks.formats import Piece, add
from modules.weights.networks.reading import Network, Target

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Applied:
    """A network with the strengths it is wanted at; `dyn` cuts a LoRA's rank."""

    network: Network
    te: float = 1.0
    unet: float = 1.0
    dyn: int | None = None

    def strength(self, part: str) -> float:
        """The one for a part."""
        return self.unet if part == "unet" else self.te


Recipe = tuple[tuple[int, float, int | None], ...]  # per network on a module: which, how strong, of what rank


@dataclass(slots=True)
class _Base:
    """A module's own parameters while others stand in for them; `recipe` says what made those."""

    weight: nn.Parameter
    bias: nn.Parameter | None
    recipe: Recipe


class Overlay:
    """The networks on one model. Its own parameters are kept aside and put back, not computed back.

    Parameters are exchanged, never written to; a module without any network has its own object again.
    """

    def __init__(self, modules: Mapping[Target, nn.Module], changed: Callable[[str], None] = lambda part: None):
        """`changed` is told the part of each module that gets other parameters."""
        self._modules = modules
        self._changed = changed
        self._kept: dict[Target, _Base] = {}
        self._wanted: tuple[Applied, ...] = ()

    @torch.no_grad()
    def apply(self, wanted: Sequence[Applied]) -> list[str]:
        """Bring the model to these networks, in this order; a sentence for each that did not fit somewhere."""
        self._wanted = tuple(wanted)  # keeps the networks alive, for recipes know them by identity
        troubles: dict[str, str] = {}
        for target in self._touched(wanted):
            steps = [(one, one.network.pieces[target]) for one in wanted if _counts(one, target)]
            recipe = tuple((id(one.network), one.strength(target[0]), one.dyn) for one, _ in steps)
            kept = self._kept.get(target)
            if recipe != (kept.recipe if kept else ()):
                self._exchange(target, recipe, steps, troubles)
        for one in wanted:
            if one.network.pieces and not any(target in self._modules for target in one.network.pieces):
                name = one.network.path.name
                troubles[name] = f"{name} has no effect: it is made for another kind of model."
        return list(troubles.values())

    def _touched(self, wanted: Iterable[Applied]) -> list[Target]:
        targets = dict.fromkeys(self._kept)
        for one in wanted:
            targets |= dict.fromkeys(target for target in one.network.pieces if target in self._modules)
        return list(targets)

    def _exchange(
        self, target: Target, recipe: Recipe, steps: list[tuple[Applied, Piece]], troubles: dict[str, str]
    ) -> None:
        module: Any = self._modules[target]
        self._changed(target[0])
        base = self._kept.pop(target, None) or _Base(module.weight, getattr(module, "bias", None), ())
        module.weight, weight = base.weight, base.weight.float()
        if hasattr(module, "bias"):
            module.bias = base.bias
        bias: Tensor | None = None
        for one, piece in steps:
            try:
                weight, more = add(piece.to(weight.device), weight, one.strength(target[0]), one.dyn)
            except (ValueError, RuntimeError, IndexError) as error:
                name = one.network.path.name
                troubles[name] = f"{name} does not fit this model: its part for {target[1]} {_brief(error)}."
                continue
            if more is not None:
                bias = more if bias is None else bias + more
        if steps:
            self._kept[target] = _Base(base.weight, base.bias, recipe)
            module.weight = nn.Parameter(weight.to(base.weight.dtype), requires_grad=False)
            if bias is not None:
                whole = bias if base.bias is None else base.bias.float() + bias
                module.bias = nn.Parameter(whole.to(base.weight.dtype), requires_grad=False)


def _counts(one: Applied, target: Target) -> bool:
    return target in one.network.pieces and one.strength(target[0]) != 0


def _brief(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120].rstrip(".")
