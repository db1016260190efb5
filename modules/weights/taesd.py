"""TAESD (O. Boer Bohan, 2023, MIT): a small autoencoder for the same latents, nearly as good and many times faster.

Its weights lie in `models/VAE-approx`, as for A1111: `taesd_decoder.pth`, `taesd_encoder.pth`, for SDXL `taesdxl_…`,
for SD3 `taesd3_…`, for Flux `taef1_…`.
"""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import AutoencoderTiny
from torch import Tensor

from modules.exceptions import CorruptFile, MissingNetwork
from modules.weights.tensorfile import read_tensors

NAMES = ((0.15, "taesdxl"), (0.3, "taesd"), (1.0, "taef1"))  # up to which scale of latents it is which
OTHER = "taesd3"


class Taesd:
    """One half of it, `decoder` or `encoder`, for latents of a scale; on the device and in the precision of `like`."""

    def __init__(self, folder: Path, half: str, scale_factor: float, like: Tensor, channels: int = 4):
        name = next((name for below, name in NAMES if scale_factor < below), OTHER)
        self.path = folder / f"{name}_{half}.pth"
        if not self.path.is_file():
            raise MissingNetwork(f"{self.path} is not there; put TAESD's file there, or choose Full. Full was used.")
        model = AutoencoderTiny(latent_channels=channels)
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
        """Pixels `[B,3,H,W]` of the UNet's latents `[B,C,H/8,W/8]`, or those of pixels; -1 to 1."""
        made = [self._part(one[None].to(self._like.device, self._like.dtype)).float() for one in x]
        return torch.cat(made)


def _moved(key: str, by: int) -> str:
    number, _, rest = key.partition(".")
    return f"layers.{int(number) - by}.{rest}"
