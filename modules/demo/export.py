"""The trained parts become one file in SD 1.x's ldm key layout, fp16, with the sidecars that describe its shape."""

import json
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import yaml
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from torch import Tensor
from transformers import CLIPTextModel

from modules.demo import text, unet, vae

NAME = "demo"
UNET, VAE, TEXT = "model.diffusion_model.", "first_stage_model.", "cond_stage_model.transformer.text_model."
Tensors = dict[str, Tensor]

INSIDE_UNET = (
    (r"\.norm1\.", ".in_layers.0."),
    (r"\.conv1\.", ".in_layers.2."),
    (r"\.time_emb_proj\.", ".emb_layers.1."),
    (r"\.norm2\.", ".out_layers.0."),
    (r"\.conv2\.", ".out_layers.3."),
    (r"\.conv_shortcut\.", ".skip_connection."),
)
OUTSIDE_UNET = (
    (r"^time_embedding\.linear_1\.", "time_embed.0."),
    (r"^time_embedding\.linear_2\.", "time_embed.2."),
    (r"^conv_in\.", "input_blocks.0.0."),
    (r"^conv_norm_out\.", "out.0."),
    (r"^conv_out\.", "out.2."),
    (r"^mid_block\.resnets\.0\.", "middle_block.0."),
    (r"^mid_block\.attentions\.0\.", "middle_block.1."),
    (r"^mid_block\.resnets\.1\.", "middle_block.2."),
)
INSIDE_VAE = (
    (r"\.down_blocks\.(\d+)\.resnets\.(\d+)\.", r".down.\1.block.\2."),
    (r"\.down_blocks\.(\d+)\.downsamplers\.0\.", r".down.\1.downsample."),
    (r"\.mid_block\.resnets\.0\.", ".mid.block_1."),
    (r"\.mid_block\.resnets\.1\.", ".mid.block_2."),
    (r"\.mid_block\.attentions\.0\.", ".mid.attn_1."),
    (r"\.attn_1\.group_norm\.", ".attn_1.norm."),
    (r"\.attn_1\.to_(q|k|v)\.", r".attn_1.\1."),
    (r"\.attn_1\.to_out\.0\.", ".attn_1.proj_out."),
    (r"\.conv_norm_out\.", ".norm_out."),
    (r"\.conv_shortcut\.", ".nin_shortcut."),
)


def unet_names(model: UNet2DConditionModel) -> dict[str, str]:
    """The UNet's tensors and their names in ldm, where blocks are counted through."""
    per_level = model.config["layers_per_block"] + 1
    attends = [kind.startswith("CrossAttn") for kind in model.config["up_block_types"]]

    def renamed(key: str) -> str:
        if down := re.match(r"down_blocks\.(\d+)\.(resnets|attentions|downsamplers)\.(\d+)\.(.*)", key):
            level, kind, i, rest = int(down[1]), down[2], int(down[3]), down[4]
            if kind == "downsamplers":
                return f"input_blocks.{(level + 1) * per_level}.0.op.{rest.removeprefix('conv.')}"
            return f"input_blocks.{1 + level * per_level + i}.{int(kind == 'attentions')}.{rest}"
        if up := re.match(r"up_blocks\.(\d+)\.(resnets|attentions|upsamplers)\.(\d+)\.(.*)", key):
            level, kind, i, rest = int(up[1]), up[2], int(up[3]), up[4]
            if kind == "upsamplers":
                return f"output_blocks.{level * per_level + per_level - 1}.{1 + attends[level]}.{rest}"
            return f"output_blocks.{level * per_level + i}.{int(kind == 'attentions')}.{rest}"
        return _replaced(key, OUTSIDE_UNET)

    def inner(key: str) -> str:
        return key if "transformer_blocks" in key else _replaced(key, INSIDE_UNET)

    return {key: inner(renamed(key)) for key in model.state_dict()}


def unet_keys(model: UNet2DConditionModel) -> Tensors:
    """The UNet's tensors under ldm's names."""
    tensors = model.state_dict()
    return {UNET + theirs: tensors[ours] for ours, theirs in unet_names(model).items()}


def vae_keys(model: AutoencoderKL) -> Tensors:
    """The autoencoder's tensors under ldm's names; its attention is made of 1 x 1 convolutions there."""
    last = len(model.config["block_out_channels"]) - 1
    made: Tensors = {}
    for key, tensor in model.state_dict().items():
        if up := re.match(r"decoder\.up_blocks\.(\d+)\.(.*)", key):
            rest = up[2].replace("resnets.", "block.").replace("upsamplers.0.", "upsample.")
            name = f"decoder.up.{last - int(up[1])}.{rest}".replace(".conv_shortcut.", ".nin_shortcut.")
        else:
            name = _replaced(key, INSIDE_VAE)
        square = ".attn_1." in name and name.endswith("weight") and ".norm." not in name
        made[VAE + name] = tensor[:, :, None, None] if square else tensor
    return made


def normalised(model: AutoencoderKL, shift: npt.NDArray[np.float32], scale: npt.NDArray[np.float32]) -> AutoencoderKL:
    """Fold each latent channel's mean and spread into the outermost 1 x 1 convolutions, so that SD's 0.18215 fits."""
    move, size = torch.from_numpy(shift), torch.from_numpy(scale) * vae.SD_SCALE
    with torch.no_grad():
        outer, inner = model.quant_conv, model.post_quant_conv
        inner.bias += inner.weight[:, :, 0, 0] @ move
        inner.weight *= size[None, :, None, None]
        outer.weight[:4] /= size[:, None, None, None]
        outer.bias[:4] = (outer.bias[:4] - move) / size
        outer.bias[4:] -= 2 * size.log()
    return model


def text_keys(model: CLIPTextModel) -> Tensors:
    """The text tower's tensors as FrozenCLIPEmbedder names them."""
    return {TEXT + key.removeprefix("text_model."): tensor for key, tensor in model.state_dict().items()}


def write(work: Path, folder: Path, name: str = NAME) -> Path:
    """Write NAME.safetensors, NAME.yaml and the text encoder's folder from the check-points in `work`."""
    shift, scale = np.load(work / "spread.npy")
    decoder = work / "vae-decoder.pt"
    coder = vae.load(decoder if decoder.is_file() else work / "vae.pt")
    parts = (unet.load(work / "unet.pt"), coder, text.load(work / "unet.pt"))
    return write_parts((parts[0], normalised(parts[1], shift, scale), parts[2]), folder, name)


def write_parts(
    parts: tuple[UNet2DConditionModel, AutoencoderKL, CLIPTextModel], folder: Path, name: str = NAME
) -> Path:
    """Write the three parts, the autoencoder already normalised."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = unet_keys(parts[0]) | vae_keys(parts[1]) | text_keys(parts[2])
    file = folder / f"{name}.safetensors"
    save_file({k: v.detach().cpu().half().contiguous() for k, v in tensors.items()}, file, metadata={"format": "pt"})
    file.chmod(0o644)  # whatever the writer thought best: a model is no secret
    encoder = folder / f"{name}-text-encoder"
    encoder.mkdir(exist_ok=True)
    config = {"architectures": ["CLIPTextModel"], "model_type": "clip_text_model", **text.CONFIG}
    (encoder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(sidecar(encoder.name), sort_keys=False))
    return file


def unet_description() -> dict[str, object]:
    """Shapes of the UNet in ldm's words."""
    return {
        "image_size": 16,
        "in_channels": 4,
        "out_channels": 4,
        "model_channels": unet.WIDTHS[0],
        "attention_resolutions": [2**level for level, attends in enumerate(unet.ATTENDS) if attends],
        "num_res_blocks": 1,
        "channel_mult": [w // unet.WIDTHS[0] for w in unet.WIDTHS],
        "num_heads": unet.HEADS,
        "use_spatial_transformer": True,
        "transformer_depth": 1,
        "context_dim": text.WIDTH,
        "use_checkpoint": False,
        "legacy": False,
    }


def vae_description() -> dict[str, object]:
    """Shapes of the autoencoder in ldm's words."""
    return {
        "double_z": True,
        "z_channels": 4,
        "resolution": 128,
        "in_channels": 3,
        "out_ch": 3,
        "ch": vae.CHANNELS,
        "ch_mult": list(vae.MULTIPLES),
        "num_res_blocks": 1,
        "attn_resolutions": [],
        "dropout": 0.0,
    }


def sidecar(encoder: str) -> dict[str, object]:
    """The model description that ldm programs read: shapes of the three parts and the noise schedule."""
    params = {
        "linear_start": 0.00085,
        "linear_end": 0.012,
        "num_timesteps_cond": 1,
        "log_every_t": 200,
        "timesteps": unet.TIMESTEPS,
        "first_stage_key": "jpg",
        "cond_stage_key": "txt",
        "image_size": 16,
        "channels": 4,
        "cond_stage_trainable": False,
        "conditioning_key": "crossattn",
        "monitor": "val/loss_simple_ema",
        "scale_factor": vae.SD_SCALE,
        "use_ema": False,
        "unet_config": {"target": "ldm.modules.diffusionmodules.openaimodel.UNetModel", "params": unet_description()},
        "first_stage_config": {
            "target": "ldm.models.autoencoder.AutoencoderKL",
            "params": {
                "embed_dim": 4,
                "monitor": "val/rec_loss",
                "ddconfig": vae_description(),
                "lossconfig": {"target": "torch.nn.Identity"},
            },
        },
        "cond_stage_config": {
            "target": "ldm.modules.encoders.modules.FrozenCLIPEmbedder",
            "params": {"version": encoder},
        },
    }
    return {
        "model": {"base_learning_rate": 1e-4, "target": "ldm.models.diffusion.ddpm.LatentDiffusion", "params": params}
    }


def _replaced(key: str, table: tuple[tuple[str, str], ...]) -> str:
    for pattern, new in table:
        key = re.sub(pattern, new, key)
    return key
