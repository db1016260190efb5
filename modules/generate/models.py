"""The models of one job: loaded, altered as its options want, and reading its prompts."""

from __future__ import annotations

from modules.generate.conditioning import Conditioner
from modules.generate.plan import Plan
from modules.jobs.progress import Progress
from modules.settings.options import View
from modules.weights.alterations import Alterations
from modules.weights.cache import Cache
from modules.weights.library import Checkpoint
from modules.weights.loader import Model


class Models:
    """Gives the checkpoint's model ready for the plan's pictures, with the conditioner of its text encoder."""

    def __init__(self, plan: Plan, cache: Cache, progress: Progress):
        self._plan = plan
        self._cache = cache
        self._progress = progress
        self._conditioners: dict[Checkpoint, Conditioner] = {}

    def get(self, checkpoint: Checkpoint) -> tuple[Model, Conditioner]:
        """Load it if need be, which the progress line says. The pair holds until the next call for another one."""
        self._progress.say("Loading the checkpoint")
        model = self._cache.get(checkpoint, among=2 if self._plan.refiner else 1)
        self._progress.say("")
        model.altered.apply(_wanted(self._plan.view))
        if model.checkpoint not in self._conditioners:
            self._conditioners[model.checkpoint] = Conditioner(model.text, self._plan.view, self._plan.calls)
        return model, self._conditioners[model.checkpoint]


def _wanted(view: View) -> Alterations:
    return Alterations(
        tiling=view.tiling,
        merging=view.token_merging_ratio,
        freeu=(view.freeu_b1, view.freeu_b2, view.freeu_s1, view.freeu_s2) if view.freeu else None,
    )
