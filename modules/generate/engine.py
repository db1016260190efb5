"""A plan becomes pictures: condition, sample, decode, write, batch by batch."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from modules.exceptions import OutOfMemory
from modules.generate import infotext
from modules.generate.batch import Batch, make_batch
from modules.generate.denoising import denoise
from modules.generate.models import Models
from modules.generate.plan import Plan
from modules.generate.result import Picture, Result
from modules.generate.saving import save_grid, save_image
from modules.imaging import grids, pixels
from modules.jobs.progress import Progress
from modules.settings.folders import Folders
from modules.weights.cache import Cache
from modules.weights.networks.store import Store

log = logging.getLogger(__name__)


def run(plan: Plan, cache: Cache, networks: Store, folders: Folders, progress: Progress) -> Result:
    """Make the pictures of a plan. What is finished is on disk before the next batch begins.

    Interrupted by the user, it answers with what there is; WebuiError when nothing can be made.
    """
    started = time.monotonic()
    with _explained(plan), torch.inference_mode():
        models = Models(plan, cache, networks, progress)
        ready = models.get(plan.checkpoint, plan.wording.prompts[0])
        plan = replace(plan, checkpoint=ready.model.checkpoint)
        progress.begin(plan.request.n_iter, plan.request.steps)
        pictures = _pictures(plan, models, folders, progress)
    return Result(
        plan=plan,
        pictures=tuple(pictures),
        grid=_grid(plan, pictures, folders),
        model_name=plan.checkpoint.model_name,
        model_hash=plan.checkpoint.short_hash,
        extra=plan.wording.extra | ready.told,
        comments=(*plan.wording.comments, *models.comments),
        seconds=time.monotonic() - started,
        interrupted=progress.stop.interrupted,
    )


def _pictures(plan: Plan, models: Models, folders: Folders, progress: Progress) -> list[Picture]:
    pictures: list[Picture] = []
    for number in range(plan.request.n_iter):
        if progress.stop.interrupted:
            break
        progress.next_batch(number)
        batch = make_batch(plan, models, number)
        denoise(batch, plan, models, progress)
        if batch.latent is not None:
            _decode(batch, plan, folders)
        pictures += batch.pictures
    return pictures


@contextmanager
def _explained(plan: Plan) -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        size = f"{plan.request.width}x{plan.request.height} in batches of {plan.request.batch_size}"
        raise OutOfMemory(f"The device's memory does not hold {size}; choose a smaller size or batch.") from error


def _decode(batch: Batch, plan: Plan, folders: Folders) -> None:
    """Latents to pictures, saved one by one; what the user stopped is shown but not saved, as in A1111."""
    assert batch.latent is not None
    if batch.refined:
        plan = replace(plan, refiner=batch.model.checkpoint)  # with its hash, which is known since it was loaded
    decoded = batch.model.vae.decode(batch.latent).movedim(1, -1).cpu().numpy()
    for offset, image in enumerate(pixels.to_images(decoded)):
        index = batch.first + offset
        text = infotext.write(plan, index, plan.checkpoint, batch.told[offset])
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
