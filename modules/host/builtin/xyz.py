"""X/Y/Z plot: a picture for each combination of up to three axes' values, on a sheet with legends."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from PIL import Image

from modules.declare import Range, Spec, param, specs
from modules.exceptions import Interrupted, ParameterError, WebuiError
from modules.generate.plan import Plan
from modules.generate.request import MAX_SEED, Request
from modules.generate.result import Picture, Result
from modules.host import axis_values
from modules.host.axis import Axis
from modules.host.builtin.xyz_axes import axes
from modules.host.gathering import gathered, saved_grid, sheet, told_of
from modules.host.legends import inks
from modules.host.script import Catalogs, Selectable, Studio, Tab, read, tab_of
from modules.imaging import grids
from modules.imaging.legends import Word, annotated
from modules.settings.options import Options

# fmt: off


@dataclass(frozen=True, kw_only=True, slots=True)
class Params:
    """Its arguments."""

    x_type: str = param("Seed", "X type")
    x_values: str = param("", "X values")
    x_values_dropdown: list[str] = param([], "X values")
    y_type: str = param("Nothing", "Y type")
    y_values: str = param("", "Y values")
    y_values_dropdown: list[str] = param([], "Y values")
    z_type: str = param("Nothing", "Z type")
    z_values: str = param("", "Z values")
    z_values_dropdown: list[str] = param([], "Z values")
    draw_legend: bool = param(True, "Draw legend")
    include_lone_images: bool = param(False, "Include Sub Images")
    include_sub_grids: bool = param(False, "Include Sub Grids")
    no_fixed_seeds: bool = param(False, "Keep -1 for seeds")
    vary_seeds_x: bool = param(False, "Vary seeds for X")
    vary_seeds_y: bool = param(False, "Vary seeds for Y")
    vary_seeds_z: bool = param(False, "Vary seeds for Z")
    margin_size: int = param(0, "Grid margins (px)", slider=Range(0, 500, 2), valid=Range(0, 10000))
    csv_mode: bool = param(False, "Use text inputs instead of dropdowns")

# fmt: on

LETTERS, NOTHING = ("x", "y", "z"), "Nothing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """An axis with the values that it takes; `text` is how they were written."""

    axis: Axis
    text: str
    values: Sequence[Any]

    @property
    def words(self) -> list[list[Word]]:
        """Its legend."""
        return [[Word(self.axis.told(self.axis.label, one))] for one in self.values]


Place = tuple[int, int, int]  # x, y, z


class XYZPlot(Selectable):
    """The cheapest axis changes fastest, whatever its letter."""

    title = "X/Y/Z plot"
    file = "xyz_grid.py"
    params = Params

    def __init__(self, options: Options, catalogs: Catalogs, more: Callable[[Tab], Sequence[Axis]]):
        self._options = options
        self._catalogs = catalogs
        self._more = more

    def axes(self, tab: Tab) -> list[Axis]:
        """What there is to choose from: A1111's, the program's own, and those that scripts and extensions offer."""
        found = {axis.label: axis for axis in axes(tab, self._options)}
        for axis in self._more(tab):
            found.setdefault(axis.label, axis)
        return list(found.values())

    def choices(self, tab: Tab, label: str) -> list[str] | None:
        """The values that an axis's menu offers; None where they are written."""
        found = next((one for one in self.axes(tab) if one.label == label), None)
        return found.choices(self._catalogs) if found and found.choices else None

    def arguments(self, tab: Tab) -> list[Spec]:
        labels = tuple(one.label for one in self.axes(tab))
        types = {f"{letter}_type" for letter in LETTERS}
        return [replace(spec, choices=labels) if name in types else spec for name, spec in specs(Params).items()]

    def check(self, request: Request, args: Sequence[Any]) -> None:
        self._changed(request, args)

    def sets(self, request: Request, args: Sequence[Any]) -> Collection[str]:
        return {name for one in self._changed(request, args) for name in one.override_settings}

    def _changed(self, request: Request, args: Sequence[Any]) -> list[Request]:
        """The request with each value of each axis. ParameterError for one that makes no sense."""
        tab = tab_of(request)
        values = Params(**read(self.arguments(tab), args, self.title))
        lines = self._lines(values, tab)
        return [line.axis.change(request, value, line.values) for line in lines for value in line.values]

    def _lines(self, values: Params, tab: Tab) -> list[Line]:
        known = {axis.label: axis for axis in self.axes(tab)}
        return [self._line(letter, values, known[getattr(values, f"{letter}_type")]) for letter in LETTERS]

    @staticmethod
    def _line(letter: str, values: Params, axis: Axis) -> Line:
        written, chosen = getattr(values, f"{letter}_values"), getattr(values, f"{letter}_values_dropdown")
        if axis.label == NOTHING:
            return Line(axis=axis, text="", values=(0,))
        menu = axis.choices is not None and not values.csv_mode
        texts = list(chosen) if menu else axis.split(written)
        found = axis.values(texts)
        if not found:
            raise ParameterError(f"X/Y/Z plot: {axis.label} has no values; write some, or choose Nothing.")
        if axis.seeds and not values.no_fixed_seeds:
            found = [random.randrange(MAX_SEED) if one == -1 else one for one in found]
        return Line(axis=axis, text=axis_values.joined(texts) if menu else written, values=found)

    def make(self, studio: Studio, plan: Plan, values: Params) -> Result | None:
        lines = self._lines(values, tab_of(plan.request))
        asked = self._asked(plan, values)
        _bounded(asked, lines)
        plans = {place: self._planned(studio, asked, lines, place, values) for place in _in_order(lines)}
        studio.share(len(plans))
        results, comments = _drawn(studio, plans)
        if not results:
            raise (
                Interrupted("The job was stopped before it had a picture.")
                if studio.stopped
                else WebuiError(comments[0] if comments else "No picture of the plot could be made.")
            )
        return _sheets(studio, plan, lines, values, results, comments)

    @staticmethod
    def _asked(plan: Plan, values: Params) -> Request:
        asked = plan.request
        if not values.no_fixed_seeds:
            asked = replace(asked, seed=plan.seeds[0], subseed=plan.subseeds[0])
        return asked if plan.view.return_grid else replace(asked, batch_size=1)

    @staticmethod
    def _planned(studio: Studio, asked: Request, lines: Sequence[Line], place: Place, values: Params) -> Plan:
        for line, number in zip(lines, place, strict=True):
            asked = line.axis.change(asked, line.values[number], line.values)
        across = len(lines[0].values) if values.vary_seeds_x else 1
        down = len(lines[1].values) if values.vary_seeds_y else 1
        moved = (
            place[0] * values.vary_seeds_x
            + place[1] * across * values.vary_seeds_y
            + place[2] * across * down * values.vary_seeds_z
        )
        return studio.plan(replace(asked, seed=asked.seed + moved) if moved and asked.seed != -1 else asked)


def _bounded(asked: Request, lines: Sequence[Line]) -> None:
    cells = len(lines[0].values) * len(lines[1].values) * len(lines[2].values)
    megapixels = cells * asked.width * asked.height / 1e6
    if megapixels > grids.MAX_MEGAPIXELS:
        raise ParameterError(
            f"The plot's {cells} pictures make a sheet of {megapixels:.0f} megapixels; {grids.MAX_MEGAPIXELS} are the "
            "most: choose fewer values or a smaller size."
        )


def _in_order(lines: Sequence[Line]) -> list[Place]:
    """All places, so that the slowest axis changes least often; of equal ones, Z before Y before X."""
    order = sorted(range(3), key=lambda number: (-lines[number].axis.cost, -number))
    places = product(*(range(len(lines[number].values)) for number in order))
    return [(at[order.index(0)], at[order.index(1)], at[order.index(2)]) for at in places]


def _drawn(studio: Studio, plans: dict[Place, Plan]) -> tuple[dict[Place, Result], list[str]]:
    """What was made of each, and sentences for those that could not be."""
    results: dict[Place, Result] = {}
    comments: list[str] = []
    for place, one in plans.items():
        try:
            made = studio.draw(one)
        except Interrupted:
            break
        except WebuiError as error:
            comments.append(str(error))
            continue
        if made.shown:
            results[place] = made
        if studio.stopped:
            break
    return results, comments


def _sheets(
    studio: Studio, plan: Plan, lines: Sequence[Line], values: Params, results: dict[Place, Result], comments: list[str]
) -> Result:
    """The whole sheet, the sheet of each Z, and the pictures on them, as far as they are wanted."""
    view, xs, ys, zs = plan.view, *(line.values for line in lines)
    some = next(iter(results.values()))
    size = some.shown[0].image.size
    blank = Image.new("RGB", size)

    def cell(place: Place) -> Image.Image:
        return results[place].shown[0].image if place in results else blank

    legends = [line.words for line in lines]
    subs: list[Picture] = []
    for z in range(len(zs)):
        images = [cell((x, y, z)) for y in range(len(ys)) for x in range(len(xs))]
        sub = sheet(studio, images, plan, rows=len(ys))
        if values.draw_legend:
            cells = sub.width // len(xs), sub.height // len(ys)
            sub = annotated(sub, cells, legends[0], legends[1], values.margin_size, inks(view))
        subs.append(Picture(image=sub, infotext=_text(results.get((0, 0, z), some), lines[:2], values)))
    whole = sheet(studio, [one.image for one in subs], plan, rows=1)
    if values.draw_legend:
        whole = annotated(whole, subs[0].image.size, legends[2], [[Word("")]], inks=inks(view))
    main = Picture(image=whole, infotext=_text(results.get((0, 0, 0), some), lines, values))
    kept = [main, *(subs if values.include_sub_grids else [])]
    written = [main, *(subs if values.include_sub_grids and len(zs) > 1 else [])]
    own = replace(some.plan, request=plan.request)
    saved = {id(one): saved_grid(one.image, own, one.infotext, studio.folders, "xyz_grid") for one in written}
    places = [(x, y, z) for z in range(len(zs)) for y in range(len(ys)) for x in range(len(xs))]
    lone = [results[place].shown[0] for place in places if place in results] if values.include_lone_images else []
    made = gathered([results[place] for place in places if place in results], lone)
    return replace(
        made,
        grids=tuple(saved.get(id(one), one) for one in kept),
        comments=(*made.comments, *dict.fromkeys(comments)),
        interrupted=studio.stopped,
    )


def _text(result: Result, lines: Sequence[Line], values: Params) -> str:
    """The infotext of a sheet: that of its first picture, and what the axes are."""
    pairs: dict[str, Any] = {"Script": XYZPlot.title}
    for letter, line in zip("XYZ", lines, strict=False):
        if line.axis.label != NOTHING:
            pairs |= {f"{letter} Type": line.axis.label, f"{letter} Values": line.text}
            if line.axis.seeds and not values.no_fixed_seeds:
                pairs[f"Fixed {letter} Values"] = ", ".join(str(one) for one in line.values)
    return told_of(result, pairs)
