"""The samplers and schedules by name. No torch here: the page and the API list them before it is imported."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from modules.exceptions import NotFound

AUTOMATIC = "Automatic"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampler:
    """One row: the step function's name in `samplers`, and how A1111 treats it.

    `automatic` is the schedule that "Automatic" means (since A1111 1.9; before, the name itself said it).
    """

    name: str
    function: str
    aliases: tuple[str, ...] = ()
    automatic: str = "Uniform"
    uses_ensd: bool = False  # the infotext mentions the eta noise seed delta
    churns: bool = False  # takes s_churn, s_tmin, s_tmax, s_noise
    ancestral: bool = False  # takes eta and s_noise
    second_order: bool = False  # calls the model twice a step; prompt fractions count on doubled steps
    discards: bool = False  # makes one step more and drops the next-to-last σ

    @property
    def options(self) -> dict[str, str]:
        """As A1111's API lists them."""
        said = {
            "discard_next_to_last_sigma": self.discards,
            "uses_ensd": self.uses_ensd,
            "second_order": self.second_order,
        }
        scheduler = {} if self.automatic == "Uniform" else {"scheduler": self.automatic.lower()}
        return scheduler | {name: "True" for name, value in said.items() if value}


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """One row: the function's name in `schedules`; `rho` is its default steepness, -1 where it has none."""

    name: str
    label: str
    function: str
    aliases: tuple[str, ...] = ()
    rho: float = -1.0
    needs_model: bool = False  # reads the model's own table of σ
    ends_above_zero: bool = False  # its last σ is the lowest level itself


SAMPLERS = (
    Sampler(name="DPM++ 2M", function="dpmpp_2m", aliases=("k_dpmpp_2m",), automatic="Karras"),
    Sampler(
        name="DPM++ 2S a",
        function="dpmpp_2s_ancestral",
        aliases=("k_dpmpp_2s_a",),
        automatic="Karras",
        uses_ensd=True,
        ancestral=True,
        second_order=True,
    ),
    Sampler(
        name="Euler a",
        function="euler_ancestral",
        aliases=("k_euler_a", "k_euler_ancestral"),
        uses_ensd=True,
        ancestral=True,
    ),
    Sampler(name="Euler", function="euler", aliases=("k_euler",), churns=True),
    Sampler(name="LMS", function="lms", aliases=("k_lms",)),
    Sampler(name="Heun", function="heun", aliases=("k_heun",), churns=True, second_order=True),
    Sampler(
        name="DPM2",
        function="dpm_2",
        aliases=("k_dpm_2",),
        automatic="Karras",
        churns=True,
        second_order=True,
        discards=True,
    ),
    Sampler(
        name="DPM2 a",
        function="dpm_2_ancestral",
        aliases=("k_dpm_2_a",),
        automatic="Karras",
        uses_ensd=True,
        ancestral=True,
        second_order=True,
        discards=True,
    ),
)

SCHEDULES = (
    Schedule(name="uniform", label="Uniform", function="uniform", needs_model=True),
    Schedule(name="karras", label="Karras", function="karras", rho=7.0),
    Schedule(name="exponential", label="Exponential", function="exponential"),
    Schedule(name="polyexponential", label="Polyexponential", function="polyexponential", rho=1.0),
    Schedule(
        name="sgm_uniform", label="SGM Uniform", function="sgm_uniform", aliases=("sgmuniform",), needs_model=True
    ),
    Schedule(name="kl_optimal", label="KL Optimal", function="kl_optimal", ends_above_zero=True),
    Schedule(name="align_your_steps", label="Align Your Steps", function="align_your_steps", needs_model=True),
    Schedule(name="simple", label="Simple", function="simple", needs_model=True),
    Schedule(name="normal", label="Normal", function="normal", needs_model=True),
    Schedule(name="ddim", label="DDIM", function="ddim_uniform", needs_model=True),
)

SUFFIXES = {"_ka": "Karras", "_exp": "Exponential"}  # of A1111's aliases for joined names


@dataclass(frozen=True, slots=True)
class Choice:
    """What a sampler name and a schedule name come to: the rows, and the two names as the infotext writes them."""

    sampler: Sampler
    schedule: Schedule
    name: str
    label: str | None  # None: the name says it all, as A1111 wrote up to 1.8


def sampler_names() -> list[str]:
    """In menu order."""
    return [row.name for row in SAMPLERS]


def schedule_names() -> list[str]:
    """In menu order, "Automatic" first."""
    return [AUTOMATIC, *(row.label for row in SCHEDULES)]


def choose(sampler: str, schedule: str | None) -> Choice:
    """The rows meant by two names: exact, alias, any case, or joined (`DPM++ 2M Karras`). NotFound with a hint."""
    row, joined = _split(sampler)
    if schedule is None:
        label = joined or "Uniform"
        return Choice(row, _schedule(label), f"{row.name} {joined}" if joined else row.name, None)
    if schedule.strip().lower() in ("automatic", ""):
        label = joined or row.automatic
        return Choice(row, _schedule(label), row.name, AUTOMATIC if label == "Uniform" else label)
    found = _schedule(schedule)
    return Choice(row, found, row.name, found.label)


def menu(sampler: str, schedule: str | None) -> tuple[str, str]:
    """The entries of the page's two menus that give the same picture as these names."""
    choice = choose(sampler, schedule)
    if choice.label is not None:
        return choice.name, choice.label
    return (
        choice.sampler.name,
        AUTOMATIC if choice.schedule.label == choice.sampler.automatic else choice.schedule.label,
    )


def _split(name: str) -> tuple[Sampler, str | None]:
    if (row := _sampler(name)) is not None:
        return row, None
    for schedule in SCHEDULES:
        for word in (schedule.label, schedule.name):
            head = name[: -len(word)].rstrip() if name.lower().endswith(" " + word.lower()) else ""
            if head and (row := _sampler(head)) is not None:
                return row, schedule.label
    for suffix, label in SUFFIXES.items():
        if name.endswith(suffix) and (row := _sampler(name.removesuffix(suffix))) is not None:
            return row, label
    near = difflib.get_close_matches(name, sampler_names(), 1, 0.4)
    raise NotFound(f"There is no sampler {name[:60]!r}{f'; did you mean {near[0]!r}?' if near else '.'}")


def _sampler(name: str) -> Sampler | None:
    wanted = name.strip().lower()
    return next((row for row in SAMPLERS if wanted == row.name.lower() or wanted in row.aliases), None)


def _schedule(name: str) -> Schedule:
    wanted = name.strip().lower()
    for row in SCHEDULES:
        if wanted in (row.label.lower(), row.name, *row.aliases):
            return row
    near = difflib.get_close_matches(name, schedule_names(), 1, 0.4)
    raise NotFound(f"There is no schedule type {name[:60]!r}{f'; did you mean {near[0]!r}?' if near else '.'}")
