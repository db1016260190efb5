"""TAESD (O. Boer Bohan, 2023, MIT): a small autoencoder for the same latents, nearly as good and many times faster.

Its weights lie in `models/VAE-approx`, as for A1111: `taesd_decoder.pth`, `taesd_encoder.pth`, for SDXL `taesdxl_…`.
"""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import AutoencoderTiny
from torch import Tensor

from modules.exceptions import CorruptFile, MissingNetwork
from modules.weights.tensorfile import read_tensors

SDXL_BELOW = 0.15  # SDXL's latents are scaled by 0.13025, SD 1.x's and 2.x's by 0.18215


class Taesd:
    """One half of it, `decoder` or `encoder`, for latents of a scale; on the device and in the precision of `like`."""

    def __init__(self, folder: Path, half: str, scale_factor: float, like: Tensor):
        self.path = folder / f"taesd{'xl' if scale_factor < SDXL_BELOW else ''}_{half}.pth"
        if not self.path.is_file():
            raise MissingNetwork(f"{self.path} is not there; put TAESD's file there, or choose Full. Full was used.")
        model = AutoencoderTiny()
        part = model.decoder if half == "decoder" else model.encoder
        # The original decoder's first layer only clamps and has no weights; here that is no layer.
        shift = 1 if half == "decoder" else 0
        try:
            named = {_moved(key, shift): tensor for key, tensor in read_tensors(self.path).items()}
            part.load_state_dict(named, strict=True)
        except (RuntimeError, ValueError) as error:
            raise CorruptFile(f"{self.path} is no TAESD {half}. Full was used.") from error
        self._part = part.to(like.device, like.dtype).eval().requires_grad_(False)
        self._like = like

    def __call__(self, x: Tensor) -> Tensor:
        """Pixels `[B,3,H,W]` of the UNet's latents `[B,4,H/8,W/8]`, or those of pixels; -1 to 1."""
        made = [self._part(one[None].to(self._like.device, self._like.dtype)).float() for one in x]
        return torch.cat(made)


def _moved(key: str, by: int) -> str:
    number, _, rest = key.partition(".")
    return f"layers.{int(number) - by}.{rest}"
