"""Schedules: n steps as n+1 falling noise levels that end in 0, float32 on the CPU."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from modules.sampling.prediction import Levels
from modules.sampling.tables import Schedule

ALIGNED_SD1 = (14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029)


def sigmas(
    schedule: Schedule,
    steps: int,
    levels: Levels,
    *,
    low: float = 0,
    high: float = 0,
    rho: float = 0,
    discard: bool = False,
) -> Tensor:
    """σ of every step, `[steps+1]`. `low`, `high`, `rho` 0 mean the model's range and the schedule's own steepness.

    `discard`: one step more is laid out, and its next-to-last σ dropped.
    """
    function = globals()[schedule.function]
    count = steps + 1 if discard else steps
    if schedule.needs_model:
        made: Tensor = function(count, levels)
    else:
        made = function(count, low or levels.sigma_min, high or levels.sigma_max, rho or schedule.rho)
    if not schedule.ends_above_zero:
        made = torch.cat([made, made.new_zeros(1)])
    return torch.cat([made[:-2], made[-1:]]) if discard else made


def uniform(steps: int, levels: Levels) -> Tensor:
    """Evenly spaced timesteps from the last to the first."""
    return levels.sigma(torch.linspace(len(levels.sigmas) - 1, 0, steps))


def karras(steps: int, low: float, high: float, rho: float) -> Tensor:
    """Karras et al. 2022, eq. 5."""
    ramp = torch.linspace(0, 1, steps)
    first, last = high ** (1 / rho), low ** (1 / rho)
    made: Tensor = (first + ramp * (last - first)) ** rho
    return made


def exponential(steps: int, low: float, high: float, rho: float) -> Tensor:
    """Even in log σ."""
    return torch.linspace(math.log(high), math.log(low), steps).exp()


def polyexponential(steps: int, low: float, high: float, rho: float) -> Tensor:
    """A polynomial of degree ρ in log σ; 1 is the exponential schedule."""
    ramp = torch.linspace(1, 0, steps) ** rho
    return (ramp * (math.log(high) - math.log(low)) + math.log(low)).exp()


def sgm_uniform(steps: int, levels: Levels) -> Tensor:
    """As `uniform`, but laid out for one step more, so that the last one is longer (Stability's generative-models)."""
    return levels.sigma(torch.linspace(len(levels.sigmas) - 1, 0, steps + 1)[:-1])


def kl_optimal(steps: int, low: float, high: float, rho: float) -> Tensor:
    """Sabour et al. 2024 (Align Your Steps), the closed form for a Gaussian: even in arctan σ, `steps + 1` levels."""
    return torch.linspace(math.atan(high), math.atan(low), steps + 1).tan()


def align_your_steps(steps: int, levels: Levels) -> Tensor:
    """Sabour et al. 2024, the ten steps found for SD 1.5, interpolated in log σ to other numbers."""
    places = np.linspace(0, 1, len(ALIGNED_SD1))
    made = np.interp(np.linspace(0, 1, steps), places, np.log(ALIGNED_SD1[::-1]))  # one step is the lowest level
    return torch.from_numpy(np.exp(made[::-1])).float()


def simple(steps: int, levels: Levels) -> Tensor:
    """Every (count / steps)-th of the model's own levels, from the top."""
    count = len(levels.sigmas)
    return torch.stack([levels.sigmas[count - 1 - int(i * count / steps)] for i in range(steps)])


def normal(steps: int, levels: Levels) -> Tensor:
    """Evenly spaced timesteps, from the timestep of the highest level to that of the lowest."""
    ends = levels.t(levels.sigmas[[-1, 0]])
    return levels.sigma(torch.linspace(float(ends[0]), float(ends[1]), steps))


def ddim_uniform(steps: int, levels: Levels) -> Tensor:
    """Song et al. 2020's spacing: every (count // steps)-th level, counted from the second."""
    stride = max(len(levels.sigmas) // steps, 1)
    picked = levels.sigmas[1::stride].flip(0)
    return picked
