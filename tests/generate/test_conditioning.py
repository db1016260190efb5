"""Prompts as tensors: parts, chunks, padding, and batches in which every image has its own."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from modules.generate.conditioning import Conditioner, emphasise
from modules.generate.plan import request_from
from modules.prompts.chunks import Chunk
from modules.sampling.guidance import Guided
from modules.settings.options import Options
from modules.settings.store import Store

LONG = "cat " * 80  # two chunks
EMPTY = (49406,) + (49407,) * 76


class Text:
    """A text encoder whose hidden states are the token ids, in two dimensions."""

    beside = True

    def encode(self, tokens, clip_skip=1, words=()):
        return torch.tensor(tokens).float()[..., None].expand(-1, -1, 2)

    def pooled(self, tokens, clip_skip=1, words=()):
        return None


@pytest.fixture
def view(tmp_path):
    return Options(Store(tmp_path / "config.json")).view()


def steering(view, *pairs, steps=10):
    stage = SimpleNamespace(calls=steps, after=None)
    return Conditioner([Text()], view, stage).steering(*zip(*pairs, strict=True))


def ids(condition):
    return tuple(condition.context[0, :, 0].int().tolist())


def test_one_prompt_for_all_is_one_tensor(view):
    given = steering(view, ("a", "b"), ("a", "b")).at(0)
    assert given.parts[0].context.shape == given.negative.context.shape == (1, 77, 2) and given.unweighted


def test_schedules_tags_and_parts(view):
    made = steering(view, ("[cat:dog:0.5] AND a <lora:x:1>:0.5", "a AND b"))
    before, after = made.at(5), made.at(6)
    assert before.weights == [1.0, 0.5] and not before.unweighted
    assert ids(before.parts[0]) != ids(after.parts[0]) and ids(before.parts[1]) == ids(after.parts[1])
    assert ids(before.parts[1])[1:3] == (320, 49407) and ids(before.negative)[2] != 49407


def test_old_timelines(view):
    old, new = (
        steering(view.over(use_old_scheduling=on), ("[cat:dog:1.0]", "")).images[0].parts[0] for on in (True, False)
    )
    assert old.untils == (1, 10) and new.untils == (10,)


def test_a_shorter_part_repeats_its_last_vector(view):
    first, second = (part.context for part in steering(view, (f"{LONG} AND a dog", "")).at(0).parts)
    assert first.shape == second.shape == (1, 154, 2)
    assert torch.equal(second[:, 77:], second[:, 76:77].expand(-1, 77, -1))


@pytest.mark.parametrize(("prompt", "negative"), [("a", LONG), (LONG, "b")])
def test_padding_by_empty_chunks(view, prompt, negative):
    image = steering(view.over(pad_cond_uncond=True), (prompt, negative)).images[0]
    shorter = image.parts[0] if prompt == "a" else image.negative
    assert image.padded and image.parts[0].length == image.negative.length == 154
    assert ids(shorter.at(0))[77:] == EMPTY


@pytest.mark.parametrize("both", [False, True])
def test_padding_as_it_was(view, both):
    old = view.over(pad_cond_uncond_v0=True, pad_cond_uncond=both)
    cut = steering(old, ("a", LONG)).images[0]
    assert cut.padded and cut.negative.length == cut.parts[0].length == 77
    stretched = steering(old, (LONG, "b")).images[0].negative
    assert stretched.length == 154 and set(ids(stretched.at(0))[77:]) == {49407}


def test_equal_lengths_need_no_padding(view):
    both = view.over(pad_cond_uncond=True, pad_cond_uncond_v0=True)
    assert not steering(both, ("a", "b")).images[0].padded
    assert not steering(view, ("a", LONG)).images[0].padded


def predict(x, sigma, condition):
    """A model that answers with what it is given and what it is told, whatever else is in the call."""
    assert len(x) == len(condition.context)
    return x * 0.5 + condition.context.mean(dim=(1, 2))[:, None, None, None]


@pytest.mark.parametrize("joined", [True, False])
def test_every_image_of_a_batch_is_as_if_alone(view, joined):
    pairs = [("a", "b"), (LONG, "b"), ("cat AND dog :0.5", LONG), ("a :2", ""), ("a", "b")]
    x = torch.randn(len(pairs), 4, 2, 2)
    together = Guided(predict, steering(view, *pairs).at, 7, joined)(x, torch.tensor(1.0))
    for row, pair in enumerate(pairs):
        alone = Guided(predict, steering(view, pair).at, 7, joined)(x[row : row + 1], torch.tensor(1.0))
        assert torch.allclose(together[row : row + 1], alone, rtol=1e-6)


def test_pictures_of_a_batch_with_prompts_of_any_length(app):
    """Each is the picture that its own infotext makes alone."""
    asked = {
        "prompt": "a {cat|" + LONG + "|dog AND (hill:1.2) :0.4}",
        "negative_prompt": "{x|" + LONG + "}",
        "seed": 11,
    }
    quick = {
        "steps": 3,
        "width": 64,
        "height": 64,
        "sampler_name": "Euler a",
        "do_not_save_samples": True,
        "do_not_save_grid": True,
    }
    options = {"enable_wildcards": True}
    result = app.txt2img(request_from(asked | quick | {"batch_size": 4, "override_settings": options})).wait(60)
    said = result.plan.wording
    assert len(set(said.prompts)) > 1 and len({len(text) for text in said.negative_prompts}) > 1
    for index, picture in enumerate(result.pictures):
        words = {"prompt": said.prompts[index], "negative_prompt": said.negative_prompts[index], "seed": 11 + index}
        alone = app.txt2img(request_from(quick | words)).wait(60).pictures[0]
        difference = np.asarray(alone.image, np.int16) - np.asarray(picture.image, np.int16)
        assert np.abs(difference).max() <= 1


def test_the_infotext_names_padding_only_where_it_was_done(app):
    quick = {"steps": 1, "width": 64, "height": 64, "do_not_save_samples": True, "do_not_save_grid": True}
    for negative, padded in ((LONG, True), ("b", False)):
        asked = {"prompt": "a", "negative_prompt": negative, "override_settings": {"pad_cond_uncond": True}}
        text = app.txt2img(request_from(asked | quick)).wait(60).pictures[0].infotext
        assert ("Pad conds: True" in text) == padded


def test_emphasis_keeps_the_mean():
    z = torch.randn(2, 77, 8, generator=torch.Generator().manual_seed(0)) + 1
    weighted, plain = Chunk((0,) * 77, (1.0, 1.5, 0.5) + (1.0,) * 74), Chunk((0,) * 77, (1.0,) * 77)
    made = emphasise(z, [weighted, plain])
    assert made.mean() == pytest.approx(float(z.mean()), rel=1e-5)
    assert torch.allclose(made[0, 1] / z[0, 1] / (made[0, 0] / z[0, 0]), torch.full((8,), 1.5), atol=1e-4)
    assert emphasise(z, [plain, plain]) is z
