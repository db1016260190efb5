"""Small SD3 and Flux checkpoints of drawn weights, under the names that released files have."""

import json

import torch
from safetensors.torch import save_file

from modules.sampling.prediction import Condition
from modules.weights.t5 import unigram

UNET, VAE = "model.diffusion_model.", "first_stage_model."
LARGE, GIANT, T5 = (f"text_encoders.{one}.transformer." for one in ("clip_l", "clip_g", "t5xxl"))
WIDTH, CONTEXT, L, G, LATENT = 128, 160, 48, 80, 16  # L and G are 3 and 5 parts of 8, as in the real ones


def drawn(shapes, seed=0):
    """Tensors small enough that nothing grows on its way."""
    rng = torch.Generator().manual_seed(seed)
    made = {}
    for key, shape in shapes.items():
        values = torch.randn(shape, generator=rng)
        norm = "norm" in key.lower() or key.endswith(("ln_q.weight", "ln_k.weight", "scale")) or ".ln" in key
        if key.endswith("bias"):
            made[key] = values * 0.02
        elif len(shape) == 1 and norm:
            made[key] = 1 + values * 0.02
        else:
            made[key] = values / max(1, torch.tensor(shape[1:]).prod().item()) ** 0.5
    return made


def linear(name, out, into, bias=True):
    return {f"{name}.weight": (out, into)} | ({f"{name}.bias": (out,)} if bias else {})


def clip(width, layers=2, projection=True):
    made = {
        "text_model.embeddings.token_embedding.weight": (49408, width),
        "text_model.embeddings.position_embedding.weight": (77, width),
        **linear("text_model.final_layer_norm", width, 1),
        "text_model.final_layer_norm.weight": (width,),
    }
    for layer in range(layers):
        block = f"text_model.encoder.layers.{layer}."
        for one in ("q_proj", "k_proj", "v_proj", "out_proj"):
            made |= linear(f"{block}self_attn.{one}", width, width)
        made |= linear(block + "mlp.fc1", 2 * width, width) | linear(block + "mlp.fc2", width, 2 * width)
        for norm in ("layer_norm1", "layer_norm2"):
            made |= {f"{block}{norm}.weight": (width,), f"{block}{norm}.bias": (width,)}
    return made | ({"text_projection.weight": (width, width)} if projection else {})


def t5(width=CONTEXT, heads=2, head=16, layers=2, tokens=64):
    made = {"shared.weight": (tokens, width), "encoder.final_layer_norm.weight": (width,)}
    made["encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"] = (32, heads)
    for layer in range(layers):
        block = f"encoder.block.{layer}.layer."
        made |= {f"{block}0.layer_norm.weight": (width,), f"{block}1.layer_norm.weight": (width,)}
        for one in "qkv":
            made |= linear(f"{block}0.SelfAttention.{one}", heads * head, width, bias=False)
        made |= linear(f"{block}0.SelfAttention.o", width, heads * head, bias=False)
        for one in ("wi_0", "wi_1"):
            made |= linear(f"{block}1.DenseReluDense.{one}", 2 * width, width, bias=False)
        made |= linear(f"{block}1.DenseReluDense.wo", width, 2 * width, bias=False)
    return made


def conv(name, out, into, side=3):
    return {f"{name}.weight": (out, into, side, side), f"{name}.bias": (out,)}


def norm(name, width):
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def resnet(name, into, out):
    made = norm(f"{name}.norm1", into) | conv(f"{name}.conv1", out, into)
    made |= norm(f"{name}.norm2", out) | conv(f"{name}.conv2", out, out)
    return made | (conv(f"{name}.nin_shortcut", out, into, 1) if into != out else {})


def vae(levels=(32, 32, 32, 32), latent=LATENT):
    """ldm's autoencoder without quant_conv, one block a level."""
    made = conv("encoder.conv_in", levels[0], 3) | conv("decoder.conv_in", levels[-1], latent)
    into = levels[0]
    for number, out in enumerate(levels):
        made |= resnet(f"encoder.down.{number}.block.0", into, out)
        into = out
        if number < len(levels) - 1:
            made |= conv(f"encoder.down.{number}.downsample.conv", out, out)
    into = levels[-1]
    for number, out in reversed(list(enumerate(levels))):
        for block in range(2):
            made |= resnet(f"decoder.up.{number}.block.{block}", into, out)
            into = out
        if number:
            made |= conv(f"decoder.up.{number}.upsample.conv", out, out)
    for side, width in (("encoder", levels[-1]), ("decoder", levels[-1])):
        for block in (1, 2):
            made |= resnet(f"{side}.mid.block_{block}", width, width)
        made |= norm(f"{side}.mid.attn_1.norm", width)
        for one in ("q", "k", "v", "proj_out"):
            made |= conv(f"{side}.mid.attn_1.{one}", width, width, 1)
    made |= norm("encoder.norm_out", levels[-1]) | conv("encoder.conv_out", 2 * latent, levels[-1])
    return made | norm("decoder.norm_out", levels[0]) | conv("decoder.conv_out", 3, levels[0])


def sd3(blocks=2, dual=(), normed=False):
    made = {"pos_embed": (1, 16 * 16, WIDTH), **conv("x_embedder.proj", WIDTH, LATENT, 2)}
    made |= linear("t_embedder.mlp.0", WIDTH, 256) | linear("t_embedder.mlp.2", WIDTH, WIDTH)
    made |= linear("y_embedder.mlp.0", WIDTH, L + G) | linear("y_embedder.mlp.2", WIDTH, WIDTH)
    made |= linear("context_embedder", WIDTH, CONTEXT)
    for number in range(blocks):
        last = number == blocks - 1
        for side in ("x_block", "context_block"):
            block = f"joint_blocks.{number}.{side}."
            short = last and side == "context_block"
            twice = number in dual and side == "x_block"
            made |= linear(block + "attn.qkv", 3 * WIDTH, WIDTH)
            made |= linear(block + "adaLN_modulation.1", (2 if short else 9 if twice else 6) * WIDTH, WIDTH)
            if normed:
                made |= {f"{block}attn.ln_{one}.weight": (64,) for one in "qk"}
            if not short:
                made |= linear(block + "attn.proj", WIDTH, WIDTH)
                made |= linear(block + "mlp.fc1", 4 * WIDTH, WIDTH) | linear(block + "mlp.fc2", WIDTH, 4 * WIDTH)
            if twice:
                made |= linear(block + "attn2.qkv", 3 * WIDTH, WIDTH) | linear(block + "attn2.proj", WIDTH, WIDTH)
                made |= {f"{block}attn2.ln_{one}.weight": (64,) for one in "qk"} if normed else {}
    made |= linear("final_layer.linear", 4 * LATENT, WIDTH)
    return made | linear("final_layer.adaLN_modulation.1", 2 * WIDTH, WIDTH)


def flux(guidance=True, channels=4 * LATENT, double=2, single=2, head=32):
    made = linear("img_in", WIDTH, channels) | linear("txt_in", WIDTH, CONTEXT)
    for name, into in (("time_in", 256), ("vector_in", L), *([("guidance_in", 256)] if guidance else [])):
        made |= linear(f"{name}.in_layer", WIDTH, into) | linear(f"{name}.out_layer", WIDTH, WIDTH)
    for number in range(double):
        for side in ("img", "txt"):
            block = f"double_blocks.{number}.{side}_"
            made |= linear(block + "mod.lin", 6 * WIDTH, WIDTH) | linear(block + "attn.qkv", 3 * WIDTH, WIDTH)
            made |= {f"{block}attn.norm.{one}_norm.scale": (head,) for one in ("query", "key")}
            made |= linear(block + "attn.proj", WIDTH, WIDTH)
            made |= linear(block + "mlp.0", 4 * WIDTH, WIDTH) | linear(block + "mlp.2", WIDTH, 4 * WIDTH)
    for number in range(single):
        block = f"single_blocks.{number}."
        made |= linear(block + "modulation.lin", 3 * WIDTH, WIDTH)
        made |= linear(block + "linear1", 7 * WIDTH, WIDTH) | linear(block + "linear2", WIDTH, 5 * WIDTH)
        made |= {f"{block}norm.{one}_norm.scale": (head,) for one in ("query", "key")}
    made |= linear("final_layer.linear", 4 * LATENT, WIDTH)
    return made | linear("final_layer.adaLN_modulation.1", 2 * WIDTH, WIDTH)


def under(prefix, shapes):
    return {prefix + key: shape for key, shape in shapes.items()}


def sd3_shapes(**how):
    """Of a whole file without T5."""
    towers = under(LARGE, clip(L, projection=False)) | under(GIANT, clip(G))
    return under(UNET, sd3(**how)) | under(VAE, vae()) | towers


def flux_shapes(**how):
    """Of a whole file."""
    towers = under(LARGE, clip(L, projection=False)) | under(T5, t5())
    return under(UNET, flux(**how)) | under(VAE, vae()) | towers


def write(path, shapes, seed=0, dtype=torch.float32):
    """The file, and its tensors."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {key: tensor.to(dtype).contiguous() for key, tensor in drawn(shapes, seed).items()}
    save_file(tensors, path)
    return tensors


def condition(length, vector, guidance=None):
    """What a network is told, drawn."""
    rng = torch.Generator().manual_seed(1)
    context = torch.randn(1, length, CONTEXT, generator=rng)
    told = None if guidance is None else torch.tensor([guidance])
    return Condition(context, torch.randn(1, vector, generator=rng), guidance=told)


def write_vocabulary(folder):
    """A vocabulary of T5's kind: single letters and a few words."""
    words = ["\u2581a", "\u2581red", "\u2581castle", "\u2581", "\u2581on", "\u2581hill"]
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -9.0), *[(one, -2.0) for one in words]]
    pieces += [(chr(97 + i), -5.0) for i in range(26)]
    folder.mkdir(parents=True, exist_ok=True)
    unigram(pieces).save(str(folder / "tokenizer.json"))
    return json.loads((folder / "tokenizer.json").read_text())
