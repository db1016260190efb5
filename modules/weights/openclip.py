"""open_clip's text tower under the names that transformers has for the same layers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from torch import Tensor

LAYER = "encoder.layers."
RENAMED = (
    (re.compile(r"^transformer\.resblocks\."), LAYER),
    (re.compile(r"\.ln_(\d)\."), r".layer_norm\1."),
    (re.compile(r"\.mlp\.c_fc\."), ".mlp.fc1."),
    (re.compile(r"\.mlp\.c_proj\."), ".mlp.fc2."),
    (re.compile(r"\.attn\."), ".self_attn."),
    (re.compile(r"^ln_final\."), "final_layer_norm."),
    (re.compile(r"^token_embedding\."), "embeddings.token_embedding."),
    (re.compile(r"^positional_embedding$"), "embeddings.position_embedding.weight"),
)
FUSED = re.compile(r"in_proj_(weight|bias)$")  # q, k and v one below the other
ATTENTION = ("q_proj", "k_proj", "v_proj", "out_proj")
PROJECTION = "text_projection"
UNUSED = ("logit_scale", "attn_mask")


def converted(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tower's tensors, without what is not part of transformers' CLIPTextModel."""
    made: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        if key in UNUSED or key.startswith(PROJECTION):
            continue
        for pattern, replacement in RENAMED:
            key = pattern.sub(replacement, key)
        fused = FUSED.search(key)
        if fused is None:
            made[key] = tensor
            continue
        for name, part in zip(ATTENTION, tensor.chunk(3), strict=False):
            made[f"{key[: fused.start()]}{name}.{fused[1]}"] = part
    return made


def projection(tensors: Mapping[str, Tensor]) -> Tensor | None:
    """What the pooled text is multiplied by from the right, `[D,P]`; files of other programs hold it as a layer."""
    layer = tensors.get(f"{PROJECTION}.weight")
    return tensors.get(PROJECTION) if layer is None else layer.T


def fused_groups(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Each attention module's name with underscores, and those of all four that open_clip computes together."""
    groups = {name: name.rpartition("self_attn_")[0] for name in names if name.endswith(ATTENTION)}
    return {name: tuple(f"{start}self_attn_{one}" for one in ATTENTION) for name, start in groups.items() if start}
