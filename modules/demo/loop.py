"""The training loop that the steps share: warm-up and decay, averaged weights, check-points, going on after a stop."""

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn
from tqdm import tqdm  # type: ignore[import-untyped]

log = logging.getLogger(__name__)

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
SAVE_EVERY_SECONDS = 150.0
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How long and how fast a step trains; `decay` is the average's memory per step (0: no average)."""

    steps: int
    batch: int
    rate: float
    warmup: int = 100
    decay: float = 0.0


@dataclass(kw_only=True)
class Course:
    """One training step's whole state: what is kept on disk, and what is needed to go on.

    `slower`: what some of the model's parts learn at, as a share of the pace's rate.
    """

    model: nn.Module
    pace: Pace
    file: Path
    slower: Mapping[str, float] = field(default_factory=dict)
    step: int = 0
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        trained: dict[float, list[nn.Parameter]] = {}
        for name, parameter in self.model.named_parameters():
            if parameter.requires_grad:
                trained.setdefault(self.slower.get(name.split(".")[0], 1.0), []).append(parameter)
        groups = [{"params": found, "share": share} for share, found in trained.items()]
        self.optimizer = torch.optim.AdamW(groups, lr=self.pace.rate, betas=(0.9, 0.98), weight_decay=0.0)
        self.average = {k: v.detach().clone() for k, v in self.model.state_dict().items()} if self.pace.decay else {}
        if self.file.is_file():
            self._load()

    def run(self, loss: Callable[[int], Tensor], minutes: float = math.inf) -> None:
        """Train until `pace.steps` or for `minutes`; `loss(step)` draws its own batch. Keeps check-points."""
        started = saved = time.monotonic()
        done_before = self.seconds
        try:
            with tqdm(total=self.pace.steps, initial=self.step, desc=self.file.stem, mininterval=10) as bar:
                while self.step < self.pace.steps and time.monotonic() - started < minutes * 60:
                    self.losses.append(self._advance(loss))
                    self.seconds = done_before + time.monotonic() - started
                    bar.update()
                    if self.step % 50 == 0:
                        bar.set_postfix(loss=sum(self.losses[-200:]) / len(self.losses[-200:]))
                    if time.monotonic() - saved > SAVE_EVERY_SECONDS:
                        saved = time.monotonic()
                        self.save()
        finally:
            self.save()

    def save(self) -> None:
        """Write everything, so that a crash in the middle leaves the check-point before."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        kept = {
            "model": self.model.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "facts": {"step": self.step, "seconds": self.seconds, "losses": self.losses},
        }
        partial = self.file.with_suffix(".part")
        torch.save(kept, partial)
        partial.replace(self.file)

    def _load(self) -> None:
        kept = torch.load(self.file, weights_only=True, map_location=DEVICE)
        self.model.load_state_dict(kept["model"])
        self.optimizer.load_state_dict(kept["optimizer"])
        self.average = kept["average"]
        self.step, self.seconds, self.losses = (kept["facts"][k] for k in ("step", "seconds", "losses"))
        log.info("%s goes on at step %d", self.file.stem, self.step)

    def _advance(self, loss: Callable[[int], Tensor]) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = self.pace.rate * group["share"] * _speed(self.step, self.pace)
        self.optimizer.zero_grad(set_to_none=True)
        value = loss(self.step)
        torch.autograd.backward(value)
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        if self.average:
            self._blend(min(self.pace.decay, (1 + self.step) / (10 + self.step)))
        return value.item()

    @torch.no_grad()
    def _blend(self, decay: float) -> None:
        state = self.model.state_dict()
        floats = [k for k, v in state.items() if v.is_floating_point()]
        torch._foreach_lerp_([self.average[k] for k in floats], [state[k] for k in floats], 1 - decay)


def watched(items: Sequence[T], what: str) -> Iterator[T]:
    """The items one by one, under a progress bar."""
    yield from tqdm(items, desc=what, mininterval=5)


def best_weights(file: Path) -> dict[str, Tensor]:
    """The averaged weights of a check-point, or the plain ones where no average was kept."""
    kept = torch.load(file, weights_only=True, map_location=DEVICE)
    weights: dict[str, Tensor] = kept["average"] or kept["model"]
    return weights


def _speed(step: int, pace: Pace) -> float:
    rise = min(1.0, (step + 1) / max(1, pace.warmup))
    return rise * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, step / pace.steps))))
