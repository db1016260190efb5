"""A merger of checkpoints as it is asked for: its fields under A1111's names, and what must hold before it begins."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.declare import Range, param
from modules.exceptions import ParameterError
from modules.weights.inputs import UNET_IN
from modules.weights.library import Checkpoint, Library
from modules.weights.networks import headers
from modules.weights.networks.shelf import Shelf

NOTHING, WEIGHTED, DIFFERENCE = METHODS = ("No interpolation", "Weighted sum", "Add difference")
FORMATS = ("ckpt", "safetensors")
SOURCES = ("A, B or C", "B", "C", "Don't")  # of the .yaml beside the result
LETTERS = "ABC"
SKIPPED = "cond_stage_model.transformer.text_model.embeddings.position_ids"
GIVEN = {9: ("inpainting", ".inpainting"), 8: ("instruct-pix2pix", ".instruct-pix2pix")}  # input channels beyond 4
Shapes = Mapping[str, tuple[int, ...]]

# fmt: off


@dataclass(frozen=True, kw_only=True, slots=True)
class Merge:
    """What the Checkpoint Merger asks for."""

    primary_model_name: str = param("", "Primary model (A)", choices="checkpoints")
    secondary_model_name: str = param("", "Secondary model (B)", choices="checkpoints")
    tertiary_model_name: str = param("", "Tertiary model (C)", choices="checkpoints")
    custom_name: str = param("", "Custom Name (Optional)", doc="Of the new file, without its ending; a / puts it into a folder.")
    multiplier: float = param(0.3, "Multiplier (M) - set to 0 to get model A", slider=Range(0, 1, 0.05), valid=Range(-10, 10))
    interp_method: str = param(WEIGHTED, "Interpolation Method", choices=METHODS)
    checkpoint_format: str = param("safetensors", "Checkpoint format", choices=FORMATS)
    save_as_half: bool = param(False, "Save as float16")
    config_source: str = param(SOURCES[0], "Copy config from", choices=SOURCES, doc="The .yaml beside a checkpoint.")
    bake_in_vae: str = param("", "Bake in VAE", choices="vae files", doc="Its tensors take the place of the checkpoint's own VAE.")
    discard_weights: str = param("", "Discard weights with matching name", doc="A regular expression; ^model_ema\\. leaves out the average that only training needs.")
    save_metadata: bool = param(True, "Save metadata")
    add_merge_recipe: bool = param(True, "Add merge recipe metadata")
    copy_metadata_fields: bool = param(True, "Copy metadata from merged models")
    metadata_json: str = param("{}", "Metadata in JSON format")


# fmt: on


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """A merger that can be done. `models`: A, then B and C where the method needs them."""

    merge: Merge
    models: tuple[Checkpoint, ...]
    target: Path
    vae: Path | None
    discard: re.Pattern[str] | None
    metadata: dict[str, str]  # what was typed in


def planned(merge: Merge, library: Library, vaes: Shelf, folder: Path) -> Planned:
    """The merger with its files; the result goes into the folder. ParameterError, NotFound or CorruptFile."""
    models = _models(merge, library)
    known = [dict(_header(one).shapes) for one in models]
    given = _channels(known)
    target = _target(merge, models, GIVEN[given][1] if given in GIVEN else "", folder)
    try:
        discard = re.compile(merge.discard_weights) if merge.discard_weights else None
    except re.error as error:
        raise ParameterError(f"{merge.discard_weights[:80]!r} is no regular expression ({error}).") from error
    return Planned(
        merge=merge,
        models=models,
        target=target,
        vae=_vae(merge.bake_in_vae, vaes),
        discard=discard,
        metadata=_typed(merge.metadata_json) if merge.save_metadata else {},
    )


def described(models: tuple[Checkpoint, ...]) -> dict[str, Any]:
    """What the files say about themselves, all in one; a later one wins."""
    found: dict[str, Any] = {}
    for one in models:
        found |= _header(one).metadata
    return found


def written(plan: Planned, hashed: tuple[Checkpoint, ...]) -> dict[str, str]:
    """The metadata of the new file, under A1111's keys. `hashed`: the models with their SHA-256 where there is one."""
    merge = plan.merge
    if not merge.save_metadata:
        return {}
    said: dict[str, Any] = described(hashed) if merge.copy_metadata_fields else {}
    said |= plan.metadata | {"format": "pt"}
    if merge.add_merge_recipe:
        said |= {"sd_merge_recipe": _recipe(plan, hashed), "sd_merge_models": _ancestors(hashed)}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in said.items()}


def _recipe(plan: Planned, hashed: tuple[Checkpoint, ...]) -> dict[str, Any]:
    merge = plan.merge
    digests = [*(one.sha256 for one in hashed), None, None]
    given = _channels([dict(_header(one).shapes) for one in hashed])
    return {
        "type": "webui",
        "primary_model_hash": digests[0],
        "secondary_model_hash": digests[1],
        "tertiary_model_hash": digests[2],
        "interp_method": merge.interp_method,
        "multiplier": merge.multiplier,
        "save_as_half": merge.save_as_half,
        "custom_name": merge.custom_name,
        "config_source": SOURCES.index(merge.config_source),
        "bake_in_vae": merge.bake_in_vae or "None",
        "discard_weights": merge.discard_weights,
        "is_inpainting": given == 9,
        "is_instruct_pix2pix": given == 8,
    }


def _ancestors(hashed: tuple[Checkpoint, ...]) -> dict[str, Any]:
    """The models by SHA-256, and those that they were merged from."""
    found: dict[str, Any] = {}
    for one in hashed:
        own = _header(one).metadata
        found[one.sha256 or one.name] = {
            "name": one.name,
            "legacy_hash": one.old_hash,
            "sd_merge_recipe": own.get("sd_merge_recipe"),
        }
        earlier = own.get("sd_merge_models")
        found |= earlier if isinstance(earlier, dict) else {}
    return found


def _models(merge: Merge, library: Library) -> tuple[Checkpoint, ...]:
    count = METHODS.index(merge.interp_method) + 1
    names = (merge.primary_model_name, merge.secondary_model_name, merge.tertiary_model_name)[:count]
    for letter, name in zip(LETTERS, names, strict=False):
        if not name:
            raise ParameterError(f"{merge.interp_method} needs model {letter}; choose one.")
    found = tuple(library.find(name) for name in names)
    for one in found:
        if one.path.is_dir() or one.path.suffix.lower() == ".gguf":
            raise ParameterError(f"{one.name} cannot be merged; only .safetensors and .ckpt files can.")
    return found


def _header(checkpoint: Checkpoint) -> headers.Header:
    found = headers.read(checkpoint.path)
    return found or headers.Header()


def merges(name: str) -> bool:
    """Whether a tensor of this name is mixed; what else A holds is taken as it is."""
    return "model" in name and name != SKIPPED


def _channels(known: list[dict[str, tuple[int, ...]]]) -> int:
    """The input channels of the result. ParameterError where the shapes do not go together."""
    first = known[0]
    channels = first.get(UNET_IN, (0, 4))[1]
    for letter, other in zip(LETTERS[1:], known[1:], strict=False):
        for name in first.keys() & other.keys():
            mine, theirs = first[name], other[name]
            if mine == theirs or not merges(name):
                continue
            if len(mine) > 1 and theirs[1:2] and theirs[1] in GIVEN and mine[1] == 4 and name == UNET_IN:
                what = GIVEN[theirs[1]][0]
                raise ParameterError(f"When an {what} model is merged with a plain one, it must be A; it is {letter}.")
            if not (name == UNET_IN and channels in GIVEN and theirs == (mine[0], 4, *mine[2:])):
                raise ParameterError(
                    f"A and {letter} are of different kinds: {name} is {list(mine)} in one and {list(theirs)} in the "
                    "other; merge models of one family."
                )
    same = len(known) < 3 or known[1].get(UNET_IN) == known[2].get(UNET_IN)
    if not same:
        raise ParameterError("B and C take different inputs, so they have no difference; choose others.")
    mixed = any(other.get(UNET_IN, first.get(UNET_IN)) != first.get(UNET_IN) for other in known[1:])
    return channels if mixed else 4


def _target(merge: Merge, models: tuple[Checkpoint, ...], mark: str, folder: Path) -> Path:
    name = merge.custom_name.strip() or _composed(merge, models)
    path = (folder / f"{name}{mark}.{merge.checkpoint_format}").resolve()
    if not path.is_relative_to(folder.resolve()) or "\0" in name:
        raise ParameterError(f"{merge.custom_name[:80]!r} leads out of the folder of checkpoints; choose another name.")
    if path.exists():
        raise ParameterError(f"There is a file {path.name} already; choose another custom name.")
    return path


def _composed(merge: Merge, models: tuple[Checkpoint, ...]) -> str:
    """The name that A1111 gives."""
    names = [one.model_name for one in models]
    rest, part = round(1 - merge.multiplier, 2), round(merge.multiplier, 2)
    if merge.interp_method == WEIGHTED:
        return f"{rest}({names[0]}) + {part}({names[1]})"
    return f"{names[0]} + {part}({names[1]} - {names[2]})" if merge.interp_method == DIFFERENCE else names[0]


def _vae(name: str, vaes: Shelf) -> Path | None:
    if not name:
        return None
    found = vaes.find(name) or vaes.find(Path(name).stem)
    if found is None:
        raise ParameterError(f"There is no VAE {name[:80]!r} to bake in.")
    return found.path


def _typed(text: str) -> dict[str, str]:
    try:
        said = json.loads(text or "{}")
        if not isinstance(said, dict):
            raise ValueError("it is no table")
    except (ValueError, RecursionError) as error:
        raise ParameterError(f"The metadata is no JSON ({error}); it looks like {{}}.") from error
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in said.items()}
