"""Steps 3 and 4: SD's forward diffusion, and a UNet that removes noise and listens to words (Rombach et al. 2022).

The text encoder goes on learning with it, more slowly: it is so small that what tells captions apart is not yet all
that a picture needs.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextModel

from modules.demo.bank import END, Bank, Tokenizer
from modules.demo.loop import DEVICE, Course, Pace, best_weights
from modules.demo.text import WIDTH, known_tokens, learning

Spread = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]

WIDTHS = (64, 64, 128)
ATTENDS = (False, True, False)
HEADS = 4
DROPPED = 0.1
TIMESTEPS = 1000
READERS_SHARE = 0.25  # of the UNet's rate
PACE = Pace(steps=50000, batch=32, rate=1e-3, warmup=200, decay=0.999)


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
    """What the UNet learns from: normalised latents [N, 4, 16, 16] and caption tokens [N, K, 77]."""

    latents: npt.NDArray[np.float16]
    tokens: npt.NDArray[np.uint16]

    def draw(self, rng: np.random.Generator, batch: int) -> tuple[Tensor, Tensor]:
        """A batch of latents [B, 4, 16, 16] and tokens [B, 77]; some captions are left empty, for guidance."""
        which = rng.integers(0, len(self.latents), batch)
        said = self.tokens[which, rng.integers(0, self.tokens.shape[1], batch)].astype(np.int64)
        said[rng.random(batch) < DROPPED, 1:] = END
        return torch.from_numpy(self.latents[which]).to(DEVICE).float(), torch.from_numpy(said).to(DEVICE)


class Listener(nn.Module):
    """The UNet and the reader of its captions."""

    def __init__(self, reader: CLIPTextModel, known: list[int]) -> None:
        super().__init__()
        self.unet = build().to(DEVICE, memory_format=torch.channels_last)
        self.text = learning(reader.to(DEVICE), known)


def read(reader: CLIPTextModel, tokens: Tensor) -> Tensor:
    """The last hidden states of the captions: [B, 77, width]."""
    states: Tensor = reader(input_ids=tokens).last_hidden_state
    return states


def denoising_loss(model: nn.Module, latents: Tensor, context: Tensor) -> Tensor:
    """Squared error of the predicted noise.

    The weight per level is min-SNR (Hang et al. 2023) where there is little noise, and rises where there is much: in
    so small a picture the high levels decide which object stands where, and a plain average would hardly hear them.
    """
    sigmas = noise_levels().to(latents.device)
    steps = torch.randint(0, TIMESTEPS, (len(latents),), device=latents.device)
    sigma = sigmas[steps][:, None, None, None]
    noise = torch.randn_like(latents)
    noisy = (latents + sigma * noise) / (1 + sigma.square()).sqrt()
    found: Tensor = model(noisy, steps, encoder_hidden_states=context).sample
    weight = (5 * sigma.square()).clamp(max=1) * (sigma.square() / 4).clamp(min=1, max=4)
    error: Tensor = weight * (found - noise).square()
    return error.mean()


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
        latents, tokens = lessons.draw(rng, pace.batch)
        latents = latents.contiguous(memory_format=torch.channels_last)
        return denoising_loss(model.unet, latents, read(model.text, tokens))

    course.run(loss, minutes)
    return course


def lessons_of(bank: Bank, latents: npt.NDArray[np.float16], spread: Spread) -> Lessons:
    """Normalise latents of the bank's first pictures and pair them with their captions."""
    shift, scale = spread
    normal = (latents.astype(np.float32) - shift[None, :, None, None]) / scale[None, :, None, None]
    return Lessons(latents=normal.astype(np.float16), tokens=np.asarray(bank.tokens[: len(latents)]))


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
