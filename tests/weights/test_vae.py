"""VAE files in place of a checkpoint's own."""

import pytest
import torch
from safetensors.torch import save_file

from modules.exceptions import CorruptFile
from modules.weights.devices import place
from modules.weights.library import Checkpoint
from modules.weights.loader import load
from modules.weights.tensorfile import read_tensors

PREFIX = "first_stage_model."


@pytest.fixture(scope="module")
def model(checkpoint_folder):
    path = checkpoint_folder / "models/Stable-diffusion/tiny-sd1.safetensors"
    return load(Checkpoint(path, path.name), place())


@pytest.fixture
def shown(model):
    """One latent decoded."""
    latent = torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(1))
    yield lambda: model.vae.decode(latent)
    model.vae.wear(None)


def brighter(model, scale=1.0):
    """The checkpoint's own VAE with another last bias, under ldm's names."""
    tensors = read_tensors(model.checkpoint.path)
    own = {key.removeprefix(PREFIX): t.clone() for key, t in tensors.items() if key.startswith(PREFIX)}
    own["decoder.conv_out.bias"] += 0.5
    return own


@pytest.mark.parametrize("layout", ["ldm", "with prefix", "diffusers", "pickle"])
def test_a_file_is_worn_and_taken_off(model, shown, tmp_path, layout):
    tensors, path = brighter(model), tmp_path / "bright.safetensors"
    if layout == "with prefix":
        tensors = {PREFIX + key: tensor for key, tensor in tensors.items()}
    if layout == "diffusers":
        tensors = {key: tensor.clone() for key, tensor in model.vae.model.state_dict().items()}
        tensors["decoder.conv_out.bias"] += 0.5
    if layout == "pickle":
        path = path.with_suffix(".pt")
        torch.save({"state_dict": tensors}, path)
    else:
        save_file(tensors, path)
    plain, parameters = shown(), dict(model.vae.model.named_parameters())
    model.vae.wear(path)
    assert model.vae.file == path
    assert torch.allclose(shown(), plain + 0.5, atol=1e-5)
    model.vae.wear(None)
    assert torch.equal(shown(), plain)
    assert all(torch.equal(parameter, parameters[name]) for name, parameter in model.vae.model.named_parameters())


@pytest.mark.parametrize("kind", ["no vae", "another shape", "incomplete"])
def test_a_bad_file_leaves_the_own(model, shown, tmp_path, kind):
    tensors, path, plain = brighter(model), tmp_path / "bad.safetensors", shown()
    if kind == "no vae":
        tensors = {"lora_unet_x.diff": torch.zeros(2)}
    if kind == "another shape":
        tensors["decoder.conv_out.bias"] = torch.zeros(4)
    if kind == "incomplete":
        del tensors["encoder.conv_in.weight"]
    save_file(tensors, path)
    with pytest.raises(CorruptFile, match=r"bad\.safetensors (holds no VAE|is no VAE for this kind of model)"):
        model.vae.wear(path)
    assert model.vae.file is None and torch.equal(shown(), plain)
