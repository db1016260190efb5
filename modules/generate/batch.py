"""One iteration's images, made together: their seeds, noise, prompts as tensors, and what came of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from modules.generate.conditioning import Conditioner, Scheduled
from modules.generate.plan import Plan
from modules.generate.result import Picture
from modules.sampling.guidance import Contexts
from modules.sampling.rng import NoiseSource, Variation
from modules.sampling.schedules import sigmas
from modules.weights.loader import Model


@dataclass(slots=True)
class Batch:
    """One iteration: the images `first` to `first + len(seeds) - 1` of the plan, made together."""

    first: int
    seeds: tuple[int, ...]
    noise: NoiseSource
    positive: list[Scheduled]
    negative: Scheduled
    sigmas: Tensor
    latent: Tensor | None = None  # the newest denoised guess, `[B,C,H/8,W/8]`
    stopped: bool = False
    pictures: list[Picture] = field(default_factory=list)

    def contexts(self, call: int) -> Contexts:
        """What steers the model's call number `call`."""
        parts = [part.at(call) for part in self.positive]
        return Contexts(parts, [part.weight for part in self.positive], self.negative.at(call))


def make_batch(plan: Plan, model: Model, conditioner: Conditioner, number: int) -> Batch:
    """The batch of iteration `number`, ready to be sampled."""
    request, view = plan.request, plan.view
    first = number * request.batch_size
    seeds = plan.seeds[first : first + request.batch_size]
    side = model.arch.downscale
    shape = (model.arch.latent_channels, request.height // side, request.width // side)
    return Batch(
        first=first,
        seeds=seeds,
        noise=NoiseSource(view.randn_source, seeds, shape, model.place.device, view.eta_noise_seed_delta),
        positive=conditioner.positive(request.prompt),
        negative=conditioner.negative(request.negative_prompt),
        sigmas=sigmas(
            plan.choice.schedule,
            request.steps,
            model.levels,
            low=view.sigma_min,
            high=view.sigma_max,
            rho=view.rho,
            discard=plan.choice.sampler.discards or view.always_discard_next_to_last_sigma,
        ),
    )


def variation(plan: Plan, batch: Batch, model: Model) -> Variation:
    """What bends the batch's first noise."""
    request, side = plan.request, model.arch.downscale
    sizes = request.seed_resize_from_h, request.seed_resize_from_w
    return Variation(
        seeds=plan.subseeds[batch.first : batch.first + len(batch.seeds)],
        strength=request.subseed_strength,
        resize_from=(sizes[0] // side, sizes[1] // side) if min(sizes) > 0 else None,
    )
