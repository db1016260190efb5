"""The bodies of the API: made from the Specs of a request, plus the fields that only A1111's API has."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

from PIL import Image
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError, create_model, model_validator

from modules.declare import Spec, specs
from modules.exceptions import ParameterError
from modules.generate import infotext as texts
from modules.generate.plan import request_from
from modules.generate.request import Img2Img, Request, Txt2Img
from modules.imaging.pixels import from_base64
from modules.settings.options import View
from modules.webapi.errors import NotBuilt, sentence

# Where A1111's API differs from its page. None: "not said".
API_DEFAULTS: dict[str, Any] = {"steps": 50, "sampler_name": None, "script_name": None}
FIRST_DEFAULTS: dict[str, Any] = dict.fromkeys(
    ("denoising_strength", "hr_upscaler", "hr_checkpoint_name", "hr_sampler_name", "hr_scheduler")
)
OVER_DEFAULTS: dict[str, Any] = {"inpainting_fill": 0, "inpaint_full_res": True, "inpaint_full_res_padding": 0}

DEEPEST = 32  # levels of nested lists and objects in a body

T = TypeVar("T")


def _finite(value: T) -> T:
    """The value, if it can be sent back as JSON."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        raise ValueError("holds a number that is not finite") from None
    return value


def _sound(value: T) -> T:
    """The value, if it can be shown, stored and sent back: JSON may hold half a character, UTF-8 not."""
    if _deeper_than(DEEPEST, value):
        raise ValueError(f"The body is nested more than {DEEPEST} levels deep")
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("A text holds half a character (a lone surrogate); send whole ones") from None
    return value


def _deeper_than(levels: int, value: Any) -> bool:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels < 0 or any(_deeper_than(levels - 1, part) for part in parts)


Names = Annotated[dict[str, Any], AfterValidator(_finite)]
Anything = Annotated[list[Any], AfterValidator(_finite)]
Changes = Annotated[dict[str, Any], AfterValidator(_finite), AfterValidator(_sound)]
Real = Annotated[float, Field(allow_inf_nan=False)]
Picture = Annotated[
    str, Field(description="An image in base64, bare or as a data URI, or its address where the options allow it.")
]
Pictures = Annotated[list[Picture], Field(description="Images in base64, bare or as data URIs.")]
IMAGES = "init_images", "mask", "latent_mask", "firstpass_image"


class Body(BaseModel):
    """What every body has in common: null stands for "not said", and fields nobody knows are left alone."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        _sound(values)
        return {name: value for name, value in values.items() if value is not None}


class Beside(Body):
    """What A1111's API takes beside the parameters themselves."""

    sampler_index: str = Field("Euler", description="Old name of sampler_name; used where that is empty.")
    script_name: str | None = Field(None, title="Script Name")
    script_args: Anything = Field([], title="Script Args")
    alwayson_scripts: Names = Field({}, title="Alwayson Scripts")
    send_images: bool = Field(True, description="Whether the answer holds the images.")
    save_images: bool = Field(False, description="Whether the images are saved in the output folders too.")
    force_task_id: str | None = Field(None, max_length=200, description="Id to follow the job by.")
    infotext: str | None = Field(None, description="A picture's parameters; they fill the fields that are not given.")
    override_settings_restore_afterwards: bool = Field(True, description="If false, override_settings stay in effect.")
    restore_faces: bool = False
    firstpass_image: str | None = None
    comments: Names | None = None
    firstphase_width: int = Field(0, description="Old: the first pass's size, width and height being the last's.")
    firstphase_height: int = 0
    include_init_images: bool = Field(False, description="Whether the answer repeats the images it began with.")


# A1111's always-on scripts that are a part of the request here, by title: whose, and the fields that its arguments are.
ALWAYS_ON: dict[str, tuple[type, tuple[str, ...]]] = {
    "soft inpainting": (
        Img2Img,
        (
            "soft_inpainting",
            "mask_blend_power",
            "mask_blend_scale",
            "inpaint_detail_preservation",
            "composite_mask_influence",
            "composite_difference_threshold",
            "composite_difference_contrast",
        ),
    ),
}

# Options that A1111 reads when a request arrives, before its override_settings: its clients' overrides of them do
# nothing, and their pictures stay as they were. The request's own fields of these names count, and so does an infotext.
READ_BEFORE_OVERRIDES = "initial_noise_multiplier", "s_min_uncond"

# Fields that ask for what is not built yet, and what that is. The rest of Beside means nothing without one of them.
NOT_YET = {
    "restore_faces": "Face restoration",
    "comments": "Comments in the infotext",
}


def model(cls: type) -> type[Any]:
    """The pydantic model of a request's API body; named as A1111 names it, so that generated clients still fit."""
    defaults = API_DEFAULTS | (OVER_DEFAULTS if cls is Img2Img else FIRST_DEFAULTS)
    made: type[Any] = create_model(f"StableDiffusionProcessing{cls.__name__}", __base__=Beside, **fields(cls, defaults))
    return made


def fields(cls: type, defaults: dict[str, Any]) -> dict[str, Any]:
    """pydantic's fields of a request; `defaults` go before those of the Specs."""
    return {name: _field(spec, defaults) for name, spec in specs(cls).items() if name not in Beside.model_fields}


def _field(spec: Spec, defaults: dict[str, Any]) -> tuple[Any, Any]:
    default = defaults.get(spec.name, spec.default)
    if spec.name in IMAGES:
        return (Pictures, []) if spec.default == () else (Picture | None, None)
    kind: Any = Names if spec.type is dict else spec.type
    # The Spec judges and words its refusal; it speaks of the field by its API name.
    kind = Annotated[kind, BeforeValidator(replace(spec, label=spec.name).check)]
    words: dict[str, Any] = {"title": spec.label, "description": spec.doc or None, "multiple_of": spec.multiple_of}
    if spec.valid:
        words |= {"ge": spec.type(spec.valid.low), "le": spec.type(spec.valid.high)}
    if isinstance(default, (list, dict)):
        return kind, Field(default_factory=lambda: type(default)(default), **words)
    return (kind | None if default is None else kind), Field(default, **words)


TXT2IMG = model(Txt2Img)
IMG2IMG = model(Img2Img)


@dataclass(frozen=True, slots=True)
class Asked:
    """A body understood: the request, and the body with its infotext worked in, as the answer repeats it.

    `overrides` are all that were sent, those too that do nothing for this request.
    """

    request: Request
    body: Beside
    overrides: dict[str, Any]


def understand(
    body: Any,
    view: View,
    local: texts.LocalName = lambda shelf, digits: None,
    kind: type[Request] = Txt2Img,
    opened: Callable[[str], Image.Image] = from_base64,
) -> Asked:
    """The request that a body stands for. WebuiError with a sentence for what cannot be done, or not yet."""
    late = {name for name in READ_BEFORE_OVERRIDES if name in body.override_settings}
    body = _with_infotext(body, view, local, kind)
    _refuse(body)
    if kind is Img2Img and body.firstpass_image:
        raise ParameterError("firstpass_image is what hires fix goes over: use it with txt2img, or leave it out.")
    given = {name: value for name in specs(kind) if (value := getattr(body, name)) is not None}
    for name in set(IMAGES) & given.keys():
        sent = given[name]
        given[name] = [opened(one) for one in sent] if isinstance(sent, list) else opened(sent) if sent else None
    given |= dict(  # noqa: C408 - names, not texts
        sampler_name=body.sampler_name or body.sampler_index,
        do_not_save_samples=body.do_not_save_samples or not body.save_images,
        do_not_save_grid=body.do_not_save_grid or not body.save_images,
        override_settings={name: value for name, value in body.override_settings.items() if name not in late},
    )
    given |= _always_on(body, kind)
    if kind is Txt2Img and (body.firstphase_width or body.firstphase_height):
        given |= dict(hr_resize_x=given["width"], hr_resize_y=given["height"])  # noqa: C408
        given |= dict(width=body.firstphase_width or 512, height=body.firstphase_height or 512)  # noqa: C408
    return Asked(request_from(given, kind), body, body.override_settings)


def _with_infotext(body: Any, view: View, local: texts.LocalName, kind: type[Request]) -> Any:
    """The body, its infotext's values in the fields that the caller left out and its options under the caller's."""
    if not body.infotext:
        return body
    reading = texts.read(body.infotext, view.specs(), view.auto_backcompat, local, kind)
    said = body.model_dump(exclude_unset=True)
    values = {name: value for name, value in reading.values.items() if name in type(body).model_fields}
    if "sampler_index" in said:  # the caller's sampler, under its old name
        values |= dict(sampler_name=body.sampler_index)  # noqa: C408
    values |= said
    values |= dict(override_settings={**texts.differing(reading.overrides, view), **body.override_settings})  # noqa: C408
    try:
        return type(body).model_validate(values)
    except ValidationError as error:
        raise ParameterError(f"infotext: {sentence(error.errors())}") from error


def _always_on(body: Beside, kind: type[Request]) -> dict[str, Any]:
    """The fields that the arguments of always-on scripts are; what is not said is as usual, as in A1111."""
    made: dict[str, Any] = {}
    others: dict[str, list[Any]] = {}
    for title, wishes in body.alwayson_scripts.items():
        owner, names = ALWAYS_ON.get(title.lower(), (None, ()))
        args = wishes.get("args", []) if isinstance(wishes, dict) else None
        if not isinstance(args, list) or (owner and len(args) > len(names)):
            most = f" of {len(names)}" if owner else ""
            raise ParameterError(f"alwayson_scripts: {title[:60]!r} takes an object with args, a list{most}.")
        if owner is kind:
            made |= dict(zip(names, args, strict=False))
        else:
            others[title] = args
    return made | dict(alwayson_scripts=others)  # noqa: C408


def _refuse(body: Beside) -> None:
    for name, what in NOT_YET.items():
        if getattr(body, name) not in (None, False, 0, "", "None", [], {}):
            raise NotBuilt(f"{what} is not built yet; leave {name} out.")
