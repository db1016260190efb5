"""Where everything lies: one place derives all folders from the flags."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from modules.settings.sections.launch import Launch

PROGRAM = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True, slots=True)
class Folders:
    """Absolute folders of one run; A1111's layout, so that an old folder can be pointed at."""

    data: Path
    models: Path
    checkpoints: tuple[Path, ...]
    vaes: tuple[Path, ...]
    text_encoders: tuple[Path, ...]
    loras: tuple[Path, ...]
    hypernetworks: Path
    embeddings: Path
    upscalers: dict[str, tuple[Path, ...]]  # by kind
    faces: dict[str, tuple[Path, ...]]  # by face restorer
    config: Path
    defaults: Path  # what the page's fields begin with
    localizations: Path

    @classmethod
    def of(cls, launch: Launch) -> Folders:
        data = _path(launch.data_dir, PROGRAM)
        models = _path(launch.models_dir, data / "models")
        lycoris = launch.lyco_dir_backcompat or launch.lyco_dir
        return cls(
            data=data,
            models=models,
            checkpoints=(models / "Stable-diffusion", *_more(launch.ckpt_dir)),
            vaes=(models / "VAE", *_more(launch.vae_dir)),
            text_encoders=(models / "text_encoder", *_more(launch.text_encoder_dir)),
            loras=(_path(launch.lora_dir, models / "Lora"), _path(lycoris, models / "LyCORIS")),
            hypernetworks=_path(launch.hypernetwork_dir, models / "hypernetworks"),
            embeddings=_path(launch.embeddings_dir, data / "embeddings"),
            upscalers={
                "ESRGAN": (models / "ESRGAN", *_more(launch.esrgan_models_path)),
                "RealESRGAN": (models / "RealESRGAN", *_more(launch.realesrgan_models_path)),
                "DAT": (models / "DAT", *_more(launch.dat_models_path)),
                "SwinIR": (models / "SwinIR", *_more(launch.swinir_models_path)),
                "ScuNET": (models / "ScuNET", *_more(launch.scunet_models_path)),
            },
            faces={
                "CodeFormer": (models / "Codeformer", *_more(launch.codeformer_models_path)),
                "GFPGAN": (models / "GFPGAN", *_more(launch.gfpgan_models_path)),
            },
            config=_path(launch.ui_settings_file, data / "config.json"),
            defaults=_path(launch.ui_config_file, data / "ui-config.json"),
            localizations=_path(launch.localizations_dir, data / "localizations"),
        )

    @property
    def demo(self) -> Path:
        """The checkpoint that comes with the program."""
        return PROGRAM / "models" / "Stable-diffusion" / "demo.safetensors"

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

    @property
    def wanted(self) -> tuple[Path, ...]:
        """The folders that people put files into; made at start."""
        files = [folders[0] for folders in (*self.upscalers.values(), *self.faces.values())]
        own = self.checkpoints[0], self.vaes[0], self.text_encoders[0], self.loras[0]
        return *own, self.hypernetworks, self.embeddings, *files


def _path(given: str, default: Path) -> Path:
    return Path(given).expanduser().resolve() if given else default


def _more(given: str) -> tuple[Path, ...]:
    return (_path(given, PROGRAM),) if given else ()
