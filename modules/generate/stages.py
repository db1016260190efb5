"""The walks down the noise levels that a picture takes: one, or a small one and one over its enlargement."""

from __future__ import annotations

from dataclasses import dataclass

from modules.generate.request import Img2Img, Request, Txt2Img
from modules.generate.wording import Wording
from modules.sampling.tables import Choice, choose
from modules.weights.library import Checkpoint, Library

SAME = ("", "None", "Use same checkpoint", "Use same sampler", "Use same scheduler")
LATENT_MODES = {  # A1111's names → how torch interpolates, and whether it smooths when shrinking
    "Latent": ("bilinear", False),
    "Latent (antialiased)": ("bilinear", True),
    "Latent (bicubic)": ("bicubic", False),
    "Latent (bicubic antialiased)": ("bicubic", True),
    "Latent (nearest)": ("nearest", False),
    "Latent (nearest-exact)": ("nearest-exact", False),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One walk: with what it is taken, how far, and under which prompts. `strength` None: from pure noise."""

    choice: Choice
    steps: int
    width: int
    height: int
    checkpoint: Checkpoint
    wording: Wording
    strength: float | None = None
    exact: bool = False  # `steps` are all taken, however little noise it starts from
    given: bool = False  # its picture is there: nothing is drawn
    after: int | None = None  # calls of the model in the stage before, for prompts whose times count on

    @property
    def calls(self) -> int:
        """How often the model is called for one image, as prompt schedules count."""
        return self.steps * (2 if self.choice.sampler.second_order else 1)

    @property
    def laid_out(self) -> int:
        """Steps of the whole schedule, of which the last ones are taken."""
        if self.strength is None or not self.exact:
            return self.steps
        return int(self.steps / min(self.strength, 0.999)) if self.strength > 0 else 0

    @property
    def taken(self) -> int:
        """Steps that are taken."""
        if self.given:
            return 0
        if self.strength is None:
            return self.steps
        return self.steps if self.exact else int(min(self.strength, 0.999) * self.steps) + 1


@dataclass(frozen=True, slots=True)
class Enlarged:
    """A hires pass's size: enlarged to `width` and `height`, of which `cut_x` and `cut_y` latent pixels fall away."""

    width: int
    height: int
    cut_x: int = 0
    cut_y: int = 0


def enlarged(request: Txt2Img, downscale: int = 8) -> Enlarged:
    """By a factor; to a width or a height in proportion; or to both, covering them."""
    width, height = request.width, request.height
    to_x, to_y = request.hr_resize_x, request.hr_resize_y
    if not to_x and not to_y:
        return Enlarged(int(width * request.hr_scale), int(height * request.hr_scale))
    if not to_y:
        return Enlarged(to_x, to_x * height // width)
    if not to_x:
        return Enlarged(to_y * width // height, to_y)
    wider = width / height < to_x / to_y
    size = (to_x, to_x * height // width) if wider else (to_y * width // height, to_y)
    return Enlarged(*size, (size[0] - to_x) // downscale, (size[1] - to_y) // downscale)


def second(request: Txt2Img, first: Stage, library: Library, wording: Wording) -> Stage:
    """The hires pass after a first one."""
    size, sampler, scheduler = enlarged(request), request.hr_sampler_name, request.hr_scheduler
    choice = first.choice
    if sampler not in SAME or scheduler not in SAME:
        name = request.sampler_name if sampler in SAME else sampler
        choice = choose(name, request.scheduler if scheduler in SAME else scheduler)
    return Stage(
        choice=choice,
        steps=request.hr_second_pass_steps or request.steps,
        width=size.width - size.cut_x * 8,
        height=size.height - size.cut_y * 8,
        checkpoint=first.checkpoint if request.hr_checkpoint_name in SAME else library.find(request.hr_checkpoint_name),
        wording=wording,
        strength=request.denoising_strength,
        exact=True,
        after=first.calls,
    )


def strength_of(request: Request) -> float | None:
    """The denoising strength of a picture that starts from another one."""
    return request.denoising_strength if isinstance(request, Img2Img) else None
