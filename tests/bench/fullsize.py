"""Checkpoint files of full size with arbitrary numbers: made, read and checked value by value, drawn with, deleted.

    python -m tests.bench.fullsize sd15 sd2-v sdxl refiner inpaint --folder /tmp/full

Each file takes 2 to 7 GB of disk and of memory; the map from the file's names to the modules' is this file's own.
"""

import argparse
import json
import math
import sys
import time
import zlib
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from modules.sampling.prediction import Condition
from modules.weights.devices import Place
from modules.weights.library import Checkpoint
from modules.weights.loader import load

UNET, VAE = "model.diffusion_model.", "first_stage_model."
NUMBERS = np.random.default_rng(0).standard_normal(1 << 20).astype(np.float32)


class Layout(list):
    """Rows of: name in the file, part, name in the part, shape, rows of the file's tensor."""

    def add(self, theirs, part, ours, *shape, rows=None):
        self.append((theirs, part, ours, shape, rows))

    def layer(self, theirs, part, ours, *shape, bias=True):
        self.add(f"{theirs}.weight", part, f"{ours}.weight", *shape)
        if bias:
            self.add(f"{theirs}.bias", part, f"{ours}.bias", shape[0])


def transformer(rows, theirs, ours, width, context, depth, linear):
    into = (width, width) if linear else (width, width, 1, 1)
    rows.layer(f"{theirs}.norm", "unet", f"{ours}.norm", width)
    for one in ("proj_in", "proj_out"):
        rows.layer(f"{theirs}.{one}", "unet", f"{ours}.{one}", *into)
    for number in range(depth):
        block = f"transformer_blocks.{number}"
        for norm in ("norm1", "norm2", "norm3"):
            rows.layer(f"{theirs}.{block}.{norm}", "unet", f"{ours}.{block}.{norm}", width)
        for attn, seen in (("attn1", width), ("attn2", context)):
            for one, size in (("to_q", width), ("to_k", seen), ("to_v", seen)):
                name = f"{block}.{attn}.{one}"
                rows.layer(f"{theirs}.{name}", "unet", f"{ours}.{name}", width, size, bias=False)
            rows.layer(f"{theirs}.{block}.{attn}.to_out.0", "unet", f"{ours}.{block}.{attn}.to_out.0", width, width)
        rows.layer(f"{theirs}.{block}.ff.net.0.proj", "unet", f"{ours}.{block}.ff.net.0.proj", 8 * width, width)
        rows.layer(f"{theirs}.{block}.ff.net.2", "unet", f"{ours}.{block}.ff.net.2", width, 4 * width)


def resnet(rows, theirs, ours, into, out, emb):
    rows.layer(f"{theirs}.in_layers.0", "unet", f"{ours}.norm1", into)
    rows.layer(f"{theirs}.in_layers.2", "unet", f"{ours}.conv1", out, into, 3, 3)
    rows.layer(f"{theirs}.emb_layers.1", "unet", f"{ours}.time_emb_proj", out, emb)
    rows.layer(f"{theirs}.out_layers.0", "unet", f"{ours}.norm2", out)
    rows.layer(f"{theirs}.out_layers.3", "unet", f"{ours}.conv2", out, out, 3, 3)
    if into != out:
        rows.layer(f"{theirs}.skip_connection", "unet", f"{ours}.conv_shortcut", out, into, 1, 1)


class Sizes(NamedTuple):
    """Of a UNet: channels and transformer layers of each level, and what shapes its attention."""

    levels: tuple
    depths: tuple
    middle: int
    context: int
    linear: bool
    vector: int = 0
    seen: int = 4


def unet(rows, sizes):
    levels, depths, middle, context, linear, vector, seen = sizes
    emb, first = 4 * levels[0], UNET + "input_blocks"
    rows.layer(UNET + "time_embed.0", "unet", "time_embedding.linear_1", emb, levels[0])
    rows.layer(UNET + "time_embed.2", "unet", "time_embedding.linear_2", emb, emb)
    if vector:
        rows.layer(UNET + "label_emb.0.0", "unet", "class_embedding.linear_1", emb, vector)
        rows.layer(UNET + "label_emb.0.2", "unet", "class_embedding.linear_2", emb, emb)
    rows.layer(f"{first}.0.0", "unet", "conv_in", levels[0], seen, 3, 3)
    skips, width, place = [levels[0]], levels[0], 1
    for level, (out, depth) in enumerate(zip(levels, depths, strict=True)):
        for number in range(2):
            ours = f"down_blocks.{level}"
            resnet(rows, f"{first}.{place}.0", f"{ours}.resnets.{number}", width, out, emb)
            if depth:
                transformer(rows, f"{first}.{place}.1", f"{ours}.attentions.{number}", out, context, depth, linear)
            width, place = out, place + 1
            skips.append(width)
        if level < len(levels) - 1:
            rows.layer(f"{first}.{place}.0.op", "unet", f"down_blocks.{level}.downsamplers.0.conv", out, out, 3, 3)
            place += 1
            skips.append(width)
    for number, inner in enumerate((0, 2)):
        resnet(rows, f"{UNET}middle_block.{inner}", f"mid_block.resnets.{number}", width, width, emb)
    transformer(rows, UNET + "middle_block.1", "mid_block.attentions.0", width, context, middle, linear)
    upwards(rows, levels, depths, skips, context, linear)
    rows.layer(UNET + "out.0", "unet", "conv_norm_out", levels[0])
    rows.layer(UNET + "out.2", "unet", "conv_out", 4, levels[0], 3, 3)


def upwards(rows, levels, depths, skips, context, linear):
    place, width = 0, levels[-1]
    for up, level in enumerate(reversed(range(len(levels)))):
        out = levels[level]
        for number in range(3):
            theirs, ours = f"{UNET}output_blocks.{place}", f"up_blocks.{up}"
            resnet(rows, f"{theirs}.0", f"{ours}.resnets.{number}", width + skips.pop(), out, 4 * levels[0])
            if depths[level]:
                transformer(rows, f"{theirs}.1", f"{ours}.attentions.{number}", out, context, depths[level], linear)
            if number == 2 and level:
                inner = 2 if depths[level] else 1
                rows.layer(f"{theirs}.{inner}.conv", "unet", f"{ours}.upsamplers.0.conv", out, out, 3, 3)
            width, place = out, place + 1


def vae_block(rows, theirs, ours, into, out):
    for number, size in ((1, into), (2, out)):
        rows.layer(f"{VAE}{theirs}.norm{number}", "vae", f"{ours}.norm{number}", size)
        rows.layer(f"{VAE}{theirs}.conv{number}", "vae", f"{ours}.conv{number}", out, size, 3, 3)
    if into != out:
        rows.layer(f"{VAE}{theirs}.nin_shortcut", "vae", f"{ours}.conv_shortcut", out, into, 1, 1)


def vae(rows, levels=(128, 256, 512, 512)):
    last = len(levels) - 1
    rows.layer(VAE + "encoder.conv_in", "vae", "encoder.conv_in", levels[0], 3, 3, 3)
    rows.layer(VAE + "decoder.conv_in", "vae", "decoder.conv_in", levels[-1], 4, 3, 3)
    for level, (into, out) in enumerate(pairwise((levels[0], *levels))):
        for number in range(2):
            theirs, ours = f"encoder.down.{level}.block.{number}", f"encoder.down_blocks.{level}.resnets.{number}"
            vae_block(rows, theirs, ours, into if number == 0 else out, out)
        if level < last:
            ours = f"encoder.down_blocks.{level}.downsamplers.0.conv"
            rows.layer(f"{VAE}encoder.down.{level}.downsample.conv", "vae", ours, out, out, 3, 3)
    for up, (into, out) in enumerate(pairwise((levels[-1], *reversed(levels)))):
        level = last - up
        for number in range(3):
            theirs, ours = f"decoder.up.{level}.block.{number}", f"decoder.up_blocks.{up}.resnets.{number}"
            vae_block(rows, theirs, ours, into if number == 0 else out, out)
        if level:
            ours = f"decoder.up_blocks.{up}.upsamplers.0.conv"
            rows.layer(f"{VAE}decoder.up.{level}.upsample.conv", "vae", ours, out, out, 3, 3)
    for side, end, out in (("encoder", levels[-1], 8), ("decoder", levels[0], 3)):
        width = levels[-1]
        for number in (1, 2):
            vae_block(rows, f"{side}.mid.block_{number}", f"{side}.mid_block.resnets.{number - 1}", width, width)
        rows.layer(f"{VAE}{side}.mid.attn_1.norm", "vae", f"{side}.mid_block.attentions.0.group_norm", width)
        for theirs, ours in (("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("proj_out", "to_out.0")):
            rows.layer(
                f"{VAE}{side}.mid.attn_1.{theirs}", "vae", f"{side}.mid_block.attentions.0.{ours}", width, width, 1, 1
            )
        rows.layer(f"{VAE}{side}.norm_out", "vae", f"{side}.conv_norm_out", end)
        rows.layer(f"{VAE}{side}.conv_out", "vae", f"{side}.conv_out", out, end, 3, 3)
    rows.layer(VAE + "quant_conv", "vae", "quant_conv", 8, 8, 1, 1)
    rows.layer(VAE + "post_quant_conv", "vae", "post_quant_conv", 4, 4, 1, 1)


def clip(rows, prefix, part, width=768, layers=12):
    rows.add(f"{prefix}embeddings.token_embedding.weight", part, "embeddings.token_embedding.weight", 49408, width)
    rows.add(f"{prefix}embeddings.position_embedding.weight", part, "embeddings.position_embedding.weight", 77, width)
    rows.layer(prefix + "final_layer_norm", part, "final_layer_norm", width)
    for number in range(layers):
        block = f"encoder.layers.{number}"
        for one in ("q_proj", "k_proj", "v_proj", "out_proj"):
            rows.layer(f"{prefix}{block}.self_attn.{one}", part, f"{block}.self_attn.{one}", width, width)
        for one, shape in (("mlp.fc1", (4 * width, width)), ("mlp.fc2", (width, 4 * width))):
            rows.layer(f"{prefix}{block}.{one}", part, f"{block}.{one}", *shape)
        for norm in ("layer_norm1", "layer_norm2"):
            rows.layer(f"{prefix}{block}.{norm}", part, f"{block}.{norm}", width)


def open_clip(rows, prefix, part, width, layers):
    rows.add(prefix + "token_embedding.weight", part, "embeddings.token_embedding.weight", 49408, width)
    rows.add(prefix + "positional_embedding", part, "embeddings.position_embedding.weight", 77, width)
    rows.layer(prefix + "ln_final", part, "final_layer_norm", width)
    rows.add(prefix + "text_projection", part, None, width, width)
    for number in range(layers):
        theirs, ours = f"{prefix}transformer.resblocks.{number}", f"encoder.layers.{number}"
        for kind, shape in (("weight", (3 * width, width)), ("bias", (3 * width,))):
            for third, one in enumerate(("q_proj", "k_proj", "v_proj")):
                own = f"{ours}.self_attn.{one}.{kind}"
                cut = slice(third * width, (third + 1) * width)
                rows.add(f"{theirs}.attn.in_proj_{kind}", part, own, *shape, rows=cut)
        rows.layer(f"{theirs}.attn.out_proj", part, f"{ours}.self_attn.out_proj", width, width)
        rows.layer(f"{theirs}.mlp.c_fc", part, f"{ours}.mlp.fc1", 4 * width, width)
        rows.layer(f"{theirs}.mlp.c_proj", part, f"{ours}.mlp.fc2", width, 4 * width)
        for norm in (1, 2):
            rows.layer(f"{theirs}.ln_{norm}", part, f"{ours}.layer_norm{norm}", width)


def sd1(seen=4):
    rows = Layout()
    unet(rows, Sizes((320, 640, 1280, 1280), (1, 1, 1, 0), 1, 768, linear=False, seen=seen))
    vae(rows)
    clip(rows, "cond_stage_model.transformer.text_model.", "te1")
    return rows


def sd2():
    rows = Layout()
    unet(rows, Sizes((320, 640, 1280, 1280), (1, 1, 1, 0), 1, 1024, linear=True))
    vae(rows)
    open_clip(rows, "cond_stage_model.model.", "te1", 1024, 24)
    return rows


def sdxl():
    rows = Layout()
    unet(rows, Sizes((320, 640, 1280), (0, 2, 10), 10, 2048, linear=True, vector=2816))
    vae(rows)
    clip(rows, "conditioner.embedders.0.transformer.text_model.", "te1")
    open_clip(rows, "conditioner.embedders.1.model.", "te2", 1280, 32)
    return rows


def refiner():
    rows = Layout()
    unet(rows, Sizes((384, 768, 1536, 1536), (0, 4, 4, 0), 4, 1280, linear=True, vector=2560))
    vae(rows)
    open_clip(rows, "conditioner.embedders.0.model.", "te", 1280, 32)
    return rows


KINDS = {"sd15": sd1, "sd2-v": sd2, "sdxl": sdxl, "refiner": refiner, "inpaint": lambda: sd1(9)}


def numbers(name, shape):
    """fp16, drawn from one pool at a place that the name tells, so that they can be told again."""
    count, start = math.prod(shape), zlib.crc32(name.encode()) % len(NUMBERS)
    if len(shape) == 1:
        own = NUMBERS[start : start + count] if start + count <= len(NUMBERS) else NUMBERS[:count]
        return (("norm" in name or "ln_" in name or ".0.weight" in name) * 1.0 + own * 0.02).astype(np.float16)
    pool = (NUMBERS / np.float32(math.sqrt(math.prod(shape[1:])))).astype(np.float16)
    return np.resize(np.roll(pool, -start), count).reshape(shape)


def write(rows, path):
    """The file, tensor by tensor."""
    shapes = {name: shape for name, _, _, shape, _ in rows}
    header, place = {}, 0
    for name, shape in shapes.items():
        size = 2 * math.prod(shape)
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [place, place + size]}
        place += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, shape in shapes.items():
            file.write(numbers(name, shape).tobytes())


def check(rows, model):
    """How many tensors were compared; AssertionError names the first that differs or that nobody asked for."""
    parts = {"unet": model.unet, "vae": model.vae.model}
    parts |= {part: getattr(tower.model, "text_model", tower.model) for part, tower in model.towers.items()}
    wanted = {part: dict(module.named_parameters()) for part, module in parts.items()}
    compared = 0
    for name, part, ours, shape, cut in rows:
        values = torch.from_numpy(numbers(name, shape))
        if ours is None:
            own = model.towers[part]._projection  # SD 2 reads no pooled text
            assert own is None or torch.equal(own, values), name
            continue
        found = wanted[part].pop(ours) if ours in wanted[part] else None
        assert found is not None, f"{name}: {ours} is not there"
        expected = values if cut is None else values[cut]
        assert torch.equal(found, expected.reshape(found.shape).to(found.dtype)), name
        compared += 1
    assert not any(wanted.values()), {part: list(names) for part, names in wanted.items() if names}
    return compared


@torch.inference_mode()
def draw(model, steps=2):
    """A walk of few steps over a latent of 8x8; whether all came out as numbers."""
    wide = sum(tower.width for tower in model.towers.values() if tower.beside)
    vector = model.arch.unet.get("projection_class_embeddings_input_dim")
    told = Condition(torch.randn(1, 77, wide), None if vector is None else torch.randn(1, vector))
    if model.arch.given:
        told = Condition(told.context, told.vector, torch.randn(1, 5, 8, 8))
    predict = model.prediction()
    levels = model.levels.sigmas[[-1, 500]]
    x = torch.randn(1, 4, 8, 8) * float(levels[0])
    for sigma, after in zip(levels, (*levels[1:], torch.tensor(0.0)), strict=True):
        x = x + (x - predict(x, sigma, told)) / sigma * (after - sigma)
    return bool(torch.isfinite(model.vae.decode(x)).all())


def main():
    """Every kind that was named, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="+", choices=KINDS)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    place = Place(torch.device("cpu"), torch.float16, torch.float32)  # 16-bit convolutions are slow there
    for kind in given.kinds:
        path = given.folder / f"{kind}.safetensors"
        try:
            rows = KINDS[kind]()
            write(rows, path)
            started = time.monotonic()
            model = load(Checkpoint(path, path.name), place)
            loaded = time.monotonic() - started
            compared, drew = check(rows, model), draw(model)
            sys.stdout.write(
                f"{kind}: {path.stat().st_size / 1e9:.2f} GB, {compared} tensors alike, loaded in {loaded:.1f} s,"
                f" predicts {model.predicts}, two steps {'drawn' if drew else 'NOT drawn'}\n"
            )
            sys.stdout.flush()
            del model
        finally:
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
