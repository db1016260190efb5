"""Step 1: a variational autoencoder (Kingma & Welling 2013) that turns 128 x 128 pictures into 4 x 16 x 16 latents."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from diffusers import AutoencoderKL
from torch import Tensor
from torch.nn import functional

from modules.demo.bank import Bank
from modules.demo.drawing import SIDE
from modules.demo.loop import DEVICE, Course, Pace, best_weights, watched

CHANNELS = 32
MULTIPLES = (1, 1, 2, 3)
KL_WEIGHT = 3e-4
COLOUR_WEIGHT = 0.3
# From which share of the steps on which side of the crops: busy little pieces teach most, but group norms and the
# attention in the middle depend on the extent, so the last part sees whole pictures.
CROPS = ((0.0, 32), (0.6, 64), (0.92, 128))
SD_SCALE = 0.18215
PACE = Pace(steps=10000, batch=8, rate=5e-4, warmup=100, decay=0.995)
# Then whole pictures in larger batches, and at last the decoder alone, which leaves the latents as they are: it can go
# on while the UNet learns.
WHOLE_PACE = Pace(steps=1500, batch=4, rate=3e-4, warmup=50, decay=0.99)
DECODER_PACE = Pace(steps=6000, batch=4, rate=3e-4, warmup=50, decay=0.995)


def build() -> AutoencoderKL:
    """An untrained autoencoder of the shape that the sidecar describes."""
    widths = tuple(CHANNELS * m for m in MULTIPLES)
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * len(widths),
        up_block_types=("UpDecoderBlock2D",) * len(widths),
        block_out_channels=widths,
        layers_per_block=1,
        latent_channels=4,
        scaling_factor=SD_SCALE,
    )


def train(banks: list[Bank], file: Path, pace: Pace = PACE, minutes: float = float("inf")) -> Course:
    """Train on crops of the banks' pictures: absolute error at three scales and of the gradients, with a little KL."""
    torch.manual_seed(1)
    model = build().to(DEVICE, memory_format=torch.channels_last)
    course = Course(model=model, pace=pace, file=file)
    rng = np.random.default_rng(course.step)

    def loss(step: int) -> Tensor:
        side = [s for share, s in CROPS if step >= share * pace.steps][-1]
        batch = max(1, pace.batch * CROPS[0][1] ** 2 // side**2)
        return reconstruction_loss(model, as_tensor(crops(banks, batch, side, rng)))

    course.run(loss, minutes)
    return course


def polish(
    banks: list[Bank], file: Path, before: Path, pace: Pace, minutes: float = float("inf"), decoder_alone: bool = False
) -> Course:
    """Go on from the averaged weights in `before` with whole pictures; `decoder_alone` keeps the encoder as it is."""
    torch.manual_seed(4)
    model = build().to(DEVICE, memory_format=torch.channels_last)
    model.load_state_dict(best_weights(before))
    if decoder_alone:
        model.encoder.requires_grad_(False)
        model.quant_conv.requires_grad_(False)
    course = Course(model=model, pace=pace, file=file)
    rng = np.random.default_rng(3000 + course.step)
    course.run(lambda step: reconstruction_loss(model, as_tensor(crops(banks, pace.batch, SIDE, rng))), minutes)
    return course


def crops(banks: list[Bank], count: int, side: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Cut [count, side, side, 3] out of random pictures, of three tries the busiest; the banks take turns 3 : 1."""
    cut = []
    for _ in range(count):
        bank = banks[0] if len(banks) == 1 or rng.random() < 0.75 else banks[1]
        picture = bank.pictures[rng.integers(len(bank.pictures))]
        corners = rng.integers(0, picture.shape[0] - side + 1, (3, 2))
        tries = [picture[y : y + side, x : x + side] for y, x in corners]
        cut.append(max(tries, key=lambda t: float(t[::4, ::4].std())))
    return np.stack(cut)


def as_tensor(pictures: npt.NDArray[np.uint8]) -> Tensor:
    """Bytes [B, H, W, 3] to numbers in [-1, 1]: [B, 3, H, W], channels last in memory."""
    return torch.from_numpy(pictures).to(DEVICE).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def reconstruction_loss(model: AutoencoderKL, pictures: Tensor) -> Tensor:
    """What a round trip loses, and how far three of the latent channels are from the mean colour of their 8 x 8 pixels.

    The latter gives the encoder a short way to its first lesson, and leaves latents in which colours lie in lines,
    which a small UNet learns sooner.
    """
    posterior = model.encode(pictures).latent_dist
    back: Tensor = model.decode(posterior.mean + posterior.std * torch.randn_like(posterior.mean)).sample
    mean, log_variance = posterior.mean, posterior.logvar
    kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
    error = back - pictures
    total: Tensor = error.abs().mean() + 0.5 * error.square().mean().sqrt() + KL_WEIGHT * kl
    total = total + error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()
    for size in (2, 8):
        total = total + functional.avg_pool2d(error, size).abs().mean()
    drift: Tensor = mean[:, :3] / 2 - functional.avg_pool2d(pictures, 8)
    total = total + COLOUR_WEIGHT * drift.abs().mean()
    return total


def load(file: Path) -> AutoencoderKL:
    """The trained autoencoder, for use."""
    model = build()
    model.load_state_dict(best_weights(file))
    return model.eval().requires_grad_(False)


@torch.no_grad()
def encode_bank(
    model: AutoencoderKL, bank: Bank, file: Path, count: int = 0, batch: int = 32
) -> npt.NDArray[np.float16]:
    """Encode the bank's first `count` pictures (0: all), or those that `file` lacks: means [N, 4, 16, 16]."""
    kept = [np.load(file)] if file.is_file() else []
    start, end = len(kept[0]) if kept else 0, count or len(bank.pictures)
    model = model.to(DEVICE, memory_format=torch.channels_last)
    for at in watched(range(start, end, batch), "latents"):
        pictures = as_tensor(np.array(bank.pictures[at : min(at + batch, end)]))
        kept.append(model.encode(pictures).latent_dist.mean.cpu().numpy().astype(np.float16))
        if len(kept) % 50 == 0:
            np.save(file, np.concatenate(kept))
    latents: npt.NDArray[np.float16] = np.concatenate(kept)
    np.save(file, latents)
    return latents
