"""✨: the second pass over the picture shown, which then takes its place in the gallery.

A chosen script has its way as with Generate: a plot's cells are so many second passes over the one picture.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import gradio as gr

from modules.exceptions import ParameterError, WebuiError
from modules.generate.infotext import read
from modules.generate.request import Txt2Img
from modules.generate.result import Result
from modules.imaging.pixels import from_file
from modules.settings.reach import User
from modules.webui.controls import AS_IS, QUIET
from modules.webui.form import Form
from modules.webui.generation import Output
from modules.webui.submit import Outputs, Runs, told, who

REMEMBERED = 100  # galleries whose pictures are under way


@dataclass(frozen=True, slots=True)
class Around:
    """The gallery that a picture was taken from: its files, its information, and the picture's place."""

    files: list[str]
    info: dict[str, Any]
    place: int


@dataclass(frozen=True, slots=True)
class TextRuns(Runs):
    """The handlers of the txt2img tab: those of every tab, and ✨."""

    around: OrderedDict[str, Around] = field(default_factory=OrderedDict)  # by task

    async def upscale(
        self, task_id: str, chosen: list[str], gallery: Any, place: Any, info: str, request: gr.Request, **values: Any
    ) -> tuple[str, str]:
        """Queue the second pass over the picture shown, answering as `submit` does."""
        try:
            around = _around(gallery, place, info)
            self.around[task_id] = around
            while len(self.around) > REMEMBERED:
                self.around.popitem(last=False)
            await asyncio.to_thread(self._queue_over, around, task_id, chosen, values, who(request))
        except WebuiError as error:
            return told(error), ""
        return "", task_id

    def _queue_over(
        self, around: Around, task_id: str, chosen: Sequence[str], values: Mapping[str, Any], user: User
    ) -> None:
        """Everything is as the form says but the picture itself, its seeds, and that there is one of it."""
        view = self.app.options.view()
        text = around.info["infotexts"][around.place]
        seeds = read(text, view.specs(), kind=Txt2Img).values
        drawn_by = {name: seeds.get(name, -1) for name in ("seed", "subseed")}
        image = from_file(Path(around.files[around.place]))
        own, wishes = self.apart(values)
        request = self.request(chosen, own)
        assert isinstance(request, Txt2Img)
        one = replace(request, enable_hr=True, firstpass_image=image, n_iter=1, batch_size=1, **drawn_by)
        self.app.generate(one, task_id, user, wishes)

    def shown(self, task_id: str, result: Result, files: list[str]) -> Outputs:
        """The picture among those of the gallery that it was taken from, where it was."""
        gallery, info, text, line, task, place = super(TextRuns, self).shown(task_id, result, files)
        around = self.around.get(task_id)
        if around is None or not files:
            return gallery, info, text, line, task, place
        keeps = self.app.options.view().hires_button_gallery_insert
        place = around.place + keeps
        cut = slice(place, place if keeps else place + 1)
        merged, new = json.loads(json.dumps(around.info)), json.loads(info)
        every = list(around.files)
        every[cut] = files
        merged["infotexts"][cut] = new["infotexts"]
        first = merged.get("index_of_first_image", 0)
        for name in ("all_seeds", "all_subseeds"):
            if place >= first and name in merged:
                of_grids = new[name][:1] * new["index_of_first_image"]
                merged[name][cut.start - first : cut.stop - first] = [*of_grids, *new[name]]
        return gr.update(value=every, selected_index=place), json.dumps(merged), text, line, task, place


def _around(gallery: Any, place: Any, info: str) -> Around:
    """What the page shows now. ParameterError where it shows nothing."""
    try:
        files, told_of = [one["image"]["path"] for one in gallery or ()], json.loads(info or "{}")
        number = min(int(place or 0), len(files) - 1)
        told_of["infotexts"][number]
    except (ValueError, TypeError, LookupError):
        files, number = [], -1
    if number < 0:
        raise ParameterError("There is no picture to go over; generate one first.")
    if number < told_of.get("index_of_first_image", 0):
        raise ParameterError("A grid is not gone over again; choose one of its pictures below it.")
    return Around(files, told_of, number)


def bind(runs: TextRuns, form: Form, output: Output) -> None:
    """Give life to the button."""
    sent = form.sent()
    names = json.dumps(["task", "override settings", "gallery", "place", "info", *sent])
    form.buttons["upscale"].click(
        runs.upscale,
        inputs=[output.task, form.overrides, output.gallery, output.index, output.info],
        inputs_kwargs=sent,
        outputs=[output.log, output.task],
        js=f"(...values) => submit('{form.tab}', {names}, values)",
        trigger_mode="multiple",
        **AS_IS,
    ).then(None, inputs=[output.task], js=f"(task) => submitted('{form.tab}', task)", **QUIET)
