"""SD upscale: a picture is enlarged, drawn over tile by tile, and put together again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from modules.declare import Range, param
from modules.exceptions import ParameterError
from modules.generate.plan import Plan
from modules.generate.request import Img2Img
from modules.generate.result import Picture, Result
from modules.host.builtin.tiled import cut, joined
from modules.host.gathering import SAVED_ALONE, gathered, saved_sample, with_pairs
from modules.host.script import Selectable, Studio
from modules.imaging.pixels import flatten
from modules.imaging.tiles import Tiles

NOTE = "<p>Will upscale the image by the selected scale factor; use width and height sliders to set tile size</p>"

# fmt: off


@dataclass(frozen=True, kw_only=True, slots=True)
class Params:
    """Its arguments."""

    info: str = param(NOTE, "")
    overlap: int = param(64, "Tile overlap", slider=Range(0, 256, 16), valid=Range(0, 4096))
    upscaler: str = param("None", "Upscaler", choices="upscalers")
    scale_factor: float = param(2.0, "Scale Factor", slider=Range(1, 4, 0.05), valid=Range(0.1, 16))

# fmt: on


class SDUpscale(Selectable):
    """As often as the batch count says, each time from another seed; a batch is that many tiles at once."""

    title = "SD upscale"
    file = "sd_upscale.py"
    tabs = ("img2img",)
    params = Params

    def make(self, studio: Studio, plan: Plan, values: Params) -> Result | None:
        request, view = plan.request, plan.view
        assert isinstance(request, Img2Img)
        if not request.init_images:
            raise ParameterError("There is no image to start from; give one.")
        image = flatten(request.init_images[0], view.img2img_background_color)
        if values.upscaler != "None":
            wide, high = (int(side * values.scale_factor // 8 * 8) for side in image.size)
            image = studio.scaler(values.upscaler, view, studio.progress)(image, wide, high)
        if values.overlap >= min(request.width, request.height):
            raise ParameterError("Tiles overlap by less than their size; choose a smaller tile overlap.")
        tiles = Tiles.over(image.size, (request.width, request.height), values.overlap)
        told = {"SD upscale overlap": values.overlap, "SD upscale upscaler": values.upscaler}
        alone = replace(request, subseed=plan.subseeds[0], n_iter=1, **SAVED_ALONE)
        pieces, size = cut(image, tiles), request.batch_size
        groups = [pieces[start : start + size] for start in range(0, len(pieces), size)]
        studio.share(len(groups) * request.n_iter)
        results: list[Result] = []
        pictures: list[Picture] = []
        for number in range(request.n_iter):
            seed = plan.seeds[0] + number
            made = self._drawn(
                studio, [replace(alone, init_images=one, batch_size=len(one)) for one in groups], seed, told
            )
            results += made
            drawn = [one.image for result in made for one in result.pictures]
            if not drawn:
                break
            own = replace(results[0].plan, request=request, seeds=(seed,), subseeds=plan.subseeds[:1])
            whole = joined([*drawn, *pieces[len(drawn) :]], tiles)
            pictures.append(saved_sample(whole, own, results[0].pictures[0].infotext, studio.folders))
            if studio.stopped:
                break
        return gathered(results, pictures) if results else None

    @staticmethod
    def _drawn(studio: Studio, asked: list[Img2Img], seed: int, told: dict[str, Any]) -> list[Result]:
        """The groups of tiles, each from the next seed; fewer where the user stops it."""
        results: list[Result] = []
        for number, one in enumerate(asked):
            results.append(studio.draw(with_pairs(studio.plan(replace(one, seed=seed + number)), told)))
            if studio.stopped:
                break
        return results
