"""What a file of tensors is that is no checkpoint this program draws with, told by the names in it."""

from __future__ import annotations

import re
from collections.abc import Iterable

ALONE = "its text encoders belong into models/text_encoder, its VAE into models/VAE"
FOLDERS = CHECKPOINT, VAE, LORA, EMBEDDING, HYPERNETWORK, UPSCALER, TEXT_ENCODER = (
    "Checkpoint",
    "VAE",
    "LoRA",
    "Embedding",
    "Hypernetwork",
    "Upscaler",
    "Text encoder",
)
# The first whose pattern some name begins with; the more particular ones come first. Then in what folder it belongs.
KINDS = (
    (r"(?:.*[._])?(?:lora_(?:up|down|A|B|unet|te)|hada_w1|lokr_w|oft_blocks)", LORA, "a LoRA; put it into models/Lora"),
    (
        r"emb_params$|string_to_param|clip_[lg]$|<.*>$",
        EMBEDDING,
        "a textual inversion embedding; put it into embeddings",
    ),
    (r"control_model\.|controlnet_|input_hint_block\.", "", "a ControlNet, which this program does not use"),
    (r"image_proj\.|ip_adapter\.", "", "an IP-Adapter, which this program does not use"),
    (r"(?:model\.diffusion_model\.)?joint_blocks\.", CHECKPOINT, "part of an SD3 model; " + ALONE),
    (r"(?:model\.diffusion_model\.)?double_blocks\.", CHECKPOINT, "part of a Flux model; " + ALONE),
    (
        r"(?:down|up)_blocks\.\d|mid_block\.",
        "",
        "a UNet in diffusers' layout, which needs the folder of its whole model",
    ),
    (r"model\.diffusion_model\.", CHECKPOINT, "a UNet without its text encoder or VAE; " + ALONE),
    (r"(?:input|output)_blocks\.\d", CHECKPOINT, "a bare UNet; " + ALONE),
    (
        r"(?:first_stage_model\.)?(?:encoder|decoder)\.(?:conv_in|mid)",
        VAE,
        "a VAE without a model; put it into models/VAE",
    ),
    (
        r"(?:text_model|transformer\.(?:text_model|resblocks)|encoder\.block)\.",
        TEXT_ENCODER,
        "a text encoder without a model",
    ),
    (
        r"params_ema$|params$|model\.\d+\.sub\.|body\.\d+\.rdb\d|RRDB_trunk",
        UPSCALER,
        "an upscaler; put it into models/ESRGAN",
    ),
)


def kind_of(names: Iterable[str]) -> str | None:
    """What it is, with an article and with what to do; None if that cannot be told."""
    return _row(names)[1] or None


def folder_of(names: Iterable[str]) -> str:
    """In which of `FOLDERS` a file with these tensors belongs; empty if that cannot be told."""
    return _row(names)[0]


def _row(names: Iterable[str]) -> tuple[str, str]:
    known = list(names)
    for pattern, folder, what in KINDS:
        begins = re.compile(pattern)
        if any(begins.match(name) for name in known):
            return folder, what
    return "", ""
