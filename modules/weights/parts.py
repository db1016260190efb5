"""What a checkpoint consists of: for each module its tensors, mapped from the file, under the module's own names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint
from tokenizers import Tokenizer
from torch import Tensor

from modules.exceptions import CorruptFile
from modules.weights import openclip, sight
from modules.weights.arch import Arch, Tower, detect
from modules.weights.bodies import BODIES
from modules.weights.companions import Companions
from modules.weights.dimensions import VAE
from modules.weights.four import widened
from modules.weights.gguffile import shape_of
from modules.weights.layouts import named_alike
from modules.weights.library import Checkpoint
from modules.weights.tensorfile import File, Mapped, Tensors, read_file

INNER, PROJECTION = "text_model.", "text_projection.weight"


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """Of one checkpoint; `towers` by their parts, `projections` `[D,P]` of those that have one.

    `names`: the file's names of the body's modules → their own; `fused`: of those that are several here.
    """

    arch: Arch
    body: Tensors
    vae: Tensors
    towers: Mapping[str, Tensors]
    projections: Mapping[str, Tensor]
    t5: Tensors = field(default_factory=dict)
    vocabulary: Tokenizer | None = None
    sight: Tensors = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    fused: Mapping[str, tuple[tuple[str, slice], ...]] = field(default_factory=dict)
    mapped: Sequence[Mapped] = ()


def parts_of(checkpoint: Checkpoint, companions: Companions) -> Parts:
    """Read a checkpoint's names and shapes. UnknownArchitecture, CorruptFile, MissingNetwork say what is wrong."""
    name = checkpoint.path.name
    read = read_file(checkpoint.path)
    file = companions.completed(File(named_alike(widened(read.tensors, name)), read.metadata, read.mapped), name)
    tensors = file.tensors
    arch = detect(checkpoint, {key: shape_of(tensor) for key, tensor in tensors.items()}, file.metadata)
    body = BODIES[arch.body]
    long = {
        key.removeprefix(arch.t5_prefix): one
        for key, one in tensors.items()
        if arch.t5 and key.startswith(arch.t5_prefix) and not key.endswith("encoder.embed_tokens.weight")
    }
    towers = {tower.part: _tower(tower, tensors, name) for tower in arch.towers}
    return Parts(
        arch=arch,
        body=body.converted(tensors, arch.unet),
        vae=convert_ldm_vae_checkpoint({key: one for key, one in tensors.items() if key.startswith(VAE)}, arch.vae),
        towers={part: named for part, (named, _) in towers.items()},
        projections={part: one for part, (_, one) in towers.items() if one is not None},
        t5=long,
        vocabulary=companions.vocabulary() if long else None,
        sight=sight.converted(tensors) if arch.sight else {},
        names=body.names(list(tensors), arch.unet),
        fused=body.fused(list(tensors), arch.unet),
        mapped=file.mapped,
    )


def _tower(tower: Tower, tensors: Tensors, name: str) -> tuple[Tensors, Tensor | None]:
    """A text encoder's tensors under transformers' names, and what its pooled text is multiplied by."""
    own = {key.removeprefix(tower.prefix): one for key, one in tensors.items() if key.startswith(tower.prefix)}
    projection = None
    if tower.pooled and tower.projected:
        beside = tensors.get(tower.prefix.removesuffix(INNER) + PROJECTION)
        projection = openclip.projection(own) if beside is None else beside.T
        if projection is None:
            raise CorruptFile(f"{name} does not hold a whole text encoder: text_projection is missing.")
    own.pop("embeddings.position_ids", None)
    return openclip.converted(own) if tower.open_clip else own, projection
