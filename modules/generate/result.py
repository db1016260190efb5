"""What came of a plan."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from modules.generate.plan import Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """One finished image with its parameter text; `path` is where it was saved, if it was."""

    image: Image.Image
    infotext: str
    path: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """Pictures in order of their seeds, the grid apart; fewer than planned when the user stopped the job."""

    plan: Plan
    pictures: tuple[Picture, ...]
    grid: Picture | None
    model_name: str
    model_hash: str | None
    extra: dict[str, Any]  # what the infotext says beside parameters and options
    seconds: float
    interrupted: bool = False
    grids: tuple[Picture, ...] = ()  # sheets that a script made, shown whatever the options say
    comments: tuple[str, ...] = ()  # sentences about what is not as it was asked

    @property
    def shown(self) -> tuple[Picture, ...]:
        """The script's sheets first, then the grid if there is one and the options show it."""
        return self.grids + ((self.grid,) if self.grid and self.plan.view.return_grid else ()) + self.pictures

    @property
    def index_of_first_image(self) -> int:
        """1 when `shown` begins with a grid."""
        return len(self.shown) - len(self.pictures)
