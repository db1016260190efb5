"""What a request may change in a loaded model: seamless edges, merged tokens, FreeU, hypernetworks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.upsampling import Upsample2D
from tomesd.merge import bipartite_soft_matching_random2d  # type: ignore[import-untyped]
from torch import Tensor, nn
from torch.nn import functional

from modules.weights.networks.hypernetwork import Hypernetwork, put_on


@dataclass(frozen=True, kw_only=True, slots=True)
class Alterations:
    """All of them; `merging` is the share of tokens merged, `freeu` its b1, b2, s1, s2."""

    tiling: bool = False
    merging: float = 0.0
    freeu: tuple[float, float, float, float] | None = None
    hypernetworks: tuple[tuple[Hypernetwork, float], ...] = ()


class Altered:
    """A model's parts with the alterations they have now; `apply` brings them to the wanted state, whatever it was."""

    def __init__(self, unet: UNet2DConditionModel, vae: AutoencoderKL):
        self._unet = unet
        self._vae = vae
        self._now = Alterations()
        self._merging: list[Any] = []
        self._bending: list[Any] = []
        fit_odd_sizes(unet)

    def apply(self, wanted: Alterations) -> None:
        """Change what differs."""
        if wanted.tiling != self._now.tiling:
            for part in (self._unet, self._vae):
                wrap_edges(part, wanted.tiling)
        if wanted.merging != self._now.merging:
            for handle in self._merging:
                handle.remove()
            self._merging = merge_tokens(self._unet, wanted.merging) if wanted.merging else []
        if wanted.freeu != self._now.freeu:
            self._unet.disable_freeu()
            if wanted.freeu:
                b1, b2, s1, s2 = wanted.freeu
                self._unet.enable_freeu(s1=s1, s2=s2, b1=b1, b2=b2)
        if wanted.hypernetworks != self._now.hypernetworks:
            for handle in self._bending:
                handle.remove()
            self._bending = put_on(self._unet, wanted.hypernetworks)
        self._now = wanted


def wrap_edges(part: nn.Module, on: bool) -> None:
    """Let every convolution see the opposite edge beyond an edge, or zeros again."""
    for layer in part.modules():
        if isinstance(layer, nn.Conv2d):
            layer.padding_mode = "circular" if on else "zeros"


def merge_tokens(unet: UNet2DConditionModel, ratio: float) -> list[Any]:
    """Bolya & Hoffman 2023 (arXiv 2303.17604): self-attention at the latent's own size computes alike tokens once.

    Answers the hooks' handles; removing them ends it.
    """
    size: list[int] = [0, 0]

    def see(module: nn.Module, given: tuple[Any, ...]) -> None:
        size[:] = given[0].shape[-2:]

    handles: list[Any] = [unet.register_forward_pre_hook(see)]
    for block in unet.modules():
        if isinstance(block, BasicTransformerBlock):
            handles += _merging(block, size, ratio)
    return handles


def _merging(block: BasicTransformerBlock, size: list[int], ratio: float) -> list[Any]:
    matched: list[tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = []

    def match(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        tokens, (height, width) = given[0], size
        matched.clear()
        if tokens.shape[1] == height * width:  # a deeper level has too little to win
            count = int(tokens.shape[1] * ratio)
            matched.append(bipartite_soft_matching_random2d(tokens, width, height, 2, 2, count, no_rand=True))

    def before(module: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
        return (matched[0][0](given[0]), *given[1:]) if matched else None

    def after(module: nn.Module, given: tuple[Tensor, ...], answer: Tensor) -> Tensor | None:
        return matched[0][1](answer) if matched else None

    return [
        block.register_forward_pre_hook(match),
        block.attn1.register_forward_pre_hook(before),
        block.attn1.register_forward_hook(after),
    ]


def fit_odd_sizes(unet: UNet2DConditionModel) -> None:
    """Where a level's size is odd, double first and cut the result to the skip connection's size, as A1111 does.

    diffusers stretches before its convolution instead, which gives another picture.
    """
    for layer in unet.modules():
        if isinstance(layer, Upsample2D):
            layer.forward = _doubling(layer.forward)


def _doubling(forward: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def fitted(hidden: Tensor, output_size: Any = None, *args: Any, **kwargs: Any) -> Tensor:
        made = forward(hidden)
        if output_size is None or tuple(made.shape[-2:]) == tuple(output_size):
            return made
        return functional.interpolate(made, size=output_size, mode="nearest")

    return fitted
