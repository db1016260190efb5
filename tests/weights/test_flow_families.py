"""SD3 and Flux: what their files are taken for, how they are read, whole or completed from other folders."""

import pytest
import torch
from diffusers import FluxTransformer2DModel, SD3Transformer2DModel
from diffusers.loaders.single_file_utils import convert_sd3_transformer_checkpoint_to_diffusers
from safetensors.torch import save_file

from modules.exceptions import MissingNetwork, UnknownArchitecture
from modules.sampling.prediction import Condition, Flow, FlowLevels
from modules.sampling.schedules import sigmas
from modules.sampling.tables import SCHEDULES
from modules.weights.arch import detect
from modules.weights.companions import Companions
from modules.weights.devices import place
from modules.weights.library import Checkpoint
from modules.weights.loader import load
from modules.weights.networks.overlay import Applied
from modules.weights.networks.reading import arranged
from tests import flowing
from tests.flowing import T5, UNET, VAE

CPU = place(use_cpu=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("flow")
    flowing.write_vocabulary(made / "text_encoder")
    return made


def checkpoint_of(folder, name, shapes):
    path = folder / f"{name}.safetensors"
    return Checkpoint(path, path.name), flowing.write(path, shapes)


DOUBLE = {
    "norm1.linear": "img_mod.lin", "norm1_context.linear": "txt_mod.lin", "attn.to_out.0": "img_attn.proj",
    "attn.to_add_out": "txt_attn.proj", "ff.net.0.proj": "img_mlp.0", "ff.net.2": "img_mlp.2",
    "ff_context.net.0.proj": "txt_mlp.0", "ff_context.net.2": "txt_mlp.2",
    "attn.norm_q": "img_attn.norm.query_norm", "attn.norm_k": "img_attn.norm.key_norm",
    "attn.norm_added_q": "txt_attn.norm.query_norm", "attn.norm_added_k": "txt_attn.norm.key_norm",
    "attn.to_q": "img_attn.qkv", "attn.to_k": "img_attn.qkv", "attn.to_v": "img_attn.qkv",
    "attn.add_q_proj": "txt_attn.qkv", "attn.add_k_proj": "txt_attn.qkv", "attn.add_v_proj": "txt_attn.qkv",
}  # fmt: skip
SINGLE = {
    "norm.linear": "modulation.lin", "proj_out": "linear2", "attn.norm_q": "norm.query_norm",
    "attn.norm_k": "norm.key_norm", "attn.to_q": "linear1", "attn.to_k": "linear1", "attn.to_v": "linear1",
    "proj_mlp": "linear1",
}  # fmt: skip
TOPS = {
    "x_embedder": "img_in", "context_embedder": "txt_in", "proj_out": "final_layer.linear",
    "norm_out.linear": "final_layer.adaLN_modulation.1",
    **{f"time_text_embed.{ours}_embedder.linear_{number}": f"{theirs}_in.{side}_layer"
       for ours, theirs in (("timestep", "time"), ("text", "vector"), ("guidance", "guidance"))
       for number, side in ((1, "in"), (2, "out"))},
}  # fmt: skip
ROWS = {"q": slice(0, 128), "k": slice(128, 256), "v": slice(256, 384), "proj_mlp": slice(384, None)}


def flux_tensor(key, own):
    """What belongs to a name of diffusers', by a map written down for this test alone."""
    module, _, kind = key.rpartition(".")
    block, number, rest = (*module.split(".", 2), "", "")[:3]
    table = {"transformer_blocks": DOUBLE, "single_transformer_blocks": SINGLE}.get(block)
    if table is None:
        found = own[f"{TOPS[module]}.{kind}"]
        return torch.cat(found.chunk(2)[::-1]) if module == "norm_out.linear" else found
    start = f"{'double' if table is DOUBLE else 'single'}_blocks.{number}.{table[rest]}."
    if start.endswith("norm."):
        return own[start + "scale"]
    part = rest.removeprefix("attn.to_").removeprefix("attn.add_").removesuffix("_proj")
    whole = own[start + kind]
    return whole[ROWS[part if part in ROWS else rest]] if start.endswith(("qkv.", "linear1.")) else whole


def flux_by_hand(tensors, x, t, told):
    """diffusers' model, called as its pipeline does it."""
    own = {key.removeprefix(UNET): tensor for key, tensor in tensors.items() if key.startswith(UNET)}
    made = FluxTransformer2DModel(
        num_layers=2, num_single_layers=2, attention_head_dim=32, num_attention_heads=4, joint_attention_dim=160,
        pooled_projection_dim=48, guidance_embeds="guidance_in.in_layer.weight" in own, axes_dims_rope=(4, 14, 14),
        in_channels=own["img_in.weight"].shape[1], out_channels=64,
    )  # fmt: skip
    made.load_state_dict({key: flux_tensor(key, own) for key in made.state_dict()})
    b, c, h, w = x.shape
    packed = x.view(b, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 1, 3, 5).reshape(b, h * w // 4, c * 4)
    ids = torch.zeros(h // 2, w // 2, 3)
    ids[..., 1], ids[..., 2] = torch.arange(h // 2)[:, None], torch.arange(w // 2)[None]
    answer = made(
        packed, told.context, told.vector, t, ids.reshape(-1, 3), torch.zeros(told.context.shape[1], 3), told.guidance
    ).sample
    return answer.view(b, h // 2, w // 2, 16, 2, 2).permute(0, 3, 1, 4, 2, 5).reshape(b, 16, h, w)


@pytest.mark.parametrize(("how", "shift"), [({}, 3.158), ({"guidance": False}, 1.0)])
def test_a_flux_file_is_read_value_by_value(how, shift, folder):
    checkpoint, tensors = checkpoint_of(folder, f"flux{len(how)}", flowing.flux_shapes(**how))
    model = load(checkpoint, CPU, Companions((folder / "text_encoder",)))
    assert (model.arch.family, model.predicts, model.arch.latent_channels) == ("Flux", "flow", 16)
    assert model.arch.guided is not bool(how) and model.levels.shift == pytest.approx(shift, abs=1e-3)
    x, t, told = torch.randn(1, 16, 4, 6), torch.tensor([0.7]), flowing.condition(9, flowing.L, None if how else 3.5)
    with torch.inference_mode():
        assert torch.allclose(model.denoise(x, t, told), flux_by_hand(tensors, x, t, told), atol=1e-4)
        odd = model.denoise(torch.randn(2, 16, 5, 7), t.expand(2), Condition.joined([told, told]))
    assert odd.shape == (2, 16, 5, 7) and torch.isfinite(odd).all()
    assert torch.equal(model.t5.model.shared.weight, tensors[T5 + "shared.weight"])
    assert torch.equal(model.vae.model.decoder.conv_in.weight, tensors[VAE + "decoder.conv_in.weight"])


@pytest.mark.parametrize("how", [{}, {"dual": (0,), "normed": True}])
def test_an_sd3_file_is_read_as_diffusers_reads_it(how, folder):
    checkpoint, tensors = checkpoint_of(folder, f"sd3{len(how)}", flowing.sd3_shapes(**how))
    model = load(checkpoint, CPU, Companions((folder / "text_encoder",)))
    assert (model.arch.family, model.predicts, model.levels.shift, model.t5) == ("SD3", "flow", 3.0, None)
    theirs = SD3Transformer2DModel(**model.arch.unet)
    own = {key: tensor for key, tensor in tensors.items() if key.startswith(UNET)}
    theirs.load_state_dict(convert_sd3_transformer_checkpoint_to_diffusers(own))
    x, told = torch.randn(1, 16, 8, 6), flowing.condition(9, flowing.L + flowing.G)
    with torch.inference_mode():
        expected = theirs(x, told.context, told.vector, torch.tensor([700.0])).sample
        assert torch.allclose(model.denoise(x, torch.tensor([0.7]), told), expected, atol=1e-4)
    giant = model.towers["te2"]
    assert giant.model.config.hidden_act == "gelu" and giant.tower.pad == 0
    pooled = giant.pooled([(49406, 320, *[49407] * 75)])
    assert pooled.shape == (1, flowing.G)
    assert model.towers["te1"].pooled([(49406, 320, *[49407] * 75)]).shape == (1, flowing.L)


def test_a_transformer_alone_goes_with_files_of_other_folders(folder, tmp_path):
    encoders, vaes = tmp_path / "text_encoder", tmp_path / "VAE"
    checkpoint, tensors = checkpoint_of(tmp_path, "alone", flowing.flux())
    companions = Companions((encoders,), (vaes,))
    for name, shapes, where in (
        ("clip_l", flowing.clip(flowing.L), "text_encoder"),
        ("t5xxl", flowing.t5(), "text_encoder"),
        ("ae", flowing.vae(), "VAE"),
    ):
        with pytest.raises(MissingNetwork, match=rf"alone.safetensors has no .* in it; put .* into .*{where}\."):
            load(checkpoint, CPU, companions)
        flowing.write(tmp_path / where / f"{name}.safetensors", shapes)
    with pytest.raises(MissingNetwork, match=r"tokenizer\.json or spiece\.model .* into .*text_encoder"):
        load(checkpoint, CPU, companions)
    flowing.write_vocabulary(encoders)
    flowing.write(vaes / "a-sd3-vae.safetensors", flowing.vae(), seed=5)
    flowing.write(encoders / "a-clip_g.safetensors", flowing.clip(flowing.G))
    model = load(checkpoint, CPU, companions)
    assert torch.equal(model.unet.x_embedder.weight, tensors["img_in.weight"])
    assert model.towers["te1"].width == flowing.L
    own = flowing.drawn(flowing.vae())
    assert torch.equal(model.vae.model.decoder.conv_in.weight, own["decoder.conv_in.weight"])


@pytest.mark.parametrize(
    ("mark", "what"),
    [("double_stream_modulation_img.lin", "a Flux.2 model"), ("distilled_guidance_layer.in_proj", "a Chroma model")],
)
def test_a_relative_is_named(mark, what, tmp_path):
    path = tmp_path / "other.safetensors"
    shapes = flowing.flux_shapes() | {f"{UNET}{mark}.weight": (4, 4)}
    with pytest.raises(UnknownArchitecture, match=f"other.safetensors is {what}, which is not supported yet"):
        detect(Checkpoint(path, path.name), shapes)


def test_a_fill_model_is_known(tmp_path):
    path = tmp_path / "fill.safetensors"
    assert detect(Checkpoint(path, path.name), flowing.flux_shapes(channels=384)).given == "fill"


def test_a_text_encoder_whose_numbers_have_a_scale_is_multiplied_by_it(folder, tmp_path):
    checkpoint, tensors = checkpoint_of(folder, "scaled", flowing.flux_shapes())
    key = T5 + "encoder.block.0.layer.0.SelfAttention.q"
    whole = tensors[key + ".weight"]
    scale = whole.abs().max() / 448
    packed = tensors | {
        key + ".weight": (whole / scale).to(torch.float8_e4m3fn),
        key + ".scale_weight": scale.reshape(()),
        T5 + "scaled_fp8": torch.zeros(2),
    }
    save_file(packed, checkpoint.path)
    model = load(checkpoint, CPU, Companions((folder / "text_encoder",)))
    read = model.t5.model.encoder.block[0].layer[0].SelfAttention.q.weight
    assert torch.allclose(read, whole, atol=float(whole.abs().max()) / 10)


def test_the_levels_of_a_flow_go_both_ways():
    levels = FlowLevels(3.0)
    t = torch.tensor([0.0, 100.5, 998.0])
    assert torch.allclose(levels.t(levels.sigma(t)), t, atol=0.02)
    half = levels.sigma(torch.tensor(499.0))  # even share 0.5: τ = 3·0.5 / (1 + 2·0.5)
    assert half / (1 + half) == pytest.approx(0.75, abs=1e-6)
    for row in SCHEDULES:
        made = sigmas(row, 5, levels)
        assert torch.isfinite(made).all() and (made.diff() < 0).all(), row.name


def test_eulers_steps_are_those_of_the_flow():
    """x + (τ' − τ)·v, whatever the levels are called."""
    levels = FlowLevels(2.0)
    walked = sigmas(next(row for row in SCHEDULES if row.name == "simple"), 4, levels)
    model = Flow(lambda x, t, condition: torch.tanh(x) * t[:, None, None, None], levels)
    x = torch.randn(1, 16, 4, 4)
    told = Condition(torch.zeros(1, 1, 1))
    y = x * float(walked[0])
    for sigma, after in zip(walked, walked[1:], strict=False):
        y = y + (y - model(y, sigma, told)) / sigma * (after - sigma)
    z, shares = x, walked / (1 + walked)
    for share, after in zip(shares, shares[1:], strict=False):
        z = z + (after - share) * torch.tanh(z) * share
    assert torch.allclose(y, z, atol=2e-3)


@pytest.mark.parametrize("kind", ["loha", "lokr", "lokr of low rank"])
def test_other_networks_of_a_fused_layer_are_cut_too(kind, folder, tmp_path):
    checkpoint, tensors = checkpoint_of(folder, "worn", flowing.flux_shapes())
    model = load(checkpoint, CPU, Companions((folder / "text_encoder",)))
    rng = torch.Generator().manual_seed(3)

    def draw(*shape):
        return torch.randn(shape, generator=rng)

    name = "double_blocks.1.img_attn.qkv"
    if kind == "loha":
        parts = {
            "hada_w1_a": draw(384, 2),
            "hada_w1_b": draw(2, 128),
            "hada_w2_a": draw(384, 2),
            "hada_w2_b": draw(2, 128),
        }
        change = (parts["hada_w1_a"] @ parts["hada_w1_b"]) * (parts["hada_w2_a"] @ parts["hada_w2_b"])
    elif kind == "lokr":
        name = "single_blocks.0.linear1"
        rows = len(tensors[f"{UNET}{name}.weight"])
        parts = {"lokr_w1": draw(rows // 32, 4), "lokr_w2": draw(32, 32)}
        change = torch.kron(parts["lokr_w1"], parts["lokr_w2"])
    else:
        parts = {"lokr_w1": draw(3, 4), "lokr_w2_a": draw(128, 2), "lokr_w2_b": draw(2, 32)}
        change = torch.kron(parts["lokr_w1"], parts["lokr_w2_a"] @ parts["lokr_w2_b"])
    file = {f"lora_unet_{name.replace('.', '_')}.{part}": value for part, value in parts.items()}
    assert model.overlay.apply([Applied(arranged(tmp_path / "x.safetensors", file), unet=0.5)]) == []
    whole = tensors[f"{UNET}{name}.weight"] + 0.5 * change
    block = model.unet.single_transformer_blocks[0] if kind == "lokr" else model.unet.transformer_blocks[1]
    layers = [block.attn.to_q, block.attn.to_k, block.attn.to_v, *([block.proj_mlp] if kind == "lokr" else [])]
    assert torch.allclose(torch.cat([layer.weight for layer in layers]), whole, atol=1e-4)


@pytest.mark.parametrize("dialect", ["kohya", "diffusers"])
def test_a_lora_of_a_transformer_finds_its_layers(dialect, folder, tmp_path):
    checkpoint, tensors = checkpoint_of(folder, "worn", flowing.flux_shapes())
    model = load(checkpoint, CPU, Companions((folder / "text_encoder",)))
    rng = torch.Generator().manual_seed(3)
    down, up = torch.randn(2, 128, generator=rng), torch.randn(384, 2, generator=rng)
    name = "double_blocks.1.img_attn.qkv"
    if dialect == "kohya":
        start = "lora_unet_" + name.replace(".", "_")
        file = {f"{start}.lora_up.weight": up, f"{start}.lora_down.weight": down, f"{start}.alpha": torch.tensor(2.0)}
    else:
        file = {}
        for number, one in enumerate("qkv"):
            start = f"transformer.transformer_blocks.1.attn.to_{one}"
            file |= {f"{start}.lora_A.weight": down, f"{start}.lora_B.weight": up[number * 128 :][:128]}
    network = arranged(tmp_path / "x.safetensors", file)
    whole = tensors[f"{UNET}{name}.weight"] + 0.5 * up @ down
    attention = model.unet.transformer_blocks[1].attn
    own = attention.to_k.weight
    for _ in range(2):
        assert model.overlay.apply([Applied(network, unet=0.5)]) == []
        for number, layer in enumerate((attention.to_q, attention.to_k, attention.to_v)):
            assert torch.allclose(layer.weight, whole[number * 128 :][:128], atol=1e-5)
    model.overlay.apply([])
    assert attention.to_k.weight is own
