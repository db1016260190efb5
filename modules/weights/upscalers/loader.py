"""A file becomes an image model, whatever its architecture: spandrel knows some forty of them by their tensors."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from modules.exceptions import CorruptFile, UnknownArchitecture
from modules.imaging.tiles import Pixels
from modules.weights.devices import Place
from modules.weights.tensorfile import read_pickle, read_tensors

UPSCALING = ("SR", "Restoration")


@dataclass(frozen=True, slots=True, eq=False)
class ImageModel:
    """Pixels in, pixels `scale` times as large out."""

    network: Any
    scale: int

    def __call__(self, pixels: Pixels) -> Pixels:
        """One picture or tile; runs without gradients. Channels go in as blue, green, red, as A1111 hands them over."""
        x = torch.from_numpy(np.ascontiguousarray(pixels[:, :, ::-1])).movedim(2, 0)[None]  # [1,3,H,W]
        x = x.to(self.network.device).to(self.network.dtype) / 255
        with torch.inference_mode():
            y: Tensor = self.network(x)[0].float().clamp(0, 1)
        levels = (y * 255).round().to(torch.uint8).movedim(0, 2)
        return np.ascontiguousarray(levels.cpu().numpy()[:, :, ::-1])


def load(path: Path, place: Place, *, half: bool = False) -> ImageModel:
    """The model of a file, ready on the device; `half`: in the device's own precision if the architecture allows.

    ModelError with a sentence for a file that holds none, or one that does something else than make pictures larger.
    """
    network = read_network(path)
    if network.purpose not in UPSCALING or (network.input_channels, network.output_channels) != (3, 3):
        kind = network.architecture.name
        raise UnknownArchitecture(f"{path.name} is no upscaler of colour pictures ({kind}); choose another file.")
    network.to(place.device).eval()
    if half and place.dtype == torch.float16 and network.supports_half:
        network.half()
    return ImageModel(network, network.scale)


def read_network(path: Path) -> Any:
    """spandrel's descriptor of the network in a file, on the CPU."""
    spandrel = architectures()
    loaded = read_tensors(path) if path.suffix.lower() == ".safetensors" else read_pickle(path)
    if not isinstance(loaded, dict):
        raise CorruptFile(f"{path.name} holds no table of tensors.")
    tensors = {key: value for key, value in spandrel.canonicalize_state_dict(loaded).items() if _is_tensor(value)}
    try:
        return spandrel.ModelLoader().load_from_state_dict(tensors)
    except spandrel.UnsupportedModelError as error:
        raise UnknownArchitecture(f"{path.name} is of no architecture that is known here; choose another.") from error
    except (RuntimeError, KeyError, ValueError, IndexError, AssertionError, TypeError) as error:
        raise CorruptFile(f"{path.name} does not hold all of its model; download it again.") from error


def _is_tensor(value: object) -> bool:
    return isinstance(value, Tensor)


def architectures() -> Any:
    """spandrel itself, imported without torchvision."""
    with _torchvision_left_out():
        import spandrel
    return spandrel


@contextmanager
def _torchvision_left_out() -> Iterator[None]:
    """Stand-ins for the three names that spandrel imports from torchvision for two architectures, which need no help
    to be refused. torchvision itself fits one build of torch only: a mismatched pair breaks diffusers and transformers.
    """
    names = ("torchvision", "torchvision.transforms", "torchvision.transforms.functional")
    if names[0] in sys.modules:
        yield
        return
    stand_ins = {name: ModuleType(name) for name in names}
    for name in ("InterpolationMode", "rotate", "normalize"):
        setattr(stand_ins[names[-1]], name, None)
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]
