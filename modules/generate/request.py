"""What the user asked for: frozen, complete, and declared here only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from PIL import Image

from modules.declare import Range, param

# fmt: off

MAX_SEED = 2**32 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """Common to all kinds of generation. Field names are A1111's; the order is the API's."""

    prompt: str = param("", "Prompt")
    negative_prompt: str = param("", "Negative prompt")
    styles: list[str] = param([], "Styles", choices="styles", omit=lambda r: True, doc="Names of styles that both prompts are put in, in this order.")
    seed: int = param(-1, "Seed", valid=Range(-1, 2**63), infotext="Seed", token="seed", doc="-1 draws a new one.")
    subseed: int = param(-1, "Variation seed", valid=Range(-1, 2**63), infotext="Variation seed", omit=lambda r: r.subseed_strength == 0)
    subseed_strength: float = param(0.0, "Variation strength", slider=Range(0, 1, 0.01), valid=Range(0, 1), infotext="Variation seed strength",
                                    omit=lambda r: r.subseed_strength == 0, doc="How strong of a variation to produce: at 1, the picture of the variation seed.")
    seed_resize_from_h: int = param(-1, "Resize seed from height", slider=Range(0, 2048, 8), valid=Range(-1, 16384), omit=lambda r: True)
    seed_resize_from_w: int = param(-1, "Resize seed from width", slider=Range(0, 2048, 8), valid=Range(-1, 16384), omit=lambda r: True,
                                    doc="Make an attempt to produce a picture similar to what the seed gives at this size.")
    sampler_name: str = param("DPM++ 2M", "Sampling method", choices="samplers", infotext="Sampler", token="sampler")
    scheduler: str | None = param(None, "Schedule type", choices="schedulers", infotext="Schedule type", token="scheduler",
                                  doc="How noise falls from step to step; if not given, the sampler's name tells, as in A1111 up to 1.8.")
    batch_size: int = param(1, "Batch size", slider=Range(1, 8), valid=Range(1, 256), token="batch_size", doc="How many images in one go; uses more memory.")
    n_iter: int = param(1, "Batch count", slider=Range(1, 100), valid=Range(1, 10000), doc="How many batches, one after another.")
    steps: int = param(20, "Sampling steps", slider=Range(1, 150), valid=Range(1, 9999), infotext="Steps", token="steps")
    cfg_scale: float = param(7.0, "CFG Scale", slider=Range(1, 30, 0.5), valid=Range(0, 1000), infotext="CFG scale", token="cfg",
                             doc="Classifier-free guidance: x0 = uncond + cfg_scale * (cond - uncond).")
    distilled_cfg_scale: float = param(3.5, "Distilled CFG Scale", slider=Range(1, 30, 0.1), valid=Range(0, 1000), infotext="Distilled CFG Scale",
                                       doc="What models that were distilled with it are told, as Flux.1 dev; their CFG Scale is best left at 1.")
    width: int = param(512, "Width", slider=Range(64, 2048, 8), valid=Range(8, 16384), token="width")
    height: int = param(512, "Height", slider=Range(64, 2048, 8), valid=Range(8, 16384), token="height")
    tiling: bool | None = param(None, "Tiling", omit=lambda r: True, doc="For this request, in place of the option tiling.")
    refiner_checkpoint: str = param("", "Refiner", choices="checkpoints", infotext="Refiner", omit=lambda r: not r.refiner_checkpoint,
                                    doc="The checkpoint that takes over at refiner_switch_at; none: the first one draws it all.")
    refiner_switch_at: float | None = param(None, "Refiner switch at", slider=Range(0.01, 1, 0.01), valid=Range(0, 1), infotext="Refiner switch at",
                                            omit=lambda r: not r.refiner_checkpoint,
                                            doc="Share of the way from noise to picture at which the refiner takes over; not given: at once.")
    disable_extra_networks: bool = param(False, "Disable extra networks", omit=lambda r: True, doc="Leave the networks named in the prompt out.")
    eta: float | None = param(None, "Eta", valid=Range(0, 10), omit=lambda r: True, doc="For this request, in place of the option eta_ancestral.")
    s_min_uncond: float | None = param(None, "Negative Guidance minimum sigma", valid=Range(0, 10000), omit=lambda r: True)
    s_churn: float | None = param(None, "Sigma churn", valid=Range(0, 1000), omit=lambda r: True)
    s_tmax: float | None = param(None, "Sigma tmax", valid=Range(0, 10000), omit=lambda r: True)
    s_tmin: float | None = param(None, "Sigma tmin", valid=Range(0, 10000), omit=lambda r: True)
    s_noise: float | None = param(None, "Sigma noise", valid=Range(0, 10), omit=lambda r: True)
    do_not_save_samples: bool = param(False, "Do not save the images", omit=lambda r: True)
    do_not_save_grid: bool = param(False, "Do not save the grid", omit=lambda r: True)
    override_settings: dict[str, Any] = param({}, "Override settings", doc="Options that hold for this request alone.")
    script_name: str = param("", "Script Name", omit=lambda r: True, doc="The script that makes the pictures; none: the engine itself.")
    script_args: Any = param((), "Script Args", omit=lambda r: True, doc="By position; see /sdapi/v1/script-info.")
    alwayson_scripts: dict[str, Any] = param({}, "Alwayson Scripts", omit=lambda r: True, doc="Title, and the arguments by position.")


def _first_pass_only(request: Any) -> bool:
    return not request.enable_hr


def _no_scale(request: Any) -> bool:
    return not request.enable_hr or request.hr_resize_x > 0 or request.hr_resize_y > 0


def _as_first(name: str, *same: str) -> Callable[[Any], bool]:
    """Is the second pass's field empty, or the same as the first one's?"""
    return lambda r: not r.enable_hr or getattr(r, f"hr_{name}") in ("", *same, getattr(r, name, ""))


@dataclass(frozen=True, kw_only=True, slots=True)
class Txt2Img(Request):
    """A picture from words; with `enable_hr` drawn small first, then enlarged and drawn over."""

    enable_hr: bool = param(False, "Hires. fix", omit=lambda r: True)
    denoising_strength: float = param(0.7, "Denoising strength", slider=Range(0, 1, 0.01), valid=Range(0, 1), infotext="Denoising strength",
                                      token="denoising", omit=_first_pass_only, doc="How much the second pass may change; 0 = nothing.")
    hr_scale: float = param(2.0, "Upscale by", slider=Range(1, 4, 0.05), valid=Range(0.1, 16), infotext="Hires upscale", omit=_no_scale)
    hr_upscaler: str = param("Latent", "Upscaler", choices="hires upscalers", infotext="Hires upscaler", omit=_first_pass_only)
    hr_second_pass_steps: int = param(0, "Hires steps", slider=Range(0, 150), valid=Range(0, 9999), infotext="Hires steps",
                                      omit=lambda r: not r.enable_hr or not r.hr_second_pass_steps, doc="0 = as many as the first pass.")
    hr_resize_x: int = param(0, "Resize width to", slider=Range(0, 2048, 8), valid=Range(0, 16384), omit=lambda r: True)
    hr_resize_y: int = param(0, "Resize height to", slider=Range(0, 2048, 8), valid=Range(0, 16384), omit=lambda r: True,
                             doc="Of width and height, one may be 0: it follows the picture's proportions.")
    hr_checkpoint_name: str = param("", "Hires checkpoint", choices="checkpoints", infotext="Hires checkpoint", omit=_as_first("checkpoint_name"))
    hr_sampler_name: str = param("", "Hires sampling method", choices="samplers", infotext="Hires sampler", omit=_as_first("sampler_name", "Use same sampler"))
    hr_scheduler: str = param("", "Hires schedule type", choices="schedulers", infotext="Hires schedule type",
                              omit=_as_first("scheduler", "Use same scheduler"))
    hr_prompt: str = param("", "Hires prompt", infotext="Hires prompt", omit=_as_first("prompt"), doc="Empty: the first pass's.")
    hr_negative_prompt: str = param("", "Hires negative prompt", infotext="Hires negative prompt", omit=_as_first("negative_prompt"))
    firstpass_image: Any = param(None, "First pass image", doc="With enable_hr: what the second pass goes over, in place of a first pass.")


def _hard(request: Any) -> bool:
    return not request.soft_inpainting or request.mask is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Img2Img(Request):
    """A picture from another one. Images are `PIL.Image.Image`; in masks white is what is drawn anew."""

    init_images: Any = param((), "Images", doc="What it starts from: one for all, or one for each of a batch.")
    resize_mode: int = param(0, "Resize mode", valid=Range(0, 3), omit=lambda r: True, doc="0 stretch, 1 fill and cut, 2 whole with edges drawn out, 3 stretch the latent.")
    denoising_strength: float = param(0.75, "Denoising strength", slider=Range(0, 1, 0.01), valid=Range(0, 1), infotext="Denoising strength", token="denoising",
                                      doc="How much may change; 0 = nothing, 1 = everything.")
    image_cfg_scale: float | None = param(None, "Image CFG Scale", slider=Range(0, 3, 0.05), valid=Range(0, 1000), infotext="Image CFG scale",
                                          omit=lambda r: r.image_cfg_scale is None, doc="For models that edit: how near to the image it stays.")
    mask: Any = param(None, "Mask")
    mask_blur_x: int = param(4, "Mask blur in x", slider=Range(0, 64), valid=Range(0, 1024), omit=lambda r: True)
    mask_blur_y: int = param(4, "Mask blur in y", slider=Range(0, 64), valid=Range(0, 1024), omit=lambda r: True)
    mask_blur: int | None = param(None, "Mask blur", slider=Range(0, 64), valid=Range(0, 1024), omit=lambda r: True, doc="In x and in y.")
    mask_round: bool = param(True, "Round the mask", omit=lambda r: True, doc="Latent pixels are drawn anew wholly or not at all.")
    inpainting_fill: int = param(1, "Masked content", valid=Range(0, 3), omit=lambda r: True, doc="0 colours from around, 1 original, 2 latent noise, 3 latent nothing.")
    inpaint_full_res: bool = param(False, "Inpaint area: only masked", omit=lambda r: True)
    inpaint_full_res_padding: int = param(32, "Only masked padding, pixels", slider=Range(0, 256, 4), valid=Range(0, 16384), omit=lambda r: True)
    inpainting_mask_invert: int = param(0, "Inpaint not masked", valid=Range(0, 1), omit=lambda r: True)
    initial_noise_multiplier: float | None = param(None, "Noise multiplier", valid=Range(0, 10), omit=lambda r: True,
                                                   doc="For this request, in place of the option initial_noise_multiplier.")
    latent_mask: Any = param(None, "Latent mask")
    soft_inpainting: bool = param(False, "Soft inpainting", infotext="Soft inpainting enabled", omit=_hard,
                                  doc="Blend what was there with what is drawn as the mask's greys say; a large mask blur is good for it.")
    mask_blend_power: float = param(1.0, "Schedule bias", slider=Range(0, 8, 0.1), valid=Range(0, 100), infotext="Soft inpainting schedule bias", omit=_hard,
                                    doc="When the original is kept: below 1 more in the last steps, above 1 more in the first ones.")
    mask_blend_scale: float = param(0.5, "Preservation strength", slider=Range(0, 8, 0.05), valid=Range(0, 100), infotext="Soft inpainting preservation strength",
                                    omit=_hard, doc="How much of the original is kept where the mask is grey.")
    inpaint_detail_preservation: float = param(4.0, "Transition contrast boost", slider=Range(1, 32, 0.5), valid=Range(1, 100),
                                               infotext="Soft inpainting transition contrast boost", omit=_hard,
                                               doc="Against the loss of contrast in between: low values are softer, high ones may be too colourful.")
    composite_mask_influence: float = param(0.0, "Mask influence", slider=Range(0, 1, 0.05), valid=Range(0, 1), infotext="Soft inpainting mask influence",
                                            omit=_hard, doc="How much the mask itself decides, beside what has changed, where original pixels are put back.")
    composite_difference_threshold: float = param(0.5, "Difference threshold", slider=Range(0, 8, 0.25), valid=Range(0, 1000),
                                                  infotext="Soft inpainting difference threshold", omit=_hard,
                                                  doc="How much a part may change before its original pixels are no longer put back.")
    composite_difference_contrast: float = param(2.0, "Difference contrast", slider=Range(0, 8, 0.25), valid=Range(0, 100),
                                                 infotext="Soft inpainting difference contrast", omit=_hard,
                                                 doc="How sudden the change is between pixels put back and drawn ones.")

    @property
    def soft(self) -> bool:
        """Whether the mask counts by halves."""
        return not _hard(self)

    @property
    def hard_mask(self) -> bool:
        """Whether latent pixels are drawn anew wholly or not at all."""
        return self.mask_round and not self.soft

    @property
    def blur(self) -> tuple[int, int]:
        """Of the mask, in x and y."""
        return (self.mask_blur_x, self.mask_blur_y) if self.mask_blur is None else (self.mask_blur, self.mask_blur)


def described(request: Request) -> dict[str, Any]:
    """A request's values by name for a record of it; images are only counted."""

    def told(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [told(one) for one in value]
        return f"{value.width}x{value.height} image" if isinstance(value, Image.Image) else value

    return {one.name: told(getattr(request, one.name)) for one in fields(request)}
