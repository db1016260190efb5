"""A plan becomes pictures: condition, sample, decode, write, batch by batch."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from PIL import Image

from modules.exceptions import Interrupted, OutOfMemory, WebuiError
from modules.generate import infotext, soft
from modules.generate.batch import Batch, make_batch
from modules.generate.beginnings import decoded, given_first, of_first_stage, of_source
from modules.generate.beside import with_depth
from modules.generate.denoising import denoise
from modules.generate.hooks import QUIET, Hooks, Layout
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


@dataclass(frozen=True, slots=True)
class Shop:
    """What a run works with."""

    models: Models
    stores: Stores
    folders: Folders
    progress: Progress
    hooks: Hooks


def run(plan: Plan, stores: Stores, folders: Folders, progress: Progress, hooks: Hooks = QUIET) -> Result:
    """Make the pictures of a plan. What is finished is on disk before the next batch begins.

    Interrupted by the user, it answers with what there is; WebuiError when nothing can be made.
    """

    def draw(other: Plan) -> Result:
        return _run(other, stores, folders, progress, hooks)

    made = hooks.instead(plan, draw)
    return draw(plan) if made is None else made


def _run(plan: Plan, stores: Stores, folders: Folders, progress: Progress, hooks: Hooks) -> Result:
    started = time.monotonic()
    with _explained(plan), torch.inference_mode():
        plan = hooks.begin(plan)
        models = Models(plan, stores.checkpoints, stores.networks, progress)
        ready = models.get(plan.stages[0], plan.wording.prompts[0])
        plan = plan.with_checkpoint(0, ready.model.checkpoint)
        if isinstance(plan.request, Img2Img) and ready.model.arch.given != "edit":  # for others it counts for nothing
            plan = replace(plan, request=replace(plan.request, image_cfg_scale=None))
        progress.begin(plan.request.n_iter, plan.steps)
        pictures = _pictures(plan, Shop(models, stores, folders, progress, hooks))
    result = Result(
        plan=plan,
        pictures=tuple(pictures),
        grid=_grid(plan, pictures, folders, hooks),
        model_name=plan.checkpoint.model_name,
        model_hash=plan.checkpoint.short_hash,
        extra=plan.wording.extra | ready.told,
        comments=(*plan.wording.comments, *models.comments),
        seconds=time.monotonic() - started,
        interrupted=progress.stop.ends,
    )
    return hooks.finished(result)


def _pictures(plan: Plan, shop: Shop) -> list[Picture]:
    request, view, progress, given = plan.request, plan.view, shop.progress, None
    if isinstance(request, Img2Img):
        given = source(plan, request, shop.stores.scaler(view.upscaler_for_img2img, view, progress))
        shop.hooks.source_made(plan, given)
    pictures: list[Picture] = []
    for number in range(request.n_iter):
        if progress.stop.ends:
            break
        progress.next_batch(number)
        batch = _first(shop.hooks.next_batch(plan, number), given, shop, number)
        if len(plan.stages) > 1 and not batch.stopped:
            if view.save_images_before_highres_fix and batch.shown is None:
                _save_first(batch, shop.folders)
            batch = _second(batch, shop, number)
        if batch.latent is not None:
            _decode(batch, given, shop.folders)
        pictures += batch.pictures
    return pictures


def _first(plan: Plan, given: Source | None, shop: Shop, number: int) -> Batch:
    batch = make_batch(plan, plan.stages[0], shop.models, number, shop.hooks)
    if plan.stages[0].given:
        given_first(batch)
        return batch
    if given is not None:
        batch.start = with_depth(of_source(batch, given), batch, shop.stores.depth)
    shop.hooks.batch_made(batch)
    denoise(batch, shop.models, shop.progress)
    return batch


def _second(first: Batch, shop: Shop, number: int) -> Batch:
    """The hires pass over a first stage's latents; stopped while they are enlarged, the first stage's batch."""
    plan, stage = first.plan, first.plan.stages[1]
    assert isinstance(plan.request, Txt2Img)
    batch = make_batch(plan, stage, shop.models, number, shop.hooks)
    batch.told = [own | other for own, other in zip(first.told, batch.told, strict=True)]
    if stage.checkpoint.path != plan.checkpoint.path:
        batch.plan = plan.with_checkpoint(1, batch.model.checkpoint)
    if first.refined:
        batch.plan = replace(batch.plan, refiner=first.model.checkpoint)
    name = plan.request.hr_upscaler
    shop.hooks.before_hires(first, batch)
    try:
        scale = lanczos if name in LATENT_MODES else shop.stores.scaler(name, plan.view, shop.progress)
        batch.start = with_depth(of_first_stage(first, batch, scale), batch, shop.stores.depth)
    except Interrupted:
        first.stopped = True
        return first
    denoise(batch, shop.models, shop.progress, plan.stages[0].taken)
    return batch


def _save_first(batch: Batch, folders: Folders) -> None:
    for offset, image in enumerate(decoded(batch)):
        index = batch.first + offset
        text = infotext.write(batch.plan, index, batch.plan.checkpoint, batch.told[offset])
        save_image(image, batch.plan, index, text, folders, suffix="-before-highres-fix", hooks=batch.hooks)


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
        index = batch.first + min(offset, len(batch.told) - 1)
        image = _composed(batch, given, offset, drawn)
        text = infotext.write(plan, index, plan.checkpoint, batch.told[index - batch.first])
        saves = plan.view.samples_save and not plan.request.do_not_save_samples and not batch.stopped
        path: Path | None = save_image(image, plan, index, text, folders, hooks=batch.hooks) if saves else None
        batch.pictures.append(Picture(image=image, infotext=text, path=path))


def _composed(batch: Batch, given: Source | None, index: int, image: Image.Image) -> Image.Image:
    """Picture `index` of the batch in its place, with what the hooks make of it."""
    hooks = batch.hooks
    image = hooks.drawn(batch, index, image)
    if given is not None:
        image = given.finished(image, index, lambda over: hooks.overlaying(batch, index, over))
    return hooks.composed(batch, index, image)


def _decoded(batch: Batch, folders: Folders) -> list[Image.Image]:
    """The batch's pictures; where it fails, as when memory does not hold even a tile of one, their latents are kept."""
    try:
        return decoded(batch, lambda pictures: batch.hooks.decoded(batch, pictures))
    except RuntimeError as error:
        assert batch.latent is not None
        path = keep_latent(batch.latent, batch.plan, batch.first, folders)
        kept = f"the latents are kept in {path}."
        if isinstance(error, torch.OutOfMemoryError):
            raise OutOfMemory(f"The device's memory does not hold the decoding; {kept}") from error
        raise WebuiError(f"The decoding failed ({str(error).splitlines()[0]}); {kept}") from error


def _grid(plan: Plan, pictures: list[Picture], folders: Folders, hooks: Hooks) -> Picture | None:
    view = plan.view
    wanted = (view.return_grid or view.grid_save) and not plan.request.do_not_save_grid
    if not pictures or not wanted or (len(pictures) < 2 and view.grid_only_if_multiple):
        return None
    rows, columns = grids.shape(len(pictures), plan.request.batch_size, view.n_rows, view.grid_prevent_empty_spots)
    layout = Layout([one.image for one in pictures], rows, columns)
    hooks.laying_out(plan, layout)
    image = grids.grid(layout.images, layout.rows, layout.cols, view.grid_background_color)
    text = pictures[0].infotext
    path = save_grid(image, plan, text, folders) if view.grid_save else None
    return Picture(image=image, infotext=text, path=path)
