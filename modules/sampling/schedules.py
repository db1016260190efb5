"""Schedules: n steps as n+1 falling noise levels that end in 0, float32 on the CPU."""

from __future__ import annotations

import torch
from torch import Tensor

from modules.sampling.prediction import Levels
from modules.sampling.tables import Schedule


def sigmas(
    schedule: Schedule, steps: int, levels: Levels, *, low: float = 0, high: float = 0, rho: float = 0
) -> Tensor:
    """σ of every step, `[steps+1]`. `low`, `high`, `rho` 0 mean the model's range and the schedule's own steepness."""
    function = globals()[schedule.function]
    if schedule.needs_model:
        made: Tensor = function(steps, levels)
    else:
        made = function(steps, low or levels.sigma_min, high or levels.sigma_max, rho or schedule.rho)
    return torch.cat([made, made.new_zeros(1)])


def uniform(steps: int, levels: Levels) -> Tensor:
    """Evenly spaced timesteps from the last to the first."""
    return levels.sigma(torch.linspace(len(levels.sigmas) - 1, 0, steps))


def karras(steps: int, low: float, high: float, rho: float) -> Tensor:
    """Karras et al. 2022, eq. 5."""
    ramp = torch.linspace(0, 1, steps)
    first, last = high ** (1 / rho), low ** (1 / rho)
    made: Tensor = (first + ramp * (last - first)) ** rho
    return made
