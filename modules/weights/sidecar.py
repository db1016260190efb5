"""The yaml beside a checkpoint, which says what its tensors do not: Stability's and CompVis' model descriptions."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from modules.exceptions import ModelError
from modules.weights.library import Checkpoint

Table = dict[str, Any]
LATENT = 8  # pixels along the side of a latent's cell
LONGEST_SIDE = 2048


@dataclass(frozen=True, slots=True)
class Sidecar:
    """`params` of the `model` in the yaml; empty where there is none."""

    path: Path | None = None
    params: Table = field(default_factory=dict)

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Sidecar:
        """Read it; ModelError with a sentence if it cannot be."""
        path = checkpoint.sidecar
        if path is None:
            return cls()
        try:
            params = yaml.safe_load(path.read_text(encoding="utf-8"))["model"]["params"]
        except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError, RecursionError) as error:
            raise ModelError(f"{path} is no ldm model description (model: params: …); mend or remove it.") from error
        return cls(path, _table(params))

    @property
    def unet(self) -> Table:
        """The UNet's parameters."""
        return self._part("unet_config") or self._part("network_config")

    @property
    def predicts(self) -> str | None:
        """`eps` or `v`, if the yaml tells; CompVis' means eps where it is silent, SDXL's says it by a class's name."""
        if "unet_config" in self.params:
            return str(self.params.get("parameterization", "eps"))
        scaling = str(_table(self._part("denoiser_config").get("scaling_config")).get("target", ""))
        return {"EpsScaling": "eps", "VScaling": "v"}.get(scaling.rpartition(".")[2])

    @property
    def side(self) -> int | None:
        """The width and height in pixels that the model was trained for, if the yaml tells."""
        latent = self.params.get("image_size")
        return latent * LATENT if isinstance(latent, int) and 0 < latent * LATENT <= LONGEST_SIDE else None

    def text(self, number: int) -> Table | None:
        """What a file beside the yaml says of a text encoder, in transformers' words; None if there is no file.

        A CLIP embedder's `version` names a folder with `config.json`; an OpenCLIP embedder's `arch` names `ARCH.json`.
        """
        models = self._part("conditioner_config").get("emb_models")
        embedders = models if isinstance(models, list) else [self.params.get("cond_stage_config")]
        said = _table(_table(embedders[number]).get("params")) if number < len(embedders) else {}
        arch, version = said.get("arch"), said.get("version")
        if _is_name(arch):
            found = self._beside(f"{arch}.json")
            return None if found is None else _from_open_clip(_table(found.get("text_cfg")))
        found = self._beside(f"{version}/config.json") if _is_name(version) else None
        return None if found is None else _table(found.get("text_config")) or found

    def _part(self, name: str) -> Table:
        return _table(_table(self.params.get(name)).get("params"))

    def _beside(self, name: str) -> Table | None:
        if self.path is None:
            return None
        path = self.path.parent / name
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise ModelError(f"{path} is no text encoder configuration; mend or remove it.") from error


def _table(value: Any) -> Table:
    return value if isinstance(value, dict) else {}


def _is_name(value: Any) -> bool:
    """Does it name something in the same folder?"""
    return isinstance(value, str) and Path(value).name == value


def _from_open_clip(said: Table) -> Table:
    names = {"width": "hidden_size", "heads": "num_attention_heads", "layers": "num_hidden_layers"}
    return {names[key]: value for key, value in said.items() if key in names}
