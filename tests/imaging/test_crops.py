"""Cuts for training sets: sizes, frames along a long picture, and where the eye is drawn."""

import numpy as np
import pytest
from PIL import Image

from modules.imaging import crops

ALL = crops.Weights(faces=1, entropy=1, edges=1)


def sizes(**changes):
    usual = {"side": (384, 768), "area": (64 * 64, 640 * 640), "error": 0.1, "largest": True}
    return crops.Sizes(**usual | changes)


@pytest.mark.parametrize(
    ("size", "changes", "best"),
    [
        ((1000, 1000), {}, (640, 640)),
        ((1600, 900), {"largest": False}, (704, 384)),  # 1.833 for 1.778
        ((900, 1600), {"largest": False}, (384, 704)),
        ((1000, 1000), {"area": (1, 500 * 500)}, (448, 448)),
        ((3000, 500), {}, None),
    ],
)
def test_the_best_size(size, changes, best):
    assert crops.best_size(size, sizes(**changes)) == best


def test_the_middle_is_cut_out():
    image = Image.new("L", (300, 100))
    image.paste(255, (100, 0, 200, 100))
    made = np.asarray(crops.fitted(image, 50, 50))
    assert made.shape == (50, 50) and made.min() > 230


@pytest.mark.parametrize("overlap", [0, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("size", [(100, 257), (257, 100), (100, 100), (100, 101)])
def test_pieces_cover_a_long_picture_and_overlap(size, overlap):
    scaled, corners = crops.pieces(size, 50, 50, overlap)
    axis = int(size[1] > size[0])
    starts = [corner[axis] for corner in corners]
    assert scaled[1 - axis] == 50 and starts[0] == 0 and starts[-1] + 50 == scaled[axis]
    assert all(after - before <= 50 * (1 - overlap) + 1 for before, after in zip(starts, starts[1:], strict=False))


@pytest.fixture
def lively():
    """A flat picture with a patch of noise at the right."""
    pixels = np.full((100, 300, 3), 128, np.uint8)
    pixels[30:70, 200:260] = np.random.default_rng(1).integers(0, 256, (40, 60, 3), np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("kind", ["entropy", "edges"])
def test_the_eye_is_drawn_to_what_is_lively(lively, kind):
    weights = crops.Weights(**{"faces": 0, "entropy": 0, "edges": 0, kind: 1})
    left, top, right, bottom = crops.focus(lively, 100, 100, weights, []).box
    assert (right - left, bottom - top, top) == (100, 100, 0) and left <= 205 and right >= 255


def test_faces_draw_it_too_and_a_frame_never_leaves_the_picture(lively):
    only = crops.Weights(faces=1, entropy=0, edges=0)
    assert crops.focus(lively, 100, 100, only, [(60, 50), (80, 50)]).box == (20, 0, 120, 100)
    assert crops.focus(lively, 100, 100, only, [(2, 2)]).box == (0, 0, 100, 100)
    assert crops.focus(lively, 100, 100, only, []).box == (100, 0, 200, 100)  # nothing found: the middle
    assert crops.focus(Image.new("RGB", (64, 64)), 64, 64, ALL, []).box == (0, 0, 64, 64)
    shown = crops.explained(lively, crops.focus(lively, 100, 100, ALL, [(60, 50)]))
    assert shown.size == lively.size and shown.tobytes() != lively.tobytes()


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (333, 77)])
def test_a_frame_is_covered(size):
    width, height = crops.covering(size, 64, 32)
    assert (width == 64 and height >= 32) or (height == 32 and width >= 64)
