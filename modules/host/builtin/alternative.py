"""img2img alternative test: the noise that would have drawn a picture is found, and drawn with other words."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from modules.declare import Range, param
from modules.exceptions import ModelError
from modules.generate.hooks import Hooks
from modules.generate.plan import Plan
from modules.generate.request import Img2Img
from modules.generate.result import Result
from modules.host.gathering import with_pairs
from modules.host.script import Selectable, Studio

if TYPE_CHECKING:  # scripts are listed before torch is there
    from torch import Tensor

    from modules.generate.batch import Batch

# fmt: off


@dataclass(frozen=True, kw_only=True, slots=True)
class Params:
    """Its arguments."""

    info: str = param("<p><code>CFG Scale</code> should be 2 or lower.</p>", "")
    override_sampler: bool = param(True, "Override `Sampling method` to Euler?(this method is built for it)")
    override_prompt: bool = param(True, "Override `prompt` to the same value as `original prompt`?"
                                        "(and `negative prompt`)")
    original_prompt: str = param("", "Original prompt")
    original_negative_prompt: str = param("", "Original negative prompt")
    override_steps: bool = param(True, "Override `Sampling Steps` to the same value as `Decode steps`?")
    st: int = param(50, "Decode steps", slider=Range(1, 150), valid=Range(1, 9999))
    override_strength: bool = param(True, "Override `Denoising strength` to 1?")
    cfg: float = param(1.0, "Decode CFG scale", slider=Range(0, 15, 0.1), valid=Range(0, 1000))
    randomness: float = param(0.0, "Randomness", slider=Range(0, 1, 0.01), valid=Range(0, 1))
    sigma_adjustment: bool = param(False, "Sigma adjustment for finding noise for image")

# fmt: on


class _Found(Exception):
    """The noise is found; nothing is to be drawn."""


class _Finder(Hooks):
    """Walks from the picture up the noise levels, in steps of Euler's, before anything is drawn."""

    def __init__(self, values: Params):
        self.values = values
        self.noise: dict[int, Tensor] = {}  # by the batch's first image

    def before_sampling(self, batch: Batch, x: Tensor) -> Tensor:
        from modules.sampling.guidance import Guided

        if batch.start is None or batch.stage.choice.sampler.schedule is not None:
            raise ModelError("The alternative test needs a sampler that walks over noise levels, such as Euler.")
        predict = batch.model.prediction(batch.levels, whole=False, as_eps=False)
        ask = Guided(predict, lambda call: batch.contexts(0), self.values.cfg, batch.plan.view.batch_cond_uncond)
        sigmas, x = batch.sigmas.flip(0), batch.start.latent
        for before, after in zip(sigmas[:-1], sigmas[1:], strict=True):
            at = before if self.values.sigma_adjustment else after
            if at > 0:
                x = x + (x - ask(x, at)) / at * (after - before)
        self.noise[batch.first] = x / (sigmas[-1] if self.values.sigma_adjustment else x.std())
        raise _Found


class _Starter(Hooks):
    """Begins at that noise in place of the seed's."""

    def __init__(self, noise: Tensor, randomness: float):
        self.noise = noise
        self.randomness = randomness

    def before_sampling(self, batch: Batch, x: Tensor) -> Tensor:
        assert batch.start is not None
        latent, sigmas, share = batch.start.latent, batch.sigmas, self.randomness
        first = sigmas[len(sigmas) - 1 - batch.stage.taken] if len(sigmas) > batch.stage.taken else sigmas[0]
        own = (x - latent) / first
        noise = ((1 - share) * self.noise + share * own) / (share**2 + (1 - share) ** 2) ** 0.5
        made: Tensor = latent + (noise - latent / sigmas[0]) * first
        return made


class Alternative(Selectable):
    """Two runs: one that finds the noise, under the words that describe the picture; one that draws from it."""

    title = "img2img alternative test"
    file = "img2imgalt.py"
    tabs = ("img2img",)
    params = Params

    def make(self, studio: Studio, plan: Plan, values: Params) -> Result | None:
        asked = self._asked(plan, values)
        words: dict[str, Any] = {
            "prompt": values.original_prompt,
            "negative_prompt": values.original_negative_prompt,
        }
        finder = _Finder(values)
        decoding = replace(
            asked,
            **words,
            steps=values.st,
            n_iter=1,
            override_settings={**asked.override_settings, "img2img_fix_steps": False},
        )
        with suppress(_Found):
            studio.draw(studio.plan(decoding), finder)
        told = {
            "Decode prompt": values.original_prompt,
            "Decode negative prompt": values.original_negative_prompt,
            "Decode CFG scale": values.cfg,
            "Decode steps": values.st,
            "Randomness": values.randomness,
            "Sigma Adjustment": values.sigma_adjustment,
        }
        return studio.draw(with_pairs(studio.plan(asked), told), _Starter(finder.noise[0], values.randomness))

    @staticmethod
    def _asked(plan: Plan, values: Params) -> Img2Img:
        request = plan.request
        assert isinstance(request, Img2Img)
        changes: dict[str, Any] = {"seed": plan.seeds[0], "subseed": plan.subseeds[0]}
        if values.override_sampler:
            changes |= {"sampler_name": "Euler", "scheduler": None}
        if values.override_prompt:
            changes |= {"prompt": values.original_prompt, "negative_prompt": values.original_negative_prompt}
        if values.override_steps:
            changes["steps"] = values.st
        if values.override_strength:
            changes["denoising_strength"] = 1.0
        return replace(request, **changes)
