"""The samplers and schedules by name. No torch here: the page and the API list them before it is imported."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from modules.exceptions import NotFound

AUTOMATIC = "Automatic"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampler:
    """One row: the step function's name in `samplers`, and how A1111 treats it.

    `automatic` is the schedule that "Automatic" means since A1111 1.9; `bare` the one that the name alone meant before.
    """

    name: str
    function: str
    aliases: tuple[str, ...] = ()
    automatic: str = "Uniform"
    bare: str = "Uniform"
    uses_ensd: bool = False  # the infotext mentions the eta noise seed delta
    churns: bool = False  # takes s_churn, s_tmin, s_tmax, s_noise
    ancestral: bool = False  # takes eta and s_noise
    second_order: bool = False  # calls the model twice a step; prompt fractions count on doubled steps
    discards: bool = False  # makes one step more and drops the next-to-last σ
    brownian: bool = False  # its noise is one path over the levels, from the seed alone
    solver_type: str = ""  # as A1111's API tells it
    schedule: Schedule | None = None  # walks only this one, whatever is chosen, and starts from noise of variance 1
    takes_eta_ddim: bool = False  # its η is the option eta_ddim, not eta_ancestral
    distilled: bool = False  # knows only the levels of `samplers.consistency.distilled`
    cfgpp: bool = False  # guided as CFG++, see `guidance.CFGPP_FULL`

    @property
    def options(self) -> dict[str, str]:
        """As A1111's API lists them."""
        said = {
            "discard_next_to_last_sigma": self.discards,
            "uses_ensd": self.uses_ensd,
            "second_order": self.second_order,
            "brownian_noise": self.brownian,
        }
        scheduler = {} if self.automatic == "Uniform" else {"scheduler": self.automatic.lower()}
        solver = {"solver_type": self.solver_type} if self.solver_type else {}
        return scheduler | {name: "True" for name, value in said.items() if value} | solver


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
    keeps_all: bool = False  # "discard next-to-last sigma" only adds a step
    settings: tuple[str, ...] = ()  # what else its function takes, see `schedules.sigmas`


TIMESTEPS = Schedule(
    name="timesteps", label="Timesteps", function="timesteps", needs_model=True, ends_above_zero=True, keeps_all=True
)
UNIPC_TIMESTEPS = Schedule(
    name="unipc_timesteps",
    label="UniPC timesteps",
    function="unipc_timesteps",
    needs_model=True,
    ends_above_zero=True,
    keeps_all=True,
    settings=("skip_type",),
)


SAMPLERS = (
    Sampler(name="DPM++ 2M", function="dpmpp_2m", aliases=("k_dpmpp_2m",), automatic="Karras"),
    Sampler(
        name="DPM++ SDE",
        function="dpmpp_sde",
        aliases=("k_dpmpp_sde",),
        automatic="Karras",
        ancestral=True,
        second_order=True,
        brownian=True,
    ),
    Sampler(
        name="DPM++ 2M SDE",
        function="dpmpp_2m_sde",
        aliases=("k_dpmpp_2m_sde",),
        automatic="Exponential",
        ancestral=True,
        brownian=True,
    ),
    Sampler(
        name="DPM++ 2M SDE Heun",
        function="dpmpp_2m_sde_heun",
        aliases=("k_dpmpp_2m_sde_heun",),
        automatic="Exponential",
        ancestral=True,
        brownian=True,
        solver_type="heun",
    ),
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
        name="DPM++ 3M SDE",
        function="dpmpp_3m_sde",
        aliases=("k_dpmpp_3m_sde",),
        automatic="Exponential",
        ancestral=True,
        discards=True,
        brownian=True,
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
    Sampler(name="DPM fast", function="dpm_fast", aliases=("k_dpm_fast",), uses_ensd=True, ancestral=True),
    Sampler(name="DPM adaptive", function="dpm_adaptive", aliases=("k_dpm_ad",), uses_ensd=True, ancestral=True),
    Sampler(
        name="Restart",
        function="restart",
        aliases=("restart",),
        automatic="Karras",
        bare="Karras",
        second_order=True,
    ),
    Sampler(name="DDIM", function="ddim", aliases=("ddim",), schedule=TIMESTEPS, takes_eta_ddim=True),
    Sampler(
        name="DDIM CFG++",
        function="ddim_cfgpp",
        aliases=("ddim_cfgpp",),
        schedule=TIMESTEPS,
        takes_eta_ddim=True,
        cfgpp=True,
    ),
    Sampler(name="PLMS", function="plms", aliases=("plms",), schedule=TIMESTEPS),
    Sampler(name="UniPC", function="unipc", aliases=("unipc",), schedule=UNIPC_TIMESTEPS),
    Sampler(name="LCM", function="lcm", aliases=("k_lcm",), distilled=True),
    Sampler(name="DDPM", function="ddpm", aliases=("ddpm",), uses_ensd=True),
    Sampler(name="DEIS", function="deis", aliases=("deis",)),
    Sampler(name="IPNDM", function="ipndm", aliases=("ipndm",)),
    Sampler(name="IPNDM_V", function="lms", aliases=("ipndm_v",)),  # with variable steps, Adams-Bashforth is LMS
    Sampler(name="Res Multistep", function="res_multistep", aliases=("res_multistep",)),
    Sampler(name="ER SDE", function="er_sde", aliases=("er_sde",), uses_ensd=True),
    Sampler(name="SA Solver", function="sa_solver", aliases=("sa_solver",), uses_ensd=True, ancestral=True),
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
    Schedule(
        name="align_your_steps",
        label="Align Your Steps",
        function="align_your_steps",
        needs_model=True,
        settings=("family",),
    ),
    Schedule(name="simple", label="Simple", function="simple", needs_model=True),
    Schedule(name="normal", label="Normal", function="normal", needs_model=True),
    Schedule(name="ddim", label="DDIM", function="ddim_uniform", needs_model=True),
    Schedule(name="beta", label="Beta", function="beta", settings=("alpha", "beta")),
    Schedule(name="turbo", label="Turbo", function="turbo", needs_model=True),
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


def choose(sampler: str, schedule: str | None, unsaid: str = AUTOMATIC) -> Choice:
    """The rows meant by two names: exact, alias, any case, or joined (`DPM++ 2M Karras`). NotFound with a hint.

    `unsaid` is the schedule in place of the sampler's where none is said, as A1111 up to 1.8 had it for an option.
    """
    row, joined = _split(sampler)
    if row.schedule is not None:
        return Choice(row, row.schedule, row.name, None if schedule is None else _label(schedule))
    if schedule is None:
        name = f"{row.name} {joined}" if joined else row.name
        if unsaid != AUTOMATIC:
            return Choice(row, _schedule(unsaid), name, unsaid)
        return Choice(row, _schedule(joined or row.bare), name, None)
    if _label(schedule) == AUTOMATIC:
        label = joined or row.automatic
        return Choice(row, _schedule(label), row.name, AUTOMATIC if label == "Uniform" else label)
    found = _schedule(schedule)
    return Choice(row, found, row.name, found.label)


def menu(sampler: str, schedule: str | None) -> tuple[str, str]:
    """The entries of the page's two menus that give the same picture as these names."""
    choice = choose(sampler, schedule)
    if choice.label is not None:
        return choice.name, choice.label
    others = [label for label in schedule_names() if label != choice.sampler.automatic]
    return (
        choice.sampler.name,
        choice.schedule.label if choice.schedule.label in others else AUTOMATIC,
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


def _label(name: str) -> str:
    return AUTOMATIC if name.strip().lower() in ("automatic", "") else _schedule(name).label


def _schedule(name: str) -> Schedule:
    wanted = name.strip().lower()
    for row in SCHEDULES:
        if wanted in (row.label.lower(), row.name, *row.aliases):
            return row
    near = difflib.get_close_matches(name, schedule_names(), 1, 0.4)
    raise NotFound(f"There is no schedule type {name[:60]!r}{f'; did you mean {near[0]!r}?' if near else '.'}")
