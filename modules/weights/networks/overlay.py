"""Networks on a model: the sum of what the wanted ones do, put on, changed and taken off module by module."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from modules.weights.gguffile import is_packed, unpacked
from modules.weights.networks.formats import Piece, add
from modules.weights.networks.fused import Fused, unfused
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


Recipe = tuple[Any, ...]  # what made a module's parameters: networks, strengths and ranks, and in which way


@dataclass(slots=True)
class _Changed:
    """A module's own parameters while others stand in for them, or a hook adds to its answers."""

    weight: nn.Parameter
    bias: nn.Parameter | None
    recipe: Recipe
    hook: Any = None
    troubles: dict[str, str] = field(default_factory=dict)


class Overlay:
    """The networks on one model. Its own parameters are kept aside and put back, not computed back.

    Parameters are exchanged, never written to; a module without any network has its own object again.
    """

    def __init__(
        self,
        modules: Mapping[Target, nn.Module],
        changed: Callable[[str], None] = lambda part: None,
        groups: Mapping[Target, tuple[Target, ...]] | None = None,
        fused: Fused | None = None,
    ):
        """`changed` is told the part of each module that gets other parameters.

        `groups`: modules that a network changes together with all others of their group, or not at all. `fused`: names
        that networks have for several of the modules at once.
        """
        self._modules = modules
        self._changed = changed
        self._groups = groups or {}
        self._fused = fused or {}
        self._cut: dict[int, tuple[Network, Network]] = {}
        self._kept: dict[Target, _Changed] = {}
        self._wanted: tuple[Applied, ...] = ()

    @torch.no_grad()
    def apply(self, wanted: Sequence[Applied], by_hooks: bool = False) -> list[str]:
        """Bring the model to these networks, in this order; a sentence for each that does not fit somewhere.

        `by_hooks` leaves linear layers and convolutions as they are and adds what the change makes of their input.
        """
        wanted = [replace(one, network=self._unfused(one.network)) for one in wanted]
        self._wanted = tuple(wanted)  # keeps the networks alive, for recipes know them by identity
        for target in self._touched(wanted):
            steps = [(one, one.network.pieces[target]) for one in wanted if self._counts(one, target)]
            recipe = (by_hooks, *((id(one.network), one.strength(target[0]), one.dyn) for one, _ in steps))
            kept = self._kept.get(target)
            if (recipe if steps else None) == (kept.recipe if kept else None):
                continue
            self._changed(target[0])
            self._take_off(target)
            if steps:
                self._put_on(target, recipe, steps)
        told = {name: sentence for kept in self._kept.values() for name, sentence in kept.troubles.items()}
        for one in wanted:
            if one.network.pieces and not any(target in self._modules for target in one.network.pieces):
                name = one.network.path.name
                told[name] = f"{name} has no effect: it is made for another kind of model."
        return list(told.values())

    def _unfused(self, network: Network) -> Network:
        """The same object each time, as long as the network is wanted."""
        if not self._fused:
            return network
        known = self._cut.get(id(network))
        if known is None or known[0] is not network:
            self._cut = {
                id(one): (one, cut) for one, cut in self._cut.values() if any(cut is w.network for w in self._wanted)
            }
            known = self._cut[id(network)] = network, unfused(network, self._fused)
        return known[1]

    def _touched(self, wanted: Iterable[Applied]) -> list[Target]:
        targets = dict.fromkeys(self._kept)
        for one in wanted:
            targets |= dict.fromkeys(target for target in one.network.pieces if target in self._modules)
        return list(targets)

    def _counts(self, one: Applied, target: Target) -> bool:
        needed = self._groups.get(target, (target,))
        return one.strength(target[0]) != 0 and all(every in one.network.pieces for every in needed)

    def _take_off(self, target: Target) -> None:
        kept, module = self._kept.pop(target, None), cast("Any", self._modules[target])
        if kept is None:
            return
        module.weight = kept.weight
        if hasattr(module, "bias"):
            module.bias = kept.bias
        if kept.hook is not None:
            kept.hook.remove()

    def _put_on(self, target: Target, recipe: Recipe, steps: list[tuple[Applied, Piece]]) -> None:
        module: Any = self._modules[target]
        kept = self._kept[target] = _Changed(module.weight, getattr(module, "bias", None), recipe)
        by_hook = (recipe[0] or is_packed(module.weight)) and isinstance(module, (nn.Linear, nn.Conv2d))
        weight, bias = _summed(kept, target, [(one, p.without_core()) for one, p in steps] if by_hook else steps)
        if by_hook:
            kept.hook = module.register_forward_hook(_adding(weight - unpacked(kept.weight, torch.float32), bias))
            return
        module.weight = nn.Parameter(weight.to(kept.weight.dtype), requires_grad=False)
        if bias is not None:
            whole = bias if kept.bias is None else kept.bias.float() + bias
            module.bias = nn.Parameter(whole.to(kept.weight.dtype), requires_grad=False)


def _summed(kept: _Changed, target: Target, steps: list[tuple[Applied, Piece]]) -> tuple[Tensor, Tensor | None]:
    """The module's weight after all networks and what they add to its bias; what does not fit is noted."""
    weight, bias = unpacked(kept.weight, torch.float32), None
    for one, piece in steps:
        try:
            weight, more = add(piece.to(weight.device), weight, one.strength(target[0]), one.dyn)
        except (ValueError, RuntimeError, IndexError) as error:
            name = one.network.path.name
            kept.troubles[name] = f"{name} does not fit this model: its part for {target[1]} {_brief(error)}."
            continue
        if more is not None:
            bias = more if bias is None else bias + more
    return weight, bias


def _adding(delta: Tensor, bias: Tensor | None) -> Callable[[Any, tuple[Tensor, ...], Tensor], Tensor]:
    def add_to(module: Any, given: tuple[Tensor, ...], answer: Tensor) -> Tensor:
        x = given[0].float()
        if isinstance(module, nn.Linear):
            return answer + functional.linear(x, delta, bias).to(answer.dtype)
        more = functional.conv2d(x, delta, bias, module.stride, module.padding, module.dilation, module.groups)
        return answer + more.to(answer.dtype)

    return add_to


def _brief(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120].rstrip(".")
