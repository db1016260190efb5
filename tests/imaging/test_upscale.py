"""A1111's rule of enlarging, and tiles that join without a seam."""

import numpy as np
import pytest
from PIL import Image

from modules.exceptions import ParameterError
from modules.imaging.tiles import Tiles
from modules.imaging.upscale import RESAMPLERS, fit, upscale


def picture(width, height, seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


class Doubling:
    """An upscaler that can do nothing but double, like a 2x model."""

    def __init__(self):
        self.passes = 0

    def __call__(self, image, factor):
        self.passes += 1
        return image.resize((image.width * 2, image.height * 2))


@pytest.mark.parametrize(
    ("size", "factor", "made"),
    [
        ((128, 128), 1.5, (192, 192)),
        ((100, 150), 3, (296, 448)),
        ((192, 128), 200 / 128, (296, 200)),
        ((100, 100), 1, (96, 96)),
        ((1, 1), 1, (8, 8)),
    ],
)
def test_sides_become_multiples_of_eight(size, factor, made):
    for enlarge in RESAMPLERS.values():
        assert upscale(picture(*size), factor, enlarge).size == made


@pytest.mark.parametrize(("factor", "passes"), [(1, 1), (2, 1), (3, 2), (8, 3), (16, 3), (0.5, 0)])
def test_a_model_runs_until_the_size_is_reached(factor, passes):
    model = Doubling()
    assert upscale(picture(16, 24), factor, model).size == (16 * factor, max(8, int(24 * factor // 8 * 8)))
    assert model.passes == passes


def test_a_model_that_does_not_enlarge_runs_once():
    calls = []
    made = upscale(picture(16, 16), 2, lambda image, factor: calls.append(factor) or image)
    assert made.size == (32, 32) and calls == [2]


def test_fitting_enlarges_only_what_has_to_grow():
    model = Doubling()
    assert fit(picture(32, 32), 50, 20, model).size == (50, 20) and model.passes == 1
    assert fit(picture(32, 32), 16, 16, model).size == (16, 16) and model.passes == 1
    plain = picture(32, 32)
    assert fit(plain, 64, 48, None).tobytes() == plain.resize((64, 48), Image.Resampling.LANCZOS).tobytes()


def test_more_than_memory_holds_is_refused_in_one_sentence():
    with pytest.raises(ParameterError, match="80000x80000.*smaller"):
        upscale(picture(10, 10), 8000, RESAMPLERS["Nearest"])


@pytest.mark.parametrize("size", [(300, 200), (192, 500), (64, 64), (513, 385)])
@pytest.mark.parametrize("margin", [0, 8])
@pytest.mark.parametrize("factor", [1, 2])
def test_tiles_cover_a_picture_and_join_to_it(size, margin, factor):
    pixels = np.asarray(picture(*size))
    tiles = Tiles.over(size, (192, 128), 8, margin)
    pieces = [pixels[top:bottom, left:right] for left, top, right, bottom in tiles.boxes()]
    assert len(pieces) == tiles.count and len({piece.shape for piece in pieces}) == 1
    joined = tiles.joined(piece.repeat(factor, 0).repeat(factor, 1) for piece in pieces)
    assert np.array_equal(joined, pixels.repeat(factor, 0).repeat(factor, 1))


@pytest.mark.parametrize("length", [193, 200, 376, 377, 512, 1000, 1001])
def test_neighbours_share_what_is_asked_for(length):
    tiles = Tiles.over((length, 192), (192, 192), 8, 8)
    assert (tiles.columns[0], tiles.columns[-1]) == (0, length - 192)
    gaps = np.diff(tiles.columns)
    assert gaps.max() <= 192 - 24 and gaps.max() - gaps.min() <= 1


def test_a_tile_fades_in_behind_its_margin():
    tiles = Tiles.over((24, 16), (16, 16), 4, 2)
    black, white = np.zeros((16, 16, 3), np.uint8), np.full((16, 16, 3), 255, np.uint8)
    row = tiles.joined([black, white])[0, :, 0]
    assert tiles.columns == (0, 8)
    assert row.tolist() == [0] * 10 + [0, 64, 128, 191] + [255] * 10


def test_silly_tiles_are_made_sensible():
    for tile, overlap, margin in [(16, 48, 8), (0, 8, 8), (1, 0, 8), (1, 9, 0)]:
        tiles = Tiles.over((40, 30), (tile, tile), overlap, margin)
        assert tiles.columns[-1] + tiles.width == 40 and tiles.rows[-1] + tiles.height == 30
