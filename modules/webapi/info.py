"""A finished job as A1111 tells it: the `info` JSON, and the pictures as the bytes that would be saved."""

from __future__ import annotations

import json
from typing import Any

from modules import VERSION
from modules.generate.result import Picture, Result
from modules.generate.saving import save_options
from modules.imaging import files, pixels
from modules.settings.options import View


def info(result: Result) -> str:
    """The JSON text, its keys in A1111's order; what is not built yet has the value A1111 gives where it is off."""
    plan, asked, said = result.plan, result.plan.request, result.plan.wording
    told: dict[str, Any] = {
        "prompt": said.prompts[0],
        "all_prompts": said.prompts,
        "negative_prompt": said.negative_prompts[0],
        "all_negative_prompts": said.negative_prompts,
        "seed": plan.seeds[0],
        "all_seeds": plan.seeds,
        "subseed": plan.subseeds[0],
        "all_subseeds": plan.subseeds,
        "subseed_strength": asked.subseed_strength,
        "width": asked.width,
        "height": asked.height,
        "sampler_name": plan.choice.name,
        "cfg_scale": asked.cfg_scale,
        "steps": asked.steps,
        "batch_size": asked.batch_size,
        "restore_faces": False,
        "face_restoration_model": None,
        "sd_model_name": result.model_name,
        "sd_model_hash": result.model_hash,
        "sd_vae_name": result.extra.get("VAE"),
        "sd_vae_hash": result.extra.get("VAE hash"),
        "seed_resize_from_w": asked.seed_resize_from_w,
        "seed_resize_from_h": asked.seed_resize_from_h,
        "denoising_strength": plan.stages[-1].strength,
        "extra_generation_params": result.extra,
        "index_of_first_image": result.index_of_first_image,
        "infotexts": [one.infotext for one in result.shown],
        "styles": asked.styles,
        "job_timestamp": plan.created.strftime("%Y%m%d%H%M%S"),
        "clip_skip": plan.view.CLIP_stop_at_last_layers,
        "is_using_inpainting_conditioning": False,
        "version": VERSION,
    }
    if result.comments:
        told["comments"] = result.comments  # A1111 tells them on its page alone
    return json.dumps(told, default=str)


def images(result: Result) -> list[str]:
    """The pictures in base64, the grid first where there is one; the very bytes that saving writes."""
    view = result.plan.view
    return [pixels.to_base64(_encoded(one, view, one is result.grid)) for one in result.shown]


def _encoded(picture: Picture, view: View, is_grid: bool) -> bytes:
    options = save_options(view, view.grid_format if is_grid else view.samples_format)
    return files.encode(picture.image, picture.infotext, options)
