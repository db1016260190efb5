"""From noise to latents: the sampler of a plan walks over the guided model."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from modules.exceptions import Interrupted, NotANumber
from modules.generate.batch import Batch, brownian, variation
from modules.generate.beside import contexts, image_beside
from modules.generate.hooks import Blend, Noising, listens
from modules.generate.models import Models
from modules.generate.refiner import Refined
from modules.generate.soft import laid_over, wished
from modules.imaging import grids, pixels
from modules.jobs.progress import Progress
from modules.sampling.guidance import CFGPP_FULL, Call, Guided, Prediction, Skip
from modules.sampling.samplers import sample
from modules.sampling.samplers.consistency import Consistency
from modules.sampling.starting import More, from_latent, from_latent_by_timesteps, from_noise
from modules.sampling.walk import Corrections, Denoiser, Walk
from modules.settings.options import View
from modules.weights.loader import Model
from modules.weights.vae import approximate


def denoise(batch: Batch, models: Models, progress: Progress, done: int = 0) -> None:
    """Fill the batch's latent; stopped by the user, with the newest guess. `done`: steps of the stage before."""
    view, sampler = batch.plan.view, batch.stage.choice.sampler

    def report(step: int, denoised: Tensor) -> None:
        if step == 0:
            _check_numbers(denoised, batch)
        batch.latent = denoised
        wanted = view.live_previews_enable and (step + 1) % view.show_progress_every_n_steps == 0
        progress.at(done + step + 1, _Preview(denoised, batch.model, view) if wanted else None)
        progress.stop.check()

    x, sigmas = _beginning(batch)
    x = batch.hooks.before_sampling(batch, x)
    guided = _guided(batch)
    walk = Walk(
        noise=batch.noise.next,
        report=report,
        eta=view.eta_ddim if sampler.takes_eta_ddim else view.eta_ancestral,
        s_churn=view.s_churn,
        s_tmin=view.s_tmin,
        s_tmax=view.s_tmax or float("inf"),
        s_noise=view.s_noise,
        brownian=brownian(batch) if sampler.brownian and len(sigmas) > 1 else None,
        span=None if batch.start else (batch.levels.sigma_max, batch.levels.sigma_min),
        unguided=guided.unguided,
        unipc=Corrections(
            variant=view.uni_pc_variant, order=view.uni_pc_order, lower_order_final=view.uni_pc_lower_order_final
        ),
    )
    denoiser = _masked(_with_refiner(guided, batch, models), batch)
    try:
        batch.latent = sample(sampler, denoiser, x, sigmas, walk) if len(sigmas) > 1 else x
    except Interrupted:
        batch.stopped = True
    else:
        _check_numbers(batch.latent, batch)
    if batch.start is not None and batch.start.kept is not None and batch.latent is not None and not wished(batch):
        final = Blend(batch.start.latent, batch.latent, batch.start.kept, None)
        batch.latent = batch.hooks.blend(batch, final)
    if not batch.stopped:
        batch.hooks.sampled(batch)


def _check_numbers(latent: Tensor, batch: Batch) -> None:
    """NotANumber where nothing of a latent is a number: its picture would be black."""
    if batch.model.place.checked and bool(latent.flatten()[0].isnan()) and bool(latent.isnan().all()):
        raise NotANumber(
            f"{batch.model.checkpoint.model_name} answered with no numbers: its values went out of the range of"
            f" {str(batch.model.place.dtype).removeprefix('torch.')}; start with --no-half, or"
            " --disable-nan-check to go on regardless."
        )


def _beginning(batch: Batch) -> tuple[Tensor, Tensor]:
    """(x, σ of the steps to take)"""
    view, stage, start, sampler = batch.plan.view, batch.stage, batch.start, batch.stage.choice.sampler
    noise = batch.noise.first(variation(batch))
    if start is None:
        return from_noise(sampler, noise, batch.sigmas, view.sgm_noise_multiplier), batch.sigmas
    if stage.after is None:
        noise = noise * view.initial_noise_multiplier
    if stage.laid_out == 0:
        return start.latent, batch.sigmas
    more = _more(batch, noise, start.latent)
    if sampler.schedule is None:
        return from_latent(start.latent, noise, batch.sigmas, stage.taken, more)
    times = {"skip_type": view.uni_pc_skip_type}
    return from_latent_by_timesteps(
        sampler, start.latent, noise, batch.levels, stage.laid_out, stage.taken, more, **times
    )


def _more(batch: Batch, noise: Tensor, latent: Tensor) -> More | None:
    """The noise that an option adds to that of the level; None for none."""
    times = batch.plan.view.img2img_extra_noise
    return (lambda x: batch.hooks.more_noise(batch, Noising(noise, latent, x)) * times) if times > 0 else None


def _masked(model: Denoiser, batch: Batch) -> Denoiser:
    """What is to stay is put into every answer; for DDIM's family into what the model sees, as in A1111."""
    if batch.start is None or batch.start.kept is None:
        return model
    latent, kept, soft = batch.start.latent, batch.start.kept, wished(batch)

    def kept_in(drawn: Tensor, sigma: Tensor) -> Tensor:
        if soft is not None:
            return laid_over(batch, soft, drawn, sigma)
        return batch.hooks.blend(batch, Blend(latent, drawn, kept, sigma))

    def after(x: Tensor, sigma: Tensor) -> Tensor:
        return kept_in(model(x, sigma), sigma)

    def before(x: Tensor, sigma: Tensor) -> Tensor:
        scale = (1 + sigma**2) ** 0.5
        seen = kept_in(x / scale, sigma) * scale
        return x - seen + model(seen, sigma)

    return after if batch.stage.choice.sampler.schedule is None else before


def _guided(batch: Batch) -> Guided:
    """The model under classifier-free guidance."""
    view, cfgpp = batch.plan.view, batch.stage.choice.sampler.cfgpp
    return Guided(
        _prediction(batch),
        contexts(batch),
        batch.plan.request.cfg_scale / (CFGPP_FULL if cfgpp else 1),
        view.batch_cond_uncond,
        _skip(batch),
        keeps_uncond=cfgpp,
        image=image_beside(batch),
        image_scale=_image_scale(batch),
        listener=_Told(batch) if listens(batch.hooks) else None,
    )


@dataclass(frozen=True, slots=True)
class _Told:
    """Tells a batch's hooks of each call of the model."""

    batch: Batch

    def asking(self, call: Call) -> None:
        self.batch.hooks.asking(self.batch, call)

    def answered(self, call: Call) -> None:
        self.batch.hooks.answered(self.batch, call)

    def guided(self, call: Call) -> None:
        self.batch.hooks.guided(self.batch, call)


def _prediction(batch: Batch) -> Prediction:
    sampler = batch.stage.choice.sampler
    asked = batch.model.prediction(batch.levels, whole=sampler.schedule is not None, as_eps=sampler.distilled)
    return Consistency(asked, batch.levels) if sampler.distilled else asked


def _image_scale(batch: Batch) -> float | None:
    """How strongly an editing model's picture guides; None where that is as the text does."""
    scale: float | None = getattr(batch.plan.request, "image_cfg_scale", None)
    return None if scale == 1 or batch.model.arch.given != "edit" else scale


def _skip(batch: Batch) -> Callable[[int, float], bool]:
    """When the negative prompt is left out. A1111 compares DDIM's family by timestep, not by noise level."""
    view = batch.plan.view
    calls = batch.stage.calls
    skip = Skip(below=view.s_min_uncond, every=view.s_min_uncond_all, early=view.skip_early_cond, calls=calls)
    if batch.stage.choice.sampler.schedule is None:
        return skip
    return lambda call, sigma: skip(call, float(batch.levels.t(torch.tensor(sigma))))


def _with_refiner(guided: Guided, batch: Batch, models: Models) -> Denoiser:
    """The guided model, exchanged for the refiner on the way where the plan has one in this stage."""
    plan = batch.plan
    refiner = plan.refiner
    if refiner is None or refiner.path == batch.stage.checkpoint.path or not plan.refines(batch.stage):
        return guided

    def take_over() -> None:
        batch.refine(models, refiner)
        guided.predict, guided.image = _prediction(batch), image_beside(batch)

    at, by_calls = plan.request.refiner_switch_at or 0, plan.view.refiner_switch_by_sample_steps
    return Refined(guided, batch.levels, at, take_over, batch.stage.calls, by_calls)


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
