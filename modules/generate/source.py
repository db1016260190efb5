"""What an img2img picture starts from: its images at the right size, its mask, and what is laid over the result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from modules.exceptions import ParameterError
from modules.generate.plan import Plan
from modules.generate.request import Img2Img
from modules.imaging import masks, pixels, resize
from modules.imaging.colours import recoloured
from modules.imaging.masks import Region

ORIGINAL, LATENT_NOISE, LATENT_NOTHING = 1, 2, 3  # of the masked content


@dataclass(slots=True)
class Source:
    """Images in the model's size, or for the latent resize in their own; `mask` white where to draw anew."""

    images: list[Image.Image]
    mask: Image.Image | None = None
    over: list[Image.Image] = field(default_factory=list)  # what stays of each image, RGBA
    originals: list[Image.Image] = field(default_factory=list)  # what `over` is cut out of, where there is a mask
    region: Region | None = None  # the part that is drawn, if not all
    colours: list[Image.Image] = field(default_factory=list)  # whose colours each result is to have

    def pixels(self) -> NDArray[np.float32]:
        """[N,3,H,W], -1 to 1."""
        stacked = np.stack([np.asarray(image, np.float32) for image in self.images])
        made: NDArray[np.float32] = np.moveaxis(stacked / 255 * 2 - 1, -1, 1).astype(np.float32)
        return made

    def finished(
        self, image: Image.Image, index: int, over: Callable[[Image.Image], Image.Image] = lambda over: over
    ) -> Image.Image:
        """A result in its place: recoloured, and under what stays of image `index`, as `over` has it."""
        if self.colours:
            image = recoloured(image, self.colours[index % len(self.colours)])
        return masks.overlaid(image, over(self.over[index % len(self.over)]), self.region) if self.over else image


def source(plan: Plan, request: Img2Img, scale: resize.Scaler = resize.lanczos) -> Source:
    """Everything that can be done with the images before there is a model; `scale` enlarges them."""
    view = plan.view
    images = [_image(one, view.img2img_background_color) for one in request.init_images]
    if not images:
        raise ParameterError("There is no image to start from; give one.")
    width, height = request.width, request.height
    bare = request.mask is None
    made = Source(images) if bare else _masked(images, request, view.overlay_inpaint, scale)
    if request.resize_mode != resize.LATENT and made.region is None:
        made.images = [resize.resize(image, request.resize_mode, width, height, scale) for image in made.images]
    if made.mask is not None and request.inpainting_fill != ORIGINAL:
        hole = _latent_mask(request, made.mask)
        made.images = [masks.filled(image, hole) for image in made.images]
    if view.img2img_color_correction:
        made.colours = list(made.images)
    return made


def _image(one: Any, background: str) -> Image.Image:
    if not isinstance(one, Image.Image):
        raise ParameterError("An image to start from cannot be read; give a PNG, JPEG or WebP.")
    return pixels.flatten(one, background)


def _masked(images: list[Image.Image], request: Img2Img, keeps: bool, scale: resize.Scaler) -> Source:
    """The mask as it is at the model's size, and what is to be laid over the results."""
    width, height = request.width, request.height
    mask = masks.as_mask(request.mask, request.hard_mask)
    if request.inpainting_mask_invert:
        mask = ImageOps.invert(mask)
    mask = masks.blurred(mask, *request.blur)
    if request.inpaint_full_res:
        region = masks.region_of(mask, request.inpaint_full_res_padding)
        if region is None:
            raise ParameterError("The mask is empty: nothing is to be drawn anew; paint over a part of the image.")
        region = masks.in_proportion(region, width, height, mask.size)
        images = [_fitting(image, mask.size) for image in images]
        over = [masks.outside(image, mask) for image in images]
        parts = [resize.resize(image.crop(region.box), resize.FILL, width, height, scale) for image in images]
        return Source(parts, _resized(mask.crop(region.box), resize.FILL, request, scale), over, images, region)
    small = _resized(mask, request.resize_mode, request, scale)
    mode = request.resize_mode
    shown = images if mode == resize.LATENT else [resize.resize(one, mode, width, height, scale) for one in images]
    wide = masks.widened(small)
    shown = [_fitting(one, wide.size) for one in shown]
    return Source(images, small, [masks.outside(one, wide) for one in shown] if keeps else [], shown)


def _resized(mask: Image.Image, mode: int, request: Img2Img, scale: resize.Scaler) -> Image.Image:
    return resize.resize(mask, mode, request.width, request.height, resize.lanczos).convert("L")


def _fitting(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)


def _latent_mask(request: Img2Img, mask: Image.Image) -> Image.Image:
    return mask if request.latent_mask is None else _fitting(masks.as_mask(request.latent_mask), mask.size)


def kept_share(request: Img2Img, mask: Image.Image, size: Callable[[], tuple[int, int]]) -> NDArray[np.float32]:
    """How much of each latent pixel stays, `[h,w]`: 1 is all of it."""
    small = _latent_mask(request, mask).convert("RGB").resize(size(), Image.Resampling.BICUBIC)
    share = np.asarray(small, np.float32)[..., 0] / 255
    share = np.around(share) if request.hard_mask else share
    made: NDArray[np.float32] = (1 - share).astype(np.float32)
    return made
