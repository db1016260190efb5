"""Networks come on, change and come off without a trace; what does not fit is named and skipped."""

import random
from pathlib import Path

import pytest
import torch
from torch import nn

from modules.weights.networks.overlay import Applied, Overlay
from modules.weights.networks.reading import arranged

SHAPES = {"proj": (6, 8), "conv": (6, 4, 3, 3)}


def layers():
    torch.manual_seed(1)
    return {("unet", "proj"): nn.Linear(8, 6), ("te1", "proj"): nn.Linear(8, 6), ("unet", "conv"): nn.Conv2d(4, 6, 3)}


def drawn(seed, *places, prefix=None, rank=2):
    """A LoRA for these modules."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for part, name in places:
        shape, start = SHAPES[name], prefix or {"unet": "lora_unet", "te1": "lora_te"}[part]
        tensors[f"{start}_{name}.lora_up.weight"] = torch.randn(shape[0], rank, generator=generator)
        down = torch.randn(rank, *shape[1:], generator=generator)
        tensors[f"{start}_{name}.lora_down.weight"] = down
    return arranged(Path(f"n{seed}.safetensors"), tensors)


EVERYWHERE = (("unet", "proj"), ("te1", "proj"), ("unet", "conv"))


def test_the_parts_have_strengths_of_their_own():
    modules = layers()
    before = {place: module.weight.clone() for place, module in modules.items()}
    assert Overlay(modules).apply([Applied(drawn(1, *EVERYWHERE), te=0.0, unet=2.0)]) == []
    assert torch.equal(modules["te1", "proj"].weight, before["te1", "proj"])
    piece = drawn(1, *EVERYWHERE).pieces["unet", "proj"].tensors
    expected = before["unet", "proj"] + 2 * piece["lora_up.weight"] @ piece["lora_down.weight"]
    assert torch.allclose(modules["unet", "proj"].weight, expected, atol=1e-5)


def test_a_thousand_changes_leave_the_model_as_it_was():
    modules = layers()
    own = {place: (module.weight, module.weight.clone()) for place, module in modules.items()}
    overlay = Overlay(modules)
    networks = [drawn(seed, *random.Random(seed).sample(EVERYWHERE, 2)) for seed in range(6)]
    rng = random.Random(7)
    for _ in range(1000):
        chosen = rng.sample(networks, rng.randint(0, 4))
        wanted = [Applied(one, te=rng.choice([0, 0.5, 1]), unet=rng.choice([0, -1, 0.7])) for one in chosen]
        overlay.apply(wanted)
        fresh = layers()
        Overlay(fresh).apply(wanted)
        assert all(torch.equal(modules[place].weight, fresh[place].weight) for place in modules)
        if rng.random() < 0.2:
            overlay.apply([])
            for place, (parameter, values) in own.items():
                assert modules[place].weight is parameter and torch.equal(parameter, values)
    assert all(torch.equal(parameter, values) for parameter, values in own.values())


@pytest.mark.parametrize("place", EVERYWHERE)
def test_by_hooks_the_answers_are_the_same_and_the_weights_untouched(place):
    merged, hooked = layers(), layers()
    wanted = [Applied(drawn(1, *EVERYWHERE), te=0.5, unet=0.7), Applied(drawn(2, *EVERYWHERE))]
    Overlay(merged).apply(wanted)
    overlay, own = Overlay(hooked), hooked[place].weight
    x = torch.randn(2, 8) if place[1] == "proj" else torch.randn(2, 4, 6, 6)
    plain = hooked[place](x)
    overlay.apply(wanted, by_hooks=True)
    assert hooked[place].weight is own
    assert torch.allclose(hooked[place](x), merged[place](x), atol=1e-4) and not torch.allclose(plain, merged[place](x))
    overlay.apply(wanted)
    assert torch.equal(hooked[place](x), merged[place](x))
    overlay.apply([])
    assert torch.equal(hooked[place](x), plain)


def test_only_what_changed_is_made_again():
    modules = layers()
    touched = []
    overlay = Overlay(modules, touched.append)
    both, one = drawn(1, *EVERYWHERE), drawn(2, ("unet", "conv"))
    overlay.apply([Applied(both), Applied(one)])
    assert sorted(touched) == ["te1", "unet", "unet"]
    weights = {place: module.weight for place, module in modules.items()}
    touched.clear()
    overlay.apply([Applied(both), Applied(one)])
    assert touched == []
    overlay.apply([Applied(both), Applied(one, unet=0.5)])
    assert touched == ["unet"] and modules["unet", "proj"].weight is weights["unet", "proj"]
    touched.clear()
    overlay.apply([Applied(both, te=0.3), Applied(one, unet=0.5)])
    assert touched == ["te1"]


def test_what_does_not_fit_is_named_and_the_rest_applied():
    modules = layers()
    wrong = arranged(
        Path("wrong.safetensors"),
        {
            "lora_unet_proj.lora_up.weight": torch.zeros(5, 2),
            "lora_unet_proj.lora_down.weight": torch.zeros(2, 8),
            "lora_unet_conv.diff": torch.ones(6, 4, 3, 3),
        },
    )
    before = modules["unet", "conv"].weight.clone()
    overlay = Overlay(modules)
    (sentence,) = overlay.apply([Applied(wrong)])
    assert sentence.startswith("wrong.safetensors does not fit this model: its part for proj is made for")
    assert torch.allclose(modules["unet", "conv"].weight, before + 1)
    assert overlay.apply([Applied(wrong)]) == [sentence]


def test_a_network_of_another_family_is_named():
    foreign = arranged(Path("sdxl.safetensors"), {"lora_te2_layer.diff": torch.ones(2)})
    (sentence,) = Overlay(layers()).apply([Applied(foreign)])
    assert sentence == "sdxl.safetensors has no effect: it is made for another kind of model."


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_sums_are_made_in_float32_and_kept_in_the_models_precision(dtype):
    layer = nn.Linear(8, 6).to(dtype)
    base = layer.weight.clone()
    overlay = Overlay({("unet", "proj"): layer})
    network = drawn(3, ("unet", "proj"))
    overlay.apply([Applied(network, unet=0.1), Applied(network, unet=0.1)])
    piece = network.pieces["unet", "proj"].tensors
    exact = base.double() + 0.2 * piece["lora_up.weight"].double() @ piece["lora_down.weight"].double()
    assert layer.weight.dtype == dtype
    assert (layer.weight.double() - exact).abs().max() <= exact.abs().max() * torch.finfo(dtype).eps
