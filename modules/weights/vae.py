"""Latents to pixels, and a cheap linear view of latents for previews."""

from __future__ import annotations

import torch
from diffusers import AutoencoderKL
from torch import Tensor


class Vae:
    """The autoencoder with its scale: latents here are the UNet's, `[B,4,H/8,W/8]`."""

    def __init__(self, model: AutoencoderKL, scale_factor: float):
        self.model = model
        self.scale_factor = scale_factor
        self.preview = _fit_preview(self)

    def decode(self, latents: Tensor) -> Tensor:
        """Pixels `[B,3,H,W]`, float32, about -1 to 1. One picture at a time, as memory peaks here."""
        weight = next(self.model.parameters())
        scaled = latents.to(weight.device, weight.dtype) / self.scale_factor
        return torch.cat([self.model.decode(one[None]).sample.float() for one in scaled])


def _fit_preview(vae: Vae, side: int = 8) -> Tensor:
    """The linear map `[5,3]` (four channels and a constant) from a latent pixel to the mean colour of its 8×8 pixels.

    Least squares on one small random latent: a few milliseconds at load, and right for any VAE.
    """
    generator = torch.Generator("cpu").manual_seed(0)
    channels = vae.model.config["latent_channels"]
    latent = torch.randn(1, channels, side, side, generator=generator)
    latent = torch.nn.functional.interpolate(latent, scale_factor=2, mode="bilinear")
    with torch.inference_mode():
        pixels = vae.decode(latent).cpu()
    colours = torch.nn.functional.adaptive_avg_pool2d(pixels, 2 * side)
    rows = latent[0].flatten(1).T
    known = torch.cat([rows, torch.ones(len(rows), 1)], 1)
    fitted: Tensor = torch.linalg.lstsq(known, colours[0].flatten(1).T).solution
    return fitted


def approximate(latent: Tensor, weights: Tensor) -> Tensor:
    """A picture `[3,H/8,W/8]`, -1 to 1, of a latent `[4,H/8,W/8]` by the fitted map."""
    flat = latent.detach().float().cpu().flatten(1)
    colours = weights[:-1].T @ flat + weights[-1][:, None]
    return colours.reshape(3, *latent.shape[1:]).clamp(-1, 1)
