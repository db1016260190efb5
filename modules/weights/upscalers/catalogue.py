"""The upscalers in the folders, under the names that A1111 gives them. Needs no torch."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modules.exceptions import NotFound
from modules.imaging.upscale import RESAMPLERS

Watch = Callable[[float], None]  # told which share of a picture is done, 0 to 1; raises to stop the work

NONE = "None"
SUFFIXES = (".pth", ".pt", ".safetensors", ".ckpt", ".bin")
SCALE_IN_NAME = re.compile(r"(\d)x|x(\d)", re.IGNORECASE)
USUAL_SCALE = 4


@dataclass(frozen=True, slots=True)
class Kind:
    """A folder of upscalers: what A1111's API calls their model, their tile options, whether they compute in half."""

    folder: str
    model_name: str | None = None
    tile: str = "ESRGAN_tile"
    half: bool = False


KINDS = (
    Kind("ESRGAN", "ESRGAN_4x"),
    Kind("RealESRGAN", half=True),
    Kind("DAT", tile="DAT_tile", half=True),
    Kind("SwinIR", "SwinIR 4x", tile="SWIN_tile", half=True),
    Kind("ScuNET", "ScuNET GAN"),
)
KNOWN_FILES = {  # files that A1111 fetches by itself, and what it calls them
    "RealESRGAN_x4plus": "R-ESRGAN 4x+",
    "RealESRGAN_x4plus_anime_6B": "R-ESRGAN 4x+ Anime6B",
    "RealESRGAN_x2plus": "R-ESRGAN 2x+",
    "realesr-general-x4v3": "R-ESRGAN General 4xV3",
    "realesr-general-wdn-x4v3": "R-ESRGAN General WDN 4xV3",
    "realesr-animevideov3": "R-ESRGAN AnimeVideo",
    "DAT_x2": "DAT x2",
    "DAT_x3": "DAT x3",
    "DAT_x4": "DAT x4",
    "003_realSR_BSRGAN_DFOWMFC_s64w8_SwinIR-L_x4_GAN": "SwinIR 4x",
    "SwinIR_4x": "SwinIR 4x",
    "scunet_color_real_gan": "ScuNET GAN",
    "scunet_color_real_psnr": "ScuNET PSNR",
}


@dataclass(frozen=True, slots=True)
class Upscaler:
    """One to choose. Without a path it is plain resampling. `scale` is a guess by the name."""

    name: str
    path: Path | None = None
    kind: Kind | None = None

    @property
    def scale(self) -> int:
        """The factor of one pass; A1111 says 4 where it does not know."""
        found = SCALE_IN_NAME.search(self.name)
        return int(found[1] or found[2]) if found else USUAL_SCALE


class Upscalers:
    """The upscalers of some folders by `Kind.folder`; each look is at the disk as it is then."""

    def __init__(self, folders: Mapping[str, Sequence[Path]]):
        self._folders = folders

    def all(self) -> list[Upscaler]:
        """None and plain resampling first, then the files by name."""
        found: dict[str, Upscaler] = {}
        for kind in KINDS:
            for path in self._files(kind):
                name = KNOWN_FILES.get(path.stem, path.stem)
                found.setdefault(name, Upscaler(name, path, kind))
        plain = [Upscaler(name) for name in (NONE, *RESAMPLERS)]
        return plain + sorted(found.values(), key=lambda one: one.name.lower())

    def names(self) -> list[str]:
        """For menus."""
        return [one.name for one in self.all()]

    def find(self, name: str) -> Upscaler:
        """The upscaler of that name, or of that file's stem; NotFound says what is near or where files belong."""
        every = self.all()
        for key in (_exact, _loose):
            for one in every:
                if key(name) in (key(one.name), key(one.path.stem if one.path else one.name)):
                    return one
        near = difflib.get_close_matches(name, [one.name for one in every], 1)
        where = self._folders[KINDS[0].folder][0]
        hint = f"did you mean {near[0]!r}?" if near else f"put its file into {where}."
        raise NotFound(f"There is no upscaler {name[:80]!r}; {hint}")

    def _files(self, kind: Kind) -> list[Path]:
        folders = [folder for folder in self._folders.get(kind.folder, ()) if folder.is_dir()]
        found = [path for folder in folders for path in sorted(folder.rglob("*"))]
        return [path for path in found if path.suffix.lower() in SUFFIXES and path.is_file()]


def _exact(name: str) -> str:
    return name


def _loose(name: str) -> str:
    return name.casefold().replace("_", " ").strip()
