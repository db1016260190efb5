"""The drawn world: what is drawn is what the captions and the judge say."""

import random
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageFilter

from modules.demo import bank, evaluate, text
from modules.demo.drawing import PARTS, SIDE, draw
from modules.demo.world import BACKGROUNDS, COLOURS, SCENES, SHAPES, Scene, Thing, caption, invent
from modules.prompts.attention import parse_attention
from modules.weights.text import tokenizer


def scene(shape: str = "star", colour: str = "red", background: str = "white", style: str = "flat") -> Scene:
    """One object in the middle."""
    thing = Thing(shape=shape, colour=colour, size="medium", x=0.5, y=0.5, radius=0.2)
    return Scene(things=(thing,), background=background, style=style, seed=3)


def flat_scenes(count: int) -> list[Scene]:
    rng = random.Random(17)
    drawn = (invent(rng, styles=("flat",)) for _ in range(10 * count))
    return [s for s in drawn if s.background in BACKGROUNDS and all(t.strength == 1 for t in s.things)][:count]


def words_of(said: str) -> str:
    """A caption without its weights."""
    return "".join(part.text for part in parse_attention(said))


def test_judge_reads_drawn_pictures():
    """The judge finds exactly what was drawn; were it blind or biased, the evaluation would be worth nothing."""
    for drawn in flat_scenes(60):
        seen = sorted((f.colour, f.shape) for f in evaluate.objects(draw(drawn)))
        assert seen == sorted((t.colour, t.shape) for t in drawn.things), drawn


def test_judge_reads_soft_pictures_as_a_person_does():
    """A painted picture has no sharp edges: a star with round tips is a star, a house with a pale door a house."""
    said = []
    for drawn in flat_scenes(60):
        soft = np.asarray(Image.fromarray(draw(drawn)).filter(ImageFilter.GaussianBlur(1.5)))
        seen = sorted((f.colour, f.shape) for f in evaluate.objects(soft))
        said.append(seen == sorted((t.colour, t.shape) for t in drawn.things))
    assert sum(said) >= 57


@pytest.mark.parametrize("background", [*BACKGROUNDS, *SCENES])
def test_judge_reads_the_ground(background: str):
    assert evaluate.background_of(draw(scene(background=background, colour="purple"))) == background


def test_judge_is_not_fooled():
    picture = draw(scene("star", "red"))
    assert evaluate.shows([("red", "star")])(picture)
    assert not evaluate.shows([("blue", "star")])(picture)
    assert not evaluate.shows([("red", "heart")])(picture)
    assert not evaluate.shows([("red", "star")] * 2)(picture)


def test_a_layout_is_kept_when_objects_stay_where_they_were():
    here, there = scene("star", "red"), scene("heart", "blue", "gray")
    moved = replace(here, things=(replace(here.things[0], x=0.25),))
    assert evaluate.alike(draw(here), draw(there))
    assert not evaluate.alike(draw(here), draw(moved))
    assert not evaluate.alike(draw(here), draw(replace(here, things=(*here.things, *moved.things))))


def test_regions_part_what_does_not_touch():
    mask = np.zeros((9, 9), dtype=bool)
    mask[0, :] = mask[:, 0] = mask[4, 4:8] = mask[6:8, 5] = True
    assert sorted(int(r.sum()) for r in evaluate.regions(mask)) == [2, 4, 17]


@pytest.mark.parametrize("shape", [*SHAPES, "boat"])
def test_every_shape_is_drawn_in_its_colour(shape: str):
    picture = draw(scene(shape, "purple"))
    assert picture.shape == (SIDE, SIDE, 3)
    found = evaluate.objects(picture)
    if shape == "boat":  # hull and mast are its own, and its sails stand apart
        assert "purple" in {part.colour for part in found}
    else:
        assert [part.colour for part in found] == ["purple"]
    assert set(PARTS) == {*SHAPES, "boat"}


@pytest.mark.parametrize("style", ["watercolor", "glowing", "outline", "pixel"])
def test_styles_change_the_picture(style: str):
    flat, styled = draw(scene()).astype(float), draw(scene(style=style)).astype(float)
    assert np.abs(flat - styled).mean() > 1


def test_the_same_scene_is_the_same_picture():
    assert np.array_equal(draw(scene(style="watercolor")), draw(scene(style="watercolor")))


def test_captions_name_only_what_is_there():
    rng = random.Random(4)
    for _ in range(400):
        drawn = invent(rng)
        words = set(words_of(caption(drawn, rng)).replace(",", "").split())
        shown = {t.colour for t in drawn.things} | {drawn.background}
        assert not (words & set(COLOURS)) - shown, (words, drawn)
        assert not (words & set(SHAPES)) - {t.shape for t in drawn.things}, (words, drawn)


def test_training_moves_the_row_of_every_word_of_the_world():
    rng = random.Random(8)
    known = set(text.known_tokens(tokenizer()))
    for _ in range(600):
        said = words_of(caption(invent(rng), rng))
        assert set(tokenizer().encode(said)) <= known, said


def test_captions_become_token_rows():
    table, weights = bank.tokens_of(flat_scenes(5), tokenizer(), seed=1)
    assert table.shape == weights.shape == (5, bank.CAPTIONS_EACH, bank.TOKENS)
    assert (table[..., 0] == bank.END - 1).all() and (table[..., -1] == bank.END).all()


def test_a_colours_strength_is_the_weight_of_its_word():
    """A pale red star is "(red:0.5)" in every caption, and the weight stands at that word alone."""
    (thing,) = scene().things
    pale = replace(scene(), things=(replace(thing, strength=0.5),))
    table, weights = bank.tokens_of([pale], tokenizer(), seed=1)
    for numbers, row in zip(table[0], weights[0], strict=True):
        assert tokenizer().decode(numbers[np.isclose(row, 0.5, atol=1e-3)]).strip().startswith("red")


def test_a_strong_colour_is_redder_and_a_weak_one_paler():
    (thing,) = scene("square").things
    shades = [evaluate.redness(draw(replace(scene(), things=(replace(thing, strength=s),)))) for s in (0.5, 1, 1.5)]
    assert shades[0] < 0.6 * shades[1] < 0.55 * shades[2]


def test_unseen_prompts_are_told_from_captions(tmp_path):
    drawn = flat_scenes(3)
    bank.paint(tmp_path, drawn, tokenizer(), seed=2)
    rng = random.Random(2)
    said = caption(drawn[0], rng)
    assert bank.never_said(tmp_path, [said, "a zebra on the moon"], tokenizer()) <= {"a zebra on the moon", said}
    assert "a zebra on the moon" in bank.never_said(tmp_path, ["a zebra on the moon"], tokenizer())
    first = tokenizer().decode(np.load(tmp_path / "tokens.npy")[0, 0], skip_special_tokens=True)
    assert first not in bank.never_said(tmp_path, [first], tokenizer())
