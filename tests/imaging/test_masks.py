"""Masks, resize modes and colours on pictures small enough to know the answer."""

import numpy as np
import pytest
from PIL import Image

from modules.imaging import masks, resize
from modules.imaging.colours import recoloured
from modules.imaging.masks import Region


def box(size, *corners):
    mask = Image.new("L", size)
    mask.paste(255, corners)
    return mask


def test_a_mask_is_transparency_or_brightness():
    image = Image.new("RGBA", (2, 1), (255, 255, 255, 255))
    assert np.asarray(masks.as_mask(image)).tolist() == [[255, 255]]
    image.putpixel((0, 0), (0, 0, 0, 128))
    image.putpixel((1, 0), (0, 0, 0, 129))
    assert np.asarray(masks.as_mask(image)).tolist() == [[0, 255]]
    assert np.asarray(masks.as_mask(image, hard=False)).tolist() == [[128, 129]]
    assert np.asarray(masks.as_mask(Image.new("RGB", (1, 1), (0, 255, 0)))).tolist() == [[150]]


def test_blur_goes_its_own_way_in_x_and_y():
    dot = box((21, 21), 10, 10, 11, 11)
    across = np.asarray(masks.blurred(dot, 2, 0)) > 0
    assert across[10].sum() > 3 and across[:10].sum() == 0
    assert np.array_equal(np.asarray(masks.blurred(dot, 0, 2)) > 0, across.T)
    assert np.array_equal(np.asarray(masks.blurred(dot, 0, 0)), np.asarray(dot))


def test_the_region_of_a_mask():
    mask = box((100, 80), 30, 20, 50, 60)
    assert masks.region_of(mask, 0) == Region(30, 20, 50, 60)
    assert masks.region_of(mask, 25) == Region(5, 0, 75, 80)
    assert masks.region_of(Image.new("L", (9, 9)), 5) is None


@pytest.mark.parametrize(
    ("region", "wanted", "expected"),
    [
        (Region(30, 20, 50, 60), (1, 1), Region(20, 20, 60, 60)),
        (Region(30, 20, 70, 40), (1, 1), Region(30, 10, 70, 50)),
        (Region(0, 20, 20, 60), (1, 1), Region(0, 20, 40, 60)),
        (Region(80, 20, 100, 60), (1, 1), Region(60, 20, 100, 60)),
        (Region(0, 0, 100, 10), (1, 1), Region(0, 0, 100, 80)),
    ],
)
def test_a_region_grows_to_proportions_within_the_image(region, wanted, expected):
    assert masks.in_proportion(region, *wanted, (100, 80)) == expected


def test_a_hole_is_filled_from_around_it():
    image = Image.new("RGB", (64, 64), "red")
    image.paste("blue", (24, 24, 40, 40))
    made = np.asarray(masks.filled(image, box((64, 64), 24, 24, 40, 40)))
    assert (made[24:40, 24:40] == (255, 0, 0)).all() and (made[:20, :20] == (255, 0, 0)).all()


def test_what_stays_is_laid_over_at_its_place():
    old, new = Image.new("RGB", (40, 40), "red"), Image.new("RGB", (16, 16), "blue")
    mask = box((40, 40), 10, 10, 30, 30)
    over = masks.outside(old, mask)
    made = np.asarray(masks.overlaid(new, over, Region(8, 8, 32, 32)))
    inside = np.asarray(mask) > 0
    assert (made[inside] == (0, 0, 255)).all() and (made[~inside] == (255, 0, 0)).all()
    assert np.array_equal(np.asarray(masks.overlaid(new.resize((40, 40)), over, None)), made)


@pytest.mark.parametrize(("size", "to"), [((100, 50), (64, 64)), ((50, 100), (64, 64)), ((64, 64), (96, 32))])
def test_resize_modes(size, to):
    image = Image.new("RGB", size, "white")
    image.paste("red", (0, 0, size[0], 3))
    assert all(resize.resize(image, mode, *to).size == to for mode in range(4))
    whole = np.asarray(resize.resize(image, resize.FILL, *to))
    assert (whole.reshape(-1, 3).max(axis=0) > 0).all() and not (whole == 0).all(axis=2).any()
    assert np.asarray(resize.resize(image, resize.JUST, *to))[0].tolist() == [[255, 0, 0]] * to[0]


def test_cropping_keeps_the_middle():
    image = Image.new("RGB", (90, 30), "white")
    image.paste("red", (30, 0, 60, 30))
    assert (np.asarray(resize.resize(image, resize.CROP, 30, 30)) == (255, 0, 0)).mean() > 0.9


def test_recolouring_gives_the_colours_and_keeps_the_brightness():
    rng = np.random.RandomState(1)
    grey = Image.fromarray(np.repeat(rng.randint(60, 200, (32, 32, 1), np.uint8), 3, axis=2))
    red = Image.fromarray(np.asarray(grey) // np.array([1, 2, 2], np.uint8))
    made = np.asarray(recoloured(grey, red), float)
    assert made[..., 0].mean() > made[..., 1].mean() + 20
    luma = np.array([0.299, 0.587, 0.114])
    assert np.abs(made @ luma - np.asarray(grey, float) @ luma).mean() < 2
    assert np.abs(np.asarray(recoloured(grey, grey), int) - np.asarray(grey)).max() <= 3
