"""What denoises, a UNet or a transformer of diffusers': how a file's tensors become it, and how it is asked.

In a row, `x` is a latent `[B,C,h,w]`, `t` `[B]` what the network is told of the noise, all in its own precision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import FluxTransformer2DModel, SD3Transformer2DModel, UNet2DConditionModel
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint
from torch import Tensor
from torch.nn import functional

from modules.sampling.prediction import Condition
from modules.weights import mmdit
from modules.weights.dimensions import UNET
from modules.weights.mmdit import PATCH
from modules.weights.networks.keys import ldm_names


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """diffusers' class; a file's tensors under its names; their modules' other names; the network's answer.

    `fused`: the file's names of what is several modules here.
    """

    cls: Any
    converted: Callable[[Mapping[str, Tensor], Mapping[str, Any]], dict[str, Tensor]]
    names: Callable[[list[str], Mapping[str, Any]], dict[str, str]]
    ask: Callable[[Any, Tensor, Tensor, Condition], Tensor]
    fused: Callable[[list[str], Mapping[str, Any]], dict[str, tuple[tuple[str, slice], ...]]] = lambda keys, _: {}


def _unet(tensors: Mapping[str, Tensor], arguments: Mapping[str, Any]) -> dict[str, Tensor]:
    part = {key: tensor for key, tensor in tensors.items() if key.startswith(UNET)}
    made: dict[str, Tensor] = convert_ldm_unet_checkpoint(part, arguments)
    return made


def _unet_names(keys: list[str], arguments: Mapping[str, Any]) -> dict[str, str]:
    named: Any = {key: key for key in keys if key.startswith(UNET)}
    return ldm_names(convert_ldm_unet_checkpoint(named, arguments).items())


def _ask_unet(unet: Any, x: Tensor, t: Tensor, condition: Condition) -> Tensor:
    seen = x if condition.image is None else torch.cat([x, condition.image], dim=1)
    answer: Tensor = unet(seen, t, condition.context, class_labels=condition.vector, return_dict=False)[0]
    return answer


def _ask_sd3(transformer: Any, x: Tensor, t: Tensor, condition: Condition) -> Tensor:
    answer = transformer(
        hidden_states=_whole(x),
        encoder_hidden_states=condition.context,
        pooled_projections=condition.vector,
        timestep=t * 1000,
        return_dict=False,
    )[0]
    return _cut(answer, x)


def _ask_flux(transformer: Any, x: Tensor, t: Tensor, condition: Condition) -> Tensor:
    seen = _whole(x if condition.image is None else torch.cat([x, condition.image], dim=1))
    rows, columns = seen.shape[2] // PATCH, seen.shape[3] // PATCH
    places = torch.zeros(rows, columns, 3, device=x.device)
    places[..., 1] += torch.arange(rows, device=x.device)[:, None]
    places[..., 2] += torch.arange(columns, device=x.device)[None]
    answer = transformer(
        hidden_states=functional.pixel_unshuffle(seen, PATCH).flatten(2).transpose(1, 2),
        encoder_hidden_states=condition.context,
        pooled_projections=condition.vector,
        timestep=t,
        guidance=condition.guidance,
        img_ids=places.flatten(0, 1),
        txt_ids=places.new_zeros(condition.context.shape[1], 3),
        return_dict=False,
    )[0]
    return _cut(functional.pixel_shuffle(answer.transpose(1, 2).unflatten(2, (rows, columns)), PATCH), x)


def _whole(x: Tensor) -> Tensor:
    """With an even number of rows and columns, the last ones repeated if need be."""
    height, width = x.shape[2:]
    return functional.pad(x, (0, width % PATCH, 0, height % PATCH), mode="replicate")


def _cut(answer: Tensor, x: Tensor) -> Tensor:
    return answer[:, :, : x.shape[2], : x.shape[3]]


BODIES: dict[str, Body] = {
    "unet": Body(cls=UNet2DConditionModel, converted=_unet, names=_unet_names, ask=_ask_unet),
    "sd3": Body(
        cls=SD3Transformer2DModel,
        converted=mmdit.converted,
        names=lambda keys, _: mmdit.alike(keys),
        ask=_ask_sd3,
        fused=mmdit.fused,
    ),
    "flux": Body(
        cls=FluxTransformer2DModel,
        converted=mmdit.converted,
        names=lambda keys, _: mmdit.alike(keys),
        ask=_ask_flux,
        fused=mmdit.fused,
    ),
}
