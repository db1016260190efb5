"""Schedules: n steps as n+1 falling noise levels that end in 0, float32 on the CPU."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from modules.sampling.prediction import Levels
from modules.sampling.tables import Schedule

Numbers = NDArray[np.float64]

ALIGNED = {  # σ of the ten steps found for each family of models, and its end
    "SD1": (14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029),
    "SDXL": (14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029),
}


def sigmas(
    schedule: Schedule,
    steps: int,
    levels: Levels,
    *,
    low: float = 0,
    high: float = 0,
    rho: float = 0,
    discard: bool = False,
    **settings: Any,
) -> Tensor:
    """σ of every step, `[steps+1]`. `low`, `high`, `rho` 0 mean the model's range and the schedule's own steepness.

    `discard`: one step more is laid out, and its next-to-last σ dropped. `settings`: what some schedules take beside
    that, by name (`Schedule.settings`); each picks out its own.
    """
    function = globals()[schedule.function]
    taken = {name: settings[name] for name in schedule.settings if name in settings}
    count = steps + 1 if discard else steps
    if schedule.needs_model:
        made: Tensor = function(count, levels, **taken)
    else:
        lowest, highest = levels.ends
        made = levels.placed(function(count, low or lowest, high or highest, rho or schedule.rho, **taken))
    if not schedule.ends_above_zero:
        made = torch.cat([made, made.new_zeros(1)])
    return torch.cat([made[:-2], made[-1:]]) if discard and not schedule.keeps_all else made


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


def align_your_steps(steps: int, levels: Levels, family: str = "SD1") -> Tensor:
    """Sabour et al. 2024 (arXiv 2404.14507), the ten steps found for a family of models, interpolated in log σ."""
    found = ALIGNED.get(family, ALIGNED["SD1"])
    places = np.linspace(0, 1, len(found))
    made = np.interp(np.linspace(0, 1, steps), places, np.log(found[::-1]))  # one step is the lowest level
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


def beta(steps: int, low: float, high: float, rho: float, alpha: float = 0.6, beta: float = 0.6) -> Tensor:
    """Lee et al. 2024 (arXiv 2407.12173): even quantiles of a Beta distribution, here over σ as in A1111."""
    return torch.from_numpy(low + beta_quantiles(np.linspace(1, 0, steps), alpha, beta) * (high - low)).float()


def beta_quantiles(shares: Numbers, alpha: float, beta: float) -> Numbers:
    """Where Beta(α, β) has the given shares of its mass below.

    Over u, with x = 1/(1 + exp(−u)), its density is x^α·(1 − x)^β: smooth, and next to nothing at the ends of the grid.
    """
    end = 40 / min(alpha, beta, 1)
    u = np.linspace(-end, end, 200_001)
    density = np.exp(-alpha * np.logaddexp(0, -u) - beta * np.logaddexp(0, u))
    mass = np.cumsum(density[1:] + density[:-1], dtype=np.float64)
    found = np.interp(shares * mass[-1], np.concatenate([[0], mass]), u)
    made: Numbers = np.exp(-np.logaddexp(0, -found))
    return made


def turbo(steps: int, levels: Levels) -> Tensor:
    """The timesteps SD-Turbo was distilled at, 999, 749, 499 and 249, for any number: the last of each equal share."""
    count = len(levels.sigmas)
    ends = torch.arange(steps, 0, -1) * (count / steps)
    return levels.sigmas[(ends - 1).round().long().clamp(0, count - 1)]


def timesteps(steps: int, levels: Levels) -> Tensor:
    """DDIM's timesteps, without an end at 0: every (count // steps)-th, counted from the second.

    Their number can be another one than `steps`; the sampler makes one step less than there are.
    """
    count = len(levels.sigmas)
    picked = torch.arange(0, count, max(count // steps, 1)) + 1
    return levels.sigmas[picked.clamp(max=count - 1)].flip(0)


def unipc_timesteps(steps: int, levels: Levels, skip_type: str = "time_uniform") -> Tensor:
    """UniPC's own times from the last level, as many steps as `timesteps` has levels."""
    return unipc_times(len(timesteps(steps, levels)), levels, len(levels.sigmas) - 1, skip_type)


def unipc_times(steps: int, levels: Levels, start: int, skip_type: str = "time_uniform") -> Tensor:
    """σ of the times of so many steps from level number `start`; Lu et al. 2022 (arXiv 2206.00927) for discrete times.

    `skip_type`: even in time (`time_uniform`), in its square root (`time_quadratic`) or in log σ (`logSNR`). A time is
    1 at the last of the N levels and 1/N at the first; between them log ᾱ is linear.
    """
    count = len(levels.sigmas)
    if skip_type == "logSNR":
        return exponential(steps + 1, levels.sigma_min, float(levels.sigmas[start]), -1)
    power = 2 if skip_type == "time_quadratic" else 1
    first, last = (((index + 1) / count) ** (1 / power) for index in (start, 0))
    times = np.linspace(first, last, steps + 1) ** power
    variances = levels.sigmas.double().numpy() ** 2
    logs = np.interp(times * count - 1, np.arange(count), np.log1p(variances))  # log 1/ᾱ
    return torch.from_numpy(np.expm1(logs) ** 0.5).float()
