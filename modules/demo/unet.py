"""Steps 3 and 4: SD's forward diffusion, and a UNet that removes noise and listens to words (Rombach et al. 2022).

The text encoder goes on learning with it, more slowly: it is so small that what tells captions apart is not yet all
that a picture needs.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextModel

from modules.demo.bank import END, Bank, Tokenizer
from modules.demo.loop import DEVICE, Course, Pace, best_weights, watched
from modules.demo.text import WIDTH, known_tokens, learning
from modules.demo.text import load as load_reader

Spread = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
Which = npt.NDArray[np.int64] | slice
Latents = npt.NDArray[np.float16]

WIDTHS = (64, 64, 128)
ATTENDS = (False, True, False)
HEADS = 4
DROPPED = 0.1
TIMESTEPS = 1000
READERS_SHARE = 0.25  # of the UNet's rate
STARTS, REDRAWN_IN = (150, 550), 6  # timesteps from which, and in how many steps, pictures are redrawn
PACE = Pace(steps=40000, batch=32, rate=1e-3, warmup=200, decay=0.999)
OWN_PACE = replace(PACE, steps=50000)  # with its own errors, from where it was
REDRAWN = 14000


def build() -> UNet2DConditionModel:
    """An untrained UNet of the sidecar's shape: three levels, attention on the 8 x 8 grid and in the middle."""
    return UNet2DConditionModel(
        block_out_channels=WIDTHS,
        down_block_types=tuple("CrossAttnDownBlock2D" if a else "DownBlock2D" for a in ATTENDS),
        up_block_types=tuple("CrossAttnUpBlock2D" if a else "UpBlock2D" for a in reversed(ATTENDS)),
        layers_per_block=1,
        cross_attention_dim=WIDTH,
        attention_head_dim=HEADS,
    )


def noise_levels() -> Tensor:
    """SD's scaled-linear schedule as sigma = sqrt((1 - a) / a) per timestep: [1000], rising from 0.03 to 14.6."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, TIMESTEPS, dtype=torch.float64) ** 2
    kept = torch.cumprod(1 - betas, dim=0)
    return ((1 - kept) / kept).sqrt().float()


@dataclass(frozen=True, kw_only=True, slots=True)
class Lessons:
    """What the UNet learns from: normalised latents [N, 4, 16, 16], caption tokens and their weights [N, K, 77].

    `redrawn` [M, 4, 16, 16]: the first M pictures as a UNet drew them anew; half of every batch is of those.
    """

    latents: Latents
    tokens: npt.NDArray[np.uint16]
    weights: npt.NDArray[np.float16]
    redrawn: Latents | None = None

    def draw(self, rng: np.random.Generator, batch: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Latents as they should be and as they are before noise [B, 4, 16, 16]; tokens and weights [B, 77].

        Some captions are empty, for guidance.
        """
        which = rng.integers(0, len(self.latents), batch)
        given, half = self.latents[which], 0 if self.redrawn is None else batch // 2
        if self.redrawn is not None:
            which[:half] = rng.integers(0, len(self.redrawn), half)
            given = np.concatenate([self.redrawn[which[:half]], self.latents[which[half:]]])
        tokens, weights = self.said(which, rng.integers(0, self.tokens.shape[1], batch))
        empty = torch.from_numpy(rng.random(batch) < DROPPED)
        tokens[empty, 1:], weights[empty] = END, 1
        right, before = (torch.from_numpy(some).to(DEVICE).float() for some in (self.latents[which], given))
        return right, before, tokens, weights

    def said(self, which: Which, how: npt.NDArray[np.int64] | int) -> tuple[Tensor, Tensor]:
        """Tokens and weights [B, 77] of these pictures' captions, `how` being the number of each."""
        tokens, weights = self.tokens[which, how].astype(np.int64), self.weights[which, how].astype(np.float32)
        return torch.from_numpy(tokens).to(DEVICE), torch.from_numpy(weights).to(DEVICE)


class Listener(nn.Module):
    """The UNet and the reader of its captions."""

    def __init__(self, reader: CLIPTextModel, known: list[int]) -> None:
        super().__init__()
        self.unet = build().to(DEVICE, memory_format=torch.channels_last)
        self.text = learning(reader.to(DEVICE), known)


def read(reader: CLIPTextModel, tokens: Tensor, weights: Tensor) -> Tensor:
    """The last hidden states of the captions [B, 77, width], weighted as A1111 does: each caption keeps its mean."""
    states: Tensor = reader(input_ids=tokens).last_hidden_state
    scaled = states * weights[..., None]
    return scaled * (states.mean(dim=(1, 2)) / scaled.mean(dim=(1, 2)))[:, None, None]


def denoising_loss(model: nn.Module, latents: Tensor, context: Tensor, given: Tensor | None = None) -> Tensor:
    """Squared error of the predicted noise.

    The weight per level is min-SNR (Hang et al. 2023) where there is little noise, and rises where there is much: in
    so small a picture the high levels decide which object stands where, and a plain average would hardly hear them.
    `given`: where there is little noise, what it is put on in place of the latents: with pictures that a UNet drew,
    their errors count as noise, so that it learns to put its own right (as in DREAM, Zhou et al. 2024).
    """
    sigmas = noise_levels().to(latents.device)
    steps = torch.randint(0, TIMESTEPS, (len(latents),), device=latents.device)
    sigma = sigmas[steps][:, None, None, None]
    before = latents if given is None else torch.where((steps < TIMESTEPS // 2)[:, None, None, None], given, latents)
    moved = before + sigma * torch.randn_like(latents)
    noisy = (moved / (1 + sigma.square()).sqrt()).contiguous(memory_format=torch.channels_last)
    found: Tensor = model(noisy, steps, encoder_hidden_states=context).sample
    weight = (5 * sigma.square()).clamp(max=1) * (sigma.square() / 4).clamp(min=1, max=4)
    error: Tensor = weight * (found - (moved - latents) / sigma).square()
    return error.mean()


@torch.no_grad()
def redraw(lessons: Lessons, file: Path, kept: Path, count: int = REDRAWN, batch: int = 32) -> Latents:
    """What the trained UNet makes of the first pictures with some noise on them, or made before: [count, 4, 16, 16].

    There is so little noise that everything stays in its place: they differ from the pictures by the UNet's own
    errors, guidance and all, and it can learn to mend those.
    """
    if kept.is_file():
        before: Latents = np.load(kept)
        return before
    model, reader = load(file).to(DEVICE, memory_format=torch.channels_last), load_reader(file).to(DEVICE)
    rng, count = np.random.default_rng(5), min(count, len(lessons.latents))
    torch.manual_seed(5)
    made = []
    for at in watched(range(0, count, batch), "redraw"):
        latents = torch.from_numpy(lessons.latents[at : min(at + batch, count)]).to(DEVICE).float()
        tokens, weights = lessons.said(slice(at, at + len(latents)), 0)
        empty = torch.full_like(tokens, END)
        empty[:, 0] = tokens[:, 0]
        contexts = read(reader, empty, torch.ones_like(weights)), read(reader, tokens, weights)
        walk = np.linspace(rng.integers(*STARTS), 0, REDRAWN_IN).astype(int).tolist()
        made.append(_walked(model, latents, contexts, walk, float(rng.uniform(1, 7))).cpu().numpy())
    redrawn: Latents = np.concatenate(made).astype(np.float16)
    np.save(kept, redrawn)
    return redrawn


def _walked(
    model: nn.Module, latents: Tensor, contexts: tuple[Tensor, Tensor], walk: list[int], guidance: float
) -> Tensor:
    """Put the noise of the walk's first timestep on latents and take it off again by Euler's steps."""
    sigmas = [float(noise_levels()[t]) for t in walk] + [0.0]
    x = latents + sigmas[0] * torch.randn_like(latents)
    for t, now, then in zip(walk, sigmas, sigmas[1:], strict=False):
        given, steps = x / (1 + now**2) ** 0.5, torch.full((len(x),), t, device=x.device)
        plain, heard = (model(given, steps, encoder_hidden_states=c).sample.float() for c in contexts)
        x = x + (then - now) * (plain + guidance * (heard - plain))
    return x


def train(
    lessons: Lessons,
    reader: CLIPTextModel,
    tokenizer: Tokenizer,
    file: Path,
    pace: Pace = PACE,
    minutes: float = math.inf,
) -> Course:
    """Train the UNet and its reader, keeping an exponential average of their weights."""
    torch.manual_seed(3)
    model = Listener(reader, known_tokens(tokenizer))
    course = Course(model=model, pace=pace, file=file, slower={"text": READERS_SHARE})
    rng = np.random.default_rng(2000 + course.step)
    torch.manual_seed(3 + course.step)

    def loss(step: int) -> Tensor:
        latents, given, *said = lessons.draw(rng, pace.batch)
        return denoising_loss(model.unet, latents, read(model.text, *said), given)

    course.run(loss, minutes)
    return course


def teach(
    lessons: Lessons,
    reader: CLIPTextModel,
    tokenizer: Tokenizer,
    file: Path,
    paces: tuple[Pace, Pace] = (PACE, OWN_PACE),
    minutes: float = math.inf,
) -> Course:
    """Train to the end of the first pace, and only then to the end of the second with what the UNet redraws by then."""
    course = train(lessons, reader, tokenizer, file, paces[0], minutes)
    if not paces[0].steps <= course.step < paces[1].steps:
        return course
    redrawn = redraw(lessons, file, file.with_name(f"{file.stem}-redrawn.npy"))
    return train(replace(lessons, redrawn=redrawn), reader, tokenizer, file, paces[1], minutes)


def lessons_of(bank: Bank, latents: npt.NDArray[np.float16], spread: Spread) -> Lessons:
    """Normalise latents of the bank's first pictures and pair them with their captions."""
    shift, scale = spread
    normal = (latents.astype(np.float32) - shift[None, :, None, None]) / scale[None, :, None, None]
    tokens, weights = np.asarray(bank.tokens[: len(latents)]), np.asarray(bank.weights[: len(latents)])
    return Lessons(latents=normal.astype(np.float16), tokens=tokens, weights=weights)


def spread(latents: npt.NDArray[np.float16], file: Path) -> Spread:
    """Mean and deviation of each latent channel, [4] and [4], as first measured; export folds them in."""
    if not file.is_file():
        found = latents.astype(np.float32)
        np.save(file, np.stack([found.mean(axis=(0, 2, 3)), found.std(axis=(0, 2, 3))]))
    shift, scale = np.load(file)
    return shift, scale


def load(file: Path) -> UNet2DConditionModel:
    """The trained UNet with its averaged weights, for use."""
    model = build()
    kept = best_weights(file)
    model.load_state_dict({k.removeprefix("unet."): v for k, v in kept.items() if k.startswith("unet.")})
    return model.eval().requires_grad_(False)
