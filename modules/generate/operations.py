"""What can be done to a finished picture on the Extras tab: how it is asked for, and the doing, one after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from modules.declare import Range, checked, param
from modules.exceptions import ParameterError
from modules.imaging import crops, pixels
from modules.settings.options import View
from modules.weights.faces.catalogue import Restorer, Restorers
from modules.weights.upscalers.catalogue import NONE, Upscaler, Upscalers, Watch

if TYPE_CHECKING:  # requests are read before torch is there
    from modules.weights.captions import Captioner
    from modules.weights.faces.store import Store as Faces
    from modules.weights.upscalers.store import Store as Enlarging

BY, TO = 0, 1  # resize modes
SHARE = Range(0, 1, 0.001)
LARGEST, NEAREST = "Maximize area", "Minimize error"
FLIPS = {
    "Horizontal": Image.Transpose.FLIP_LEFT_RIGHT,
    "Vertical": Image.Transpose.FLIP_TOP_BOTTOM,
    "Both": Image.Transpose.ROTATE_180,
}

# fmt: off


@dataclass(frozen=True, kw_only=True, slots=True)
class Extras:
    """What is asked for, in the names of A1111's API."""

    resize_mode: int = param(BY, "Resize Mode", valid=Range(BY, TO), doc="0 enlarges by a factor, 1 to a size.")
    gfpgan_visibility: float = param(0.0, "GFPGAN Visibility", slider=SHARE, valid=SHARE, doc="0 leaves it out.")
    codeformer_visibility: float = param(0.0, "CodeFormer Visibility", slider=SHARE, valid=SHARE,
                                         doc="0 leaves it out.")
    codeformer_weight: float = param(0.0, "CodeFormer Weight", slider=SHARE, valid=SHARE,
                                     doc="0 = most effect, 1 = least.")
    upscaling_resize: float = param(2.0, "Upscaling Factor", slider=Range(1, 8, 0.05), valid=Range(0.05, 64),
                                    doc="In resize mode 0.")
    upscaling_resize_w: int = param(512, "Target Width", slider=Range(64, 8192, 8), valid=Range(1, 65536),
                                    doc="In resize mode 1.")
    upscaling_resize_h: int = param(512, "Target Height", slider=Range(64, 8192, 8), valid=Range(1, 65536),
                                    doc="In resize mode 1.")
    upscaling_crop: bool = param(True, "Crop to fit", doc="In resize mode 1: cut off what that size does not hold.")
    upscaler_1: str = param(NONE, "Main upscaler", choices="upscalers", doc="None leaves the size as it is.")
    upscaler_2: str = param(NONE, "Secondary upscaler", choices="upscalers", doc="Laid over what the main one made.")
    extras_upscaler_2_visibility: float = param(0.0, "Secondary upscaler visibility", slider=SHARE, valid=SHARE)
    upscale_first: bool = param(False, "Upscale first", doc="Whatever the options say about the order of operations.")
    max_side_length: int = param(0, "Max side length", valid=Range(0, 65536),
                                 doc="In resize mode 0: no side becomes longer; 0 = no limit.")
    autosized_crop: bool = param(False, "Auto-sized crop",
                                 doc="Cut to the best of the sizes in multiples of 64 that are allowed.")
    autosized_mindim: int = param(384, "Dimension lower bound", slider=Range(64, 2048, 8), valid=Range(64, 16384))
    autosized_maxdim: int = param(768, "Dimension upper bound", slider=Range(64, 2048, 8), valid=Range(64, 16384))
    autosized_minarea: int = param(64 * 64, "Area lower bound", slider=Range(64 * 64, 2048 * 2048),
                                   valid=Range(1, 2**31))
    autosized_maxarea: int = param(640 * 640, "Area upper bound", slider=Range(64 * 64, 2048 * 2048),
                                   valid=Range(1, 2**31))
    autosized_objective: str = param(LARGEST, "Resizing objective", choices=(LARGEST, NEAREST))
    autosized_threshold: float = param(0.1, "Error threshold", slider=SHARE, valid=SHARE,
                                       doc="How far the proportions may be off.")
    focal_crop: bool = param(False, "Auto focal point crop",
                             doc="Cut to the size of Scale to, around what draws the eye.")
    focal_face_weight: float = param(0.9, "Focal point face weight", slider=Range(0, 1, 0.05), valid=SHARE)
    focal_entropy_weight: float = param(0.15, "Focal point entropy weight", slider=Range(0, 1, 0.05), valid=SHARE)
    focal_edges_weight: float = param(0.5, "Focal point edges weight", slider=Range(0, 1, 0.05), valid=SHARE)
    focal_debug: bool = param(False, "Create debug image", doc="One more picture that shows what was found.")
    caption: list[str] = param([], "Caption", choices=("BLIP",), doc="Describe the picture in a text file beside it.")
    flipped_copies: list[str] = param([], "Create flipped copies", choices=tuple(FLIPS),
                                      doc="One more picture for each.")
    split_oversized: bool = param(False, "Split oversized images",
                                  doc="Cut pictures that are too long for Scale to into several.")
    split_threshold: float = param(0.5, "Threshold", slider=Range(0, 1, 0.05), valid=SHARE,
                                   doc="Split where the proportions are at most this share of those wanted.")
    split_overlap: float = param(0.2, "Overlap ratio", slider=Range(0, 0.9, 0.05), valid=Range(0, 0.95))

# fmt: on


def extras_from(values: Mapping[str, Any]) -> Extras:
    """A request from loose values by field name; ParameterError with a sentence for the first bad one."""
    try:
        return Extras(**checked(Extras, dict(values)))
    except ValueError as error:
        raise ParameterError(str(error)) from error


@dataclass(slots=True)
class Piece:
    """A picture under way: its colours and, apart from them, its opacity, which no upscaler knows of."""

    image: Image.Image  # RGB
    alpha: Image.Image | None = None  # L
    profile: bytes | None = None  # ICC, of the colours
    told: dict[str, Any] = field(default_factory=dict)  # pairs for the infotext
    tags: list[str] = field(default_factory=list)  # for the file's name
    caption: str = ""
    more: list[Piece] = field(default_factory=list)  # pictures that an operation made beside this one
    final: bool = False  # nothing more is to be done to it
    remarks: list[str] = field(default_factory=list)  # what went wrong and was left out

    @classmethod
    def of(cls, image: Image.Image) -> Piece:
        """An image of any mode, taken apart."""
        image = pixels.upright(image)
        profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA", "P") else None
        if not image.has_transparency_data:
            return cls(pixels.flatten(image), None, profile)
        rgba = image.convert("RGBA")
        return cls(rgba.convert("RGB"), rgba.getchannel("A"), profile)

    def changed(self, change: Callable[[Image.Image], Image.Image], **words: Any) -> Piece:
        """A copy whose colours and opacity are changed in the same way."""
        alpha = None if self.alpha is None else change(self.alpha)
        copies: dict[str, Any] = {"told": dict(self.told), "tags": list(self.tags), "more": [], "remarks": []}
        return replace(self, image=change(self.image), alpha=alpha, **copies | words)

    def become(self, other: Piece) -> None:
        """Look as another does."""
        self.image, self.alpha = other.image, other.alpha

    def whole(self) -> Image.Image:
        """The image, put together again."""
        made = self.image.copy()
        if self.alpha is not None:
            made.putalpha(self.alpha)
        made.info = {"icc_profile": self.profile} if self.profile else {}
        return made


@dataclass(frozen=True, slots=True)
class Known:
    """What there is to choose from."""

    upscalers: Upscalers
    restorers: Restorers


@dataclass(frozen=True, slots=True)
class Tools:
    """What the operations are done with."""

    upscalers: Enlarging
    faces: Faces
    captions: Captioner


Operation = Callable[[Piece, "Choice", Tools, Watch], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A request with every name resolved."""

    request: Extras
    view: View
    upscaler: Upscaler | None
    second: Upscaler | None
    gfpgan: Restorer | None
    codeformer: Restorer | None
    detector: Path | None  # the file that finds faces, where there is one
    order: tuple[str, ...]
    more: Sequence[Added] = ()


FIRST = 1000  # an order below it puts an operation before ours


@dataclass(frozen=True, kw_only=True, slots=True)
class Added:
    """An operation that somebody else brings; after ours in its `order`, unless the options or that say otherwise."""

    name: str
    order: float
    act: Operation


def choose(request: Extras, view: View, known: Known, more: Sequence[Added] = ()) -> Choice:
    """Resolve a request. NotFound for an unknown upscaler, and for a face restorer whose files are missing."""
    first, second = (known.upscalers.find(name or NONE) for name in (request.upscaler_1, request.upscaler_2))
    seen = request.extras_upscaler_2_visibility > 0
    wished = ["Upscale"] * request.upscale_first + view.postprocessing_operation_order
    more = sorted(more, key=lambda one: one.order)
    usual = [*(one.name for one in more if one.order < FIRST), *OPERATIONS, *(one.name for one in more)]
    return Choice(
        request=request,
        view=view,
        upscaler=first if first.name != NONE else None,
        second=second if second.name != NONE and seen else None,
        gfpgan=known.restorers.find("GFPGAN") if request.gfpgan_visibility > 0 else None,
        codeformer=known.restorers.find("CodeFormer") if request.codeformer_visibility > 0 else None,
        detector=known.restorers.detector(),
        order=tuple(dict.fromkeys([*(name for name in wished if name in usual), *usual])),
        more=more,
    )


def apply(piece: Piece, choice: Choice, tools: Tools, watch: Watch) -> list[Piece]:
    """Do all that was chosen, in order, to a picture and those it brings forth, which are given with it.

    Whatever `watch` raises comes through.
    """
    pieces = [piece]
    acts = {**OPERATIONS, **{one.name: one.act for one in choice.more}}
    for name in choice.order:
        for one in [one for one in pieces if not one.final]:
            acts[name](one, choice, tools, watch)
            pieces += one.more
            one.more = []
    return pieces


@dataclass(frozen=True, slots=True)
class Target:
    """How much larger a picture becomes, what is cut out of it then, and how the infotext tells that."""

    factor: float
    frame: tuple[int, int] | None
    told: dict[str, Any]


def target(request: Extras, size: tuple[int, int]) -> Target:
    """The target of a picture of this size (width, height)."""
    if request.resize_mode == TO:
        frame = request.upscaling_resize_w, request.upscaling_resize_h
        told = {"Postprocess upscale to": f"{frame[0]}x{frame[1]}"}
        if request.upscaling_crop:
            told["Postprocess crop to"] = told["Postprocess upscale to"]
        factor = max(wanted / side for wanted, side in zip(frame, size, strict=True))
        return Target(factor, frame if request.upscaling_crop else None, told)
    factor, limit = request.upscaling_resize, request.max_side_length
    limited = {"Max side length": limit} if 0 < limit < max(size) * factor else {}
    by = {"Postprocess upscale by": factor}
    return Target(limit / max(size) if limited else factor, None, by | limited)


def _upscale(piece: Piece, choice: Choice, tools: Tools, watch: Watch) -> None:
    if choice.upscaler is None:
        return
    aim = target(choice.request, piece.image.size)
    share = 1.0 if choice.second is None else 0.5
    larger = tools.upscalers.scaled(
        piece.image, choice.upscaler, aim.factor, choice.view, lambda done: watch(done * share)
    )
    piece.told |= aim.told | {"Postprocess upscaler": choice.upscaler.name}
    piece.tags.append(choice.upscaler.name)
    if choice.second is not None:
        visibility = choice.request.extras_upscaler_2_visibility
        over = tools.upscalers.scaled(
            piece.image, choice.second, aim.factor, choice.view, lambda done: watch((1 + done) / 2)
        )
        larger = Image.blend(larger, over, visibility)
        piece.told["Postprocess upscaler 2"] = choice.second.name
        piece.tags.append(f"{choice.second.name} {visibility}")
    if piece.alpha is not None:
        piece.alpha = _cut(piece.alpha.resize(larger.size, Image.Resampling.LANCZOS), aim.frame)
    piece.image = _cut(larger, aim.frame)


def _cut(image: Image.Image, frame: tuple[int, int] | None) -> Image.Image:
    """The middle of the image in a frame of that size; the image itself without one."""
    if frame is None:
        return image
    made = Image.new(image.mode, frame)
    made.paste(image, (frame[0] // 2 - image.width // 2, frame[1] // 2 - image.height // 2))
    return made


def _gfpgan(piece: Piece, choice: Choice, tools: Tools, watch: Watch) -> None:
    visibility = choice.request.gfpgan_visibility
    if choice.gfpgan is not None:
        mended = tools.faces.mended(piece.image, choice.gfpgan, 0, lambda: watch(1.0))
        piece.image = Image.blend(piece.image, mended, visibility)
        piece.told["GFPGAN visibility"] = round(visibility, 3)


def _codeformer(piece: Piece, choice: Choice, tools: Tools, watch: Watch) -> None:
    visibility, weight = choice.request.codeformer_visibility, choice.request.codeformer_weight
    if choice.codeformer is not None:
        mended = tools.faces.mended(piece.image, choice.codeformer, weight, lambda: watch(1.0))
        piece.image = Image.blend(piece.image, mended, visibility)
        piece.told |= {"CodeFormer visibility": round(visibility, 3), "CodeFormer weight": round(weight, 3)}


def _autosized_crop(piece: Piece, choice: Choice, tools: Tools, watch: Watch) -> None:
    request = choice.request
    if not request.autosized_crop:
        return
    allowed = crops.Sizes(
        side=(request.autosized_mindim, request.autosized_maxdim),
        area=(request.autosized_minarea, request.autosized_maxarea),
        error=request.autosized_threshold,
        largest=request.autosized_objective == LARGEST,
    )
    best = crops.best_size(piece.image.size, allowed)
    if best is None:
        piece.told["Auto-sized crop"] = "no size fits"
        return
    piece.become(piece.changed(lambda image: crops.fitted(image, *best)))


def _focal_crop(piece: Piece, choice: Choice, tools: Tools, watch: Watch) -> None:
    request = choice.request
    if not request.focal_crop or request.resize_mode != TO:
        return
    frame = request.upscaling_resize_w, request.upscaling_resize_h
    size = crops.covering(piece.image.size, *frame)
    scaled = piece.changed(lambda image: image.resize(size, Image.Resampling.LANCZOS))
    seen = choice.detector if request.focal_face_weight > 0 else None
    faces = [] if seen is None else tools.faces.middles(scaled.image, seen)
    weights = crops.Weights(
        faces=request.focal_face_weight, entropy=request.focal_entropy_weight, edges=request.focal_edges_weight
    )
    found = crops.focus(scaled.image, *frame, weights, faces)
    if request.focal_debug:
        shown = crops.explained(scaled.image, found)
        piece.more.append(replace(scaled, image=shown, alpha=None, tags=["focal-crop-debug"], final=True))
    piece.become(scaled.changed(lambda image: image.crop(found.box)))


def _caption(piece: Piece, choice: Choice, tools: Tools, watch: Watch) -> None:
    if choice.request.caption:
        piece.caption = tools.captions(piece.image)


def _flipped_copies(piece: Piece, choice: Choice, tools: Tools, watch: Watch) -> None:
    for name, way in FLIPS.items():
        if name in choice.request.flipped_copies:
            piece.more.append(piece.changed(lambda image, way=way: image.transpose(way)))  # type: ignore[misc]


def _split_oversized(piece: Piece, choice: Choice, tools: Tools, watch: Watch) -> None:
    request, (width, height) = choice.request, piece.image.size
    if not request.split_oversized or request.resize_mode != TO:
        return
    frame = request.upscaling_resize_w, request.upscaling_resize_h
    ratio = width * frame[1] / (height * frame[0])
    if min(ratio, 1 / ratio) > request.split_threshold or ratio == 1:
        return
    size, corners = crops.pieces(piece.image.size, *frame, request.split_overlap)
    scaled = piece.changed(lambda image: image.resize(size, Image.Resampling.LANCZOS))
    boxes = [(int(x), int(y), int(x) + frame[0], int(y) + frame[1]) for x, y in corners]
    first, *others = (scaled.changed(lambda image, box=box: image.crop(box)) for box in boxes)  # type: ignore[misc]
    piece.become(first)
    piece.more += others


OPERATIONS: Mapping[str, Operation] = {  # in their usual order
    "Upscale": _upscale,
    "GFPGAN": _gfpgan,
    "CodeFormer": _codeformer,
    "Auto focal point crop": _focal_crop,
    "Auto-sized crop": _autosized_crop,
    "Caption": _caption,
    "Create flipped copies": _flipped_copies,
    "Split oversized images": _split_oversized,
}
