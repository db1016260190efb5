"""Outpainting mk2: each side grows by itself, from noise that looks like the picture it goes on from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from modules.declare import Range, param
from modules.exceptions import ParameterError
from modules.generate.plan import Plan
from modules.generate.request import Img2Img
from modules.generate.result import Picture, Result
from modules.generate.source import ORIGINAL
from modules.host.builtin.outward import SIDES, STEP, growth
from modules.host.builtin.spectrum import continued
from modules.host.gathering import SAVED_ALONE, gathered, saved_grid, saved_sample, sheet
from modules.host.script import Selectable, Studio
from modules.imaging.pixels import flatten

NOTE = "<p>Recommended settings: Sampling Steps: 80-100, Sampler: Euler a, Denoising strength: 0.8</p>"

# fmt: off


@dataclass(frozen=True, kw_only=True, slots=True)
class Params:
    """Its arguments."""

    info: str = param(NOTE, "")
    pixels: int = param(128, "Pixels to expand", slider=Range(8, 256, 8), valid=Range(1, 2048))
    mask_blur: int = param(8, "Mask blur", slider=Range(0, 64), valid=Range(0, 256))
    direction: list[str] = param(list(SIDES), "Outpainting direction", choices=SIDES)
    noise_q: float = param(1.0, "Fall-off exponent (lower=higher detail)", slider=Range(0, 4, 0.01), valid=Range(0, 16))
    color_variation: float = param(0.05, "Color variation", slider=Range(0, 1, 0.01), valid=Range(0, 1))

# fmt: on


@dataclass(frozen=True, slots=True)
class _Side:
    """One side's growth by `by` pixels. Of the masks' blur, `across` is in x, `along` in y."""

    name: str
    by: int
    across: int
    along: int

    @property
    def horizontal(self) -> bool:
        return self.name in ("left", "right")

    @property
    def before(self) -> bool:
        """Whether the old picture moves."""
        return self.name in ("left", "up")

    def grown(self, size: tuple[int, int]) -> tuple[int, int]:
        """The size after it."""
        return (size[0] + self.by, size[1]) if self.horizontal else (size[0], size[1] + self.by)

    def mask(self, size: tuple[int, int], grown: tuple[int, int], times: int) -> Image.Image:
        """White but for the old picture, `times` the blur smaller at its growing side."""
        mask = Image.new("RGB", size, "white")
        x, y = self.by + self.across * times, self.by + self.along * times
        box = (
            x if self.name == "left" else 0,
            y if self.name == "up" else 0,
            size[0] - x if self.name == "right" else grown[0],
            size[1] - y if self.name == "down" else grown[1],
        )
        if box[2] >= box[0] and box[3] >= box[1]:
            ImageDraw.Draw(mask).rectangle(box, fill="black")
        return mask


class OutpaintingMk2(Selectable):
    """All images of a batch at once, side after side."""

    title = "Outpainting mk2"
    file = "outpainting_mk_2.py"
    tabs = ("img2img",)
    params = Params

    def make(self, studio: Studio, plan: Plan, values: Params) -> Result | None:
        request = plan.request
        assert isinstance(request, Img2Img)
        if not request.init_images:
            raise ParameterError("There is no image to start from; give one.")
        old = flatten(request.init_images[0], plan.view.img2img_background_color)
        grown = growth(old, values.pixels, values.direction)
        across = values.mask_blur if grown.left or grown.right else 0
        along = values.mask_blur if grown.up or grown.down else 0
        sides = [_Side(name, getattr(grown, name), across, along) for name in SIDES if getattr(grown, name)]
        if not sides:
            return None
        asked = replace(
            request, n_iter=1, inpaint_full_res=False, inpainting_fill=ORIGINAL, mask_blur=None,
            mask_blur_x=across * 4, mask_blur_y=along * 4, **SAVED_ALONE,
        )  # fmt: skip
        results: list[Result] = []
        images: list[Image.Image] = []
        studio.share(len(sides) * request.n_iter)
        for _ in range(request.n_iter):
            now = [old] * request.batch_size
            for side in sides:
                if studio.stopped:
                    break
                made, now = self._side(studio, asked, now, side, values)
                results.append(made)
            images += now
        return self._finished(studio, request, results, images)

    @staticmethod
    def _side(
        studio: Studio, asked: Img2Img, old: Sequence[Image.Image], side: _Side, values: Params
    ) -> tuple[Result, list[Image.Image]]:
        """The images with one side more, and what drew them."""
        grown = side.grown(old[0].size)
        whole = math.ceil(grown[0] / STEP) * STEP, math.ceil(grown[1] / STEP) * STEP
        mask = side.mask(whole, grown, 1)
        width = min(asked.width, grown[0]) if side.horizontal else whole[0]
        height = whole[1] if side.horizontal else min(asked.height, grown[1])
        part = (0, 0, width, height) if side.before else (whole[0] - width, whole[1] - height, *whole)
        sheets = []
        for image in old:
            canvas = Image.new("RGB", whole)
            moved = side.by if side.before else 0
            canvas.paste(image, (moved if side.horizontal else 0, 0 if side.horizontal else moved))
            drawn, hole = (np.asarray(one, np.float64) / 255 for one in (canvas, mask))
            noisy = continued(drawn, hole, values.noise_q, values.color_variation)
            sheets.append(Image.fromarray(np.clip(noisy * 255, 0, 255).astype(np.uint8)))
        latent = side.mask((width, height), grown, 2)
        words: dict[str, Any] = {"init_images": [one.crop(part) for one in sheets], "mask": mask.crop(part)}
        made = studio.make(replace(asked, width=width, height=height, latent_mask=latent, **words))
        for canvas, picture in zip(sheets, made.pictures, strict=False):
            new = picture.image
            corner = whole[0] - new.width, whole[1] - new.height
            canvas.paste(new, (0 if side.name == "left" else corner[0], 0 if side.name == "up" else corner[1]))
        return made, [canvas.crop((0, 0, *grown)) for canvas in sheets]

    @staticmethod
    def _finished(
        studio: Studio, request: Img2Img, results: Sequence[Result], images: Sequence[Image.Image]
    ) -> Result | None:
        if not results or not results[0].pictures:
            return None
        plan, text = replace(results[0].plan, request=request), results[0].pictures[0].infotext
        pictures: list[Picture] = [saved_sample(one, plan, text, studio.folders) for one in images]
        grid = None
        if len(pictures) > 1 or not plan.view.grid_only_if_multiple:
            grid = saved_grid(sheet(studio, [one.image for one in pictures], plan), plan, text, studio.folders)
        return gathered(results, pictures, grid=grid)
