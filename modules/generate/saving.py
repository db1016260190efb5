"""Where finished pictures go: folder and name by the options' patterns, written as soon as they are decoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from safetensors.numpy import save_file

from modules.declare import specs
from modules.generate.hooks import QUIET, Hooks, Saving
from modules.generate.plan import Plan
from modules.generate.request import Img2Img
from modules.imaging import files, naming
from modules.imaging.files import SaveOptions
from modules.settings.folders import Folders
from modules.settings.options import View

if TYPE_CHECKING:  # files are named and saved without torch too
    from torch import Tensor

PARAMETERS = "parameters"  # the PNG chunk of the infotext


def save_options(view: View, extension: str) -> SaveOptions:
    """How the options want a file of this format written."""
    return SaveOptions(
        format=extension,
        jpeg_quality=view.jpeg_quality,
        webp_lossless=view.webp_lossless,
        embed_metadata=view.enable_pnginfo,
        save_txt=view.save_txt,
        export_4chan=view.export_for_4chan,
        img_downscale_threshold=view.img_downscale_threshold,
        target_side_length=view.target_side_length,
    )


def save_image(
    image: Image.Image,
    plan: Plan,
    index: int,
    infotext: str,
    folders: Folders,
    *,
    suffix: str = "",
    hooks: Hooks = QUIET,
) -> Path:
    """Write image `index` of a plan; the path it got. `suffix` ends its name."""
    view, tokens = plan.view, _tokens(plan, index)
    over = isinstance(plan.request, Img2Img)
    folder = folders.output(
        view.outdir_samples or (view.outdir_img2img_samples if over else view.outdir_txt2img_samples)
    )
    if view.save_to_dirs:
        folder = folder / naming.folder(view.directories_filename_pattern, tokens)
    pattern = view.samples_filename_pattern or ("[seed]" if view.save_to_dirs else "[seed]-[prompt_spaces]")
    stem = naming.name(pattern, tokens) + suffix
    options = save_options(view, view.samples_format)
    about = Saving(image=image, folder=folder, name=stem, texts={PARAMETERS: infotext})
    hooks.saving(plan, about)
    text, others = about.texts.pop(PARAMETERS, None), dict(about.texts)
    save = files.numbered_save if view.save_images_add_number else files.save
    about.path = save(about.image, about.folder, about.name, text, options, extra_items=others)
    hooks.saved(plan, about)
    return about.path


def save_grid(image: Image.Image, plan: Plan, infotext: str, folders: Folders, head: str = "grid") -> Path:
    """Write the grid of a plan; the path it got. `head` begins its name."""
    view, tokens = plan.view, _tokens(plan, 0)
    over = isinstance(plan.request, Img2Img)
    folder = folders.output(view.outdir_grids or (view.outdir_img2img_grids if over else view.outdir_txt2img_grids))
    if view.grid_save_to_dirs:
        folder = folder / naming.folder(view.directories_filename_pattern, tokens)
    stem = naming.name("[seed]-[prompt_spaces]", tokens) if view.grid_extended_filename else ""
    return files.numbered_save(image, folder, stem, infotext, save_options(view, view.grid_format), head=head)


def keep_latent(latent: Tensor, plan: Plan, index: int, folders: Folders) -> Path:
    """Write latents that could not be decoded; the path they got."""
    path = folders.cache / "latents" / f"{plan.created:%Y%m%d%H%M%S}-{plan.seeds[index]}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"latent": np.ascontiguousarray(latent.float().cpu().numpy())}, path)
    return path


def _tokens(plan: Plan, index: int) -> Mapping[str, naming.Token]:
    """What `[token]` means for image `index`: every Spec that names one, the text tokens, and the place in the job."""
    request, view = replace(plan.request_for(index), batch_size=plan.request.batch_size), plan.view
    declared: dict[str, Any] = {
        spec.token: str(getattr(request, name)) for name, spec in specs(type(request)).items() if spec.token
    } | {spec.token: str(getattr(view, name)) for name, spec in view.specs().items() if spec.token}
    alone, size = plan.count == 1, plan.request.batch_size
    place: dict[str, naming.Token] = {
        "seed_first": str(plan.seeds[0]),
        "seed_last": lambda _: None if alone else str(plan.seeds[-1]),
        "batch_number": lambda _: None if size == 1 else str(index % size + 1),
        "generation_number": lambda _: None if alone else str(index + 1),
        "model_name": naming.sanitize(plan.checkpoint.model_name, replace_spaces=False),
        "model_hash": plan.checkpoint.short_hash or "",
        "scheduler": plan.choice.schedule.label,
        "job_timestamp": plan.created.strftime("%Y%m%d%H%M%S"),
    }
    text = naming.text_tokens(
        request.prompt, request.negative_prompt, plan.created, max_words=view.directories_max_prompt_words
    )
    return declared | place | text
