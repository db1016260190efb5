"""A plan becomes pictures: condition, sample, decode, write, batch by batch."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from modules.exceptions import Interrupted, OutOfMemory
from modules.generate import infotext
from modules.generate.conditioning import Conditioner, Scheduled
from modules.generate.plan import Plan
from modules.generate.result import Picture, Result
from modules.generate.saving import save_grid, save_image
from modules.imaging import grids, pixels
from modules.jobs.progress import Progress
from modules.sampling.guidance import Contexts, Guided
from modules.sampling.rng import NoiseSource, Variation
from modules.sampling.samplers import Walk, sample
from modules.sampling.schedules import sigmas
from modules.settings.folders import Folders
from modules.settings.options import View
from modules.weights.cache import Cache
from modules.weights.loader import Model
from modules.weights.vae import approximate

log = logging.getLogger(__name__)


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


def run(plan: Plan, cache: Cache, folders: Folders, progress: Progress) -> Result:
    """Make the pictures of a plan. What is finished is on disk before the next batch begins.

    Interrupted by the user, it answers with what there is; WebuiError when nothing can be made.
    """
    started = time.monotonic()
    progress.say("Loading the checkpoint")
    with _explained(plan), torch.inference_mode():
        model = cache.get(plan.checkpoint)
        plan = replace(plan, checkpoint=model.checkpoint)
        progress.say("")
        progress.begin(plan.request.n_iter, plan.request.steps)
        pictures = _pictures(plan, model, folders, progress)
    return Result(
        plan=plan,
        pictures=tuple(pictures),
        grid=_grid(plan, pictures, folders),
        model_name=plan.checkpoint.model_name,
        model_hash=plan.checkpoint.short_hash,
        extra={},
        seconds=time.monotonic() - started,
        interrupted=progress.stop.interrupted,
    )


def _pictures(plan: Plan, model: Model, folders: Folders, progress: Progress) -> list[Picture]:
    calls = plan.request.steps * (2 if plan.choice.sampler.second_order else 1)
    conditioner = Conditioner(model.text, plan.view, calls)
    pictures: list[Picture] = []
    for number in range(plan.request.n_iter):
        if progress.stop.interrupted:
            break
        progress.next_batch(number)
        batch = _batch(plan, model, conditioner, number)
        _sample(batch, plan, model, progress)
        if batch.latent is not None:
            _decode(batch, plan, model, folders)
        pictures += batch.pictures
    return pictures


@contextmanager
def _explained(plan: Plan) -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        size = f"{plan.request.width}x{plan.request.height} in batches of {plan.request.batch_size}"
        raise OutOfMemory(f"The device's memory does not hold {size}; choose a smaller size or batch.") from error


def _batch(plan: Plan, model: Model, conditioner: Conditioner, number: int) -> Batch:
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


def _sample(batch: Batch, plan: Plan, model: Model, progress: Progress) -> None:
    """Fill the batch's latent; stopped by the user, with the newest guess."""
    view = plan.view

    def report(step: int, denoised: Tensor) -> None:
        batch.latent = denoised
        wanted = view.live_previews_enable and (step + 1) % view.show_progress_every_n_steps == 0
        progress.at(step + 1, _Preview(denoised, model, view) if wanted else None)
        progress.stop.check()

    walk = Walk(
        noise=batch.noise.next,
        report=report,
        eta=view.eta_ancestral,
        s_churn=view.s_churn,
        s_tmin=view.s_tmin,
        s_tmax=view.s_tmax or float("inf"),
        s_noise=view.s_noise,
    )
    guided = Guided(model.prediction, batch.contexts, plan.request.cfg_scale, view.batch_cond_uncond)
    x = batch.noise.first(_variation(plan, batch, model)) * batch.sigmas[0]
    try:
        batch.latent = sample(plan.choice.sampler, guided, x, batch.sigmas, walk)
    except Interrupted:
        batch.stopped = True


def _variation(plan: Plan, batch: Batch, model: Model) -> Variation:
    request, side = plan.request, model.arch.downscale
    sizes = request.seed_resize_from_h, request.seed_resize_from_w
    return Variation(
        seeds=plan.subseeds[batch.first : batch.first + len(batch.seeds)],
        strength=request.subseed_strength,
        resize_from=(sizes[0] // side, sizes[1] // side) if min(sizes) > 0 else None,
    )


def _decode(batch: Batch, plan: Plan, model: Model, folders: Folders) -> None:
    """Latents to pictures, saved one by one; what the user stopped is shown but not saved, as in A1111."""
    assert batch.latent is not None
    decoded = model.vae.decode(batch.latent).movedim(1, -1).cpu().numpy()
    for offset, image in enumerate(pixels.to_images(decoded)):
        index = batch.first + offset
        text = infotext.write(plan, index, plan.checkpoint)
        saves = plan.view.samples_save and not plan.request.do_not_save_samples and not batch.stopped
        path: Path | None = save_image(image, plan, index, text, folders) if saves else None
        batch.pictures.append(Picture(image=image, infotext=text, path=path))


def _grid(plan: Plan, pictures: list[Picture], folders: Folders) -> Picture | None:
    view = plan.view
    wanted = (view.return_grid or view.grid_save) and not plan.request.do_not_save_grid
    if not pictures or not wanted or (len(pictures) < 2 and view.grid_only_if_multiple):
        return None
    rows, columns = grids.shape(len(pictures), plan.request.batch_size, view.n_rows, view.grid_prevent_empty_spots)
    image = grids.grid([one.image for one in pictures], rows, columns, view.grid_background_color)
    text = pictures[0].infotext
    path = save_grid(image, plan, text, folders) if view.grid_save else None
    return Picture(image=image, infotext=text, path=path)


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
