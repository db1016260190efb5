"""What a file of a UNet or transformer alone is completed with: text encoders and a VAE from their folders."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer
from torch import Tensor

from modules.exceptions import MissingNetwork, ModelError
from modules.weights import t5
from modules.weights.arch import CLIP, FIRST, GIANT, LARGE, SD1, SECOND, T5
from modules.weights.dimensions import UNET, VAE
from modules.weights.gguffile import shape_of
from modules.weights.layouts import BARE
from modules.weights.tensorfile import File, read_file

log = logging.getLogger(__name__)

SUFFIXES = (".safetensors", ".ckpt", ".pt", ".bin", ".gguf")
VOCABULARIES = ("tokenizer.json", "spiece.model")
TABLE, T5_TABLE = "text_model.embeddings.token_embedding.weight", "shared.weight"
PROJECTION = "text_projection.weight"
INNER = "text_model."
OWN = CLIP.removesuffix(INNER)  # where transformers' model begins in a checkpoint
XL, SD3 = "xl", "sd3"  # what names of VAE files have in them


@dataclass(frozen=True, slots=True)
class Companions:
    """The folders; files are looked at when one is needed."""

    text_encoders: tuple[Path, ...] = ()
    vaes: tuple[Path, ...] = ()

    def completed(self, file: File, name: str) -> File:
        """With what it lacks, under a checkpoint's names. MissingNetwork says what to put where."""
        wanted = wanted_by(file.tensors)
        if not wanted:
            return file
        tensors, mapped = dict(file.tensors), list(file.mapped)
        encoders = list(_files(self.text_encoders)) if any(one.what != "VAE" for one in wanted) else []
        for one in wanted:
            found = one.among(list(_files(self.vaes)) if one.what == "VAE" else encoders)
            if found is None:
                if one.optional:
                    continue
                folder = (self.vaes if one.what == "VAE" else self.text_encoders) or (Path("models"),)
                raise MissingNetwork(f"{name} has no {one.what} in it; put {one.example} into {folder[0]}.")
            log.info("%s goes with %s.", name, found.path.name)
            tensors |= found.named(one.prefix)
            mapped += found.file.mapped
        return File(tensors, {**file.metadata}, tuple(mapped))

    def vocabulary(self, beside: Path | None = None) -> Tokenizer:
        """T5's. MissingNetwork says where to put it."""
        for folder in (*([beside] if beside else ()), *self.text_encoders):
            for path in (folder / name for name in VOCABULARIES):
                if path.is_file():
                    return t5.vocabulary(path)
        for one in _files(self.text_encoders):
            if one.path.suffix == ".gguf" and (pieces := t5.told_by(one.file.metadata)):
                return t5.unigram(pieces)
        where = self.text_encoders[0] if self.text_encoders else Path("models")
        raise MissingNetwork(
            "T5's vocabulary is not part of this program; put tokenizer.json or spiece.model of google/t5-v1_1-xxl"
            f" into {where}."
        )


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that could be a companion: its tensors without prefixes, what it is, and its width."""

    path: Path
    file: File
    tensors: Mapping[str, Tensor]
    what: str
    width: int

    def named(self, prefix: str) -> dict[str, Tensor]:
        """Its tensors with a prefix; T5's table is in it once."""
        return {prefix + key: tensor for key, tensor in self.tensors.items() if key != "encoder.embed_tokens.weight"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A part that is missing: what it is, how wide, under which prefix its tensors go."""

    what: str  # CLIP, T5, VAE
    prefix: str
    example: str
    width: int
    optional: bool = False
    others: Sequence[str] = ()  # words that its file's name should not have
    word: str = ""  # one that it should have

    def among(self, candidates: Sequence[Candidate]) -> Candidate | None:
        """The first that fits, those with the right word in their names first."""
        fitting = [one for one in candidates if one.what == self.what and one.width == self.width]
        return min(fitting, key=lambda one: self._odd(one.path.name.lower()), default=None)

    def _odd(self, name: str) -> bool:
        return self.word not in name or any(other in name for other in self.others)


def wanted_by(tensors: Mapping[str, Tensor]) -> list[Wanted]:
    """What a checkpoint's tensors lack; nothing of what is no model of a kind known here."""
    shapes = {key: shape_of(tensor) for key, tensor in tensors.items()}
    unet, sd3, flux = (UNET + mark in shapes for mark in BARE)
    if not (unet or sd3 or flux):
        return []
    try:
        parts = _of_sd3(shapes) if sd3 else _of_flux(shapes) if flux else _of_unet(shapes)
    except (KeyError, StopIteration, IndexError):
        return []  # what is wrong with it is told by `arch.detect`
    return [one for one in parts if not any(key.startswith(one.prefix) for key in shapes)]


def _of_sd3(shapes: Mapping[str, tuple[int, ...]]) -> list[Wanted]:
    pooled, width = shapes[UNET + "y_embedder.mlp.0.weight"][1], shapes[UNET + "context_embedder.weight"][1]
    small = pooled * 3 // 8  # 768 and 1280 of 2048
    return [
        Wanted("CLIP", LARGE + OWN, "clip_l.safetensors", small),
        Wanted("CLIP", GIANT + OWN, "clip_g.safetensors", pooled - small),
        Wanted("T5", T5, "t5xxl_fp16.safetensors", width, optional=True),
        Wanted("VAE", VAE, "SD3's VAE", 16, word=SD3),
    ]


def _of_flux(shapes: Mapping[str, tuple[int, ...]]) -> list[Wanted]:
    pooled, width = shapes[UNET + "vector_in.in_layer.weight"][1], shapes[UNET + "txt_in.weight"][1]
    return [
        Wanted("CLIP", LARGE + OWN, "clip_l.safetensors", pooled),
        Wanted("T5", T5, "t5xxl_fp16.safetensors", width),
        Wanted("VAE", VAE, "ae.safetensors", 16, others=(SD3,)),
    ]


def _of_unet(shapes: Mapping[str, tuple[int, ...]]) -> list[Wanted]:
    width = next(
        shape[1] for key, shape in shapes.items() if key.startswith(UNET) and key.endswith("attn2.to_k.weight")
    )
    channels = shapes[UNET + "out.2.weight"][0]
    if any(key.startswith(("cond_stage_model.", "conditioner.")) for key in shapes):
        towers = []
    elif UNET + "label_emb.0.0.weight" in shapes:
        towers = [
            Wanted("CLIP", FIRST + OWN, "clip_l.safetensors", width * 3 // 8),
            Wanted("CLIP", SECOND + OWN, "clip_g.safetensors", width - width * 3 // 8),
        ]
    else:
        towers = [Wanted("CLIP", SD1.removesuffix(INNER), "clip_l.safetensors", width)]
    large = UNET + "label_emb.0.0.weight" in shapes
    return [
        *towers,
        Wanted("VAE", VAE, "its VAE", channels, others=() if large else (XL,), word=XL if large else ""),
    ]


def _files(folders: Sequence[Path]) -> Iterator[Candidate]:
    for folder in folders:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
            if path.suffix.lower() in SUFFIXES and path.is_file():
                try:
                    file = read_file(path)
                except ModelError as error:
                    log.warning("%s", error)
                    continue
                if (found := _candidate(path, file)) is not None:
                    yield found


def _candidate(path: Path, file: File) -> Candidate | None:
    """What a file is, if it is one of these; in diffusers' layout a VAE needs its folder and is none here."""
    tensors = file.tensors
    if any(key.startswith(("enc.blk.", "token_embd")) for key in tensors):
        tensors = {t5.renamed(key): tensor for key, tensor in tensors.items()}
    for what, ending in (("T5", T5_TABLE), ("CLIP", TABLE)):
        table = next((key for key in tensors if key.endswith(ending)), None)
        if table is not None:
            prefix = table.removesuffix(ending)
            own = {key.removeprefix(prefix): one for key, one in tensors.items() if key.startswith(prefix)}
            clip = {key: one for key, one in own.items() if key.startswith(INNER) or key == PROJECTION}
            return Candidate(path, file, own if what == "T5" else clip, what, shape_of(tensors[table])[1])
    own = {key.removeprefix(VAE): one for key, one in tensors.items()}
    if "decoder.conv_in.weight" in own and "decoder.mid.block_1.conv1.weight" in own:
        return Candidate(path, file, own, "VAE", own["decoder.conv_in.weight"].shape[1])
    return None
