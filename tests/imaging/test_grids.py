"""Grids choose their shape and hold pictures of any size."""

import pytest
from PIL import Image

from modules.exceptions import ParameterError
from modules.imaging.grids import grid, shape


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((1, 1), (1, 1)),
        ((6, 2), (2, 3)),
        ((7, 1), (3, 3)),
        ((12, 4, 0), (4, 3)),
        ((12, 4, 5), (5, 3)),
        ((3, 9, 0), (3, 1)),
        ((3, 1, 8), (3, 1)),
        ((4, 0, 0), (1, 4)),
        ((12, 1, -1), (3, 4)),
        ((12, 1, -1, True), (3, 4)),
        ((7, 1, -1, True), (1, 7)),
        ((15, 1, -1, True), (3, 5)),
        ((15, 1, -1, False), (4, 4)),
    ],
)
def test_shape(arguments, expected):
    assert shape(*arguments) == expected


def test_every_count_fits_and_divisors_leave_no_hole():
    for count in range(1, 120):
        rows, cols = shape(count, 1)
        assert rows * cols >= count > rows * (cols - 1)
        rows, cols = shape(count, 1, prevent_empty=True)
        assert rows * cols == count and rows <= cols


def test_no_pictures_make_no_grid():
    with pytest.raises(ParameterError):
        shape(0, 1)
    with pytest.raises(ParameterError):
        grid([], 1)


def test_mixed_sizes_are_centred_in_equal_cells():
    images = [Image.new("RGB", (4, 2), "red"), Image.new("RGB", (2, 4), "lime"), Image.new("RGBA", (4, 4))]
    sheet = grid(images, 2, background="#0000ff")
    assert (sheet.mode, sheet.size) == ("RGB", (8, 8))
    red, lime, blue = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    seen = {spot: sheet.getpixel(spot) for spot in [(0, 0), (0, 1), (4, 0), (5, 0), (6, 3), (7, 0), (1, 5), (6, 6)]}
    assert seen == {
        (0, 0): blue,
        (0, 1): red,
        (4, 0): blue,
        (5, 0): lime,
        (6, 3): lime,
        (7, 0): blue,
        (1, 5): blue,  # transparent
        (6, 6): blue,  # empty
    }


def test_pictures_run_along_rows():
    images = [Image.new("RGB", (1, 1), (level, 0, 0)) for level in range(6)]
    sheet = grid(images, 2, 3)
    assert [sheet.getpixel((x, y))[0] for y in range(2) for x in range(3)] == [0, 1, 2, 3, 4, 5]


def test_too_many_pictures_for_the_shape_are_refused():
    with pytest.raises(ParameterError, match="5 pictures do not fit a grid of 2 x 2"):
        grid([Image.new("RGB", (1, 1))] * 5, 2, 2)


def test_a_huge_grid_is_refused_before_it_is_made():
    with pytest.raises(ParameterError, match="megapixels"):
        grid([Image.new("L", (5000, 5000))] * 9, 3)
    with pytest.raises(ParameterError, match="0.001 allowed"):
        grid([Image.new("L", (50, 50))], 1, max_megapixels=0.001)
