"""Pictures made larger by an upscaler's name; models are kept in memory and run tile by tile."""

from __future__ import annotations

import gc
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator

import numpy as np
import torch
from PIL import Image

from modules.exceptions import NotFound, OutOfMemory
from modules.imaging.resize import Scaler
from modules.imaging.tiles import Pixels, Tiles
from modules.imaging.upscale import RESAMPLERS, Enlarge, bounded, fit, upscale
from modules.settings.options import View
from modules.weights.devices import Place
from modules.weights.upscalers.catalogue import NONE, Upscaler, Upscalers, Watch
from modules.weights.upscalers.loader import ImageModel, load

log = logging.getLogger(__name__)

KEPT = 2  # models in memory: as many as one picture may want
SMALLEST_TILE = 32
UNSURE = 8  # pixels at a tile's rim that differ from those of the whole picture, by measure of ESRGAN
Key = tuple[str, int, int]  # path, mtime, size: a replaced file is another model


class Store:
    """Makes pictures larger; used by the worker thread alone."""

    def __init__(self, upscalers: Upscalers, place: Callable[[], Place]):
        self.upscalers = upscalers
        self._place = place
        self._models: OrderedDict[Key, ImageModel] = OrderedDict()

    def scaler(self, name: str, view: View, watch: Watch) -> Scaler:
        """What brings images to exactly a size; those that have to grow are enlarged by the upscaler of that name.

        NotFound for a name that nobody bears; ModelError for a faulty file; whatever `watch` raises between tiles.
        """
        found = self.upscalers.find(name)
        enlarge = None if found.name == NONE else self.enlarge(found, view, watch)
        return lambda image, width, height: fit(image, width, height, enlarge)

    def scaled(self, image: Image.Image, upscaler: Upscaler, factor: float, view: View, watch: Watch) -> Image.Image:
        """The image `factor` times as large, its sides down to multiples of 8."""
        return upscale(image, factor, self.enlarge(upscaler, view, watch))

    def enlarge(self, upscaler: Upscaler, view: View, watch: Watch) -> Enlarge:
        """One pass of an upscaler, tiled as the options say."""
        if upscaler.path is None or upscaler.kind is None:
            return RESAMPLERS.get(upscaler.name, _unchanged)
        model = self._model(upscaler)
        side: int = getattr(view, upscaler.kind.tile)
        overlap: int = getattr(view, f"{upscaler.kind.tile}_overlap")

        def enlarge(image: Image.Image, factor: float) -> Image.Image:
            bounded(image.width * model.scale, image.height * model.scale)
            return Image.fromarray(_in_memory(model, np.asarray(image.convert("RGB")), side, overlap, watch))

        return enlarge

    def _model(self, upscaler: Upscaler) -> ImageModel:
        assert upscaler.path is not None and upscaler.kind is not None
        try:
            status = upscaler.path.stat()
        except OSError as error:
            raise NotFound(f"The upscaler {upscaler.path} is gone; choose another.") from error
        key = str(upscaler.path), status.st_mtime_ns, status.st_size
        if key not in self._models:
            while len(self._models) >= KEPT:
                self._models.popitem(last=False)
            self._models[key] = load(upscaler.path, self._place(), half=upscaler.kind.half)
        self._models.move_to_end(key)
        return self._models[key]


def _unchanged(image: Image.Image, factor: float) -> Image.Image:
    return image


def _in_memory(model: ImageModel, pixels: Pixels, side: int, overlap: int, watch: Watch) -> Pixels:
    """In tiles of that side (0: all at once), or of half of it as often as the device's memory asks for that."""
    longest = max(pixels.shape[:2])
    side = min(side or longest, longest)
    while True:
        try:
            return _tiled(model, pixels, side, overlap, watch)
        except torch.OutOfMemoryError as error:
            if side // 2 < SMALLEST_TILE:
                raise OutOfMemory(
                    "The device's memory does not hold a tile of this upscaler; choose another."
                ) from error
            side //= 2
            log.warning("Out of memory; going on in tiles of %d pixels.", side)
        gc.collect()
        if model.network.device.type == "cuda":
            torch.cuda.empty_cache()


def _tiled(model: ImageModel, pixels: Pixels, side: int, overlap: int, watch: Watch) -> Pixels:
    height, width = pixels.shape[:2]
    tiles = Tiles.over((width, height), (side, side), overlap, UNSURE)

    def worked() -> Iterator[Pixels]:
        for number, (left, top, right, bottom) in enumerate(tiles.boxes()):
            watch(number / tiles.count)
            yield model(pixels[top:bottom, left:right])

    made = tiles.joined(worked())
    watch(1.0)
    return made
