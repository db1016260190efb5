"""Faces mended: found, cut out, drawn anew by GFPGAN or CodeFormer, and put back; models are kept in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module, util
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from modules.exceptions import CorruptFile, UnknownArchitecture
from modules.imaging.faces import TEMPLATE, cut_out, put_back, similarity
from modules.weights.devices import Place
from modules.weights.faces.catalogue import Restorer
from modules.weights.faces.retinaface import Face, RetinaFace, detect
from modules.weights.tensorfile import read_tensors
from modules.weights.upscalers.loader import architectures, read_network

DETECTED_AT = 640  # pixels of the picture's shorter side when faces are looked for
NARROWEST = 5  # pixels between the eyes of a face worth the work
EXTRA = "spandrel_extra_arches"  # knows CodeFormer; not among the requirements, for the licence of what it holds

Draw = Callable[[Any, Tensor, float], Tensor]  # network, faces [B,3,512,512] in -1..1, weight → the same anew
DRAW: Mapping[str, Draw] = {
    "CodeFormer": lambda network, x, weight: network(x, weight=weight)[0],
    "GFPGAN": lambda network, x, weight: network(x, return_rgb=False, randomize_noise=False)[0],
}


class Store:
    """Mends faces; used by the worker thread alone."""

    def __init__(self, place: Callable[[], Place]):
        self._place = place
        self._detectors: dict[Any, RetinaFace] = {}
        self._networks: dict[Any, Any] = {}

    def mended(self, image: Image.Image, restorer: Restorer, weight: float, between: Callable[[], None]) -> Image.Image:
        """The RGB picture with all its faces drawn anew; itself where there is none.

        `weight`, of CodeFormer: 0 = as it likes, 1 = near the original. `between` is called before each face and may
        raise to stop. ModelError for a faulty file.
        """
        faces = self._faces(image, restorer.detector)
        network = self._network(restorer) if faces else None
        for face in faces:
            between()
            matrix = similarity(face.landmarks, TEMPLATE)
            drawn = self._drawn(network, restorer.name, cut_out(image, matrix), weight)
            image = put_back(image, drawn, matrix)
        return image

    def middles(self, image: Image.Image, detector: Path) -> list[tuple[float, float]]:
        """Where the faces of an RGB picture are, by that file: the middles between eyes, nose and mouth."""
        places = (face.landmarks.mean(0) for face in self._faces(image, detector))
        return [(float(x), float(y)) for x, y in places]

    def _faces(self, image: Image.Image, detector: Path) -> list[Face]:
        scale = DETECTED_AT / min(image.size)
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        found = detect(self._detector(detector), np.asarray(image.resize(size, Image.Resampling.BILINEAR)))
        faces = [Face(face.box / scale, face.landmarks / scale) for face in found]
        return [one for one in faces if np.linalg.norm(one.landmarks[0] - one.landmarks[1]) >= NARROWEST]

    def _drawn(self, network: Any, name: str, face: Image.Image, weight: float) -> Image.Image:
        x = torch.from_numpy(np.array(face)).to(self._place().device).float().movedim(2, 0)[None] / 127.5 - 1
        with torch.inference_mode():
            y = DRAW[name](network, x, weight)[0].float().clamp(-1, 1)
        return Image.fromarray(((y + 1) * 127.5).round().to(torch.uint8).movedim(0, 2).cpu().numpy())

    def _detector(self, path: Path) -> RetinaFace:
        key = path, path.stat().st_mtime_ns
        if key not in self._detectors:
            tensors = {name.removeprefix("module."): tensor for name, tensor in read_tensors(path).items()}
            network = RetinaFace()
            try:
                network.load_state_dict(tensors)
            except RuntimeError as error:
                raise CorruptFile(f"{path.name} does not hold all of its model; download it again.") from error
            self._detectors = {key: network.to(self._place().device).eval()}
        return self._detectors[key]

    def _network(self, restorer: Restorer) -> Any:
        """The restorer's network; only the last one used is kept, as they are large."""
        key = restorer.model, restorer.model.stat().st_mtime_ns
        if key not in self._networks:
            self._networks = {}
            if restorer.name == "CodeFormer":
                _know_codeformer()
            found = read_network(restorer.model)
            if found.architecture.name != restorer.name:
                kind = found.architecture.name
                raise UnknownArchitecture(f"{restorer.model.name} is no {restorer.name} model but {kind}; move it.")
            self._networks = {key: found.to(self._place().device).eval().model}
        return self._networks[key]


def _know_codeformer() -> None:
    if util.find_spec(EXTRA) is None:
        raise UnknownArchitecture(
            f"CodeFormer needs a package that allows no commercial use; install it with: pip install --no-deps {EXTRA}"
        )
    architectures()  # which the package builds on
    import_module(EXTRA).install(ignore_duplicates=True)
