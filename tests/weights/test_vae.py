"""VAE files in place of a checkpoint's own."""

import pytest
import torch
from diffusers import AutoencoderTiny
from safetensors.torch import save_file

from modules.exceptions import CorruptFile, MissingNetwork
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


def test_what_memory_does_not_hold_is_decoded_in_tiles(model, monkeypatch):
    """As if only 16 x 16 latent pixels fitted: tiles of 8, whose seams are blended."""
    latent = torch.randn(1, 4, 24, 24, generator=torch.Generator().manual_seed(1))
    whole, forward, seen = model.vae.decode(latent), model.vae.model.decoder.forward, []

    def small(z, *args, **kwargs):
        seen.append(tuple(z.shape[2:]))
        if z.shape[2] > 16:
            raise torch.OutOfMemoryError("full")
        return forward(z, *args, **kwargs)

    monkeypatch.setattr(model.vae.model.decoder, "forward", small)
    monkeypatch.setattr("modules.weights.vae.TILE", 64)
    tiled = model.vae.decode(latent)
    assert seen[0] == (24, 24) and len(seen) > 4 and max(seen[1:]) == (8, 8)
    assert tiled.shape == whole.shape and torch.corrcoef(torch.stack([tiled.flatten(), whole.flatten()]))[0, 1] > 0.8
    monkeypatch.setattr(model.vae.model.decoder, "forward", forward)
    assert torch.equal(model.vae.decode(latent), whole)


def test_taesd_does_what_it_is_asked_to(model, shown, tmp_path):
    """Its file as its author writes it, out of a drawn one: numbered layers, the decoder's first a mere clamp."""
    torch.manual_seed(1)
    tiny, whole, latent = AutoencoderTiny().eval(), shown(), torch.randn(2, 4, 4, 4)
    with pytest.raises(MissingNetwork, match=r"taesd_decoder\.pth is not there"):
        model.vae.hurry(tmp_path, ["decoder"])
    for half, shift in (("decoder", 1), ("encoder", 0)):
        layers = getattr(tiny, half).layers.state_dict()
        numbered = {f"{int(k.split('.')[0]) + shift}.{k.split('.', 1)[1]}": v for k, v in layers.items()}
        torch.save(numbered, tmp_path / f"taesd_{half}.pth")
    with torch.inference_mode():
        model.vae.hurry(tmp_path, ["decoder", "encoder"])
        assert torch.allclose(model.vae.decode(latent), tiny.decode(latent).sample, atol=1e-5)
        pixels = torch.rand(1, 3, 32, 32) * 2 - 1
        assert torch.allclose(model.vae.encode(pixels), tiny.encode(pixels).latents, atol=1e-5)
        model.vae.hurry(tmp_path, [])
    assert torch.equal(shown(), whole)
    (tmp_path / "taesd_decoder.pth").write_bytes(b"x")
    with pytest.raises(CorruptFile):
        model.vae.hurry(tmp_path, ["decoder"])
