"""Poor man's outpainting: a picture grows by inpainting tiles of its new rim."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from PIL import Image, ImageDraw

from modules.declare import Range, param
from modules.exceptions import ParameterError
from modules.generate.plan import Plan
from modules.generate.request import Img2Img
from modules.generate.result import Result
from modules.host.builtin.outward import SIDES, Growth, growth
from modules.host.builtin.tiled import cut, joined
from modules.host.gathering import SAVED_ALONE, gathered, saved_sample
from modules.host.script import Selectable, Studio
from modules.imaging.pixels import flatten
from modules.imaging.tiles import Tiles

FILLS = "fill", "original", "latent noise", "latent nothing"

# fmt: off


@dataclass(frozen=True, kw_only=True, slots=True)
class Params:
    """Its arguments."""

    pixels: int = param(128, "Pixels to expand", slider=Range(8, 256, 8), valid=Range(1, 2048))
    mask_blur: int = param(4, "Mask blur", slider=Range(0, 64), valid=Range(0, 512))
    inpainting_fill: str = param("fill", "Masked content", choices=FILLS)
    direction: list[str] = param(list(SIDES), "Outpainting direction", choices=SIDES)

# fmt: on


def rim(size: tuple[int, int], grown: Growth, inset: int) -> Image.Image:
    """White but for the old picture, of which `inset` pixels at each side that grew are white too."""
    mask = Image.new("L", size, "white")
    left, up, right, down = (edge + (inset if edge else 0) for edge in (grown.left, grown.up, grown.right, grown.down))
    box = left, up, size[0] - right, size[1] - down
    if box[2] >= box[0] and box[3] >= box[1]:
        ImageDraw.Draw(mask).rectangle(box, fill="black")
    return mask


class PoorMansOutpainting(Selectable):
    """Tiles that lie within the old picture stay as they are."""

    title = "Poor man's outpainting"
    file = "poor_mans_outpainting.py"
    tabs = ("img2img",)
    params = Params

    def make(self, studio: Studio, plan: Plan, values: Params) -> Result | None:
        request = plan.request
        assert isinstance(request, Img2Img)
        if not request.init_images:
            raise ParameterError("There is no image to start from; give one.")
        old = flatten(request.init_images[0], plan.view.img2img_background_color)
        grown = growth(old, values.pixels, values.direction)
        image = Image.new("RGB", (grown.width, grown.height))
        image.paste(old, (grown.left, grown.up))
        masks = [rim(image.size, grown, inset) for inset in (values.mask_blur * 2, values.mask_blur // 2)]
        tiles = Tiles.over(image.size, (request.width, request.height), values.pixels)
        asked = replace(
            request, n_iter=1, batch_size=1, seed=plan.seeds[0], subseed=plan.subseeds[0], inpaint_full_res=False,
            inpainting_fill=FILLS.index(values.inpainting_fill), mask_blur=values.mask_blur * 2, **SAVED_ALONE,
        )  # fmt: skip
        results: list[Result] = []
        pieces = [cut(one, tiles) for one in (image, *masks)]
        new = [number for number, box in enumerate(tiles.boxes()) if not _within(box, grown)]
        studio.share(len(new))
        for number in new:
            part, mask, latent = (one[number] for one in pieces)
            words: dict[str, Any] = {
                "init_images": [part],
                "mask": mask,
                "latent_mask": latent,
                "seed": asked.seed + len(results),
            }
            results.append(studio.make(replace(asked, **words)))
            pieces[0][number] = results[-1].pictures[0].image if results[-1].pictures else part
            if studio.stopped:
                break
        if not results or not results[0].pictures:
            return None
        own = replace(results[0].plan, request=request)
        whole = saved_sample(joined(pieces[0], tiles), own, results[0].pictures[0].infotext, studio.folders)
        return gathered(results, [whole])


def _within(box: tuple[int, int, int, int], grown: Growth) -> bool:
    """Whether a tile holds nothing new."""
    across = box[0] >= grown.left and box[2] <= grown.width - grown.right
    return across and box[1] >= grown.up and box[3] <= grown.height - grown.down
