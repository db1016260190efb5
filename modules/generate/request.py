"""What the user asked for: frozen, complete, and declared here only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Txt2Img(Request):
    """A picture from words."""
