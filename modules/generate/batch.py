"""One iteration's images, made together: their seeds, noise, prompts as tensors, and what came of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from PIL import Image
from torch import Tensor

from modules.generate.conditioning import Conditioner, Prompted, Steering
from modules.generate.hooks import QUIET, Hooks
from modules.generate.models import Models
from modules.generate.plan import Plan
from modules.generate.result import Picture
from modules.generate.stages import Stage
from modules.sampling.brownian import BrownianNoise, seedless_entropy
from modules.sampling.guidance import Contexts
from modules.sampling.prediction import FlowLevels, Levels
from modules.sampling.rng import NoiseSource, Variation
from modules.sampling.samplers.consistency import distilled
from modules.sampling.schedules import sigmas
from modules.weights.library import Checkpoint
from modules.weights.loader import Model

PADDING = "Pad conds", "Pad conds v0"  # keys of options that do nothing where the prompts are of one length
MASK_WEIGHT = "Conditional mask weight"
GUIDANCE = "Distilled CFG Scale"
OLD_RANGE = 0.1, 10.0  # σ of the Karras schedule in A1111's first months


@dataclass(frozen=True, slots=True)
class Start:
    """What a walk begins at: a clean latent `[B,C,h,w]`, and where it is to stay (1) or may change (0), `[1,1,h,w]`.

    `pixels` `[N,3,H,W]`, -1 to 1, `hole` `[1,1,H,W]`, 1 where they are drawn anew, and `depth` `[N,1,h,w]`, 1 where
    they are nearest and -1 where farthest, are for models that see them.
    """

    latent: Tensor
    kept: Tensor | None = None
    pixels: Tensor | None = None
    hole: Tensor | None = None
    depth: Tensor | None = None


@dataclass(slots=True)
class Batch:
    """One stage of one iteration: the images `first` to `first + len(seeds) - 1` of the plan, drawn together."""

    plan: Plan
    stage: Stage
    model: Model
    levels: Levels
    first: int
    seeds: tuple[int, ...]
    noise: NoiseSource
    steering: Steering
    told: list[dict[str, str | None]]  # what the infotext of each image says beside parameters and options
    sigmas: Tensor  # of the whole schedule
    start: Start | None = None
    latent: Tensor | None = None  # the newest denoised guess, `[B,C,H/8,W/8]`
    shown: Image.Image | None = None  # what the latents were made of, where they were not drawn
    refined: bool = False  # the refiner has taken over: model and prompts are its own
    stopped: bool = False
    hooks: Hooks = QUIET
    pictures: list[Picture] = field(default_factory=list)

    def contexts(self, call: int) -> Contexts:
        """What steers the model's call number `call`."""
        return self.steering.at(call)

    def refine(self, models: Models, refiner: Checkpoint) -> None:
        """Go on with another model."""
        ready = models.get(self.stage, self.stage.wording.prompts[self.first], refiner)
        self.model, self.refined = ready.model, True
        self.levels = levels_of(ready.model, self.plan, self.stage)
        self.steering = _steering(self.plan, self.stage, ready.conditioner, self.first)


def make_batch(plan: Plan, stage: Stage, models: Models, number: int, hooks: Hooks = QUIET) -> Batch:
    """A stage's batch of iteration `number`, ready to be sampled."""
    view, sampler = plan.view, stage.choice.sampler
    first = number * plan.request.batch_size
    ready = models.get(stage, stage.wording.prompts[first])
    model, steering = ready.model, _steering(plan, stage, ready.conditioner, first)
    seeds = plan.seeds[first : first + plan.request.batch_size]
    levels = levels_of(model, plan, stage)
    low, high = _range(plan, stage)
    side = model.arch.downscale
    shape = (model.arch.latent_channels, stage.height // side, stage.width // side)
    return Batch(
        plan=plan,
        stage=stage,
        model=model,
        levels=levels,
        hooks=hooks,
        first=first,
        seeds=seeds,
        noise=NoiseSource(view.randn_source, seeds, shape, model.place.device, view.eta_noise_seed_delta),
        steering=steering,
        told=[
            {**ready.told, **_told(image, models), **_mask_weight(model, plan, stage), **_guidance(model)}
            for image in steering.images
        ],
        sigmas=sigmas(
            stage.choice.schedule,
            stage.laid_out,
            distilled(levels) if sampler.distilled else levels,
            low=low,
            high=high,
            rho=view.rho,
            discard=sampler.discards or view.always_discard_next_to_last_sigma,
            alpha=view.beta_dist_alpha,
            beta=view.beta_dist_beta,
            skip_type=view.uni_pc_skip_type,
            family=model.arch.family,
        )
        if stage.laid_out
        else torch.zeros(1),
    )


def _told(image: Prompted, models: Models) -> dict[str, str | None]:
    """Infotext pairs of one image; None takes a key away that means nothing for it."""
    said: dict[str, str | None] = {"TI hashes": models.word_hashes(image.words)}
    return said if image.padded else said | dict.fromkeys(PADDING)


def _mask_weight(model: Model, plan: Plan, stage: Stage) -> dict[str, str | None]:
    """Told of every picture of an inpainting model, as A1111 does, but of SDXL's only of those over another picture."""
    matters = model.arch.given == "inpaint" and (model.arch.family != "SDXL" or stage.strength is not None)
    return {MASK_WEIGHT: f"{plan.view.inpainting_mask_weight:g}" if matters else None}


def _guidance(model: Model) -> dict[str, str | None]:
    """A scale that this model is not told is not told of its pictures."""
    return {} if model.arch.guided else {GUIDANCE: None}


def _steering(plan: Plan, stage: Stage, conditioner: Conditioner, first: int) -> Steering:
    images = slice(first, first + plan.request.batch_size)
    return conditioner.steering(stage.wording.prompts[images], stage.wording.negative_prompts[images])


def levels_of(model: Model, plan: Plan, stage: Stage) -> Levels:
    """The model's noise levels as the options want them; DDIM's family is not quantized, as in A1111."""
    view = plan.view
    if isinstance(model.levels, FlowLevels) and view.flow_shift:
        return FlowLevels(view.flow_shift, model.levels.count)
    return model.levels.altered(
        half=view.use_downcasted_alpha_bar,
        zero_snr=view.sd_noise_schedule == "Zero Terminal SNR",
        whole=view.enable_quantization and stage.choice.sampler.schedule is None,
    )


def _range(plan: Plan, stage: Stage) -> tuple[float, float]:
    """The lowest and the highest σ of the schedule as the options want them; 0 leaves it to the model."""
    view, choice = plan.view, stage.choice
    named = choice.label is not None or choice.schedule.name == "karras"
    low, high = OLD_RANGE if view.use_old_karras_scheduler_sigmas and named else (0, 0)
    return view.sigma_min or low, view.sigma_max or high


def brownian(batch: Batch) -> BrownianNoise:
    """The noise of the batch's SDE samplers: a path per image, or one for all."""
    view, images = batch.plan.view, len(batch.seeds)
    entropies, shared = batch.seeds, 1
    if view.no_dpmpp_sde_batch_determinism:
        entropies, shared = (seedless_entropy(batch.first // batch.plan.request.batch_size),), images
    shape = shared, *batch.noise.shape
    return BrownianNoise(view.randn_source, entropies, shape, batch.model.place.device, batch.sigmas)


def variation(batch: Batch) -> Variation:
    """What bends the batch's first noise."""
    request, side = batch.plan.request, batch.model.arch.downscale
    sizes = request.seed_resize_from_h, request.seed_resize_from_w
    return Variation(
        seeds=batch.plan.subseeds[batch.first : batch.first + len(batch.seeds)],
        strength=request.subseed_strength,
        resize_from=(sizes[0] // side, sizes[1] // side) if min(sizes) > 0 else None,
    )
