"""What models are given beside the noisy latents and the text: a picture, and where to draw it anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from modules.exceptions import ParameterError
from modules.generate.batch import Batch, Start
from modules.sampling.guidance import Conditions, Contexts
from modules.sampling.prediction import Condition
from modules.weights.depth import Estimator


def image_beside(batch: Batch) -> Tensor | None:
    """`[B,c,h,w]`; None for a model that wants none. Without a picture all of it is to be drawn."""
    if batch.model.arch.given in ("", "vector"):
        return None
    made = {"edit": _edited, "depth": _deep}.get(batch.model.arch.given, _inpainted)(batch)
    return made.repeat(len(batch.seeds) // len(made), 1, 1, 1)


def contexts(batch: Batch) -> Callable[[int], Contexts]:
    """What steers each call of the model; an unCLIP model is told the picture beside the text, and nothing negative."""
    seen: dict[int, Tensor] = {}  # by model, for a refiner may take over

    def at(call: int) -> Contexts:
        given, sight = batch.contexts(call), batch.model.sight
        if sight is None:
            return given
        if id(sight) not in seen:
            pixels = batch.start.pixels if batch.start else None
            seen[id(sight)] = torch.zeros(1, sight.width) if pixels is None else sight(pixels).cpu()
        vector = seen[id(sight)]
        parts = [_told(part, vector, len(batch.seeds)) for part in given.parts]
        return Contexts(parts, given.weights, _told(given.negative, torch.zeros(1, sight.width), len(batch.seeds)))

    return at


def _told(given: Conditions, vector: Tensor, images: int) -> Conditions:
    """With a vector `[N,V]`, of one picture for all images or of several in turn."""
    if isinstance(given, Condition) and len(vector) == 1:
        return replace(given, vector=vector.to(given.context))
    rows = [given] * images if isinstance(given, Condition) else given
    return [replace(row, vector=vector[[i % len(vector)]].to(row.context)) for i, row in enumerate(rows)]


def with_depth(start: Start, batch: Batch, estimate: Estimator) -> Start:
    """The start with how near its picture's things are, for a model that is given that."""
    if batch.model.arch.given != "depth" or start.pixels is None:
        return start
    return replace(start, depth=estimate(start.pixels, batch.noise.shape[1:]))


def _edited(batch: Batch) -> Tensor:
    """InstructPix2Pix: the picture's latents as the VAE has them, unscaled; zeros are what it saw without one."""
    pixels = batch.start.pixels if batch.start else None
    if pixels is None:
        return torch.zeros(1, *batch.noise.shape, device=batch.model.place.device)
    vae = batch.model.vae
    return _sized(vae.encode(pixels) / vae.scale_factor, batch)


def _deep(batch: Batch) -> Tensor:
    """How near things are. ParameterError where there is no picture that could tell."""
    depth = batch.start.depth if batch.start else None
    if depth is None:
        raise ParameterError("This checkpoint draws by the depth of a picture; use it in img2img, or choose another.")
    return depth.to(batch.model.place.device)


def _inpainted(batch: Batch) -> Tensor:
    """The mask, 1 where to draw, over the latents of the picture, which is grey there, or by the option less so.

    To Flux's fill model the mask is told for each pixel, as 64 channels, and after the picture.
    """
    start, stage, model = batch.start, batch.stage, batch.model
    pixels = torch.zeros(1, 3, stage.height, stage.width)
    hole = torch.ones(1, 1, stage.height, stage.width)
    if start is not None and start.pixels is not None:
        pixels = start.pixels.cpu()
        hole = torch.ones(1, 1, *pixels.shape[2:]) if start.hole is None else start.hole
    if model.arch.family == "SDXL":
        hole = hole.round()  # A1111 lets `mask_round` count for SD 1 only
    hidden = functional.interpolate(hole, pixels.shape[2:])
    shown = torch.lerp(pixels, pixels * (1 - hidden), batch.plan.view.inpainting_mask_weight)
    latent = _sized(model.vae.encode(shown), batch)
    if model.arch.given == "fill":
        side = model.arch.downscale
        sized = functional.interpolate(hole, (latent.shape[2] * side, latent.shape[3] * side))
        mask = functional.pixel_unshuffle(sized, side).to(latent)
        return torch.cat([latent, mask.expand(len(latent), -1, -1, -1)], dim=1)
    mask = functional.interpolate(hole, latent.shape[2:]).to(latent)
    return torch.cat([mask.expand(len(latent), -1, -1, -1), latent], dim=1)


def _sized(latent: Tensor, batch: Batch) -> Tensor:
    """At the size of the noise: where the latent is to be stretched, the picture still has its own."""
    size = batch.noise.shape[1:]
    return latent if latent.shape[2:] == size else functional.interpolate(latent, size=size, mode="bilinear")
