"""Which module a network's tensor is for: kohya's, ldm's, diffusers' and PEFT's names for the same places."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from torch import nn

# The parts of a tensor's name that are its own, not the module's; the first match ends the module's name.
OWN = re.compile(
    r"[._](?P<own>(?:lora_(?:up|down|mid)|a1|a2|b1|b2)\.weight|alpha|scale|dora_scale|on_input|rescale|diff_b|diff|w_norm|b_norm"
    r"|hada_(?:w1_a|w1_b|w2_a|w2_b|t1|t2)|lokr_(?:w1_a|w1_b|w2_a|w2_b|w1|w2|t1|t2)|oft_(?:blocks|diag)|weight)$"
)
# Other programs' names of a LoRA's two matrices, brought to kohya's.
RENAMED = (
    (re.compile(r"\.processor\."), "."),
    (re.compile(r"\.(to_q|to_k|to_v|to_out)_lora\."), r".\1.lora."),
    (re.compile(r"\.to_out\.(?!0\.)"), ".to_out.0."),
    (re.compile(r"\.lora_linear_layer\."), ".lora."),
    (re.compile(r"\.lora_A(?:\.default)?\.weight$"), ".lora_down.weight"),
    (re.compile(r"\.lora_B(?:\.default)?\.weight$"), ".lora_up.weight"),
    (re.compile(r"\.lora\.(up|down)\.weight$"), r".lora_\1.weight"),
    (re.compile(r"\.lora_magnitude_vector(?:\.default)?(?:\.weight)?$"), ".dora_scale"),
)
# How the names of a part begin, in every dialect; the longest that fits counts. The text towers are numbered.
BEGINNINGS = {
    "lora_unet_": "unet",
    "lycoris_": "unet",
    "unet.": "unet",
    "transformer.": "unet",
    "diffusion_model.": "unet",
    "model.diffusion_model.": "unet",
    "lora_te_": "te1",
    "lora_te1_": "te1",
    "lora_te2_": "te2",
    "lora_te3_": "te3",
    "text_encoder.": "te1",
    "text_encoder_2.": "te2",
}


def split(key: str) -> tuple[str, str, str] | None:
    """(part, module with underscores, the tensor's own name) of a tensor's key; None if it is no network's."""
    key = key.removeprefix("base_model.model.")
    for pattern, replacement in RENAMED:
        key = pattern.sub(replacement, key)
    found = OWN.search(key)
    beginning = max((b for b in BEGINNINGS if key.startswith(b)), key=len, default=None)
    if found is None or beginning is None:
        return None
    module = key[len(beginning) : found.start()].replace(".", "_")
    return BEGINNINGS[beginning], module.removeprefix("text_model_"), found["own"]


def modules(part: nn.Module, also: Mapping[str, str] | None = None) -> dict[str, nn.Module]:
    """A part's modules that have a weight by their names with underscores. `also`: other names → the part's own."""
    own = {name: module for name, module in part.named_modules() if hasattr(module, "weight")}
    named = {plain(name): module for name, module in own.items()}
    return named | {plain(other): own[name] for other, name in (also or {}).items() if name in own}


def plain(name: str) -> str:
    """A module's name as kohya writes it."""
    return name.removeprefix("text_model.").replace(".", "_")


def ldm_names(converted: Iterable[tuple[str, str]]) -> dict[str, str]:
    """ldm module → diffusers module, from pairs of (diffusers tensor, ldm tensor)."""
    pairs = ((theirs.removeprefix("model.diffusion_model."), ours) for ours, theirs in converted)
    return {theirs.rsplit(".", 1)[0]: ours.rsplit(".", 1)[0] for theirs, ours in pairs}
