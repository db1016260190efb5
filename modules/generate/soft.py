"""Soft inpainting: a mask's halves keep the original by halves, step by step, and at last by how much has changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from torch import Tensor

from modules.generate.batch import Batch
from modules.generate.request import Img2Img
from modules.generate.source import Source
from modules.imaging import changes, masks
from modules.sampling.blending import blended, share_at


def wished(batch: Batch) -> Img2Img | None:
    """The request, if it is to be drawn so."""
    request = batch.plan.request
    return request if isinstance(request, Img2Img) and request.soft else None


def laid_over(batch: Batch, request: Img2Img, drawn: Tensor, sigma: Tensor) -> Tensor:
    """The clean latents that were drawn at σ with as much of the original in them as the mask leaves.

    A1111 takes the timestep for σ in DDIM's family, where therefore only what is masked wholly is drawn anew.
    """
    start = batch.start
    assert start is not None and start.kept is not None
    by_timesteps = batch.stage.choice.sampler.schedule is not None
    level = float(batch.levels.t(sigma) if by_timesteps else sigma)
    share = share_at(1 - start.kept, level, request.mask_blend_power, request.mask_blend_scale)
    return blended(start.latent, drawn, share, request.inpaint_detail_preservation)


def finishing(batch: Batch, request: Img2Img, given: Source) -> Source:
    """The source with what is laid over each picture of the batch: the original where little has changed."""
    start = batch.start
    assert start is not None and start.kept is not None and batch.latent is not None
    drawn = (1 - start.kept[0, 0]).clamp(0, 1).pow(request.mask_blend_scale / 2).float().cpu().numpy()
    sensitivity = changes.Sensitivity(
        threshold=request.composite_difference_threshold,
        contrast=request.composite_difference_contrast,
        influence=request.composite_mask_influence,
    )
    size = request.width, request.height
    over = []
    for index, difference in enumerate((batch.latent - start.latent).norm(dim=1).float().cpu().numpy()):
        changed = changes.changed(np.asarray(difference), drawn, sensitivity, size)
        original = given.originals[index % len(given.originals)]
        over.append(masks.outside(original, masks.in_place(changed, given.region, original.size)))
    return replace(given, over=over)
