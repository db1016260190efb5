"""Latents to start from: of given images, and of a first stage's pictures enlarged."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from modules.exceptions import ParameterError
from modules.generate.batch import Batch, Start
from modules.generate.request import Img2Img, Txt2Img
from modules.generate.source import LATENT_NOISE, LATENT_NOTHING, Source, kept_share
from modules.generate.stages import LATENT_MODES, Enlarged, enlarged
from modules.imaging import pixels, resize
from modules.sampling.rng import NoiseSource


def of_source(batch: Batch, source: Source) -> Start:
    """The images of a request as the latents of a batch."""
    request = batch.plan.request
    assert isinstance(request, Img2Img)
    device = batch.model.place.device
    shown = torch.from_numpy(source.pixels())
    latent = batch.model.vae.encode(shown)
    if request.resize_mode == resize.LATENT:
        latent = functional.interpolate(latent, size=batch.noise.shape[1:], mode="bilinear")
    if len(batch.seeds) % len(latent):
        raise ParameterError(
            f"{len(latent)} images do not go into batches of {len(batch.seeds)}; give one, or as many as the batch has."
        )
    latent = latent.repeat(len(batch.seeds) // len(latent), 1, 1, 1)
    if source.mask is None:
        return Start(latent, pixels=shown)
    height, width = latent.shape[2:]
    kept = torch.from_numpy(kept_share(request, source.mask, lambda: (width, height))).to(device)[None, None]
    if request.inpainting_fill in (LATENT_NOISE, LATENT_NOTHING):
        latent = latent * kept
        if request.inpainting_fill == LATENT_NOISE:
            view = batch.plan.view
            noise = NoiseSource(view.randn_source, batch.seeds, batch.noise.shape, device).first()
            latent = latent + noise * (1 - kept)
    hole = torch.from_numpy(np.asarray(source.mask, np.float32) / 255)[None, None]
    return Start(latent, kept, shown, hole.round() if request.hard_mask else hole)


def given_first(batch: Batch) -> None:
    """Let the request's image stand for what the first stage would have drawn, as latents where they are wanted."""
    request = batch.plan.request
    assert isinstance(request, Txt2Img)
    batch.shown = pixels.flatten(request.firstpass_image, batch.plan.view.img2img_background_color)
    if request.hr_upscaler in LATENT_MODES:
        latent = batch.model.vae.encode(_as_pixels([batch.shown]))
        batch.latent = latent.repeat(len(batch.seeds), 1, 1, 1)


def of_first_stage(first: Batch, second: Batch, scale: resize.Scaler) -> Start:
    """A first stage's latents at the second one's size, by stretching them or by way of their pictures."""
    request = second.plan.request
    assert isinstance(request, Txt2Img)
    target, side = enlarged(request), second.model.arch.downscale
    if request.hr_upscaler in LATENT_MODES:
        mode, smooth = LATENT_MODES[request.hr_upscaler]
        assert first.latent is not None
        size = target.height // side, target.width // side
        latent = functional.interpolate(first.latent, size=size, mode=mode, antialias=smooth)
        shown = second.model.vae.decode(latent) if second.model.arch.given else None
    else:
        shown = _as_pixels([scale(one, target.width, target.height) for one in decoded(first)])
        latent = second.model.vae.encode(shown)
    return Start(_cut(latent, target), pixels=None if shown is None else _cut(shown, target, side))


def _cut(image: Tensor, target: Enlarged, side: int = 1) -> Tensor:
    """Without the latent pixels, of `side` pixels each, that stand out over the target."""
    top, left = target.cut_y // 2 * side, target.cut_x // 2 * side
    bottom, right = (target.cut_y + 1) // 2 * side, (target.cut_x + 1) // 2 * side
    return image[:, :, top : image.shape[2] - bottom, left : image.shape[3] - right]


def decoded(batch: Batch, change: Callable[[Tensor], Tensor] | None = None) -> list[Image.Image]:
    """The batch's latents as pictures; `change` is given their pixels `[B,3,H,W]`, 0 to 1, and answers with others."""
    if batch.shown is not None:
        return [batch.shown] * len(batch.seeds)
    assert batch.latent is not None
    shown = batch.model.vae.decode(batch.latent)
    if change is not None:
        pictures = ((shown + 1) / 2).clamp(0, 1)
        if (other := change(pictures)) is not pictures:  # else not a bit of them is to differ
            shown = other * 2 - 1
    return pixels.to_images(shown.movedim(1, -1).cpu().numpy())


def _as_pixels(images: list[Image.Image]) -> Tensor:
    """`[B,3,H,W]`, -1 to 1."""
    stacked = np.stack([np.asarray(one.convert("RGB"), np.float32) for one in images])
    return torch.from_numpy(np.moveaxis(stacked / 255 * 2 - 1, -1, 1).copy())
