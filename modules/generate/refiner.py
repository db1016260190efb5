"""The refiner: a second checkpoint that takes over on the way from noise to picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from modules.sampling.guidance import Guided
from modules.sampling.prediction import Levels


@dataclass(slots=True)
class Refined:
    """D(x, σ) that lets `take_over` exchange what its guided model draws with, once, when the share `at` is reached.

    The share is counted in the model's timesteps; in calls of all `calls` where `by_calls`, as A1111 did before 1.8.
    """

    guided: Guided
    levels: Levels
    at: float
    take_over: Callable[[], None]
    calls: int
    by_calls: bool = False
    done: bool = False

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """x₀, shaped as x."""
        if not self.done and self._share(sigma) >= self.at:
            self.done = True
            self.take_over()
        return self.guided(x, sigma)

    def _share(self, sigma: Tensor) -> float:
        if self.by_calls:
            return self.guided.calls / self.calls
        last = len(self.levels.sigmas) - 1
        return (last - int((self.levels.sigmas - sigma).abs().argmin())) / (last + 1)
