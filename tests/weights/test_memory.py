"""Precision and memory: numbers out of range, weights in 8 bits, parts that take turns, models that give way."""

import psutil
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from modules.exceptions import CorruptFile, NotANumber
from modules.generate.denoising import _check_numbers
from modules.sampling.prediction import Condition
from modules.weights.alterations import Alterations
from modules.weights.cache import Cache, Limits
from modules.weights.devices import place
from modules.weights.hashing import Hashes
from modules.weights.library import Checkpoint, Library
from modules.weights.loader import load
from modules.weights.networks.formats import Piece
from modules.weights.networks.overlay import Applied
from modules.weights.networks.reading import Network
from modules.weights.turns import BODY, GIB, Turns, Way, way_for

CPU = place(use_cpu=True)


@pytest.fixture(scope="module")
def original(checkpoint_folder):
    return checkpoint_folder / "models/Stable-diffusion/tiny-sd1.safetensors"


@pytest.fixture(scope="module")
def model(original):
    return load(Checkpoint(original, original.name), CPU)


@pytest.fixture(scope="module")
def several(original, tmp_path_factory):
    """Three checkpoints of the same sizes; in each, everything is a little larger than in the one before."""
    folder = tmp_path_factory.mktemp("several")
    tensors = load_file(original)
    for number, name in enumerate(("a", "b", "c")):
        grown = {key: one * (1 + number / 100) if one.is_floating_point() else one for key, one in tensors.items()}
        save_file(grown, folder / f"{name}.safetensors")
    return Library((folder,), Hashes(folder / "h.json"))


def answer(model, rows=2):
    rng = torch.Generator().manual_seed(0)
    told = Condition(torch.randn(rows, 77, model.arch.unet["cross_attention_dim"], generator=rng))
    with torch.inference_mode():
        return model.denoise(torch.randn(rows, 4, 8, 8, generator=rng), torch.full((rows,), 500.0), told)


def test_a_switch_fills_the_same_modules_with_the_other_files_values(several, tmp_path):
    cache = Cache(several, CPU, Limits)
    first = cache.get(several.find("a"))
    fresh = answer(first)
    name = "mid_block_attentions_0_proj_in"
    piece = Piece({"lora_up.weight": torch.ones(96, 1), "lora_down.weight": torch.ones(1, 96)})
    first.overlay.apply([Applied(Network(tmp_path / "x", {("unet", name): piece}))])
    first.altered.apply(Alterations(tiling=True, merging=0.5))
    first.towers["te1"].learn({"word": torch.ones(1, 64)})
    storage = first.unet.conv_in.weight.data_ptr()
    second = cache.get(several.find("b"))
    assert second.unet is first.unet and second.unet.conv_in.weight.data_ptr() == storage
    alone = load(several.find("b"), CPU)
    assert torch.equal(answer(second), answer(alone))
    for ours, theirs in ((second.unet, alone.unet), (second.vae.model, alone.vae.model)):
        assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))
    tokens = [(49406, 320, *[49407] * 75)]
    with torch.inference_mode():
        assert torch.equal(second.towers["te1"].encode(tokens), alone.towers["te1"].encode(tokens))
    assert torch.equal(answer(cache.get(several.find("a"))), fresh)


def test_a_switch_that_fails_leaves_the_next_one_whole(several, original):
    path = several.find("a").path.with_name("broken.safetensors")
    tensors = load_file(original)
    del tensors["model.diffusion_model.out.2.bias"]
    save_file(tensors, path)
    cache = Cache(several, CPU, Limits)
    before = answer(cache.get(several.find("a")))
    with pytest.raises(CorruptFile, match="broken"):
        cache.get(Checkpoint(path, path.name))
    path.unlink()
    assert torch.equal(answer(cache.get(several.find("a"))), before)


def test_a_budget_of_bytes_counts_beside_the_number(several):
    limits = Limits(count=3)
    cache = Cache(several, CPU, lambda: limits)
    first = cache.get(several.find("a"))
    assert cache.get(several.find("b")) is not first and cache.get(several.find("a")) is first
    limits = Limits(count=3, budget=int(first.size * 2.6))
    cache.get(several.find("c"))
    assert cache.get(several.find("a")) is first  # b was the oldest
    limits = Limits(count=3, budget=1)
    cache.get(several.find("b"), among=2)
    assert cache.get(several.find("b")).unet is not first.unet


def test_without_a_budget_a_model_goes_when_memory_is_short(several, monkeypatch):
    cache = Cache(several, CPU, lambda: Limits(count=3))
    first = cache.get(several.find("a"))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": GIB}))
    assert cache.get(several.find("b")).unet is first.unet


@pytest.mark.parametrize(
    ("free", "wish", "family", "way"),
    [
        (None, "", "SD1", Way.WHOLE),
        (24 * GIB, "", "SDXL", Way.WHOLE),
        (7 * GIB, "", "SDXL", Way.PARTS),
        (4 * GIB, "", "SDXL", Way.LAYERS),
        (24 * GIB, "medvram", "SD1", Way.PARTS),
        (24 * GIB, "medvram_sdxl", "SD1", Way.WHOLE),
        (24 * GIB, "medvram_sdxl", "SDXL", Way.PARTS),
        (24 * GIB, "lowvram", "SD1", Way.LAYERS),
    ],
)
def test_the_way_follows_from_sizes_and_flags(free, wish, family, way):
    sizes = {BODY: 5 * GIB, "te1": GIB // 4, "te2": GIB + GIB // 2, "vae": GIB // 4}
    chosen, why = way_for(sizes, free, wish, family)
    assert chosen == way and bool(why) == (way != Way.WHOLE)


class Counted(Turns):
    """Notes what comes and goes in place of moving it."""

    def __init__(self, parts, way):
        self.there, self.names, self.most = set(), {}, 0
        for name, part in parts.items():
            self.names[part] = name
            self.names |= {layer: f"{name}.{number}" for number, layer in enumerate(getattr(part, "layers", ()))}
        super().__init__(torch.device("cpu"), parts, way)

    def bring(self, part, without=None):
        self.there |= {self.names[part]} | (
            {self.names[one] for one in getattr(part, "layers", ())} if not without else set()
        )
        self.most = max(self.most, sum("." in one for one in self.there))

    def send(self, part):
        self.there -= {self.names[part], *(self.names[one] for one in getattr(part, "layers", ()))}


class Body(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


def test_parts_and_layers_take_turns():
    parts = {BODY: Body(), "te1": nn.Linear(2, 2), "vae": nn.Linear(2, 2)}
    turns = Counted(parts, Way.PARTS)
    turns.enter("te1")
    assert turns.there == {"te1"}
    turns.enter(BODY)
    assert turns.there == {BODY, "unet.0", "unet.1", "unet.2"}
    layered = Counted(parts, Way.LAYERS)
    layered.enter(BODY)
    assert layered.there == {BODY}
    parts[BODY](torch.zeros(1, 2))
    assert layered.there == {BODY} and layered.most == 1


def test_after_running_out_of_memory_it_goes_on_with_less():
    tried = []
    turns = Counted({BODY: Body(), "vae": nn.Linear(2, 2)}, Way.WHOLE)

    def ask(rows):
        tried.append((rows.stop - rows.start, turns.way))
        if rows.stop - rows.start > 1 or turns.way < Way.LAYERS:
            raise torch.OutOfMemoryError("no")
        return torch.full((1, 1), float(rows.start))

    assert turns.sparing(ask, 4).flatten().tolist() == [0, 1, 2, 3]
    assert [way for size, way in tried if size == 1][:3] == [Way.WHOLE, Way.PARTS, Way.LAYERS]
    assert tried[:2] == [(4, Way.WHOLE), (2, Way.WHOLE)]

    def never(rows):
        raise torch.OutOfMemoryError("no")

    with pytest.raises(torch.OutOfMemoryError):
        turns.sparing(never, 2)


def test_a_model_answers_alike_row_by_row(model):
    whole = answer(model, 3)
    model.turns.rows = 1
    assert torch.allclose(answer(model, 3), whole, atol=1e-5)
    model.turns.rows = 0


def test_a_vae_out_of_16_bits_goes_on_in_32(original, tmp_path):
    tensors = load_file(original)
    for name in ("post_quant_conv", "decoder.conv_in"):
        tensors[f"first_stage_model.{name}.weight"] *= 3e3
    save_file(tensors, tmp_path / "loud.safetensors")
    loud = load(Checkpoint(tmp_path / "loud.safetensors", "loud.safetensors"), CPU)
    nn.Module.half(loud.vae.model)
    latent = torch.randn(1, 4, 2, 2)
    with torch.inference_mode():
        assert loud.vae.decode(latent).isnan().all()
        loud.vae.rescue = torch.bfloat16
        assert torch.isfinite(loud.vae.decode(latent)).all()
        assert next(loud.vae.model.parameters()).dtype == torch.bfloat16
        assert loud.vae.decode(latent * torch.nan).isnan().all()


def test_weights_in_8_bits_take_a_quarter_and_compute_in_32(original, model):
    packed = load(Checkpoint(original, original.name), CPU, fp8="Enable")
    weight = packed.unet.mid_block.attentions[0].proj_in.weight
    assert weight.dtype == torch.float8_e4m3fn
    assert sum(one.nbytes for one in packed.unet.parameters()) < 0.27 * sum(
        one.nbytes for one in model.unet.parameters()
    )
    ours, theirs = answer(packed), answer(model)
    assert 0 < float((ours - theirs).norm() / theirs.norm()) < 0.2
    assert packed.unet.mid_block.attentions[0].proj_in.weight is weight
    assert load(Checkpoint(original, original.name), CPU, fp8="Enable for SDXL").unet.dtype == torch.float32


def test_an_answer_without_numbers_is_a_sentence(model):
    batch = type("Batch", (), {"model": model})
    _check_numbers(torch.tensor([[float("nan"), 1.0]]), batch)
    with pytest.raises(NotANumber, match="tiny-sd1 answered with no numbers.* float32; start with --no-half"):
        _check_numbers(torch.full((1, 4), torch.nan), batch)


def test_flags_choose_the_precision():
    assert place(use_cpu=True, precision="half").dtype == torch.float32
    assert place(use_cpu=True, spare="lowvram").spare == "lowvram"


@pytest.mark.gpu
@pytest.mark.parametrize("wish", ["medvram", "lowvram"])
def test_turns_on_a_gpu_give_the_same_answer(wish, original):
    whole, turning = (load(Checkpoint(original, original.name), place(no_half=True, spare=one)) for one in ("", wish))
    told = Condition(torch.randn(2, 77, 64).cuda())
    x, t = torch.randn(2, 4, 8, 8).cuda(), torch.full((2,), 500.0).cuda()
    with torch.inference_mode():
        assert torch.allclose(whole.denoise(x, t, told), turning.denoise(x, t, told), atol=1e-4)
        turning.vae.decode(x[:1])
    assert next(turning.unet.parameters()).device.type == "cpu"
