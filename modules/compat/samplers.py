"""The samplers and schedules as A1111 lists them."""

from __future__ import annotations

from typing import Any

from modules.exceptions import ExtensionError
from modules.sampling.tables import SAMPLERS, SCHEDULES, choose


class SamplerData:
    """A sampler: also read as a tuple of four."""

    def __init__(self, name: str, constructor: Any = None, aliases: Any = (), options: Any = None):
        self.name, self.constructor, self.aliases, self.options = name, constructor, list(aliases), options or {}

    def __iter__(self) -> Any:
        return iter((self.name, self.constructor, self.aliases, self.options))

    def __getitem__(self, index: int) -> Any:
        return tuple(self)[index]

    def total_steps(self, steps: int) -> int:
        """Calls of the model."""
        return steps * 2 if self.options.get("second_order") else steps


def _refuse(*args: Any) -> Any:
    raise ExtensionError(
        "A sampler cannot be made apart from the engine: set p.sampler_name and call process_images(p)."
    )


create_sampler = _refuse
all_samplers = [SamplerData(one.name, _refuse, one.aliases, one.options) for one in SAMPLERS]
all_samplers_map = {one.name: one for one in all_samplers}
samplers_map = {name.lower(): one.name for one in all_samplers for name in (one.name, *one.aliases)}


def find_sampler_config(name: str | None) -> SamplerData:
    """The sampler of a name, or the first."""
    return all_samplers_map.get(samplers_map.get((name or "").lower(), ""), all_samplers[0])


def get_sampler_and_scheduler(sampler_name: str, scheduler_name: str | None, **words: Any) -> tuple[str, str]:
    """The two apart, of a name that holds both."""
    found = choose(sampler_name, scheduler_name)
    return found.name, found.label or "Automatic"


def get_sampler_from_infotext(d: dict[str, Any]) -> str:
    """Of parsed parameters."""
    return get_sampler_and_scheduler(str(d.get("Sampler") or "Euler"), d.get("Schedule type"))[0]


def get_scheduler_from_infotext(d: dict[str, Any]) -> str:
    """Of parsed parameters."""
    return get_sampler_and_scheduler(str(d.get("Sampler") or "Euler"), d.get("Schedule type"))[1]


def get_hr_sampler_and_scheduler(d: dict[str, Any]) -> tuple[str, str]:
    """Of the second pass."""
    return str(d.get("Hires sampler") or "Use same sampler"), str(d.get("Hires schedule type") or "Use same scheduler")


class Scheduler:
    """A schedule."""

    def __init__(self, name: str, label: str, function: Any = None, default_rho: float = -1, **words: Any):
        self.name, self.label, self.function, self.default_rho = name, label, function, default_rho
        self.need_inner_model, self.aliases = False, words.get("aliases")


def schedulers() -> list[Scheduler]:
    """All of them, Automatic first."""
    made = [Scheduler("automatic", "Automatic")]
    return made + [Scheduler(one.name, one.label, None, one.rho) for one in SCHEDULES]
