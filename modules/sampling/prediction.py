"""What a UNet predicts, turned into a denoised latent at any noise level σ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Condition:
    """What a network is given beside x and t, one row for each image.

    `context` `[B,n,D]`: the text. `vector` `[B,V]`: the text as a whole and the picture's sizes, for SDXL. `image`
    `[B,c,h,w]`: latents that go in beside x, for models that inpaint or edit. `guidance` `[B]`: the CFG scale, for
    models that were distilled to answer as if guided.
    """

    context: Tensor
    vector: Tensor | None = None
    image: Tensor | None = None
    guidance: Tensor | None = None

    @classmethod
    def joined(cls, rows: Sequence[Condition]) -> Condition:
        """All rows as one; contexts must be of one length."""
        return cls(
            torch.cat([row.context for row in rows]),
            _stacked([row.vector for row in rows]),
            _stacked([row.image for row in rows]),
            _stacked([row.guidance for row in rows]),
        )

    def rows(self, which: slice) -> Condition:
        """Some of the rows."""
        parts = (self.context, self.vector, self.image, self.guidance)
        context, *others = (None if part is None else part[which] for part in parts)
        assert context is not None
        return Condition(context, *others)

    def to(self, dtype: torch.dtype) -> Condition:
        """In another precision."""
        parts = (self.context, self.vector, self.image, self.guidance)
        context, *others = (None if part is None else part.to(dtype) for part in parts)
        assert context is not None
        return Condition(context, *others)


def _stacked(tensors: Sequence[Tensor | None]) -> Tensor | None:
    found = [tensor for tensor in tensors if tensor is not None]
    return torch.cat(found) if found else None


Model = Callable[[Tensor, Tensor, Condition], Tensor]  # x [B,C,h,w], t [B], condition → the network's output

TERMINAL = 4.8973451890853435e-08  # ᾱ in place of nought, so that σ stays finite


class Levels:
    """The noise levels a model was trained at, rising; on the CPU, float32, so that schedules need no device.

    `alphas` `[n]` is ᾱ, the share of signal left; σ² = (1 − ᾱ)/ᾱ is computed in its precision.
    `whole`: σ between two levels counts as the nearer one.
    """

    def __init__(self, alphas: Tensor, whole: bool = False):
        self.alphas = alphas.float()
        sigmas = ((1 - alphas) / alphas) ** 0.5
        self.sigmas = sigmas.float()
        self.logs = sigmas.log().float()
        self._whole = whole

    @classmethod
    def scaled_linear(cls, start: float = 0.00085, end: float = 0.012, count: int = 1000) -> Levels:
        """Stable Diffusion's: β from the square of a line (Rombach et al. 2022, latent diffusion)."""
        betas = torch.linspace(start**0.5, end**0.5, count, dtype=torch.float64) ** 2
        return cls(torch.cumprod(1 - betas, 0).float())

    def altered(self, *, half: bool = False, zero_snr: bool = False, whole: bool = False) -> Levels:
        """These levels as A1111's options change them: ᾱ in half precision, ending without signal, whole steps only."""
        if not (half or zero_snr or whole):
            return self
        alphas = self.alphas.half() if half else self.alphas
        return Levels(without_signal_at_the_end(alphas) if zero_snr else alphas, whole)

    @property
    def ends(self) -> tuple[float, float]:
        """Where schedules that know but two ends are laid out, lowest first; `placed` makes σ of what they find."""
        return self.sigma_min, self.sigma_max

    def placed(self, values: Tensor) -> Tensor:
        """σ of numbers between the `ends`."""
        return values

    @property
    def sigma_min(self) -> float:
        return float(self.sigmas[0])

    @property
    def sigma_max(self) -> float:
        return float(self.sigmas[-1])

    def sigma(self, t: Tensor) -> Tensor:
        """σ at fractional timesteps, linear in log σ."""
        logs = self.logs
        low = t.floor().long().clamp(0, len(logs) - 1)
        high = t.ceil().long().clamp(0, len(logs) - 1)
        part = t - low
        return ((1 - part) * logs[low] + part * logs[high]).exp()

    def t(self, sigma: Tensor) -> Tensor:
        """The fractional timestep of σ; the inverse of `sigma`, held within the table."""
        logs, log = self.logs, sigma.log()
        low = (torch.searchsorted(logs, log.contiguous(), right=True) - 1).clamp(0, len(logs) - 2)
        part = ((logs[low] - log) / (logs[low] - logs[low + 1])).clamp(0, 1)
        return low + part.round() if self._whole else (1 - part) * low + part * (low + 1)


PURE = 1e-4  # signal left at the highest level of a flow, where there is none, so that σ stays finite


class FlowLevels(Levels):
    """The levels of a flow from noise to picture, x = (1 − τ)·x₀ + τ·noise: here by σ = τ/(1 − τ).

    Seen as x/(1 − τ) such a latent is x₀ + σ·noise, which is what samplers walk over; so all of them, those that add
    noise too, do here what they are meant to. Schedules with two ends are laid out in τ, as others lay them out.
    `shift` α moves the levels towards noise: τ = α·s/(1 + (α − 1)·s), s even (Esser et al. 2024, eq. 23).
    """

    def __init__(self, shift: float = 1.0, count: int = 1000):
        even = torch.arange(1, count + 1, dtype=torch.float64) / count
        self.shift, self.count = shift, count
        self.sigmas = self._of_even(even)
        self.logs = self.sigmas.log()
        self.alphas = 1 / (1 + self.sigmas**2)
        self._whole = False

    def altered(self, *, half: bool = False, zero_snr: bool = False, whole: bool = False) -> Levels:
        """Options for ᾱ mean nothing here."""
        return self

    @property
    def ends(self) -> tuple[float, float]:
        return float(self.sigmas[0] / (1 + self.sigmas[0])), 1.0

    def placed(self, values: Tensor) -> Tensor:
        held = values.clamp(max=1 - PURE)
        return (held / (1 - held)).float()

    def sigma(self, t: Tensor) -> Tensor:
        return self._of_even((t.double() + 1) / self.count)

    def t(self, sigma: Tensor) -> Tensor:
        share = sigma.double() / (1 + sigma.double())
        even = share / (self.shift - (self.shift - 1) * share)
        return (even * self.count - 1).clamp(0, self.count - 1).float()

    def _of_even(self, even: Tensor) -> Tensor:
        return self.placed(self.shift * even / (1 + (self.shift - 1) * even))


def without_signal_at_the_end(alphas: Tensor) -> Tensor:
    """ᾱ rescaled so that the last level is pure noise: Lin et al. 2023 (arXiv 2305.08891), algorithm 1."""
    roots = alphas.sqrt()
    scaled = ((roots - roots[-1]) * (roots[0] / (roots[0] - roots[-1]))) ** 2
    scaled[-1] = TERMINAL
    return scaled


@dataclass(frozen=True, slots=True)
class Eps:
    """A network that predicts the noise: x₀ = x − σ·ε (Karras et al. 2022, table 1, VP column)."""

    model: Model
    levels: Levels

    def __call__(self, x: Tensor, sigma: Tensor, condition: Condition) -> Tensor:
        """x₀ for `x` `[B,C,h,w]` at one σ (0-d, CPU) for the whole batch."""
        t = self.levels.t(sigma.reshape(1)).to(x.device).expand(len(x))
        return x - self.model(x * float((sigma**2 + 1) ** -0.5), t, condition) * float(sigma)


@dataclass(frozen=True, slots=True)
class V:
    """A network that predicts v = √ᾱ·ε − √(1−ᾱ)·x₀: Salimans & Ho 2022 (arXiv 2202.00512), appendix D.

    `whole`: levels by whose whole timesteps v becomes ε first, as A1111 does for DDIM's family.
    """

    model: Model
    levels: Levels
    whole: Levels | None = None

    def __call__(self, x: Tensor, sigma: Tensor, condition: Condition) -> Tensor:
        """x₀ for `x` `[B,C,h,w]` at one σ (0-d, CPU) for the whole batch."""
        t = self.levels.t(sigma.reshape(1))
        scaled = x * float((sigma**2 + 1) ** -0.5)  # √ᾱ·x₀ + √(1−ᾱ)·ε
        v = self.model(scaled, t.to(x.device).expand(len(x)), condition)
        if self.whole is None:
            return (scaled - v * float(sigma)) * float((sigma**2 + 1) ** -0.5)
        alpha = self.whole.alphas[int(t)]
        eps = v * float(alpha**0.5) + scaled * float((1 - alpha) ** 0.5)
        return x - eps * float(sigma)


@dataclass(frozen=True, slots=True)
class Flow:
    """A network that predicts noise − x₀, told τ (Lipman et al. 2022, arXiv 2210.02747); σ as in `FlowLevels`."""

    model: Model
    levels: Levels

    def __call__(self, x: Tensor, sigma: Tensor, condition: Condition) -> Tensor:
        """x₀ for `x` `[B,C,h,w]` at one σ (0-d, CPU) for the whole batch."""
        share = sigma / (1 + sigma)
        seen = x / float(1 + sigma)
        return seen - self.model(seen, share.reshape(1).to(x.device).expand(len(x)), condition) * float(share)
