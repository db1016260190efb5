"""Where others join in while pictures are made: one method for each place, doing nothing unless it is overridden."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:  # torch is there when they are called; the others name Hooks themselves
    from torch import Tensor

    from modules.generate.batch import Batch
    from modules.generate.plan import Plan
    from modules.generate.result import Result
    from modules.generate.source import Source
    from modules.sampling.guidance import Call


@dataclass(slots=True)
class Blend:
    """What stays is to be put into what was drawn: `kept` and `drawn` `[B,C,h,w]`, `share` `[1,1,h,w]`, 1 = all stays.

    `sigma` is the noise level of the model's answer; None at the end, when the latent is finished.
    """

    kept: Tensor
    drawn: Tensor
    share: Tensor
    sigma: Tensor | None


@dataclass(frozen=True, slots=True)
class Noising:
    """The noise of a start over `latent`, which the option for extra noise adds once more; all `[B,C,h,w]`.

    `noisy` is what it is added to.
    """

    noise: Tensor
    latent: Tensor
    noisy: Tensor


@dataclass(slots=True)
class Layout:
    """Pictures on their way into a grid, row by row: all of it may be exchanged."""

    images: list[Image.Image]
    rows: int
    cols: int


@dataclass(slots=True)
class Saving:
    """A picture on its way to its file: all of it may be exchanged before it is written, and then it has a path.

    `name` is without number and suffix; `texts` go by their PNG chunks.
    """

    image: Image.Image
    folder: Path
    name: str
    texts: dict[str, str]
    path: Path | None = None


Draw = Callable[["Plan"], "Result"]  # makes a plan's pictures, with these hooks


class Hooks:
    """All places in order. Called by the worker thread alone; what a method raises ends the job.

    A method may call `draw` (given to `instead`) or the engine again: a run's state is its arguments.
    """

    def overrides(self, name: str) -> bool:
        """Whether anything is done at the place of that name."""
        return getattr(type(self), name) is not getattr(Hooks, name)

    def instead(self, plan: Plan, draw: Draw) -> Result | None:
        """The whole job done in another way, such as a grid of many plans; None leaves it to the engine."""
        return None

    def begin(self, plan: Plan) -> Plan:
        """Before anything is loaded: the plan as it is to be carried out."""
        return plan

    def next_batch(self, plan: Plan, number: int) -> Plan:
        """Before iteration `number`, its networks not yet put on: the plan for it, perhaps with other prompts."""
        return plan

    def source_made(self, plan: Plan, source: Source) -> None:
        """img2img: images and mask are in their sizes; they may be exchanged."""

    def batch_made(self, batch: Batch) -> None:
        """Model, noise, conditioning and what it starts from stand; nothing is drawn."""

    def before_hires(self, first: Batch, second: Batch) -> None:
        """The first pass is drawn; `second` is made but for its start."""

    def more_noise(self, batch: Batch, noising: Noising) -> Tensor:
        """Before an option adds extra noise, of either pass: the noise to add, not yet multiplied."""
        return noising.noise

    def before_sampling(self, batch: Batch, x: Tensor) -> Tensor:
        """The noisy latent `[B,C,h,w]` that the sampler starts from, of either pass."""
        return x

    def asking(self, batch: Batch, call: Call) -> None:
        """Before a call of the model: its x, σ and conditions may be exchanged."""

    def answered(self, batch: Batch, call: Call) -> None:
        """The model's answers are there, not yet combined."""

    def guided(self, batch: Batch, call: Call) -> None:
        """They are combined into `call.denoised`, which may be exchanged."""

    def blend(self, batch: Batch, blend: Blend) -> Tensor:
        """What a masked picture goes on with, at each call and at the end."""
        return blend.drawn.lerp(blend.kept, blend.share)

    def sampled(self, batch: Batch) -> None:
        """`batch.latent` is finished, of either pass."""

    def decoded(self, batch: Batch, pictures: Tensor) -> Tensor:
        """The batch's pixels `[B,3,H,W]`, 0 to 1."""
        return pictures

    def drawn(self, batch: Batch, index: int, image: Image.Image) -> Image.Image:
        """Picture `index` of the batch, before what stays of an inpainted one is laid over it."""
        return image

    def overlaying(self, batch: Batch, index: int, over: Image.Image) -> Image.Image:
        """The RGBA image that will be laid over picture `index` of the batch."""
        return over

    def composed(self, batch: Batch, index: int, image: Image.Image) -> Image.Image:
        """Picture `index` of the batch as it will be saved; its infotext takes `batch.told[index]`."""
        return image

    def laying_out(self, plan: Plan, layout: Layout) -> None:
        """Before a grid is made, the engine's or a script's."""

    def saving(self, plan: Plan, saving: Saving) -> None:
        """Before a picture is written."""

    def saved(self, plan: Plan, saving: Saving) -> None:
        """It is on disk."""

    def finished(self, result: Result) -> Result:
        """All pictures are made."""
        return result


def listens(hooks: Hooks) -> bool:
    """Does anyone want to be told of single calls of the model?"""
    return any(hooks.overrides(name) for name in ("asking", "answered", "guided"))


QUIET = Hooks()
