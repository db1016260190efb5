"""A model as a folder in diffusers' layout: each part in a folder of its own, with its tensors and a config.json."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from diffusers import AutoencoderKL
from tokenizers import Tokenizer
from torch import Tensor

from modules.exceptions import CorruptFile, UnknownArchitecture
from modules.weights.arch import BIG_L, GIVEN, NAMED_G, SIZE, Arch, Tower
from modules.weights.bodies import BODIES
from modules.weights.companions import VOCABULARIES, Companions
from modules.weights.parts import INNER, PROJECTION, Parts
from modules.weights.t5 import vocabulary
from modules.weights.tensorfile import File, Mapped, Tensors, read_file

Config = dict[str, Any]
KINDS = {"UNet2DConditionModel": "unet", "SD3Transformer2DModel": "sd3", "FluxTransformer2DModel": "flux"}
FIRST = Tower(part="te1", prefix="")
SD3_L = replace(BIG_L, pooled=True)
# Folder of each text encoder by family; SD2's was cut off at the layer that counts.
TOWERS: Mapping[str, Mapping[str, Tower]] = {
    "SD1": {"text_encoder": FIRST},
    "SD2": {"text_encoder": replace(FIRST, layer=1, pad=0)},
    "SDXL": {"text_encoder": BIG_L, "text_encoder_2": NAMED_G},
    "SDXL refiner": {"text_encoder_2": replace(NAMED_G, part="te")},
    "SD3": {"text_encoder": SD3_L, "text_encoder_2": NAMED_G},
    "Flux": {"text_encoder": replace(BIG_L, layer=None, normed=True, pooled=True, projected=False, beside=False)},
}
T5_FOLDERS = {"SD3": ("text_encoder_3", "tokenizer_3"), "Flux": ("text_encoder_2", "tokenizer_2")}
LEAST = {"Flux": 256}
TEXT = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "hidden_act",
        "max_position_embeddings", "layer_norm_eps")  # fmt: skip
LONG = ("vocab_size", "d_model", "d_kv", "d_ff", "num_layers", "num_heads", "relative_attention_num_buckets",
        "feed_forward_proj", "layer_norm_epsilon")  # fmt: skip


def parts_of_folder(folder: Path, companions: Companions) -> Parts:
    """The parts of a whole model. CorruptFile or UnknownArchitecture with a sentence when it is none that is known."""
    try:
        return _Folder(folder).parts(companions)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise UnknownArchitecture(f"{folder.name} is no folder of a model that is known here ({error}).") from error


class _Folder:
    """Reads the parts one by one; `mapped` are the files opened so far."""

    def __init__(self, path: Path):
        self._path = path
        self._mapped: list[Mapped] = []

    def parts(self, companions: Companions) -> Parts:
        """All of them."""
        name = "unet" if (self._path / "unet").is_dir() else "transformer"
        said = self._config(name)
        kind = KINDS.get(str(said.get("_class_name")))
        if kind is None:
            raise ValueError(f"its {name} is a {said.get('_class_name')}")
        if said.get("quantization_config"):
            method = str(dict(said["quantization_config"]).get("quant_method"))
            raise UnknownArchitecture(
                f"{self._path.name} is quantised by {method[:40]}, which is not supported; choose it whole, or as GGUF."
            )
        body, arguments = self._tensors(name), _arguments(BODIES[kind].cls, said)
        if arguments.get("addition_embed_type") == "text_time":
            body, arguments = _with_class_embedding(body, arguments)
        family = self._family(kind, arguments)
        towers = {where: self._tower(where, tower) for where, tower in TOWERS[family].items()}
        long, words = T5_FOLDERS.get(family, ("", ""))
        t5 = self._tensors(long) if long and (self._path / long).is_dir() else {}
        t5.pop("encoder.embed_tokens.weight", None)
        vae = self._config("vae")
        arch = self._arch(
            family.partition(" ")[0], kind, arguments, vae, tuple(tower for tower, _, _ in towers.values())
        )
        if t5:
            arch = replace(arch, t5={key: one for key, one in self._config(long).items() if key in LONG})
        return Parts(
            arch=arch,
            body=body,
            vae=self._tensors("vae"),
            towers={tower.part: tensors for tower, tensors, _ in towers.values()},
            projections={tower.part: one for tower, _, one in towers.values() if one is not None},
            t5=t5,
            vocabulary=self._vocabulary(words, companions) if t5 else None,
            mapped=self._mapped,
        )

    def _family(self, kind: str, arguments: Config) -> str:
        if kind != "unet":
            return {"sd3": "SD3", "flux": "Flux"}[kind]
        if (self._path / "text_encoder_2").is_dir():
            return "SDXL" if (self._path / "text_encoder").is_dir() else "SDXL refiner"
        return "SD2" if arguments["cross_attention_dim"] == 1024 else "SD1"

    def _arch(self, family: str, kind: str, unet: Config, vae: Config, towers: tuple[Tower, ...]) -> Arch:
        plan = self._config("scheduler", "scheduler_config.json")
        latent = int(vae["latent_channels"])
        pooled = sum(tower.config["hidden_size"] for tower in towers if tower.pooled)
        vector = unet.get("projection_class_embeddings_input_dim") or 0
        channels = unet["in_channels"] // (4 if kind == "flux" else 1)
        if channels - latent not in GIVEN:
            raise ValueError(f"it has {channels} input channels")
        guided = bool(unet.get("guidance_embeds"))
        flow = kind != "unet"
        moves = math.exp(float(plan.get("max_shift", 1.15))) if plan.get("use_dynamic_shifting") else None
        return Arch(
            family=family,
            body=kind,
            unet=unet,
            vae=_arguments(AutoencoderKL, vae),
            towers=towers,
            scale_factor=float(vae.get("scaling_factor", 0.18215)),
            offset=float(vae.get("shift_factor") or 0.0),
            predicts="flow" if flow else {"v_prediction": "v"}.get(str(plan.get("prediction_type")), "eps"),
            zero_snr=bool(plan.get("rescale_betas_zero_snr")),
            given=GIVEN[channels - latent],
            sizes=(vector - pooled) // SIZE if vector else 0,
            betas=(float(plan.get("beta_start", 0.00085)), float(plan.get("beta_end", 0.012))),
            latent_channels=latent,
            t5_prefix="t5" if flow else "",
            least=LEAST.get(family, 0),
            width=unet["joint_attention_dim"] if flow else 0,
            guided=guided,
            shift=moves or float(plan.get("shift", 1.0)),
            levels=10000 if kind == "flux" else 1000,
        )

    def _tower(self, where: str, tower: Tower) -> tuple[Tower, Tensors, Tensor | None]:
        said, tensors = self._config(where), self._tensors(where)
        own = {key.removeprefix(INNER): one for key, one in tensors.items() if key != PROJECTION}
        own.pop("embeddings.position_ids", None)
        turned = tensors.get(PROJECTION)
        needed = tower.pooled and tower.projected
        if needed and turned is None:
            raise CorruptFile(f"{self._path.name}/{where} has no {PROJECTION}; download it again.")
        config = {key: said[key] for key in TEXT if key in said}
        return replace(tower, config=config), own, turned.T if needed and turned is not None else None

    def _vocabulary(self, folder: str, companions: Companions) -> Tokenizer:
        for name in VOCABULARIES:
            if (self._path / folder / name).is_file():
                return vocabulary(self._path / folder / name)
        return companions.vocabulary()

    def _config(self, folder: str, name: str = "config.json") -> Config:
        path = self._path / folder / name
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError as error:
            raise CorruptFile(f"{self._path.name} lacks {folder}/{name}; download it again.") from error
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise CorruptFile(f"{path} is no configuration; download it again.") from error

    def _tensors(self, folder: str) -> Tensors:
        """Of all files of one part: one whole one, or the pieces that an index names."""
        place = self._path / folder
        index = next(iter(sorted(place.glob("*.safetensors.index.json"))), None)
        files = sorted(place.glob("*.safetensors"), key=lambda path: (".fp16." in path.name, path.name))
        files = files or sorted(place.glob("*.bin"))
        if index is not None:
            named = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
            files = [place / Path(name).name for name in sorted(named)]
        if not files:
            raise CorruptFile(f"{self._path.name} has no tensors in {folder}; download it again.")
        tensors: Tensors = {}
        for path in files if index is not None else files[:1]:
            file: File = read_file(path)
            tensors |= file.tensors
            self._mapped += file.mapped
        return tensors


def _arguments(cls: Any, said: Config) -> Config:
    known = inspect.signature(cls.__init__).parameters
    return {key: value for key, value in said.items() if key in known}


def _with_class_embedding(tensors: Tensors, arguments: Config) -> tuple[Tensors, Config]:
    """SDXL's pooled text and sizes as the vector that a checkpoint file's UNet is given."""
    changed = {"addition_embed_type": None, "class_embed_type": "projection"}
    named = {key.replace("add_embedding.", "class_embedding."): tensor for key, tensor in tensors.items()}
    return named, arguments | changed
