"""What kind of model a checkpoint holds, from its tensors' names and shapes and from the sidecar yaml beside it.

The layouts are CompVis' (`model.diffusion_model.`, `first_stage_model.`, `cond_stage_model.`) and, for SDXL,
Stability's (`conditioner.embedders.`). A family is told by its text encoders.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from modules.exceptions import CorruptFile, UnknownArchitecture
from modules.weights.dimensions import (
    UNET,
    VAE,
    Shapes,
    clip_arguments,
    open_clip_arguments,
    unet_arguments,
    vae_arguments,
)
from modules.weights.kinds import kind_of
from modules.weights.library import Checkpoint
from modules.weights.sidecar import Sidecar

END = 49407  # CLIP's last token, which pads as well
SIZE = 256  # numbers that a picture's width, its crop or its score becomes
GIVEN = {4: "", 8: "edit", 9: "inpaint"}  # channels that go into the UNet → what it is given beside x
TOLD = ("num_attention_heads", "hidden_act", "layer_norm_eps")  # of a text encoder, what shapes cannot tell


@dataclass(frozen=True, kw_only=True, slots=True)
class Tower:
    """A text encoder: where its tensors are, and how its answer is read.

    `part` is the name networks know it by. `layer`: the n-th from the end, None as clip skip wants it; then, or not,
    the final norm. `pad` follows a text's end token. `pooled`: one vector for the whole text is read as well.
    """

    part: str
    prefix: str
    open_clip: bool = False
    layer: int | None = None
    normed: bool = True
    pad: int = END
    pooled: bool = False
    config: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Arch:
    """A latent diffusion model with a UNet: constructor arguments of its parts and the facts that sampling needs."""

    family: str  # SD1, SD2, SDXL
    unet: dict[str, Any]
    vae: dict[str, Any]
    towers: tuple[Tower, ...]
    scale_factor: float  # latent = scale_factor · VAE mean
    predicts: str | None = "eps"  # or v; None if neither names nor yaml tell
    zero_snr: bool = False  # trained with a last level without signal
    given: str = ""  # inpaint: mask and masked picture; edit: the picture
    sizes: int = 0  # how many sizes, crops and scores follow the pooled text
    betas: tuple[float, float]  # the first and the last
    latent_channels: int = 4
    downscale: int = 8


CLIP = "transformer.text_model."
SD1 = "cond_stage_model." + CLIP
SD2 = "cond_stage_model.model."
FIRST, SECOND = "conditioner.embedders.0.", "conditioner.embedders.1."

BIG_G = Tower(part="te2", prefix=SECOND + "model.", open_clip=True, layer=2, normed=False, pad=0, pooled=True)
# Family and its text encoders, by the tensors they begin with; the first that is there counts.
FAMILIES: tuple[tuple[str, tuple[Tower, ...]], ...] = (
    ("SDXL", (Tower(part="te1", prefix=FIRST + CLIP, layer=2, normed=False), BIG_G)),
    ("SDXL", (replace(BIG_G, part="te", prefix=FIRST + "model."),)),  # the refiner; no network is made for its text
    ("SD2", (Tower(part="te1", prefix=SD2, open_clip=True, layer=2, pad=0),)),
    ("SD1", (Tower(part="te1", prefix=SD1),)),
)
SCALES = {"SDXL": 0.13025}
USUAL_SCALE = 0.18215


def detect(checkpoint: Checkpoint, shapes: Shapes) -> Arch:
    """The architecture of a checkpoint. UnknownArchitecture says what else the file is, if that can be told."""
    name = checkpoint.path.name
    found = next((one for one in FAMILIES if all(_begins(tower, shapes) for tower in one[1])), None)
    first = shapes.get(UNET + "input_blocks.0.0.weight")
    if found is None or first is None or VAE + "decoder.conv_in.weight" not in shapes:
        raise UnknownArchitecture(f"{name} is {kind_of(shapes) or 'no model that is known here'}.")
    if any(0 in shape for shape in shapes.values()):
        raise CorruptFile(f"{name} holds an empty tensor; download it again.")
    try:
        return _arch(Sidecar.of(checkpoint), shapes, *found)
    except _Unsupported as error:
        raise UnknownArchitecture(f"{name} is {error}, which is not supported yet.") from error
    except (KeyError, IndexError, StopIteration, TypeError, ValueError, ArithmeticError) as error:
        raise UnknownArchitecture(
            f"{name} has parts of an {found[0]} model that do not fit together ({error})."
        ) from error


class _Unsupported(Exception):
    """What the model is."""


def _arch(sidecar: Sidecar, shapes: Shapes, family: str, towers: tuple[Tower, ...]) -> Arch:
    read = tuple(_tower(tower, number, shapes, sidecar) for number, tower in enumerate(towers))
    unet = unet_arguments(shapes, sidecar.unet)
    vector = unet.get("projection_class_embeddings_input_dim", 0)
    pooled = sum(tower.config["hidden_size"] for tower in read if tower.pooled)
    if unet["in_channels"] not in GIVEN:
        raise _Unsupported(f"a model with {unet['in_channels']} input channels")
    if vector and not pooled:
        raise _Unsupported("an unCLIP or upscaling model")
    said = sidecar.predicts or ("v" if "v_pred" in shapes else None if family == "SD2" else "eps")
    if said not in (None, "eps", "v"):
        raise _Unsupported(f"a {said}-prediction model")
    return Arch(
        family=family,
        unet=unet,
        vae=vae_arguments(shapes),
        towers=read,
        scale_factor=float(sidecar.params.get("scale_factor", SCALES.get(family, USUAL_SCALE))),
        predicts=said,
        zero_snr="ztsnr" in shapes,
        given=GIVEN[unet["in_channels"]],
        sizes=(vector - pooled) // SIZE,
        betas=(float(sidecar.params.get("linear_start", 0.00085)), float(sidecar.params.get("linear_end", 0.012))),
    )


def _begins(tower: Tower, shapes: Shapes) -> bool:
    own = "token_embedding.weight" if tower.open_clip else "embeddings.token_embedding.weight"
    return tower.prefix + own in shapes


def _tower(tower: Tower, number: int, shapes: Shapes, sidecar: Sidecar) -> Tower:
    read: Callable[[Shapes, str], dict[str, Any]] = open_clip_arguments if tower.open_clip else clip_arguments
    said = sidecar.text(number) or {}
    return replace(tower, config=read(shapes, tower.prefix) | {key: said[key] for key in TOLD if key in said})
