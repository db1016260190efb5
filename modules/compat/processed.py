"""`Processed`: what came of `p`, and infotexts for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PIL import Image

from modules import VERSION
from modules.generate.result import Picture, Result

FROM_P = (
    "prompt", "negative_prompt", "subseed_strength", "width", "height", "sampler_name", "cfg_scale", "batch_size",
    "restore_faces", "sd_model_name", "sd_model_hash", "sd_vae_name", "sd_vae_hash", "seed_resize_from_w",
    "seed_resize_from_h", "denoising_strength", "extra_generation_params", "styles", "steps", "tiling",
)  # fmt: skip


class Processed:
    """Pictures, the grid first if there is one, and what was asked."""

    def __init__(
        self,
        p: Any,
        images_list: Any,
        seed: Any = -1,
        info: str = "",
        subseed: Any = None,
        all_prompts: Any = None,
        all_negative_prompts: Any = None,
        all_seeds: Any = None,
        all_subseeds: Any = None,
        index_of_first_image: int = 0,
        infotexts: Any = None,
        comments: str = "",
        **others: Any,
    ):
        self.images = images_list
        for name in FROM_P:
            value = getattr(p, name, None)
            setattr(self, name, value[0] if name.endswith("prompt") and isinstance(value, list) and value else value)
        self.seed, self.info, self.comments = seed, info, comments
        self.subseed = subseed if subseed is not None else getattr(p, "subseed", -1)
        self.face_restoration_model = None
        self.index_of_first_image = index_of_first_image
        self.job_timestamp, self.clip_skip = "0", 1
        self.eta = getattr(p, "eta", None)
        self.is_using_inpainting_conditioning = False
        self.all_prompts = all_prompts or getattr(p, "all_prompts", None) or [self.prompt]
        self.all_negative_prompts = (
            all_negative_prompts or getattr(p, "all_negative_prompts", None) or [self.negative_prompt]
        )
        self.all_seeds = all_seeds or getattr(p, "all_seeds", None) or [self.seed]
        self.all_subseeds = all_subseeds or getattr(p, "all_subseeds", None) or [self.subseed]
        self.infotexts = infotexts or [info] * len(images_list)
        self.sampler = None
        self.version = VERSION
        self.extra_images: list[Any] = []
        self.video_path = None
        self.__dict__.update(others)

    prompt: Any
    negative_prompt: Any
    extra_generation_params: Any

    def js(self) -> str:
        """As A1111's page gets it."""
        names = (*FROM_P, "seed", "subseed", "all_prompts", "all_negative_prompts", "all_seeds", "all_subseeds")
        more = ("index_of_first_image", "infotexts", "job_timestamp", "clip_skip", "version")
        told = {name: getattr(self, name, None) for name in (*names, *more)}
        return json.dumps(told, default=lambda value: None)

    def infotext(self, p: Any, index: int) -> str:
        """The parameters of image `index`."""
        if self.infotexts and index < len(self.infotexts) and self.infotexts[index]:
            return str(self.infotexts[index])
        return create_infotext(p, self.all_prompts, self.all_seeds, self.all_subseeds, position_in_batch=index)

    def get_token_merging_ratio(self, for_hr: bool = False) -> float:
        """How many tokens are merged."""
        from modules.compat.models import options

        return float((options().token_merging_ratio_hr if for_hr else 0) or options().token_merging_ratio)


def of_result(p: Any, result: Result) -> Processed:
    """What came of a plan, for A1111's eyes."""
    plan = result.plan
    made = Processed(
        p,
        [one.image for one in result.shown],
        plan.seeds[0],
        result.shown[0].infotext if result.shown else "",
        plan.subseeds[0],
        list(plan.wording.prompts),
        list(plan.wording.negative_prompts),
        list(plan.seeds),
        list(plan.subseeds),
        result.index_of_first_image,
        [one.infotext for one in result.shown],
        "".join(f"{text}\n" for text in result.comments),
    )
    for image, one in zip(made.images, result.shown, strict=True):
        if one.path is not None:
            image.already_saved_as = str(one.path)
    return made


def result_of(processed: Processed, result: Result) -> Result:
    """A result with the pictures that `processed` has by now."""
    images = [one for one in [*processed.images, *(processed.extra_images or ())] if isinstance(one, Image.Image)]
    known = {id(one.image): one for one in result.shown}
    texts = [*processed.infotexts, *[processed.info] * len(images)]
    first = min(processed.index_of_first_image, len(images))
    made = [_picture(image, known, texts[place]) for place, image in enumerate(images)]
    grid = made[0] if first and made else None
    comments = [line for line in str(processed.comments or "").splitlines() if line]
    return replace(
        result,
        grid=grid,
        pictures=tuple(made[first:]),
        comments=tuple(dict.fromkeys([*result.comments, *comments])),
    )


def _picture(image: Image.Image, known: Mapping[int, Picture], text: Any) -> Picture:
    before = known.get(id(image))
    path = before.path if before else None
    return Picture(image=image, infotext=str(text or (before.infotext if before else "")), path=path)


def create_infotext(
    p: Any,
    all_prompts: Any = None,
    all_seeds: Any = None,
    all_subseeds: Any = None,
    comments: Any = None,
    iteration: int = 0,
    position_in_batch: int = 0,
    use_main_prompt: bool = False,
    index: int | None = None,
    all_negative_prompts: Any = None,
) -> str:
    """The infotext of one image of `p`."""
    from modules.compat.running import planned
    from modules.generate import infotext

    place = position_in_batch + iteration * int(p.batch_size) if index is None else index
    plan = planned(p, all_prompts, all_seeds, all_subseeds, all_negative_prompts)
    return infotext.write(plan, min(place, plan.count - 1), plan.checkpoint)


def program_version() -> str:
    """The program's own."""
    return VERSION
