"""Latents to pixels, and a cheap linear view of latents for previews."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL
from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint
from torch import Tensor

from modules.exceptions import CorruptFile
from modules.weights.dimensions import VAE
from modules.weights.taesd import Taesd
from modules.weights.tensorfile import read_tensors

log = logging.getLogger(__name__)

TILE = 512  # pixels of a tile's side


class Vae:
    """The autoencoder with its scale: latents here are the UNet's, `[B,C,H/8,W/8]`, scale · (the VAE's − offset).

    `file` names the VAE file whose parameters it has now in place of the checkpoint's own.
    """

    def __init__(
        self, model: AutoencoderKL, scale_factor: float, offset: float = 0.0, enter: Callable[[], None] = lambda: None
    ):
        """`enter` is called before it is used. `rescue`: the precision to take when 16 bits do not do; None: none."""
        self.model = model
        self.enter = enter
        self.rescue: torch.dtype | None = None
        self.scale_factor = scale_factor
        self.offset = offset
        self.file: Path | None = None
        self.quick: dict[str, Taesd] = {}  # what encodes and decodes instead, by "encoder" and "decoder"
        self._preview: Tensor | None = None
        self._own: dict[str, Tensor] | None = None

    def wear(self, file: Path | None) -> None:
        """Take the parameters of a VAE file, or the checkpoint's own again. CorruptFile leaves things as they were."""
        if file == self.file:
            return
        own = self._own or self.model.state_dict()
        worn = own if file is None else read_vae(file, self.model.config, next(iter(own.values())))
        try:
            self.model.load_state_dict(worn, strict=True, assign=True)
        except RuntimeError as error:
            self.model.load_state_dict(own, strict=True, assign=True)
            raise CorruptFile(f"{file} is no VAE for this kind of model.") from error
        self._own, self.file = (None if file is None else own), file
        self.model.requires_grad_(False)
        self._preview = None

    @property
    def preview(self) -> Tensor:
        """The linear map to colours, see `_fit_preview`; made when first wanted, as a large VAE takes a second."""
        if self._preview is None:
            self._preview = _fit_preview(self)
        return self._preview

    def hurry(self, folder: Path, halves: Sequence[str]) -> None:
        """Let TAESD do these halves of the work. MissingNetwork or CorruptFile where its files are not there."""
        known, self.quick = self.quick, {}
        like = next(self.model.parameters())
        for half in halves:
            channels = self.model.config["latent_channels"]
            self.quick[half] = known.get(half) or Taesd(folder, half, self.scale_factor, like, channels)

    def encode(self, pixels: Tensor) -> Tensor:
        """Latents of pixels `[B,3,H,W]`, -1 to 1: the means; A1111 draws from a narrow distribution around them."""
        if "encoder" in self.quick:
            return self.quick["encoder"](pixels)
        self.enter()
        weight = next(self.model.parameters())
        moved = pixels.to(weight.device, weight.dtype)
        means = [self._fitting(self.model.encode, one[None]).latent_dist.mean.float() for one in moved]
        return (torch.cat(means) - self.offset) * self.scale_factor

    def decode(self, latents: Tensor) -> Tensor:
        """Pixels `[B,3,H,W]`, float32, about -1 to 1. One picture at a time, as memory peaks here."""
        if "decoder" in self.quick:
            return self.quick["decoder"](latents)
        self.enter()
        scaled = latents / self.scale_factor + self.offset
        return torch.cat([self._decoded(one[None]) for one in scaled])

    def _decoded(self, latent: Tensor) -> Tensor:
        """Where 16 bits do not hold what is in between, all comes out as no number: then with more of them."""
        weight = next(self.model.parameters())
        made: Tensor = self._fitting(self.model.decode, latent.to(weight.device, weight.dtype)).sample.float()
        again = weight.dtype == torch.float16 and self.rescue is not None
        if not (again and bool(made.isnan().all()) and not bool(latent.isnan().all())):
            return made
        log.warning(
            "The VAE's numbers went out of 16 bits; it goes on in %s. --no-half-vae does so at once.", self.rescue
        )
        torch.nn.Module.to(self.model, self.rescue)
        return self._decoded(latent)

    def _fitting(self, work: Callable[[Tensor], Any], x: Tensor) -> Any:
        """The work on the whole, or in overlapping tiles where the device's memory does not hold that."""
        try:
            return work(x)
        except torch.OutOfMemoryError:
            log.warning("The device's memory does not hold the whole picture in the VAE; it is computed in tiles.")
        if x.device.type == "cuda":
            torch.cuda.empty_cache()
        self.model.enable_tiling()
        self.model.tile_sample_min_size, self.model.tile_latent_min_size = TILE, TILE // 8
        try:
            return work(x)
        finally:
            self.model.disable_tiling()


def read_vae(file: Path, config: Mapping[str, Any], like: Tensor) -> dict[str, Tensor]:
    """The tensors of a VAE file under diffusers' names, on the device and in the precision of `like`.

    ldm's names are known with and without the checkpoint's prefix, diffusers' own as they are.
    """
    tensors = {key.removeprefix(VAE): tensor.to(like.device, like.dtype) for key, tensor in read_tensors(file).items()}
    if "decoder.mid_block.resnets.0.conv1.weight" in tensors:
        return tensors
    if "decoder.mid.block_1.conv1.weight" not in tensors:
        raise CorruptFile(f"{file.name} holds no VAE.")
    made: dict[str, Tensor] = convert_ldm_vae_checkpoint(tensors, config)
    return made


def _fit_preview(vae: Vae, side: int = 8) -> Tensor:
    """The linear map `[C+1,3]` (the channels and a constant) from a latent pixel to the mean colour of its 8×8 pixels.

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
    colours = colours.nan_to_num()
    known = torch.cat([rows, torch.ones(len(rows), 1)], 1)
    fitted: Tensor = torch.linalg.lstsq(known, colours[0].flatten(1).T).solution
    return fitted


def approximate(latent: Tensor, weights: Tensor) -> Tensor:
    """A picture `[3,H/8,W/8]`, -1 to 1, of a latent `[C,H/8,W/8]` by the fitted map."""
    flat = latent.detach().float().cpu().flatten(1)
    colours = weights[:-1].T @ flat + weights[-1][:, None]
    return colours.reshape(3, *latent.shape[1:]).clamp(-1, 1)
