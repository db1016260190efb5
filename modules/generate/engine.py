"""A plan becomes pictures: condition, sample, decode, write, batch by batch."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image

from modules.exceptions import Interrupted, OutOfMemory
from modules.generate import infotext, soft
from modules.generate.batch import Batch, make_batch
from modules.generate.beginnings import decoded, of_first_stage, of_source
from modules.generate.denoising import denoise
from modules.generate.models import Models
from modules.generate.plan import Plan
from modules.generate.request import Img2Img, Txt2Img
from modules.generate.result import Picture, Result
from modules.generate.saving import keep_latent, save_grid, save_image
from modules.generate.source import Source, source
from modules.generate.stages import LATENT_MODES
from modules.generate.stores import Stores
from modules.imaging import grids
from modules.imaging.resize import lanczos
from modules.jobs.progress import Progress
from modules.settings.folders import Folders

log = logging.getLogger(__name__)


def run(plan: Plan, stores: Stores, folders: Folders, progress: Progress) -> Result:
    """Make the pictures of a plan. What is finished is on disk before the next batch begins.

    Interrupted by the user, it answers with what there is; WebuiError when nothing can be made.
    """
    started = time.monotonic()
    with _explained(plan), torch.inference_mode():
        models = Models(plan, stores.checkpoints, stores.networks, progress)
        ready = models.get(plan.stages[0], plan.wording.prompts[0])
        plan = plan.with_checkpoint(0, ready.model.checkpoint)
        progress.begin(plan.request.n_iter, plan.steps)
        pictures = _pictures(plan, models, stores, folders, progress)
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


def _pictures(plan: Plan, models: Models, stores: Stores, folders: Folders, progress: Progress) -> list[Picture]:
    request, view, given = plan.request, plan.view, None
    if isinstance(request, Img2Img):
        given = source(plan, request, stores.scaler(view.upscaler_for_img2img, view, progress))
    pictures: list[Picture] = []
    for number in range(request.n_iter):
        if progress.stop.interrupted:
            break
        progress.next_batch(number)
        batch = _first(plan, given, models, progress, number)
        if len(plan.stages) > 1 and not batch.stopped:
            if view.save_images_before_highres_fix:
                _save_first(batch, folders)
            batch = _second(batch, models, stores, progress, number)
        if batch.latent is not None:
            _decode(batch, given, folders)
        pictures += batch.pictures
    return pictures


def _first(plan: Plan, given: Source | None, models: Models, progress: Progress, number: int) -> Batch:
    batch = make_batch(plan, plan.stages[0], models, number)
    if given is not None:
        batch.start = of_source(batch, given)
    denoise(batch, models, progress)
    return batch


def _second(first: Batch, models: Models, stores: Stores, progress: Progress, number: int) -> Batch:
    """The hires pass over a first stage's latents; stopped while they are enlarged, the first stage's batch."""
    plan, stage = first.plan, first.plan.stages[1]
    assert isinstance(plan.request, Txt2Img)
    batch = make_batch(plan, stage, models, number)
    batch.told = [own | other for own, other in zip(first.told, batch.told, strict=True)]
    if stage.checkpoint.path != plan.checkpoint.path:
        batch.plan = plan.with_checkpoint(1, batch.model.checkpoint)
    if first.refined:
        batch.plan = replace(batch.plan, refiner=first.model.checkpoint)
    name = plan.request.hr_upscaler
    try:
        scale = lanczos if name in LATENT_MODES else stores.scaler(name, plan.view, progress)
        batch.start = of_first_stage(first, batch, scale)
    except Interrupted:
        first.stopped = True
        return first
    denoise(batch, models, progress, plan.stages[0].taken)
    return batch


def _save_first(batch: Batch, folders: Folders) -> None:
    for offset, image in enumerate(decoded(batch)):
        index = batch.first + offset
        text = infotext.write(batch.plan, index, batch.plan.checkpoint, batch.told[offset])
        save_image(image, batch.plan, index, text, folders, suffix="-before-highres-fix")


@contextmanager
def _explained(plan: Plan) -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        size = f"{plan.request.width}x{plan.request.height} in batches of {plan.request.batch_size}"
        raise OutOfMemory(f"The device's memory does not hold {size}; choose a smaller size or batch.") from error


def _decode(batch: Batch, given: Source | None, folders: Folders) -> None:
    """Latents to pictures, saved one by one; what the user stopped is shown but not saved, as in A1111."""
    plan = batch.plan
    if batch.refined:
        plan = replace(plan, refiner=batch.model.checkpoint)  # with its hash, which is known since it was loaded
    if given is not None and (request := soft.wished(batch)):
        given = soft.finishing(batch, request, given)
    for offset, drawn in enumerate(_decoded(batch, folders)):
        index = batch.first + offset
        image = drawn if given is None else given.finished(drawn, offset)
        text = infotext.write(plan, index, plan.checkpoint, batch.told[offset])
        saves = plan.view.samples_save and not plan.request.do_not_save_samples and not batch.stopped
        path: Path | None = save_image(image, plan, index, text, folders) if saves else None
        batch.pictures.append(Picture(image=image, infotext=text, path=path))


def _decoded(batch: Batch, folders: Folders) -> list[Image.Image]:
    """The batch's pictures; where memory does not hold even a tile of one, their latents are kept."""
    try:
        return decoded(batch)
    except torch.OutOfMemoryError as error:
        assert batch.latent is not None
        path = keep_latent(batch.latent, batch.plan, batch.first, folders)
        raise OutOfMemory(f"The device's memory does not hold the decoding; the latents are kept in {path}.") from error


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
