"""The models kept in memory: the last few that were used, as many as a number and a budget of bytes allow."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from modules.exceptions import NotFound
from modules.settings.options import View
from modules.weights.companions import Companions
from modules.weights.devices import Place
from modules.weights.library import INDEX, Checkpoint, Library
from modules.weights.loader import NEVER, Model, load
from modules.weights.turns import GIB, empty

log = logging.getLogger(__name__)

Key = tuple[str, int, int, str]  # path, mtime, size: a replaced file is another model; whether kept in 8 bits
RESERVE = 2 * GIB  # bytes of main memory that are left to everything else


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How many models are kept, and how many bytes of memory they may take in all (0: what there is).

    `aside`: where the device is not main memory, the model in use is on it and the others are in main memory.
    """

    count: int = 1
    budget: int = 0
    aside: bool = True

    @classmethod
    def of(cls, view: View) -> Limits:
        """As the options want it."""
        return cls(
            count=max(view.sd_checkpoints_limit, 1 + view.sd_checkpoint_cache),
            budget=int(view.checkpoints_memory * (1 << 30)),
            aside=view.sd_checkpoints_keep_in_cpu,
        )


class Cache:
    """Loaded models by file; used by the worker thread alone."""

    def __init__(
        self,
        library: Library,
        place: Place,
        limits: Callable[[], Limits] = Limits,
        companions: Companions | None = None,
        told: Callable[[Model], object] = lambda model: None,
    ):
        """`told` of each model when it was read and is the newest here."""
        self.place = place
        self._library = library
        self._limits = limits
        self._companions = companions
        self._told = told
        self._models: OrderedDict[Key, Model] = OrderedDict()

    def get(self, checkpoint: Checkpoint, among: int = 1, fp8: str = NEVER) -> Model:
        """The model, loaded now if need be, with its file's hash known. `among`: how many the job at work needs.

        A model that must go for it gives it its modules, where they are of the same sizes.
        """
        key = _key(checkpoint, fp8)
        if self._limits().aside:
            for other, model in self._models.items():
                if other != key:
                    model.turns.rest()
        if key not in self._models:
            hashed = self._library.hashed(checkpoint)
            spares = self._let_go(among, key[2])
            self._models[key] = load(hashed, self.place, self._companions, fp8, spares)
            self._told(self._models[key])
        self._models.move_to_end(key)
        return self._models[key]

    def clear(self) -> None:
        """Let every model go."""
        self._models.clear()
        empty(self.place.device)

    def _let_go(self, among: int, size: int) -> list[Model]:
        """The oldest models, taken out so that one of `size` bytes may come; those the job needs stay."""
        limits = self._limits()
        kept = sum(model.size for model in self._models.values())
        gone: list[Model] = []
        while self._models:
            few = len(self._models) < max(among, limits.count)
            fits = (
                kept + size <= limits.budget if limits.budget else size + RESERVE <= psutil.virtual_memory().available
            )
            if few and (fits or len(self._models) < among):
                break
            _, model = self._models.popitem(last=False)
            gone.append(model)
            kept -= model.size
            if not limits.budget and few:
                break  # how much is free now is known when it is gone
        return gone


def _key(checkpoint: Checkpoint, fp8: str) -> Key:
    try:
        status = (checkpoint.path / INDEX if checkpoint.path.is_dir() else checkpoint.path).stat()
    except OSError as error:
        raise NotFound(f"The checkpoint {checkpoint.path} is gone; press Refresh and choose another.") from error
    return str(checkpoint.path), status.st_mtime_ns, status.st_size, fp8
