"""What a picture shows, in words: by a BLIP model (Li et al. 2022) in the layout of transformers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from modules.exceptions import CorruptFile, MissingNetwork
from modules.weights.devices import Place

MEAN, SPREAD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)  # of CLIP's pictures
SHORTEST, LONGEST = 24, 48  # tokens of a caption
PUT = "such as Salesforce/blip-image-captioning-base with config.json, model.safetensors and tokenizer.json"
FAULTS = (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError)  # what transformers raises on reading


class Captioner:
    """The BLIP model of a folder; read when it is first asked. For the worker alone."""

    def __init__(self, folder: Path, place: Callable[[], Place]):
        self._folder = folder
        self._place = place
        self._read: tuple[Path, Any, Any] | None = None  # folder, model, tokenizer

    def __call__(self, image: Image.Image) -> str:
        """A caption of an RGB picture. MissingNetwork or CorruptFile where there is no model that can be read."""
        model, tokenizer = self._opened()
        side = model.config.vision_config.image_size
        levels = np.asarray(image.resize((side, side), Image.Resampling.BICUBIC), np.float32) / 255
        pixels = ((torch.from_numpy(levels) - torch.tensor(MEAN)) / torch.tensor(SPREAD)).movedim(2, 0)[None]
        with torch.inference_mode():
            tokens = model.generate(pixels.to(self._place().device), min_length=SHORTEST, max_length=LONGEST)
        return str(tokenizer.decode(tokens[0, 1:], skip_special_tokens=True)).strip()

    def _opened(self) -> tuple[Any, Any]:
        folder = next((path.parent for path in sorted(self._folder.rglob("config.json"))), None)
        if folder is None:
            where = f"put a folder with a BLIP model, {PUT}, into {self._folder}"
            raise MissingNetwork(f"There is no model here that describes pictures; {where}.")
        if self._read is None or self._read[0] != folder:
            from transformers import AutoTokenizer, BlipForConditionalGeneration

            try:
                made = BlipForConditionalGeneration.from_pretrained(folder, local_files_only=True, use_safetensors=True)
                tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            except FAULTS as error:
                raise CorruptFile(
                    f"{folder} holds no BLIP model that can be read, {PUT}; download it again."
                ) from error
            model = made.float().eval().requires_grad_(False).to(self._place().device)
            self._read = folder, model, tokenizer
        return self._read[1:]
