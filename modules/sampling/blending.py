"""Two latents laid over each other so that what is half of each keeps its contrast: soft inpainting's blend."""

from __future__ import annotations

import torch
from torch import Tensor

TINY = 1e-5  # keeps the scaling finite where both latents cancel out


def share_at(share: Tensor, sigma: float, bias: float, preservation: float) -> Tensor:
    """How much of the newly drawn latent counts at σ, where the mask gives it `share` (0 to 1) of the end result.

    The power makes of the blends of all steps together one of that share, whatever their number; `bias` over 1 keeps
    more of the original early, under 1 late.
    """
    return torch.pow(share, sigma**bias * preservation)


def blended(original: Tensor, drawn: Tensor, share: Tensor, contrast: float) -> Tensor:
    """`[B,C,h,w]`, of `share` `[.,1,h,w]` of the drawn latent; every pixel's length is a mean of both ones' lengths.

    The mean is the power mean of exponent `contrast`: 1 the ordinary one, high ones near the longer of the two.
    """
    mixed = original * (1 - share) + drawn * share
    lengths = [_length(one) ** contrast * part for one, part in ((original, 1 - share), (drawn, share))]
    wanted = (lengths[0] + lengths[1]) ** (1 / contrast)
    return mixed * (wanted / (_length(mixed) + TINY)).to(mixed.dtype)


def _length(latent: Tensor) -> Tensor:
    """Of every pixel over its channels, in 64 bits where there are such, as high powers want."""
    length: Tensor = torch.linalg.vector_norm(latent, dim=1, keepdim=True)
    return length.to(torch.float32 if latent.device.type == "mps" else torch.float64)
