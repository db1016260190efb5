"""What will be done for a request: every choice made, every name resolved, nothing loaded yet. Needs no torch."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from PIL import Image

from modules.declare import checked
from modules.exceptions import NotFound, ParameterError
from modules.generate.request import MAX_SEED, Request, Txt2Img
from modules.generate.stages import Stage, second, strength_of
from modules.generate.wording import Sources, Wording, has_brackets, tells_schedules_apart, word
from modules.sampling.tables import Choice, choose
from modules.settings.options import Options, View
from modules.weights.library import Checkpoint, Library

IN_PLACE_OF_OPTIONS = {  # A1111's request fields that stand for an option: option → field
    "eta_ancestral": "eta",
    "eta_ddim": "eta",
    "tiling": "tiling",
    "initial_noise_multiplier": "initial_noise_multiplier",
    "s_min_uncond": "s_min_uncond",
    "s_churn": "s_churn",
    "s_tmin": "s_tmin",
    "s_tmax": "s_tmax",
    "s_noise": "s_noise",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Everything decided: per image seed and prompts, and for all of them sampler, checkpoint and settings."""

    request: Request
    view: View
    stages: tuple[Stage, ...]
    refiner: Checkpoint | None
    seeds: tuple[int, ...]
    subseeds: tuple[int, ...]
    created: datetime = field(default_factory=datetime.now)

    @property
    def checkpoint(self) -> Checkpoint:
        """What the first stage is drawn with."""
        return self.stages[0].checkpoint

    @property
    def choice(self) -> Choice:
        """Sampler and schedule of the first stage."""
        return self.stages[0].choice

    @property
    def wording(self) -> Wording:
        """The prompts of the first stage."""
        return self.stages[0].wording

    @property
    def steps(self) -> int:
        """Of all stages."""
        return sum(stage.taken for stage in self.stages)

    def refines(self, stage: Stage) -> bool:
        """Whether the refiner may take over in this stage."""
        passes: str = self.view.hires_fix_refiner_pass
        place = "first pass" if stage.after is None else "second pass"
        return len(self.stages) == 1 or passes in (place, "both passes")

    def with_checkpoint(self, stage: int, checkpoint: Checkpoint) -> Plan:
        """The plan with a stage's checkpoint as it was found on loading, with its hash."""
        stages = list(self.stages)
        stages[stage] = replace(stages[stage], checkpoint=checkpoint)
        return replace(self, stages=tuple(stages))

    @property
    def count(self) -> int:
        """Number of images."""
        return len(self.seeds)

    def request_for(self, index: int) -> Request:
        """The request that makes image `index` alone, whatever the options are then."""
        unsaid: dict[str, Any] = {name: None for name in IN_PLACE_OF_OPTIONS.values() if hasattr(self.request, name)}
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
            script_name="",
            script_args=(),
            alwayson_scripts={},
            **unsaid,
            **self._hires_for(index),
        )

    def _hires_for(self, index: int) -> dict[str, Any]:
        """The fields of the second stage that make it alone for image `index`."""
        if not isinstance(self.request, Txt2Img) or len(self.stages) < 2:
            return {}
        first, second = self.stages
        other = second.checkpoint.path != first.checkpoint.path
        fields = {"hr_checkpoint_name": second.checkpoint.short_title if other else ""}
        if second.choice != first.choice:
            fields |= {"hr_sampler_name": second.choice.name, "hr_scheduler": second.choice.label or ""}
        if self.request.hr_prompt:
            fields["hr_prompt"] = second.wording.prompts[index]
        if self.request.hr_negative_prompt:
            fields["hr_negative_prompt"] = second.wording.negative_prompts[index]
        return fields

    def carried_options(self, index: int) -> dict[str, Any]:
        """The options that decide image `index`, by name; one without effect on it has the value of an absent key."""
        said = {name: spec for name, spec in self.view.specs().items() if spec.infotext}
        return {
            name: getattr(self.view, name) if self._matters(spec.infotext, index) else spec.absent
            for name, spec in said.items()
        }

    def _matters(self, key: str | None, index: int) -> bool:
        sampler, schedule = self.choice.sampler, self.choice.schedule
        prompts = self.wording.prompts[index], self.wording.negative_prompts[index], self.stages[0].calls
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


R = TypeVar("R", bound=Request)


def request_from(values: dict[str, Any], kind: type[R] = Txt2Img) -> R:  # type: ignore[assignment]
    """A request from loose values by field name; ParameterError with a sentence for the first bad one."""
    try:
        return kind(**checked(kind, values))
    except ValueError as error:
        raise ParameterError(str(error)) from error


def plan(request: Request, options: Options, library: Library, sources: Sources | None = None) -> Plan:
    """Resolve a request. ParameterError, PromptError or NotFound with a sentence when it cannot be done."""
    view = options.view().over(**request.override_settings)
    seeds = _seeds(request.seed, request, fixed=request.subseed_strength != 0)
    first = Stage(
        choice=choose(request.sampler_name, request.scheduler, view.k_sched_type),
        steps=request.steps,
        width=request.width,
        height=request.height,
        checkpoint=_checkpoint(view, library),
        wording=word(request, view, seeds, sources),
        strength=strength_of(request),
        exact=view.img2img_fix_steps,
        given=_first_given(request),
    )
    stages: tuple[Stage, ...] = (first,)
    if isinstance(request, Txt2Img) and request.enable_hr:
        over = replace(
            request,
            prompt=request.hr_prompt or request.prompt,
            negative_prompt=request.hr_negative_prompt or request.negative_prompt,
        )
        stages = (first, second(request, first, library, word(over, view, seeds, sources)))
    return Plan(
        request=request,
        view=view.over(**_for_this_request(request)),
        stages=stages,
        refiner=library.find(refiner) if (refiner := request.refiner_checkpoint) not in ("", "None") else None,
        seeds=seeds,
        subseeds=_seeds(request.subseed, request, fixed=False),
    )


def _first_given(request: Request) -> bool:
    if not isinstance(request, Txt2Img) or request.firstpass_image is None:
        return False
    if not request.enable_hr:
        raise ParameterError("A first pass's image is for hires fix; set enable_hr too, or use img2img.")
    if not isinstance(request.firstpass_image, Image.Image):
        raise ParameterError("The first pass's image cannot be read; give a PNG, JPEG or WebP.")
    return True


def _for_this_request(request: Request) -> dict[str, Any]:
    given = {option: getattr(request, name, None) for option, name in IN_PLACE_OF_OPTIONS.items()}
    return {option: value for option, value in given.items() if value is not None}


def _seeds(first: int, request: Request, *, fixed: bool) -> tuple[int, ...]:
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
