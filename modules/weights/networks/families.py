"""Which family of models a file was made for: what its metadata says, else the widths of its tensors."""

from __future__ import annotations

import re

from modules.weights.networks.headers import Header

SD1, SD2, SDXL, UNKNOWN = "SD1", "SD2", "SDXL", "Unknown"
FAMILIES = (SD1, SD2, SDXL, UNKNOWN)

# How ss_base_model_version (kohya) and modelspec.architecture (Stability) begin.
TOLD = {
    "sdxl": SDXL, "sd_v1": SD1, "sd_1": SD1, "sd_v2": SD2, "sd_2": SD2,
    "stable-diffusion-xl": SDXL, "stable-diffusion-v1": SD1, "stable-diffusion-v2": SD2,
}  # fmt: skip
WIDTHS = {768: SD1, 1024: SD2, 1280: SDXL, 2048: SDXL}  # of the text that is read, 1280 where bigG's alone is
CROSS = re.compile(r"attn2[._](processor[._])?to_[kv]")
INPUT = re.compile(r"(down|lora_A)(\.default)?\.weight$|\.hada_w1_b$|\.diff$")  # as wide as the module's input
DEEP = re.compile(r"(input|output|middle|down|up|mid)_block.*transformer_blocks[._][1-9]")  # SD1 and SD2: one block
UNET = re.compile(r"unet|transformer|diffusion_model")
SECOND_ENCODER = re.compile(r"(lora_te2|te2|text_encoder_2)[._]")
ENCODER_INPUT = re.compile(r"^(base_model\.model\.)?(lora_te|te|text_encoder)[._].*(mlp[._]fc1|q_proj)")


def network_family(header: Header) -> str:
    """The family of a LoRA of any format, one of `FAMILIES`."""
    metadata = header.metadata
    said = [str(metadata.get(key, "")).lower() for key in ("ss_base_model_version", "modelspec.architecture")]
    for text in said:
        if found := next((family for start, family in TOLD.items() if text.startswith(start)), None):
            return found
    if metadata.get("ss_v2") == "True":
        return SD2
    silent = metadata.get("ss_v2") == "False" and not any(said)  # trainers of the time before SDXL
    return _measured(header) or (SD1 if silent else UNKNOWN)


def embedding_family(header: Header) -> str:
    """The family of a textual inversion."""
    if {"clip_l", "clip_g"} <= {name for name, _ in header.shapes}:
        return SDXL
    return WIDTHS.get(embedding_size(header)[1], UNKNOWN)


def embedding_size(header: Header) -> tuple[int, int]:
    """How many vectors a textual inversion has, and how wide they are, both encoders together; zeros if it is none."""
    both = {name: shape for name, shape in header.shapes if name in ("clip_l", "clip_g")}
    shapes = list(both.values()) if len(both) == 2 else [shape for _, shape in header.shapes[:1]]
    if not shapes or any(len(shape) not in (1, 2) for shape in shapes):
        return 0, 0
    return (shapes[0][0] if len(shapes[0]) == 2 else 1), sum(shape[-1] for shape in shapes)


def hypernetwork_family(header: Header) -> str:
    """The family of a hypernetwork: one of its networks is as wide as the text."""
    widths = {shape[-1] for _, shape in header.shapes if shape}
    return next((WIDTHS[width] for width in (768, 1024, 2048) if width in widths), UNKNOWN)


def _measured(header: Header) -> str | None:
    names = [name for name, _ in header.shapes]
    if any(DEEP.search(name) for name in names):
        return SDXL
    if any(UNET.search(name) for name in names):
        return _width(header, CROSS)
    return SDXL if any(SECOND_ENCODER.search(name) for name in names) else _width(header, ENCODER_INPUT)


def _width(header: Header, module: re.Pattern[str]) -> str | None:
    """The family by the input width of the modules that match."""
    widths = (
        shape[1] for name, shape in header.shapes if len(shape) > 1 and module.search(name) and INPUT.search(name)
    )
    return next((WIDTHS[width] for width in widths if width in WIDTHS), None)
