"""The models kept in memory: the last few that were used."""

from __future__ import annotations

import gc
import logging
from collections import OrderedDict
from collections.abc import Callable

import torch

from modules.exceptions import NotFound
from modules.weights.companions import Companions
from modules.weights.devices import Place
from modules.weights.library import INDEX, Checkpoint, Library
from modules.weights.loader import Model, load

log = logging.getLogger(__name__)

Key = tuple[str, int, int]  # path, mtime, size: a replaced file is another model


class Cache:
    """Loaded models by file; used by the worker thread alone."""

    def __init__(
        self,
        library: Library,
        place: Place,
        limit: Callable[[], int] = lambda: 1,
        companions: Companions | None = None,
    ):
        self.place = place
        self._library = library
        self._limit = limit
        self._companions = companions
        self._models: OrderedDict[Key, Model] = OrderedDict()

    def get(self, checkpoint: Checkpoint, among: int = 1) -> Model:
        """The model, loaded now if need be, with its file's hash known. `among`: how many the job at work needs."""
        key = _key(checkpoint)
        if (model := self._models.get(key)) is None:
            self._make_room(among)
            model = self._models[key] = load(self._library.hashed(checkpoint), self.place, self._companions)
        self._models.move_to_end(key)
        return model

    def clear(self) -> None:
        """Let every model go."""
        self._models.clear()
        gc.collect()
        if self.place.device.type == "cuda":
            torch.cuda.empty_cache()

    def _make_room(self, among: int) -> None:
        """Let the oldest models go before the next one comes, so that both never need space at once."""
        gone = False
        while self._models and len(self._models) >= max(among, self._limit()):
            self._models.popitem(last=False)
            gone = True
        if gone:
            gc.collect()
            if self.place.device.type == "cuda":
                torch.cuda.empty_cache()


def _key(checkpoint: Checkpoint) -> Key:
    try:
        status = (checkpoint.path / INDEX if checkpoint.path.is_dir() else checkpoint.path).stat()
    except OSError as error:
        raise NotFound(f"The checkpoint {checkpoint.path} is gone; press Refresh and choose another.") from error
    return str(checkpoint.path), status.st_mtime_ns, status.st_size
