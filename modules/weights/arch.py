"""What kind of model a checkpoint holds, from its tensors' names and shapes and from the sidecar yaml beside it.

The layouts are CompVis' (`model.diffusion_model.`, `first_stage_model.`, `cond_stage_model.`) and Stability's
(`conditioner.embedders.`, `text_encoders.`). A UNet's family is told by its text encoders.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from modules.exceptions import CorruptFile, UnknownArchitecture
from modules.weights import mmdit, sight
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
from modules.weights.t5 import t5_arguments

END = 49407  # CLIP's last token, which pads as well
SIZE = 256  # numbers that a picture's width, its crop or its score becomes
# Channels that go into the network beside the latent's → what it is given there.
GIVEN = {0: "", 1: "depth", 4: "edit", 5: "inpaint", 80: "fill"}
PREDICTION, ZERO_SNR = "modelspec.prediction_type", "ss_zero_terminal_snr"  # what trainers say in a file's metadata
PREDICTIONS = {"v": "v", "epsilon": "eps"}
TOLD = ("num_attention_heads", "hidden_act", "layer_norm_eps")  # of a text encoder, what shapes cannot tell


@dataclass(frozen=True, kw_only=True, slots=True)
class Tower:
    """A text encoder: where its tensors are, and how its answer is read.

    `part` is the name networks know it by. `layer`: the n-th from the end, None as clip skip wants it; then, or not,
    the final norm. `pad` follows a text's end token. `pooled`: one vector for the whole text is read as well, and goes
    through the tower's own projection where it is `projected`. `beside`: its hidden states are part of the context.
    """

    part: str
    prefix: str
    open_clip: bool = False
    layer: int | None = None
    normed: bool = True
    pad: int = END
    pooled: bool = False
    projected: bool = True
    beside: bool = True
    act: str = ""  # its activation, where its names do not tell
    config: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """One row: a kind of model by a tensor that no other has, or by its text encoders, and what its shapes do not tell.

    `body` names a row of `bodies`. `t5`: where T5 is, if the family reads with it; `least` tokens, as many as CLIP's
    where that is 0. `shift` and `levels`: of a flow's levels, by whether it was distilled with a guidance.
    """

    name: str
    towers: tuple[Tower, ...]
    mark: str = UNET + "input_blocks.0.0.weight"
    body: str = "unet"
    scale: float = 0.18215
    offset: float = 0.0
    t5: str = ""
    least: int = 0
    needs_t5: bool = True
    shift: Callable[[bool], float] | None = None
    levels: int = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Arch:
    """A latent diffusion model: constructor arguments of its parts and the facts that sampling needs."""

    family: str  # SD1, SD2, SDXL, SD3, Flux
    body: str = "unet"  # what denoises, a row of `bodies`
    unet: dict[str, Any]
    vae: dict[str, Any]
    towers: tuple[Tower, ...]
    scale_factor: float  # latent = scale_factor · (VAE mean − offset)
    offset: float = 0.0
    predicts: str | None = "eps"  # or v, or flow; None if neither names nor yaml tell
    zero_snr: bool = False  # trained with a last level without signal
    # inpaint: mask and masked picture; fill: both, in Flux's way; edit: the picture; depth: how near things are;
    # vector: the picture as CLIP sees it
    given: str = ""
    sight: dict[str, Any] = field(default_factory=dict)  # of the image encoder that a vector comes from
    sizes: int = 0  # how many sizes, crops and scores follow the pooled text
    betas: tuple[float, float]  # the first and the last
    latent_channels: int = 4
    downscale: int = 8
    t5: dict[str, Any] = field(default_factory=dict)  # of T5's encoder, if the model reads with it and it is there
    t5_prefix: str = ""
    least: int = 0  # tokens of T5; 0: as many as CLIP's
    width: int = 0  # of the context, where T5 and CLIP are one after the other
    guided: bool = False  # told a CFG scale, which it was distilled with
    shift: float = 1.0
    levels: int = 1000


CLIP = "transformer.text_model."
SD1 = "cond_stage_model." + CLIP
SD2 = "cond_stage_model.model."
FIRST, SECOND = "conditioner.embedders.0.", "conditioner.embedders.1."
LARGE, GIANT, T5 = "text_encoders.clip_l.", "text_encoders.clip_g.", "text_encoders.t5xxl.transformer."

BIG_L = Tower(part="te1", prefix=FIRST + CLIP, layer=2, normed=False)
BIG_G = Tower(part="te2", prefix=SECOND + "model.", open_clip=True, layer=2, normed=False, pad=0, pooled=True)
NAMED_G = replace(BIG_G, open_clip=False, act="gelu")
SD3_L = replace(BIG_L, prefix=LARGE + CLIP, pooled=True, projected=False)
# Family and its text encoders, by the tensors they begin with; the first that is there counts.
FAMILIES: tuple[Family, ...] = (
    Family(
        name="SD3",
        mark=mmdit.SD3_MARK,
        body="sd3",
        towers=(SD3_L, replace(NAMED_G, prefix=GIANT + CLIP)),
        scale=1.5305,
        offset=0.0609,
        t5=T5,
        needs_t5=False,
        shift=lambda guided: 3.0,
    ),
    Family(
        name="Flux",
        mark=mmdit.FLUX_MARK,
        body="flux",
        towers=(replace(SD3_L, layer=None, normed=True, beside=False),),
        scale=0.3611,
        offset=0.1159,
        t5=T5,
        least=256,
        shift=lambda guided: math.exp(1.15) if guided else 1.0,  # dev's at 1024x1024; schnell has none
        levels=10000,
    ),
    Family(name="SDXL", towers=(BIG_L, BIG_G), scale=0.13025),
    Family(name="SDXL", towers=(BIG_L, replace(NAMED_G, prefix=SECOND + CLIP)), scale=0.13025),
    # the refiner; no network is made for its text
    Family(name="SDXL", towers=(replace(BIG_G, part="te", prefix=FIRST + "model."),), scale=0.13025),
    Family(name="SD2", towers=(Tower(part="te1", prefix=SD2, open_clip=True, layer=2, pad=0),)),
    Family(name="SD1", towers=(Tower(part="te1", prefix=SD1),)),
)
NOT_YET = (  # what bears a family's mark and is another one
    (UNET + "double_stream_modulation_img.lin.weight", "a Flux.2 model"),
    (UNET + "distilled_guidance_layer.in_proj.weight", "a Chroma model"),
)


def detect(checkpoint: Checkpoint, shapes: Shapes, metadata: Mapping[str, Any] | None = None) -> Arch:
    """The architecture of a checkpoint. UnknownArchitecture says what else the file is, if that can be told."""
    name = checkpoint.path.name
    marked = [one for one in FAMILIES if one.mark in shapes]
    found = next((one for one in marked if all(_begins(tower, shapes) for tower in one.towers)), None)
    if found is None or VAE + "decoder.conv_in.weight" not in shapes:
        raise UnknownArchitecture(f"{name} is {kind_of(shapes) or 'no model that is known here'}.")
    if any(0 in shape for shape in shapes.values()):
        raise CorruptFile(f"{name} holds an empty tensor; download it again.")
    try:
        return _arch(Sidecar.of(checkpoint), shapes, found, metadata or {})
    except _Unsupported as error:
        raise UnknownArchitecture(f"{name} is {error}, which is not supported yet.") from error
    except (KeyError, IndexError, StopIteration, TypeError, ValueError, ArithmeticError) as error:
        raise UnknownArchitecture(
            f"{name} has parts of an {found.name} model that do not fit together ({error})."
        ) from error


class _Unsupported(Exception):
    """What the model is."""


def _arch(sidecar: Sidecar, shapes: Shapes, family: Family, metadata: Mapping[str, Any]) -> Arch:
    if other := next((what for mark, what in NOT_YET if mark in shapes), None):
        raise _Unsupported(other)
    towers = tuple(_tower(tower, number, shapes, sidecar) for number, tower in enumerate(family.towers))
    vae = vae_arguments(shapes)
    arch = Arch(
        family=family.name,
        body=family.body,
        unet={},
        vae=vae,
        towers=towers,
        scale_factor=float(sidecar.params.get("scale_factor", family.scale)),
        offset=family.offset,
        zero_snr="ztsnr" in shapes or str(metadata.get(ZERO_SNR)) in ("True", "true"),
        betas=(float(sidecar.params.get("linear_start", 0.00085)), float(sidecar.params.get("linear_end", 0.012))),
        latent_channels=vae["latent_channels"],
    )
    return _diffusing(arch, sidecar, shapes, metadata) if family.shift is None else _flowing(arch, family, shapes)


def _diffusing(arch: Arch, sidecar: Sidecar, shapes: Shapes, metadata: Mapping[str, Any]) -> Arch:
    unet = unet_arguments(shapes, sidecar.unet)
    vector = unet.get("projection_class_embeddings_input_dim", 0)
    pooled = sum(tower.config["hidden_size"] for tower in arch.towers if tower.pooled)
    seen = sight.arguments(shapes) if vector and not pooled else {}
    if vector and not pooled and vector != 2 * seen.get("projection_dim", 0):
        raise _Unsupported("an upscaling model, or an unCLIP one without its image encoder")
    marked = "v" if "v_pred" in shapes else PREDICTIONS.get(str(metadata.get(PREDICTION)).lower())
    said = sidecar.predicts or marked or (None if arch.family == "SD2" else "eps")
    if said not in (None, "eps", "v"):
        raise _Unsupported(f"a {said}-prediction model")
    given = "vector" if seen else _given(unet["in_channels"], arch.latent_channels)
    sizes = 0 if seen else (vector - pooled) // SIZE
    return replace(arch, unet=unet, predicts=said, given=given, sight=seen, sizes=sizes)


def _flowing(arch: Arch, family: Family, shapes: Shapes) -> Arch:
    assert family.shift is not None
    unet = (mmdit.sd3_arguments if family.body == "sd3" else mmdit.flux_arguments)(shapes)
    packed = 1 if family.body == "sd3" else mmdit.PATCH**2
    there = family.t5 + "shared.weight" in shapes
    guided = bool(unet.get("guidance_embeds"))
    return replace(
        arch,
        unet=unet,
        predicts="flow",
        given=_given(unet["in_channels"] // packed, arch.latent_channels),
        t5=t5_arguments(shapes, family.t5) if there else {},
        t5_prefix=family.t5,
        least=family.least,
        width=unet["joint_attention_dim"],
        guided=guided,
        shift=family.shift(guided),
        levels=family.levels,
    )


def _given(channels: int, own: int) -> str:
    if channels - own not in GIVEN:
        raise _Unsupported(f"a model with {channels} input channels")
    return GIVEN[channels - own]


def _begins(tower: Tower, shapes: Shapes) -> bool:
    own = "token_embedding.weight" if tower.open_clip else "embeddings.token_embedding.weight"
    return tower.prefix + own in shapes


def _tower(tower: Tower, number: int, shapes: Shapes, sidecar: Sidecar) -> Tower:
    read: Callable[[Shapes, str], dict[str, Any]] = open_clip_arguments if tower.open_clip else clip_arguments
    said = sidecar.text(number) or {}
    own = {"hidden_act": tower.act} if tower.act else {}
    return replace(tower, config=read(shapes, tower.prefix) | own | {key: said[key] for key in TOLD if key in said})
