"""Tiling, merged tokens and FreeU: what they do, and that they leave no trace."""

import pytest
import torch

from modules.sampling.prediction import Condition
from modules.weights.alterations import Alterations
from modules.weights.devices import place
from modules.weights.library import Checkpoint
from modules.weights.loader import load


@pytest.fixture(scope="module")
def model(checkpoint_folder):
    path = checkpoint_folder / "models/Stable-diffusion/tiny-sd1.safetensors"
    return load(Checkpoint(path, path.name), place())


@pytest.fixture
def answer(model):
    """The UNet's answer to one noisy latent, rolled by some pixels."""
    x = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(1))
    context = torch.randn(1, 77, 64, generator=torch.Generator().manual_seed(2))

    @torch.inference_mode()
    def ask(shift=0):
        return model.denoise(x.roll(shift, -1), torch.tensor([500.0]), Condition(context)).roll(-shift, -1)

    yield ask
    model.altered.apply(Alterations())


def close(one, other):
    return torch.allclose(one, other, atol=2e-4)


def test_tiling_has_no_edges(model, answer):
    plain = answer()
    assert not close(plain, answer(8))
    model.altered.apply(Alterations(tiling=True))
    assert close(answer(), answer(8)) and not close(answer(), plain)
    latent = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        assert close(model.vae.decode(latent.roll(2, -1)), model.vae.decode(latent).roll(16, -1))
    model.altered.apply(Alterations())
    assert torch.equal(answer(), plain)


def test_merged_tokens_change_little_and_leave_no_trace(model, answer):
    plain = answer()
    model.altered.apply(Alterations(merging=0.5))
    merged = answer()
    assert not close(merged, plain) and (merged - plain).norm() < plain.norm()
    model.altered.apply(Alterations())
    assert torch.equal(answer(), plain)


def test_freeu_changes_the_answer_and_leaves_no_trace(model, answer):
    plain = answer()
    model.altered.apply(Alterations(freeu=(1.5, 1.6, 0.9, 0.2)))
    assert not close(answer(), plain)
    model.altered.apply(Alterations())
    assert torch.equal(answer(), plain)
