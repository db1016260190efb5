"""What will be done for a request: every choice made, every name resolved, nothing loaded yet. Needs no torch."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from modules.declare import checked
from modules.exceptions import NotFound, ParameterError
from modules.generate.request import MAX_SEED, Txt2Img
from modules.generate.wording import Sources, Wording, has_brackets, tells_schedules_apart, word
from modules.sampling.tables import Choice, choose
from modules.settings.options import Options, View
from modules.weights.library import Checkpoint, Library

IN_PLACE_OF_OPTIONS = {  # A1111's request fields that stand for an option: option → field
    "eta_ancestral": "eta",
    "eta_ddim": "eta",
    "tiling": "tiling",
    "s_min_uncond": "s_min_uncond",
    "s_churn": "s_churn",
    "s_tmin": "s_tmin",
    "s_tmax": "s_tmax",
    "s_noise": "s_noise",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Everything decided: per image seed and prompts, and for all of them sampler, checkpoint and settings."""

    request: Txt2Img
    view: View
    checkpoint: Checkpoint
    refiner: Checkpoint | None
    choice: Choice
    seeds: tuple[int, ...]
    subseeds: tuple[int, ...]
    wording: Wording
    created: datetime = field(default_factory=datetime.now)

    @property
    def calls(self) -> int:
        """How often the model is called for one image, as prompt schedules count."""
        return self.request.steps * (2 if self.choice.sampler.second_order else 1)

    @property
    def count(self) -> int:
        """Number of images."""
        return len(self.seeds)

    def request_for(self, index: int) -> Txt2Img:
        """The request that makes image `index` alone, whatever the options are then."""
        unsaid: dict[str, Any] = dict.fromkeys(IN_PLACE_OF_OPTIONS.values())
        return replace(
            self.request,
            prompt=self.wording.prompts[index],
            negative_prompt=self.wording.negative_prompts[index],
            styles=[],
            sampler_name=self.choice.name,
            scheduler=self.choice.label,
            seed=self.seeds[index],
            subseed=self.subseeds[index] if self.request.subseed_strength else -1,
            n_iter=1,
            batch_size=1,
            refiner_checkpoint=self.refiner.short_title if self.refiner else "",
            override_settings=self.carried_options(index),
            **unsaid,
        )

    def carried_options(self, index: int) -> dict[str, Any]:
        """The options that decide image `index`, by name; one without effect on it has the value of an absent key."""
        said = {name: spec for name, spec in self.view.specs().items() if spec.infotext}
        return {
            name: getattr(self.view, name) if self._matters(spec.infotext, index) else spec.absent
            for name, spec in said.items()
        }

    def _matters(self, key: str | None, index: int) -> bool:
        sampler, schedule = self.choice.sampler, self.choice.schedule
        prompts = self.wording.prompts[index], self.wording.negative_prompts[index], self.calls
        rules: dict[str, bool] = {
            "Emphasis": self.view.emphasis != "Original" and has_brackets(*prompts, old=self.view.use_old_scheduling),
            "Old prompt editing timelines": self.view.use_old_scheduling and tells_schedules_apart(*prompts),
            "Pad conds": not self.view.pad_cond_uncond_v0,
            "ENSD": sampler.uses_ensd and self.view.eta_ancestral != 0,
            "Eta": sampler.ancestral,
            "Eta DDIM": sampler.takes_eta_ddim,
            "Beta schedule alpha": schedule.name == "beta",
            "Beta schedule beta": schedule.name == "beta",
            "Sigma churn": sampler.churns,
            "Sigma tmin": sampler.churns,
            "Sigma tmax": sampler.churns,
            "Sigma noise": sampler.churns or sampler.ancestral,
            "Discard penultimate sigma": not sampler.discards,
            "Schedule min sigma": not schedule.needs_model,
            "Schedule max sigma": not schedule.needs_model,
            "Schedule rho": schedule.rho > 0 and self.view.rho != schedule.rho,
            "SGM noise multiplier": sampler.schedule is None,
            "NGMS all steps": self.view.s_min_uncond > 0,
            "Refiner switch by sampling steps": self.refiner is not None,
            **{f"FreeU {part}": self.view.freeu for part in ("b1", "b2", "s1", "s2")},
        }
        return rules.get(key or "", True)


def request_from(values: dict[str, Any]) -> Txt2Img:
    """A request from loose values by field name; ParameterError with a sentence for the first bad one."""
    try:
        return Txt2Img(**checked(Txt2Img, values))
    except ValueError as error:
        raise ParameterError(str(error)) from error


def plan(request: Txt2Img, options: Options, library: Library, sources: Sources | None = None) -> Plan:
    """Resolve a request. ParameterError, PromptError or NotFound with a sentence when it cannot be done."""
    view = options.view().over(**request.override_settings)
    choice = choose(request.sampler_name, request.scheduler, view.k_sched_type)
    seeds = _seeds(request.seed, request, fixed=request.subseed_strength != 0)
    return Plan(
        request=request,
        view=view.over(**_for_this_request(request)),
        checkpoint=_checkpoint(view, library),
        refiner=library.find(refiner) if (refiner := request.refiner_checkpoint) not in ("", "None") else None,
        choice=choice,
        seeds=seeds,
        subseeds=_seeds(request.subseed, request, fixed=False),
        wording=word(request, view, seeds, sources),
    )


def _for_this_request(request: Txt2Img) -> dict[str, Any]:
    given = {option: getattr(request, name) for option, name in IN_PLACE_OF_OPTIONS.items()}
    return {option: value for option, value in given.items() if value is not None}


def _seeds(first: int, request: Txt2Img, *, fixed: bool) -> tuple[int, ...]:
    start = random.randrange(MAX_SEED) if first == -1 else first
    return tuple(start + (0 if fixed else i) for i in range(request.batch_size * request.n_iter))


def _checkpoint(view: View, library: Library) -> Checkpoint:
    if view.sd_model_checkpoint:
        return library.find(view.sd_model_checkpoint)
    found = library.first()
    if found is None:
        library.scan()
        found = library.first()
    if found is None:
        raise NotFound(
            "There is no checkpoint; put a .safetensors model into models/Stable-diffusion and press Refresh."
        )
    return found
