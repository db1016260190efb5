"""From noise to latents: the sampler of a plan walks over the guided model."""

from __future__ import annotations

import io
from collections.abc import Callable

import torch
from PIL import Image
from torch import Tensor

from modules.exceptions import Interrupted
from modules.generate.batch import Batch, brownian, starting_deviation, variation
from modules.generate.models import Models
from modules.generate.plan import Plan
from modules.generate.refiner import Refined
from modules.imaging import grids, pixels
from modules.jobs.progress import Progress
from modules.sampling.guidance import CFGPP_FULL, Guided, Skip
from modules.sampling.samplers import sample
from modules.sampling.walk import Corrections, Denoiser, Walk
from modules.settings.options import View
from modules.weights.loader import Model
from modules.weights.vae import approximate


def denoise(batch: Batch, plan: Plan, models: Models, progress: Progress) -> None:
    """Fill the batch's latent; stopped by the user, with the newest guess."""
    view = plan.view

    def report(step: int, denoised: Tensor) -> None:
        batch.latent = denoised
        wanted = view.live_previews_enable and (step + 1) % view.show_progress_every_n_steps == 0
        progress.at(step + 1, _Preview(denoised, batch.model, view) if wanted else None)
        progress.stop.check()

    sampler = plan.choice.sampler
    guided = _guided(batch, plan)
    walk = Walk(
        noise=batch.noise.next,
        report=report,
        eta=view.eta_ddim if sampler.takes_eta_ddim else view.eta_ancestral,
        s_churn=view.s_churn,
        s_tmin=view.s_tmin,
        s_tmax=view.s_tmax or float("inf"),
        s_noise=view.s_noise,
        brownian=brownian(plan, batch) if sampler.brownian else None,
        span=(batch.levels.sigma_max, batch.levels.sigma_min),
        levels=batch.levels,
        unguided=guided.unguided,
        unipc=Corrections(
            variant=view.uni_pc_variant, order=view.uni_pc_order, lower_order_final=view.uni_pc_lower_order_final
        ),
    )
    x = batch.noise.first(variation(plan, batch)) * starting_deviation(plan, batch)
    try:
        batch.latent = sample(sampler, _with_refiner(guided, batch, plan, models), x, batch.sigmas, walk)
    except Interrupted:
        batch.stopped = True


def _guided(batch: Batch, plan: Plan) -> Guided:
    """The model under classifier-free guidance."""
    view, cfgpp = plan.view, plan.choice.sampler.cfgpp
    return Guided(
        batch.model.prediction(batch.levels),
        batch.contexts,
        plan.request.cfg_scale / (CFGPP_FULL if cfgpp else 1),
        view.batch_cond_uncond,
        _skip(batch, plan),
        keeps_uncond=cfgpp,
    )


def _skip(batch: Batch, plan: Plan) -> Callable[[int, float], bool]:
    """When the negative prompt is left out. A1111 compares DDIM's family by timestep, not by noise level."""
    view = plan.view
    skip = Skip(below=view.s_min_uncond, every=view.s_min_uncond_all, early=view.skip_early_cond, calls=plan.calls)
    if plan.choice.sampler.schedule is None:
        return skip
    return lambda call, sigma: skip(call, float(batch.levels.t(torch.tensor(sigma))))


def _with_refiner(guided: Guided, batch: Batch, plan: Plan, models: Models) -> Denoiser:
    """The guided model, exchanged for the refiner on the way where the plan has one."""
    refiner = plan.refiner
    if refiner is None or refiner.path == plan.checkpoint.path:
        return guided

    def take_over() -> None:
        batch.refine(plan, models, refiner)
        guided.predict = batch.model.prediction(batch.levels)

    return Refined(
        guided,
        batch.levels,
        plan.request.refiner_switch_at or 0,
        take_over,
        plan.calls,
        plan.view.refiner_switch_by_sample_steps,
    )


class _Preview:
    """A latent that becomes a small picture when somebody looks."""

    def __init__(self, latent: Tensor, model: Model, view: View):
        self._latent = latent
        self._weights = model.vae.preview
        self._format: str = view.live_previews_image_format

    def __call__(self) -> bytes:
        with torch.inference_mode():
            views = torch.stack([approximate(one, self._weights) for one in self._latent])
        images: list[Image.Image] = pixels.to_images(views.movedim(1, -1).numpy())
        rows, columns = grids.shape(len(images), len(images))
        shown = images[0] if len(images) == 1 else grids.grid(images, rows, columns)
        buffer = io.BytesIO()
        shown.save(buffer, self._format, quality=85)
        return buffer.getvalue()
