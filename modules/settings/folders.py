"""Where everything lies: one place derives all folders from the flags."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True, slots=True)
class Folders:
    """Absolute folders of one run; A1111's layout, so that an old folder can be pointed at."""

    data: Path
    models: Path
    checkpoints: tuple[Path, ...]
    config: Path

    @classmethod
    def of(cls, *, data_dir: str = "", models_dir: str = "", ckpt_dir: str = "", config: str = "") -> Folders:
        data = Path(data_dir).expanduser().resolve() if data_dir else PROGRAM
        models = Path(models_dir).expanduser().resolve() if models_dir else data / "models"
        checkpoints = [models / "Stable-diffusion"] + ([Path(ckpt_dir).expanduser().resolve()] if ckpt_dir else [])
        return cls(
            data=data,
            models=models,
            checkpoints=tuple(checkpoints),
            config=Path(config).expanduser().resolve() if config else data / "config.json",
        )

    def output(self, path: str) -> Path:
        """An output folder from an option's text: relative ones lie under the data folder."""
        return (self.data / Path(path).expanduser()).resolve()

    @property
    def cache(self) -> Path:
        """Hashes and other things that can be computed again."""
        return self.data / "cache"

    @property
    def jobs(self) -> Path:
        """The job store."""
        return self.data / "cache" / "jobs.sqlite3"
