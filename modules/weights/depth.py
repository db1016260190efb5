"""How near the things of a picture are, estimated by a DPT model (Ranftl et al. 2021): what depth models are given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from modules.exceptions import CorruptFile, MissingNetwork
from modules.weights.devices import Place

SIDE, MULTIPLE = 384, 32  # pixels: what one side of a picture is brought to, and of which both become multiples
PUT = "such as Intel/dpt-hybrid-midas with config.json and model.safetensors"


class Estimator:
    """The DPT model of a folder, in the layout of transformers; read when it is first asked. For the worker alone."""

    def __init__(self, folder: Path, place: Callable[[], Place]):
        self._folder = folder
        self._place = place
        self._model: tuple[Path, Any] | None = None

    def __call__(self, pixels: Tensor, size: tuple[int, int]) -> Tensor:
        """`[N,3,H,W]`, -1 to 1 → `[N,1,*size]`, 1 where a picture is nearest, -1 where it is farthest.

        MissingNetwork or CorruptFile where there is no model that can be read.
        """
        model, place = self._read(), self._place()
        sized = functional.interpolate(pixels.float(), seen_at(*pixels.shape[2:]), mode="bicubic", antialias=True)
        near = model(sized.clamp(-1, 1).to(place.device)).predicted_depth[:, None]
        near = functional.interpolate(near.float(), size, mode="bicubic", align_corners=False)
        low, high = near.amin((1, 2, 3), keepdim=True), near.amax((1, 2, 3), keepdim=True)
        return torch.where(high > low, 2 * (near - low) / (high - low).clamp_min(1e-12) - 1, torch.zeros_like(near))

    def _read(self) -> Any:
        folder = next((path.parent for path in sorted(self._folder.rglob("config.json"))), None)
        if folder is None:
            raise MissingNetwork(
                f"This checkpoint wants to see depth; put a folder with a DPT model, {PUT}, into {self._folder}."
            )
        if self._model is None or self._model[0] != folder:
            from transformers import DPTForDepthEstimation

            try:
                made = DPTForDepthEstimation.from_pretrained(folder, local_files_only=True, use_safetensors=True)
            except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
                raise CorruptFile(f"{folder} holds no DPT model that can be read, {PUT}; download it again.") from error
            self._model = folder, made.float().eval().requires_grad_(False).to(self._place().device)
        return self._model[1]


def seen_at(height: int, width: int) -> tuple[int, int]:
    """The size at which a picture is looked at: scaled as little as it takes to have a side of 384."""
    scale = min(SIDE / height, SIDE / width, key=lambda one: abs(1 - one))
    made = (max(round(side * scale / MULTIPLE), 1) * MULTIPLE for side in (height, width))
    return next(made), next(made)
