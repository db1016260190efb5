"""How many channels a checkpoint's network is given, told by its header alone: more than 4 where it sees a picture."""

from __future__ import annotations

import json

from modules.exceptions import ModelError
from modules.weights.library import Checkpoint
from modules.weights.networks import headers

UNET_IN = "model.diffusion_model.input_blocks.0.0.weight"
LATENT, EDITING = 4, 8  # channels of a UNet's latent, alone and with the picture that is to be edited


def channels(checkpoint: Checkpoint) -> int | None:
    """The input channels of its UNet; None where the file does not tell."""
    path = checkpoint.path
    try:
        if path.is_dir():
            return int(json.loads((path / "unet/config.json").read_text(encoding="utf-8"))["in_channels"])
        found = None if path.suffix.lower() == ".gguf" else headers.read(path)
    except (OSError, ValueError, LookupError, TypeError, ModelError):
        return None
    shape = dict(found.shapes).get(UNET_IN, ()) if found else ()
    return shape[1] if len(shape) > 1 else None


def edits(checkpoint: Checkpoint) -> bool:
    """Whether it draws a given picture anew as it is told to, as InstructPix2Pix does."""
    return channels(checkpoint) == EDITING
