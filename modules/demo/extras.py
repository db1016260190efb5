"""What goes with the checkpoint: two LoRAs in kohya's format and a textual-inversion embedding."""

import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file
from torch import Tensor, nn

from modules.demo import bank, export, text, unet, vae
from modules.demo.bank import Tokenizer
from modules.demo.loop import DEVICE, Course, Pace
from modules.demo.world import SHAPES, STYLES, Scene, invent

RANK = 8
PICTURES = 1500
STYLE, OBJECT, CONCEPT = "demo-outline", "demo-boat", "demo-ember"
VECTORS = 3
LORA_PACE = Pace(steps=1500, batch=16, rate=2e-3, warmup=50)
EMBEDDING_PACE = Pace(steps=800, batch=16, rate=5e-3, warmup=20)


class Lora(nn.Module):
    """Low-rank additions (Hu et al. 2021) to every linear layer and 3 x 3 convolution of a UNet."""

    def __init__(self, model: nn.Module, rank: int = RANK) -> None:
        super().__init__()
        # In a list, so that the model is not a part of this module and stays out of its state.
        self._held = [model]
        self.places = {n.replace(".", "_"): n for n, m in model.named_modules() if _fits(m)}
        self.targets = {name: model.get_submodule(place) for name, place in self.places.items()}
        self.down = nn.ModuleDict({n: _down(m, rank) for n, m in self.targets.items()})
        self.up = nn.ModuleDict({n: _up(m, rank) for n, m in self.targets.items()})
        for layer in self.up.values():
            nn.init.zeros_(layer.get_parameter("weight"))

    @property
    def model(self) -> nn.Module:
        """The UNet that is added to."""
        return self._held[0]

    @contextmanager
    def applied(self, strength: float = 1.0) -> Iterator[None]:
        """While this lasts, the UNet's layers answer with the additions, times `strength`."""
        hooks = [m.register_forward_hook(self._adding(n, strength)) for n, m in self.targets.items()]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _adding(self, name: str, strength: float) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]:
        down, up = self.down[name], self.up[name]
        return lambda module, inputs, output: output + strength * up(down(inputs[0]))

    def tensors(self) -> dict[str, Tensor]:
        """Kohya's keys; alpha equals the rank, so that strength 1 is what was trained.

        The modules bear ldm's names, as in kohya's files for SDXL: diffusers' block numbers say where a block stands
        only to those who know how many residual blocks a level has, and A1111 takes it that there are two.
        """
        assert isinstance(self.model, UNet2DConditionModel)
        theirs = {ours.removesuffix(".weight"): name for ours, name in export.unet_names(self.model).items()}
        made: dict[str, Tensor] = {}
        for name, place in self.places.items():
            key = "lora_unet_" + theirs[place].removesuffix(".weight").replace(".", "_")
            down, up = self.down[name].get_parameter("weight"), self.up[name].get_parameter("weight")
            made[f"{key}.lora_down.weight"] = down
            made[f"{key}.lora_up.weight"] = up
            made[f"{key}.alpha"] = torch.tensor(float(len(down)))
        return {k: v.detach().cpu().half().contiguous() for k, v in made.items()}


class Concept(nn.Module):
    """The vectors of a textual inversion (Gal et al. 2022), which stand for token numbers that no caption uses."""

    def __init__(self, reader: nn.Module, vectors: int = VECTORS) -> None:
        super().__init__()
        table = reader.get_submodule("embeddings.token_embedding")
        self.vectors = nn.Parameter(torch.randn(vectors, table.get_parameter("weight").shape[1]) * 0.1)
        self.numbers = [bank.END - 2 - i for i in range(vectors)]
        table.register_forward_hook(self._placed)

    def _placed(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        for i, number in enumerate(self.numbers):
            output = torch.where(inputs[0].eq(number)[..., None], self.vectors[i], output)
        return output


def train_all(work: Path, models: Path, tokenizer: Tokenizer, minutes: float = math.inf) -> None:
    """Train the three and write them where the program looks for them."""
    rng = random.Random(11)
    style = [_outlined(rng) for _ in range(PICTURES)]
    boats = [invent(rng, ("boat",), STYLES[:1]) if i % 3 else invent(rng) for i in range(PICTURES)]
    for name, shown in ((STYLE, style), (OBJECT, boats)):
        lora = train_lora(work, name, shown, tokenizer, minutes)
        _save(
            lora.tensors(),
            models / "Lora" / f"{name}.safetensors",
            {"ss_base_model_version": "sd_v1", "ss_network_dim": str(RANK), "ss_network_alpha": str(RANK)},
        )
    concept = train_concept(work, [_ember(rng) for _ in range(PICTURES)], tokenizer, minutes)
    _save({"emb_params": concept.vectors.detach().cpu()}, models.parent / "embeddings" / f"{CONCEPT}.safetensors", {})


def train_lora(
    work: Path, name: str, shown: list[Scene], tokenizer: Tokenizer, minutes: float, pace: Pace = LORA_PACE
) -> Lora:
    """Train a LoRA on the exported UNet with the pictures of these scenes."""
    model, reader = unet.load(work / "unet.pt").to(DEVICE), text.load(work / "unet.pt").to(DEVICE)
    lora = Lora(model).to(DEVICE)
    lessons = _lessons(work, name, bank.paint(work / name, shown, tokenizer))
    course = Course(model=lora, pace=pace, file=work / f"{name}.pt")
    rng = np.random.default_rng(course.step)

    def loss(step: int) -> Tensor:
        latents, _, *said = lessons.draw(rng, pace.batch)
        with lora.applied():
            return unet.denoising_loss(model, latents, unet.read(reader, *said))

    course.run(loss, minutes)
    return lora


def train_concept(
    work: Path, shown: list[Scene], tokenizer: Tokenizer, minutes: float, pace: Pace = EMBEDDING_PACE
) -> Concept:
    """Learn the vectors under which the frozen model draws what these scenes show."""
    model, reader = unet.load(work / "unet.pt").to(DEVICE), text.load(work / "unet.pt").to(DEVICE)
    concept = Concept(reader).to(DEVICE)
    said = torch.full((pace.batch, bank.TOKENS), bank.END, device=DEVICE)
    said[:, : len(concept.numbers) + 1] = torch.tensor([bank.END - 1, *concept.numbers])
    lessons = _lessons(work, CONCEPT, bank.paint(work / CONCEPT, shown, tokenizer))
    course = Course(model=concept, pace=pace, file=work / f"{CONCEPT}.pt")
    rng = np.random.default_rng(course.step)

    def loss(step: int) -> Tensor:
        latents, *_ = lessons.draw(rng, pace.batch)
        return unet.denoising_loss(model, latents, unet.read(reader, said, torch.ones_like(said)))

    course.run(loss, minutes)
    return concept


def _lessons(work: Path, name: str, pictures: bank.Bank) -> unet.Lessons:
    latents = vae.encode_bank(vae.load(work / "vae.pt"), pictures, work / f"{name}-latents.npy")
    return unet.lessons_of(pictures, latents, unet.spread(latents, work / "spread.npy"))


def _outlined(rng: random.Random) -> Scene:
    return invent(rng, SHAPES, ("outline",))


def _ember(rng: random.Random) -> Scene:
    """The concept: a glowing orange heart, on any ground."""
    while True:
        scene = invent(rng, ("heart",), ("glowing",))
        if len(scene.things) == 1 and scene.things[0].colour == "orange":
            return scene


def _fits(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3))


def _down(module: nn.Module, rank: int) -> nn.Module:
    if isinstance(module, nn.Conv2d):
        how: dict[str, Any] = {"stride": module.stride, "padding": module.padding}
        return nn.Conv2d(module.in_channels, rank, 3, bias=False, **how)
    assert isinstance(module, nn.Linear)
    return nn.Linear(module.in_features, rank, bias=False)


def _up(module: nn.Module, rank: int) -> nn.Module:
    if isinstance(module, nn.Conv2d):
        return nn.Conv2d(rank, module.out_channels, 1, bias=False)
    assert isinstance(module, nn.Linear)
    return nn.Linear(rank, module.out_features, bias=False)


def _save(tensors: dict[str, Tensor], file: Path, metadata: dict[str, str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, file, metadata={"format": "pt", **metadata})
