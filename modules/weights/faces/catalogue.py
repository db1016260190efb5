"""The files that face restorers need, looked for where A1111 keeps them. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modules.exceptions import NotFound

NAMES = ("CodeFormer", "GFPGAN")
DETECTOR = "detection_Resnet50_Final.pth"
SUFFIXES = (".pth", ".safetensors")


@dataclass(frozen=True, slots=True)
class Restorer:
    """A restorer whose files are there."""

    name: str
    model: Path
    detector: Path


class Restorers:
    """The restorers of some folders, by name; each look is at the disk as it is then."""

    def __init__(self, folders: Mapping[str, Sequence[Path]]):
        self.folders = folders

    def find(self, name: str) -> Restorer:
        """The restorer with its newest model; NotFound says which file is missing where."""
        own = [path for path in self._files(name) if name.lower() in path.name.lower()]
        if not own:
            raise NotFound(f"There is no {name} model; put its file, such as {name}.pth, into {self.folders[name][0]}.")
        detector = self.detector(name)
        if detector is None:
            raise NotFound(f"{name} needs {DETECTOR} to find faces; put that file into {self.folders[name][0]}.")
        return Restorer(name, max(own, key=lambda path: path.name), detector)

    def detector(self, *first: str) -> Path | None:
        """The file that finds faces, of the folders of the restorers named first if they hold it."""
        every = (path for name in (*first, *NAMES) for path in self._files(name))
        return next((path for path in every if path.name == DETECTOR), None)

    def _files(self, name: str) -> list[Path]:
        found = [path for folder in self.folders[name] if folder.is_dir() for path in sorted(folder.rglob("*"))]
        return [path for path in found if path.suffix.lower() in SUFFIXES and path.is_file()]
