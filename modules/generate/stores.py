"""What a job takes from the shelves: checkpoints, networks and upscalers kept in memory."""

from __future__ import annotations

from dataclasses import dataclass

from modules.imaging.resize import Scaler
from modules.jobs.progress import Progress
from modules.settings.options import View
from modules.weights.cache import Cache
from modules.weights.depth import Estimator
from modules.weights.networks.store import Store as Networks
from modules.weights.upscalers.store import Store as Upscalers


@dataclass(frozen=True, slots=True)
class Stores:
    """All of them; used by the worker thread alone."""

    checkpoints: Cache
    networks: Networks
    upscalers: Upscalers
    depth: Estimator

    def scaler(self, name: str, view: View, progress: Progress) -> Scaler:
        """An upscaler by name; between its tiles it heeds the user's wish to stop."""
        return self.upscalers.scaler(name or "None", view, lambda done: progress.stop.check())
