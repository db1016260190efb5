"""The recipe on a tiny budget: each step's loss falls, it goes on after a stop, the exported file draws."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from modules.demo import bank, evaluate, export, extras, text, unet, vae
from modules.demo.loop import Course, Pace, best_weights
from modules.generate.conditioning import emphasise
from modules.prompts.attention import parse_attention
from modules.prompts.chunks import pack
from modules.weights.networks.overlay import Applied
from modules.weights.networks.reading import arranged
from modules.weights.text import tokenizer
from modules.weights.tokenizer import tokenize


def falls(course: Course, part: int) -> bool:
    """Whether the last losses are lower than the first."""
    return float(np.mean(course.losses[-part:])) < float(np.mean(course.losses[:part]))


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small bank and all three parts trained for a moment."""
    folder = tmp_path_factory.mktemp("demo")
    seen = bank.paint(folder / "bank", bank.scenes(24, 1), tokenizer(), 1)
    vae.train([seen], folder / "vae.pt", Pace(steps=14, batch=2, rate=2e-3, warmup=1, decay=0.5))
    text.train(seen, tokenizer(), folder / "text.pt", Pace(steps=24, batch=8, rate=3e-3, warmup=1))
    latents = vae.encode_bank(vae.load(folder / "vae.pt"), seen, folder / "latents.npy", batch=8)
    spread = unet.spread(latents, folder / "spread.npy")
    lessons, reader = unet.lessons_of(seen, latents, spread), folder / "text.pt"
    pace = Pace(steps=30, batch=4, rate=1e-3, warmup=1, decay=0.5)
    unet.teach(lessons, text.load(reader), tokenizer(), folder / "unet.pt", (pace, replace(pace, steps=34)))
    return folder


@pytest.fixture(scope="module")
def exported(work: Path) -> Path:
    return export.write(work, work / "models", "tiny")


@pytest.mark.parametrize(("step", "part"), [("text", 6), ("unet", 8)])
def test_every_steps_loss_falls(work: Path, step: str, part: int):
    losses = torch.load(work / f"{step}.pt", weights_only=True)["facts"]["losses"][:30]
    assert np.mean(losses[-part:]) < np.mean(losses[:part])


def test_the_autoencoder_learns(work: Path):
    """Over the same pictures, since from crop to crop the loss changes more than a few steps can mend."""
    shown = vae.as_tensor(np.load(work / "bank" / "pictures.npy")[:8])
    torch.manual_seed(1)
    losses = []
    for state in (vae.build().state_dict(), best_weights(work / "vae.pt")):
        model = vae.build()
        model.load_state_dict(state)
        torch.manual_seed(2)
        with torch.no_grad():
            losses.append(float(vae.reconstruction_loss(model, shown)))
    assert losses[1] < 0.95 * losses[0]


def test_the_exported_file_is_small_and_half_precision(exported: Path):
    tensors = load_file(exported)
    assert exported.stat().st_size <= 16e6
    assert {t.dtype for t in tensors.values()} == {torch.float16}
    assert "model.diffusion_model.middle_block.1.transformer_blocks.0.attn2.to_k.weight" in tensors


def test_the_exported_file_loads_as_what_was_trained(work: Path, exported: Path):
    model = evaluate.open_model(exported)
    trained = unet.load(work / "unet.pt").state_dict()
    loaded = model.unet.state_dict()
    assert trained.keys() == loaded.keys()
    for key, tensor in trained.items():
        assert torch.allclose(tensor, loaded[key].float(), atol=2e-3, rtol=2e-3), key
    assert model.towers["te1"].model.config.num_attention_heads == text.CONFIG["num_attention_heads"]


def test_the_loaded_model_draws(exported: Path):
    model = evaluate.open_model(exported)
    pictures = evaluate.generate(model, ["a red star", "(blue:1.3) circle"], [1, 2], negative="green", steps=2)
    assert [p.shape for p in pictures] == [(128, 128, 3)] * 2
    assert not np.array_equal(*pictures)
    assert evaluate.sheet(pictures, columns=2).size == (2 * 132 + 4, 132 + 4)


def test_exported_latents_have_the_spread_that_sd_expects(work: Path, exported: Path):
    model = evaluate.open_model(exported)
    pictures = vae.as_tensor(np.load(work / "bank" / "pictures.npy"))
    with torch.inference_mode():
        latents = model.vae.model.encode(pictures.to(model.place.device)).latent_dist.mean * vae.SD_SCALE
    assert torch.allclose(latents.std(dim=(0, 2, 3)), torch.ones(4), atol=0.15)
    assert torch.allclose(latents.mean(dim=(0, 2, 3)), torch.zeros(4), atol=0.15)


def test_normalising_does_not_change_the_round_trip():
    torch.manual_seed(0)
    model = vae.build().eval()
    picture = torch.rand(1, 3, 32, 32) * 2 - 1
    shift, scale = np.array([0.5, -1, 2, 0.1], dtype=np.float32), np.array([0.5, 2, 3, 1.5], dtype=np.float32)
    with torch.inference_mode(False), torch.no_grad():
        before = model.decode(model.encode(picture).latent_dist.mean).sample
        export.normalised(model, shift, scale)
        after = model.decode(model.encode(picture).latent_dist.mean).sample
    assert torch.allclose(before, after, atol=1e-4)


def test_unknown_words_keep_their_rows(work: Path):
    known = text.known_tokens(tokenizer())
    first, rows = (text.load(work / name).embeddings.token_embedding.weight for name in ("text.pt", "unet.pt"))
    unknown = torch.ones(len(rows), dtype=torch.bool)
    unknown[known] = False
    assert torch.equal(first[unknown], rows[unknown]) and not torch.equal(first[known], rows[known])
    assert float(rows[unknown].abs().max()) < 0.08
    assert float(rows[known].abs().mean()) > 2 * float(rows[unknown].abs().mean())


def test_weights_are_read_as_the_program_reads_them(work: Path):
    """What training hears of "(red:1.5)" is what the program will say."""
    reader, chunk = text.load(work / "unet.pt"), pack(parse_attention("a (red:1.5) star"), tokenize)[0]
    tokens, weights = torch.tensor([chunk.tokens]), torch.tensor([chunk.weights])
    heard, said = unet.read(reader, tokens, weights), emphasise(reader(input_ids=tokens).last_hidden_state, [chunk])
    assert torch.allclose(heard, said, atol=1e-5)
    assert not torch.allclose(heard, unet.read(reader, tokens, torch.ones_like(weights)), atol=1e-2)


def test_a_redrawn_picture_stays_in_its_place():
    """A UNet that finds the noise it was given brings back the latents that it was given."""
    torch.manual_seed(0)
    latents = torch.randn(2, 4, 16, 16)

    class Knowing(torch.nn.Module):
        def forward(self, x: torch.Tensor, t: torch.Tensor, encoder_hidden_states: torch.Tensor) -> SimpleNamespace:
            sigma = unet.noise_levels()[t[0]]
            return SimpleNamespace(sample=(x * (1 + sigma**2) ** 0.5 - latents) / sigma)

    nothing = torch.zeros(2, 77, text.WIDTH)
    found = unet._walked(Knowing(), latents, (nothing, nothing), [300, 150, 0], 6.0)
    assert torch.allclose(found, latents, atol=1e-4)


def test_errors_of_redrawn_pictures_count_as_noise():
    """A model that knows the right picture has no loss, whatever stands in the given one; one that trusts that has."""
    torch.manual_seed(0)
    right, given = torch.randn(64, 4, 16, 16), torch.randn(64, 4, 16, 16)

    def loss(trusted: torch.Tensor) -> float:
        def model(x: torch.Tensor, t: torch.Tensor, encoder_hidden_states: torch.Tensor) -> SimpleNamespace:
            sigma = unet.noise_levels()[t][:, None, None, None]
            return SimpleNamespace(sample=(x * (1 + sigma**2).sqrt() - trusted) / sigma)

        return float(unet.denoising_loss(model, right, torch.zeros(64, 77, 1), given))

    assert loss(right) < 1e-6 < 0.1 < loss(given)


def test_a_unet_redraws_only_when_it_has_learnt_its_first_part(work: Path, tmp_path: Path):
    """Stopped before, it goes on later; what an untrained UNet redraws would be kept for good."""
    assert torch.load(work / "unet.pt", weights_only=True)["facts"]["step"] == 34
    assert np.load(work / "unet-redrawn.npy").shape == np.load(work / "latents.npy").shape
    lessons = extras._lessons(work, "bank", bank.paint(work / "bank", [], tokenizer()))
    pace = Pace(steps=30, batch=2, rate=1e-3)
    paces = pace, replace(pace, steps=34)
    unet.teach(lessons, text.load(work / "text.pt"), tokenizer(), tmp_path / "unet.pt", paces, minutes=0)
    assert [file.name for file in tmp_path.iterdir()] == ["unet.pt"]


def test_half_of_a_batch_is_redrawn():
    rng, latents = np.random.default_rng(0), np.zeros((6, 4, 16, 16), dtype=np.float16)
    tokens, ones = np.zeros((6, 2, 77), dtype=np.uint16), np.ones((6, 2, 77), dtype=np.float16)
    lessons = unet.Lessons(latents=latents, tokens=tokens, weights=ones, redrawn=latents[:3] + 1)
    right, given, _, _ = lessons.draw(rng, 8)
    assert given[:4].eq(1).all() and given[4:].eq(0).all() and right.eq(0).all()
    assert replace(lessons, redrawn=None).draw(rng, 8)[1].eq(0).all()


def test_the_schedule_is_stable_diffusions():
    sigmas = unet.noise_levels()
    assert abs(float(sigmas[0]) - 0.0292) < 1e-3
    assert abs(float(sigmas[-1]) - 14.6146) < 1e-3


def test_a_stopped_course_goes_on(tmp_path: Path):
    def course(steps: int) -> Course:
        torch.manual_seed(0)
        return Course(
            model=torch.nn.Linear(2, 1),
            pace=Pace(steps=steps, batch=1, rate=0.1, warmup=1, decay=0.5),
            file=tmp_path / "c.pt",
        )

    first = course(5)
    first.run(lambda step: first.model(torch.ones(1, 2)).square().sum())
    second = course(9)
    assert second.step == 5
    assert torch.equal(second.model.weight, first.model.weight)
    second.run(lambda step: second.model(torch.ones(1, 2)).square().sum())
    assert (second.step, len(second.losses)) == (9, 9)
    assert falls(second, 3)
    average = best_weights(tmp_path / "c.pt")["weight"]
    assert not torch.equal(average, second.model.weight)


def test_an_interrupted_course_is_saved(tmp_path: Path):
    course = Course(model=torch.nn.Linear(2, 1), pace=Pace(steps=9, batch=1, rate=0.1), file=tmp_path / "c.pt")

    def loss(step: int) -> torch.Tensor:
        if step == 3:
            raise KeyboardInterrupt
        return course.model(torch.ones(1, 2)).square().sum()

    with pytest.raises(KeyboardInterrupt):
        course.run(loss)
    assert torch.load(tmp_path / "c.pt", weights_only=True)["facts"]["step"] == 3


def test_a_lora_learns_and_comes_off(work: Path):
    lora = extras.train_lora(
        work, "tiny-lora", bank.scenes(6, 2), tokenizer(), 5, Pace(steps=40, batch=4, rate=4e-3, warmup=1)
    )
    lessons = extras._lessons(work, "tiny-lora", bank.paint(work / "tiny-lora", [], tokenizer()))
    latents, _, *said = lessons.draw(np.random.default_rng(0), 6)
    context = unet.read(text.load(work / "unet.pt"), *said)

    def loss(strength: float) -> float:
        torch.manual_seed(5)
        with lora.applied(strength), torch.no_grad():
            return float(unet.denoising_loss(lora.model, latents, context))

    assert loss(1.0) < loss(0.0)
    tensors = lora.tensors()
    assert sum(t.numel() * 2 for t in tensors.values()) < 1e6
    assert {k.rsplit(".", 1)[1] for k in tensors} == {"weight", "alpha"}


def test_a_written_lora_finds_its_places_by_ldm_names(work: Path, exported: Path):
    """Which need no knowledge of how many residual blocks a level has: A1111's block arithmetic takes it for two."""
    torch.manual_seed(6)
    lora = extras.Lora(unet.load(work / "unet.pt"))
    for layer in lora.up.values():
        torch.nn.init.normal_(layer.get_parameter("weight"), std=0.1)
    tensors = lora.tensors()
    places = {k.removeprefix(export.UNET).rsplit(".", 1)[0].replace(".", "_") for k in load_file(exported)}
    assert {k.split(".")[0].removeprefix("lora_unet_") for k in tensors} <= places

    model = evaluate.open_model(exported)
    given = torch.randn(1, 4, 16, 16), torch.tensor([400]), torch.randn(1, 77, text.WIDTH)
    with torch.inference_mode():
        plain = model.unet(*given).sample
        assert model.overlay.apply([Applied(arranged(Path("lora.safetensors"), tensors))]) == []
        with lora.applied():
            wanted = lora.model(*given).sample
        found = model.unet(*given).sample
    assert float((found - wanted).abs().max()) < 0.05 * float((plain - wanted).abs().max())


def test_a_lora_at_nought_is_no_lora():
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(4, 4))
    lora = extras.Lora(model, rank=2)
    torch.nn.init.ones_(lora.up["0"].weight)
    given = torch.randn(3, 4)
    plain = model(given)
    with lora.applied(0.0):
        assert torch.equal(model(given), plain)
    with lora.applied(1.0):
        assert torch.allclose(model(given), plain + lora.up["0"](lora.down["0"](given)))
    assert torch.equal(model(given), plain)


def test_a_concept_learns_without_moving_the_model(work: Path):
    rng_scenes = [s for s in bank.scenes(40, 3) if len(s.things) == 1][:6]
    before = text.load(work / "unet.pt").embeddings.token_embedding.weight.clone()
    concept = extras.train_concept(work, rng_scenes, tokenizer(), 5, Pace(steps=24, batch=4, rate=2e-2, warmup=1))
    assert concept.vectors.shape == (extras.VECTORS, text.WIDTH)
    assert concept.vectors.grad is not None and float(concept.vectors.grad.abs().sum()) > 0
    assert torch.equal(before, text.load(work / "unet.pt").embeddings.token_embedding.weight)
