"""The Extras job: given pictures, one after another, become finished ones with the text of their making."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from PIL import Image

from modules.exceptions import Interrupted, ParameterError, WebuiError
from modules.generate.operations import Added, Choice, Extras, Known, Piece, Tools, apply, choose
from modules.generate.saving import save_options
from modules.imaging import files, metadata, pixels
from modules.imaging.disk import explained
from modules.jobs.progress import Progress
from modules.prompts import infotext
from modules.settings.options import View
from modules.weights.upscalers.catalogue import Watch

STEPS = 100  # of the progress of one picture


@dataclass(frozen=True, slots=True)
class Source:
    """A picture to come. It is opened when its turn is, so that thousands need no memory."""

    open: Callable[[], Image.Image]
    name: str | None = None  # of its file, where it has one


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What will be done to which pictures. `folder`: where they are saved, if they are."""

    choice: Choice
    sources: tuple[Source, ...]
    folder: Path | None
    shows: bool

    @property
    def view(self) -> View:
        """The options that hold for the job."""
        return self.choice.view


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """A picture that is done. `told` is what was done to it; `items` are its texts, the older ones included."""

    picture: Image.Image | None  # None where the file holds it
    told: str
    items: dict[str, str]
    path: Path | None = None

    @property
    def image(self) -> Image.Image:
        """The picture, read from its file where it is not in memory."""
        if self.picture is not None:
            return self.picture
        assert self.path is not None
        return pixels.from_file(self.path)

    @property
    def infotext(self) -> str:
        """The generation parameters that came with it."""
        return self.items.get("parameters", "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The pictures to show, in order; fewer than planned when the user stopped the job."""

    plan: Plan
    shown: tuple[Finished, ...]
    told: str  # of the last picture
    seconds: float
    interrupted: bool = False
    comments: tuple[str, ...] = ()

    @property
    def html(self) -> str:
        """What was done to the last picture, and what was left out, as A1111's API tells it."""
        return "".join(f"<p>{html.escape(text)}</p>" for text in (self.told, *self.comments))


def plan(
    request: Extras,
    sources: Sequence[Source],
    view: View,
    known: Known,
    folder: Path | None,
    shows: bool,
    more: Sequence[Added] = (),
) -> Plan:
    """Resolve a request. NotFound or ParameterError with a sentence when it cannot be done."""
    if not sources:
        raise ParameterError("There is no picture to work on; choose one first.")
    return Plan(choice=choose(request, view, known, more), sources=tuple(sources), folder=folder, shows=shows)


def run(plan: Plan, tools: Tools, progress: Progress) -> Result:
    """Work on the pictures one by one; each is on disk before the next begins.

    One that cannot be read stops the job if it is the only one, else it is left out and told.
    """
    started, told = time.monotonic(), ""
    comments: list[str] = []
    shown: list[Finished] = []
    progress.begin(len(plan.sources), STEPS)
    for number, source in enumerate(plan.sources):
        if progress.stop.ends:
            break
        progress.next_batch(number)
        progress.say(source.name or "")
        try:
            made = _finished(source, plan, tools, _watch(progress), comments)
        except Interrupted:
            continue
        except WebuiError as error:
            if len(plan.sources) == 1:
                raise
            comments.append(f"{source.name}: {error}" if source.name else str(error))
            continue
        told = made[-1].told
        shown += made if plan.shows else []
    return Result(
        plan=plan,
        shown=tuple(shown),
        told=told,
        seconds=time.monotonic() - started,
        interrupted=progress.stop.ends,
        comments=tuple(dict.fromkeys(comments)),
    )


def _watch(progress: Progress) -> Watch:
    def watch(share: float) -> None:
        progress.stop.check()
        progress.at(int(share * STEPS))

    return watch


def _finished(source: Source, plan: Plan, tools: Tools, watch: Watch, comments: list[str]) -> list[Finished]:
    """What became of a picture: one, or more where it was copied or split; saved where the plan says so."""
    given = source.open()
    parameters, items = metadata.read_text(given)
    if parameters is not None:
        items["parameters"] = parameters
    made = []
    for piece in apply(Piece.of(given), plan.choice, tools, watch):
        told = infotext.write("", "", piece.told)
        finished = Finished(picture=piece.whole(), told=told, items=items | {"postprocessing": told})
        if plan.folder is not None:
            path = _save(finished, piece.tags, source.name, plan, plan.folder)
            if piece.caption:
                _keep_caption(path.with_suffix(".txt"), piece.caption, plan.view.postprocessing_existing_caption_action)
            finished = replace(finished, path=path, picture=None)
        made.append(finished)
        comments += piece.remarks
    return made


def _keep_caption(path: Path, caption: str, action: str) -> None:
    """Write a caption, by the option's wish together with what the file holds already."""
    with explained(path):
        before = path.read_text(encoding="utf-8").strip() if path.is_file() else ""
        joined = {"Keep": before, "Prepend": f"{before} {caption}", "Append": f"{caption} {before}"}
        path.write_text(joined.get(action, caption) if before else caption, encoding="utf-8")


def encode(finished: Finished, view: View) -> bytes:
    """The picture as a file of the options' format."""
    return files.encode(finished.image, _text(finished, view), save_options(view, view.samples_format), finished.items)


def _save(finished: Finished, tags: Sequence[str], name: str | None, plan: Plan, folder: Path) -> Path:
    """Write the picture: under its own name where it has one, else numbered."""
    view = plan.view
    suffix = "-".join(tags) if view.use_upscaler_name_as_suffix else ""
    own = "" if name is None else Path(re.split(r"[/\\]", name)[-1]).stem
    numbered = name is None or not view.use_original_name_batch
    stem = suffix if numbered else "-".join(filter(None, (own, suffix)))
    write = files.numbered_save if numbered else files.save
    text, options = _text(finished, view), save_options(view, view.samples_format)
    return write(finished.image, folder, stem, text, options, extra_items=finished.items | {"extras": finished.told})


def _text(finished: Finished, view: View) -> str | None:
    """What a file says that holds one text: the parameters that came with the picture, else what was done to it."""
    return finished.items.get("parameters", None if view.samples_format == "png" else finished.told)


def pictures_in(folder: Path) -> list[Source]:
    """The pictures of a folder, by name; ParameterError if there is no such folder."""
    if not folder.is_dir():
        raise ParameterError(f"There is no folder {folder}.")
    suffixes = {f".{name}" for name in files.FORMATS}
    found = sorted((path for path in folder.iterdir() if path.suffix.lower() in suffixes), key=lambda one: one.name)
    return [Source(partial(pixels.from_file, path), path.name) for path in found if path.is_file()]
