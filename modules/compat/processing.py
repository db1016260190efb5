"""`p`: the classes that A1111's extensions subclass, fill, hang attributes on, and hand to `process_images`."""

from __future__ import annotations

import copy
from typing import Any

from PIL import Image

from modules.compat.binding import app, bound
from modules.declare import specs
from modules.exceptions import ExtensionError
from modules.generate.request import Img2Img, Request, Txt2Img

COMMON: dict[str, Any] = {  # attributes beside the request's fields, with the values they have at first
    "sd_model": None,
    "outpath_samples": None,
    "outpath_grids": None,
    "prompt_for_display": None,
    "seed_enable_extras": True,
    "restore_faces": False,
    "sampler_index": None,
    "override_settings_restore_afterwards": True,
    "token_merging_ratio": 0,
    "token_merging_ratio_hr": 0,
    "firstpass_image": None,
    "ddim_discretize": None,
    "do_not_reload_embeddings": False,
    "scripts": None,
    "script_args": (),
    "scripts_setup_complete": False,
    "cached_uc": [None, None],
    "cached_c": [None, None],
    "comments": {},
    "sampler": None,
    "is_using_inpainting_conditioning": False,
    "paste_to": None,
    "is_hr_pass": False,
    "c": None,
    "uc": None,
    "rng": None,
    "step_multiplier": None,
    "color_corrections": None,
    "overlay_images": None,
    "all_prompts": None,
    "all_negative_prompts": None,
    "all_seeds": None,
    "all_subseeds": None,
    "iteration": 0,
    "main_prompt": None,
    "main_negative_prompt": None,
    "prompts": None,
    "negative_prompts": None,
    "seeds": None,
    "subseeds": None,
    "extra_network_data": None,
    "extra_generation_params": {},
    "user": None,
    "sd_model_name": None,
    "sd_model_hash": None,
    "sd_vae_name": None,
    "sd_vae_hash": None,
    "is_api": False,
    "latents_after_sampling": [],
    "pixels_after_sampling": [],
    "denoising_strength": None,
    "sampler_noise_scheduler_override": None,
    "image_conditioning": None,
    "save_samples": lambda: True,
}
OF_WORDS: dict[str, Any] = {
    "firstphase_width": 0,
    "firstphase_height": 0,
    "force_task_id": None,
    "hr_upscale_to_x": 0,
    "hr_upscale_to_y": 0,
    "truncate_x": 0,
    "truncate_y": 0,
    "applied_old_hires_behavior_to": None,
    "latent_scale_mode": None,
    "hr_checkpoint_info": None,
    "hr_c": None,
    "hr_uc": None,
    "cached_hr_c": [None, None],
    "cached_hr_uc": [None, None],
    "all_hr_prompts": None,
    "all_hr_negative_prompts": None,
    "hr_prompts": None,
    "hr_negative_prompts": None,
    "hr_extra_network_data": None,
    "denoising_strength": 0.75,
}
OF_PICTURES: dict[str, Any] = {  # A1111's class is of another mind about some defaults than its API
    "init_images": None,
    "inpainting_fill": 0,
    "inpaint_full_res": True,
    "inpaint_full_res_padding": 0,
    "image_mask": None,
    "init_latent": None,
    "init_img_hash": None,
    "mask_for_overlay": None,
    "nmask": None,
    "force_task_id": None,
    "denoising_strength": 0.75,
}
LISTS = "all_prompts", "all_negative_prompts", "all_seeds", "all_subseeds", "all_hr_prompts", "all_hr_negative_prompts"


class StableDiffusionProcessing:
    """What is asked for and what is known of it so far; takes any attribute, survives `copy.copy`."""

    cached_uc: list[Any] = [None, None]
    cached_c: list[Any] = [None, None]
    KIND: type[Request] = Request
    OWN: dict[str, Any] = {}

    def __init__(
        self, sd_model: Any = None, outpath_samples: Any = None, outpath_grids: Any = None, *args: Any, **words: Any
    ):
        declared = {name: copy.copy(spec.default) for name, spec in specs(self.KIND).items()}
        beside = {name: copy.copy(value) for name, value in {**COMMON, **self.OWN}.items()}
        self.__dict__.update({**declared, **beside, **self._named(args)})
        self.outpath_samples, self.outpath_grids = outpath_samples, outpath_grids
        for name, value in words.items():
            setattr(self, name, value)
        if self.sampler_index is not None and "sampler_name" not in words:
            self.sampler_name = self.sampler_index
        self.sampler_name = self.sampler_name or "Euler"
        own = self.__dict__
        own["styles"] = list(own["styles"] or ())
        for name in ("override_settings", "extra_generation_params"):
            own[name] = dict(own[name] or {})

    def __getattr__(self, name: str) -> Any:
        """What is computed when it is asked for."""
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _named(self, args: tuple[Any, ...]) -> dict[str, Any]:
        return dict(zip(("prompt", "styles", "seed"), args, strict=False))

    @property
    def sd_model(self) -> Any:
        """The loaded checkpoint."""
        from modules.compat import models

        return models.sd_model() if bound() else None

    @sd_model.setter
    def sd_model(self, value: Any) -> None:
        """It is what the options or the overrides choose."""

    @property
    def script_args_value(self) -> Any:
        """The arguments of all scripts, in one list."""
        return self.script_args

    @script_args_value.setter
    def script_args_value(self, value: Any) -> None:
        self.script_args = value

    @property
    def scripts_value(self) -> Any:
        """The scripts that take part."""
        return self.scripts

    @scripts_value.setter
    def scripts_value(self, value: Any) -> None:
        self.scripts = value

    @property
    def is_hr_used(self) -> bool:
        """Is there a second pass?"""
        return bool(getattr(self, "enable_hr", False))

    def comment(self, text: str) -> None:
        """A sentence that the user will read."""
        self.comments[text] = 1

    def close(self) -> None:
        """Forget what was computed."""
        self.sampler = self.c = self.uc = None

    def clear_prompt_cache(self) -> None:
        """Nothing to do: the program's cache goes by value."""
        self.cached_c, self.cached_uc = [None, None], [None, None]

    def get_token_merging_ratio(self, for_hr: bool = False) -> float:
        """How many tokens are merged."""
        from modules.compat.models import options

        view = options()
        return float((view.token_merging_ratio_hr if for_hr else 0) or view.token_merging_ratio)

    def setup_prompts(self) -> None:
        """All images' prompts and negative prompts, styles included."""
        count = int(self.batch_size) * int(self.n_iter)
        self.main_prompt, self.main_negative_prompt = _first(self.prompt), _first(self.negative_prompt)
        self.all_prompts = _spread(self.prompt, count)
        self.all_negative_prompts = _spread(self.negative_prompt, count)

    def setup_scripts(self) -> None:
        """Done when the pictures are made."""
        self.scripts_setup_complete = True

    def setup_conds(self) -> None:
        """Nothing to do: the engine reads prompts by itself."""

    def parse_extra_network_prompts(self) -> None:
        """Nothing to do: the engine reads the networks in prompts by itself."""

    def init(self, all_prompts: Any, all_seeds: Any, all_subseeds: Any) -> None:
        """Nothing to do before the engine begins."""

    def sample(self, *args: Any, **words: Any) -> Any:
        """The engine samples; its loop cannot be taken out of it."""
        raise ExtensionError("p.sample is not offered: call process_images(p), which makes the pictures.")

    def save_samples(self) -> bool:
        """Are pictures saved?"""
        from modules.compat.models import options

        return bool(options().samples_save and not self.do_not_save_samples)

    def get_conds_with_caching(self, *args: Any, **words: Any) -> Any:
        """The engine's own."""
        raise ExtensionError("p.get_conds_with_caching is not offered: the engine reads prompts by itself.")


class StableDiffusionProcessingTxt2Img(StableDiffusionProcessing):
    """Of a picture from words."""

    KIND = Txt2Img
    OWN = OF_WORDS
    cached_hr_uc: list[Any] = [None, None]
    cached_hr_c: list[Any] = [None, None]

    def calculate_target_resolution(self) -> None:
        """The second pass's size."""
        from modules.generate.stages import enlarged

        size = enlarged(request_of(self))  # type: ignore[arg-type]
        self.hr_upscale_to_x, self.hr_upscale_to_y = size.width, size.height
        self.truncate_x, self.truncate_y = size.cut_x, size.cut_y


class StableDiffusionProcessingImg2Img(StableDiffusionProcessing):
    """Of a picture from another one."""

    KIND = Img2Img
    OWN = OF_PICTURES

    @property
    def mask(self) -> Any:
        """The mask as it was given, image_mask; once the run has begun, the share of the latent that is kept."""
        kept = self.__dict__.get("mask")
        return self.__dict__.get("image_mask") if kept is None else kept

    @mask.setter
    def mask(self, value: Any) -> None:
        picture = value is None or isinstance(value, Image.Image)
        self.__dict__["mask"] = None if picture else value
        if picture:
            self.__dict__["image_mask"] = value


def _first(text: Any) -> Any:
    return text[0] if isinstance(text, list) and text else text


def _spread(text: Any, count: int) -> list[Any]:
    return list(text) if isinstance(text, list) else [text] * count


def request_of(p: Any) -> Request:
    """The request that `p` amounts to now. ParameterError with a sentence where it cannot be one."""
    from modules.generate.plan import request_from

    kind: type[Request] = getattr(type(p), "KIND", Txt2Img)
    values: dict[str, Any] = {}
    for name, spec in specs(kind).items():
        value = getattr(p, name, None)
        if name == "mask":
            value = getattr(p, "image_mask", None)
        if value is None and not spec.optional and spec.type is not object:
            continue
        values[name] = _plain(name, value, spec.type)
    if values.get("init_images") is None:
        values.pop("init_images", None)
    values["override_settings"] = {**(values.get("override_settings") or {}), **_places(p)}
    return request_from(values, kind)


def _plain(name: str, value: Any, kind: type) -> Any:
    if kind is str and isinstance(value, list):
        return str(value[0]) if value else ""
    if kind is int and isinstance(value, float):
        return int(value)
    if name == "init_images" and value is not None:
        return tuple(one for one in value if one is not None)
    if kind is str and name == "sampler_name":
        return str(value)
    return value


def _places(p: Any) -> dict[str, Any]:
    """Where `p` wants its pictures, if not where the options do."""
    wanted = {"outdir_samples": p.outpath_samples, "outdir_grids": p.outpath_grids}
    usual = usual_places(type(p))
    return {name: str(place) for name, place in wanted.items() if place and str(place) != usual[name]}


def usual_places(kind: type) -> dict[str, str]:
    """Where the options want pictures of this kind."""
    view, tab = app().options.view(), "img2img" if getattr(kind, "KIND", Txt2Img) is Img2Img else "txt2img"
    return {
        "outdir_samples": view.outdir_samples or getattr(view, f"outdir_{tab}_samples"),
        "outdir_grids": view.outdir_grids or getattr(view, f"outdir_{tab}_grids"),
    }


def of_request(request: Request) -> Any:
    """The `p` of a request."""
    cls = StableDiffusionProcessingImg2Img if isinstance(request, Img2Img) else StableDiffusionProcessingTxt2Img
    p: Any = cls()
    take(p, request)
    if getattr(request, "firstpass_image", None) is not None:
        p.txt2img_upscale = True  # by this extensions know that there is no first pass
    usual = usual_places(cls)
    p.outpath_samples = request.override_settings.get("outdir_samples") or usual["outdir_samples"]
    p.outpath_grids = request.override_settings.get("outdir_grids") or usual["outdir_grids"]
    return p


def take(p: Any, request: Request) -> None:
    """Give `p` the request's values."""
    for name in specs(type(request)):
        value = getattr(request, name)
        setattr(
            p,
            name,
            list(value) if isinstance(value, tuple) else copy.copy(value) if isinstance(value, (list, dict)) else value,
        )
