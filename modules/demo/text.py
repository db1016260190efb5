"""Step 2: a small CLIP (Radford et al. 2021): two towers learn which caption belongs to which picture."""

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPTextConfig, CLIPTextModel

from modules.demo.bank import CAPTIONS_EACH, END, TOKENS, Bank, Tokenizer
from modules.demo.loop import DEVICE, Course, Pace, best_weights
from modules.demo.world import vocabulary

WIDTH = 40
LAYERS = 4
SHARED = 64
SIGHT = 32
READ = 40
PACE = Pace(steps=3000, batch=96, rate=1.5e-3, warmup=100)
CONFIG = {
    "vocab_size": END + 1,
    "hidden_size": WIDTH,
    "intermediate_size": 4 * WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "max_position_embeddings": TOKENS,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": 1e-5,
    "projection_dim": SHARED,
    "bos_token_id": END - 1,
    "eos_token_id": END,
    "pad_token_id": END,
}


class Towers(nn.Module):
    """The text tower, its projection, and a convolutional image tower that is thrown away afterwards."""

    def __init__(self, known: list[int]) -> None:
        super().__init__()
        self.text = CLIPTextModel(CLIPTextConfig(**CONFIG, attn_implementation="sdpa"))
        _settle(self.text, known)
        self.project = nn.Linear(WIDTH, SHARED, bias=False)
        widths = (3, 32, 64, 96, 128)
        convs = [layer for a, b in zip(widths, widths[1:], strict=False) for layer in _halve(a, b)]
        self.sight = nn.Sequential(*convs, nn.Flatten(), nn.Linear(128 * (SIGHT // 16) ** 2, SHARED))
        self.sharpness = nn.Parameter(torch.tensor(math.log(10.0)))

    def forward(self, tokens: Tensor, pictures: Tensor) -> Tensor:
        """The contrastive loss of a batch: `tokens` [B, T] and pictures [B, 3, 32, 32] that belong together."""
        ends = tokens.eq(END).int().argmax(dim=1)
        states = self.text(input_ids=tokens).last_hidden_state
        said = functional.normalize(self.project(states[torch.arange(len(tokens), device=tokens.device), ends]), dim=1)
        seen = functional.normalize(self.sight(pictures), dim=1)
        alike = self.sharpness.clamp(max=math.log(50.0)).exp() * said @ seen.T
        target = torch.arange(len(tokens), device=tokens.device)
        return (functional.cross_entropy(alike, target) + functional.cross_entropy(alike.T, target)) / 2


def _halve(before: int, after: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.GroupNorm(8, after), nn.SiLU()]


def _settle(text: CLIPTextModel, known: list[int]) -> None:
    """Make the last norm and the unknown words safe.

    A1111 rescales a weighted prompt so that the mean of its numbers stays; that mean must be well away from nought,
    so the last norm is fixed with a bias that sets it. Words outside the drawn world keep small rows that never move.
    """
    norm = text.final_layer_norm
    nn.init.ones_(norm.weight)
    nn.init.constant_(norm.bias, -0.25)
    table = text.embeddings.token_embedding.weight
    nn.init.normal_(table, std=0.01)
    with torch.no_grad():
        table[known] = torch.randn(len(known), WIDTH) * 0.05
    learning(text, known)


def learning(text: CLIPTextModel, known: list[int]) -> CLIPTextModel:
    """Let a tower learn, but for its last norm and the rows of unknown words."""
    text.train().requires_grad_(True)
    text.final_layer_norm.requires_grad_(False)
    mask = torch.zeros(END + 1, 1, device=DEVICE)
    mask[known] = 1
    text.embeddings.token_embedding.weight.register_hook(lambda gradient: gradient * mask)
    return text


def known_tokens(tokenizer: Tokenizer) -> list[int]:
    """The token numbers of the drawn world's words, with the start and end marks."""
    return sorted(set(tokenizer.encode(vocabulary())))


def train(bank: Bank, tokenizer: Tokenizer, file: Path, pace: Pace = PACE, minutes: float = math.inf) -> Course:
    """Train both towers on the bank's pictures, shrunk to 32 x 32, and their captions."""
    torch.manual_seed(2)
    towers = Towers(known_tokens(tokenizer)).to(DEVICE)
    course = Course(model=towers, pace=pace, file=file)
    rng = np.random.default_rng(1000 + course.step)
    small = shrunk(bank, file.with_name(f"{file.stem}-sight.npy"))

    def loss(step: int) -> Tensor:
        which = rng.choice(len(small), pace.batch, replace=False)
        tokens = bank.tokens[which, rng.integers(0, CAPTIONS_EACH, pace.batch), :READ].astype(np.int64)
        pictures = torch.from_numpy(small[which]).to(DEVICE).permute(0, 3, 1, 2).float() / 127.5 - 1
        value: Tensor = towers(torch.from_numpy(tokens).to(DEVICE), pictures)
        return value

    course.run(loss, minutes)
    return course


def shrunk(bank: Bank, file: Path) -> npt.NDArray[np.uint8]:
    """The bank's pictures as the image tower sees them: [N, 32, 32, 3]."""
    if not file.is_file():
        fold = bank.pictures.shape[1] // SIGHT
        parts = np.array_split(np.arange(len(bank.pictures)), max(1, len(bank.pictures) // 512))
        small = [bank.pictures[p].reshape(len(p), SIGHT, fold, SIGHT, fold, 3).mean(axis=(2, 4)) for p in parts]
        np.save(file, np.concatenate(small).astype(np.uint8))
    return np.load(file)  # type: ignore[no-any-return]


def load(file: Path) -> CLIPTextModel:
    """The text tower of a check-point, of this step or of the UNet's, for use."""
    kept = best_weights(file)
    model = CLIPTextModel(CLIPTextConfig(**CONFIG, attn_implementation="sdpa"))
    model.load_state_dict({k.removeprefix("text."): v for k, v in kept.items() if k.startswith("text.")})
    return model.eval().requires_grad_(False)
