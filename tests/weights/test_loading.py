"""Reading a model: architecture from shapes and sidecar, refusals, the cache, the text encoder."""

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from modules.exceptions import CorruptFile, ModelError, NotFound, UnknownArchitecture
from modules.sampling.prediction import Condition
from modules.weights.arch import detect
from modules.weights.cache import Cache, Limits
from modules.weights.devices import place
from modules.weights.hashing import Hashes
from modules.weights.library import Checkpoint, Library
from modules.weights.loader import load
from modules.weights.sidecar import Sidecar
from modules.weights.tensorfile import read_tensors
from modules.weights.vae import approximate

CPU = place(use_cpu=True)


@pytest.fixture(scope="module")
def checkpoint(checkpoint_folder):
    path = checkpoint_folder / "models/Stable-diffusion/tiny-sd1.safetensors"
    return Checkpoint(path, path.name)


@pytest.fixture(scope="module")
def shapes(checkpoint):
    return {name: tuple(tensor.shape) for name, tensor in read_tensors(checkpoint.path).items()}


@pytest.fixture(scope="module")
def model(checkpoint):
    return load(checkpoint, CPU)


def test_the_architecture_is_read_from_shapes(checkpoint, shapes):
    arch = detect(checkpoint, shapes)
    assert arch.unet["block_out_channels"] == [32, 64, 96, 96] and arch.unet["layers_per_block"] == 2
    assert arch.unet["cross_attention_dim"] == 64 and arch.unet["attention_head_dim"] == 8
    assert arch.unet["down_block_types"] == ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"]
    text = arch.towers[0].config
    assert arch.vae["block_out_channels"] == [32, 64, 96, 96] and arch.vae["layers_per_block"] == 2
    assert (text["num_hidden_layers"], text["num_attention_heads"]) == (12, 4)


def beside(checkpoint, tmp_path, yaml):
    path = tmp_path / "moved.safetensors"
    path.symlink_to(checkpoint.path)
    path.with_suffix(".yaml").write_text(yaml)
    return Checkpoint(path, path.name)


def test_a_sidecar_wins(checkpoint, shapes, tmp_path):
    moved = beside(
        checkpoint, tmp_path, "model: {params: {scale_factor: 0.5, unet_config: {params: {num_head_channels: 16}}}}"
    )
    arch = detect(moved, shapes)
    assert arch.scale_factor == 0.5 and arch.unet["attention_head_dim"] == [2, 4, 6, 6]
    assert arch.towers[0].config["num_attention_heads"] == 1  # without its config.json: CLIP's heads of 64


@pytest.mark.parametrize(
    ("said", "side"), [("16", 128), ("64", 512), ("0", None), ("-8", None), ("1e9", None), ("[]", None)]
)
def test_a_sidecar_tells_the_size_that_the_model_was_trained_for(checkpoint, tmp_path, said, side):
    yaml = f"model: {{params: {{image_size: {said}}}}}"
    assert Sidecar.of(beside(checkpoint, tmp_path, yaml)).side == side


@pytest.mark.parametrize("yaml", ["[broken", "model: 3", "just text", "{}"])
def test_a_broken_sidecar_is_named(checkpoint, shapes, tmp_path, yaml):
    with pytest.raises(ModelError, match="moved.yaml is no ldm model description"):
        detect(beside(checkpoint, tmp_path, yaml), shapes)


def test_a_version_that_leaves_the_folder_is_not_followed(checkpoint, shapes, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/config.json").write_text('{"num_attention_heads": 99}')
    (tmp_path / "in").mkdir()
    moved = beside(checkpoint, tmp_path / "in", "model: {params: {cond_stage_config: {params: {version: ../outside}}}}")
    assert detect(moved, shapes).towers[0].config["num_attention_heads"] == 1


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({"lora_unet_down_blocks_0.lora_up.weight": (1,)}, "a LoRA; put it into models/Lora"),
        ({"transformer.text_model.encoder.x": (1,)}, "a text encoder without a model"),
        ({"model.diffusion_model.input_blocks.0.0.weight": (1,)}, "a UNet without its text encoder or VAE"),
        ({"down_blocks.0.attentions.0.x": (1,)}, "a UNet in diffusers' layout"),
        ({"control_model.x": (1,)}, "a ControlNet"),
        ({"model.diffusion_model.joint_blocks.0.x": (1,)}, "part of an SD3 model"),
        ({"double_blocks.0.x": (1,)}, "part of a Flux model"),
        ({"emb_params": (1, 768)}, "a textual inversion embedding"),
        ({"first_stage_model.encoder.conv_in.weight": (1,)}, "a VAE without a model"),
        ({"something": (1,)}, "no model that is known here"),
        ({}, "no model that is known here"),
    ],
)
def test_other_files_are_named_for_what_they_are(checkpoint, shapes, words):
    with pytest.raises(UnknownArchitecture, match=words):
        detect(checkpoint, shapes)


@pytest.mark.parametrize("lost", ["model.diffusion_model.out.2.weight", "first_stage_model.decoder.conv_out.weight",
                                  "cond_stage_model.transformer.text_model.final_layer_norm.weight"])  # fmt: skip
def test_a_missing_tensor_is_a_sentence(checkpoint, tmp_path, lost):
    tensors = load_file(checkpoint.path)
    del tensors[lost]
    path = tmp_path / "lost.safetensors"
    save_file(tensors, path)
    with pytest.raises((CorruptFile, UnknownArchitecture), match="lost.safetensors") as caught:
        load(Checkpoint(path, path.name), CPU)
    assert "\n" not in str(caught.value)


def test_nothing_is_left_on_meta_and_nothing_wants_gradients(model):
    for part in (model.unet, model.vae.model, model.towers["te1"].model):
        for tensor in [*part.parameters(), *part.buffers()]:
            assert tensor.device.type == "cpu" and not tensor.requires_grad
        assert not part.training


def test_the_preview_is_close_to_the_decoded_picture(model):
    latent = (
        torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(3))
        .repeat_interleave(2, 2)
        .repeat_interleave(2, 3)
    )
    with torch.inference_mode():
        exact = torch.nn.functional.avg_pool2d(model.vae.decode(latent), 8)[0]
    close = approximate(latent[0], model.vae.preview)
    assert close.shape == (3, 8, 8)
    assert torch.corrcoef(torch.stack([exact.flatten().clamp(-1, 1), close.flatten()]))[0, 1] > 0.5


def test_clip_skip_takes_an_earlier_layer(model):
    tokens = [(49406, 320, 2368, *[49407] * 74)]
    with torch.inference_mode():
        plain, skipped, same = (model.towers["te1"].encode(tokens, n) for n in (1, 2, 1))
    assert plain.shape == (1, 77, 64) and torch.equal(plain, same) and not torch.allclose(plain, skipped, atol=1e-3)


def test_the_cache_keeps_as_many_as_allowed_and_sees_a_replaced_file(checkpoint, tmp_path):
    for name in ("a", "b"):
        shutil.copy(checkpoint.path, tmp_path / f"{name}.safetensors")
    library = Library((tmp_path,), Hashes(tmp_path / "h.json"))
    limit = 1
    cache = Cache(library, CPU, lambda: Limits(count=limit))
    first = cache.get(library.find("a"))
    assert cache.get(library.find("a")) is first and first.checkpoint.sha256
    cache.get(library.find("b"))
    assert cache.get(library.find("a")) is not first
    limit = 2
    both = [cache.get(library.find(name)) for name in ("a", "b")]
    assert [cache.get(library.find(name)) for name in ("a", "b")] == both
    (tmp_path / "a.safetensors").unlink()
    with pytest.raises(NotFound, match="is gone"):
        cache.get(Checkpoint(tmp_path / "a.safetensors", "a.safetensors"))


@pytest.mark.gpu
def test_a_gpu_gives_the_cpus_answer(checkpoint, model):
    there = load(checkpoint, place(no_half=True))
    x, t, context = torch.randn(2, 4, 16, 16), torch.tensor([500.0, 10.0]), torch.randn(2, 77, 64)
    with torch.inference_mode():
        answer = there.denoise(x.cuda(), t.cuda(), Condition(context.cuda())).cpu()
        assert torch.allclose(answer, model.denoise(x, t, Condition(context)), atol=1e-3)
