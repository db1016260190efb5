"""Masks out of differences: the filter by rank against a slow one, and what a difference makes of a mask."""

import numpy as np
import pytest

from modules.imaging.changes import Sensitivity, changed, rank_filtered

PLAIN = Sensitivity(threshold=0.5, contrast=2)


def slowly(values, low, high):
    """Each pixel's neighbours as a staircase, its steps as wide as their weights, averaged from low to high."""
    foot = np.exp(-9 / 2.25)
    made = np.empty(values.shape)
    for y, x in np.ndindex(values.shape):
        steps = []
        for j, i in np.ndindex(5, 5):
            row, column = y + j - 2, x + i - 2
            if 0 <= row < values.shape[0] and 0 <= column < values.shape[1]:
                weight = (np.exp(-((j - 2) ** 2 + (i - 2) ** 2) / 2.25) - foot) / (1 - foot)
                steps.append((values[row, column], weight))
        steps.sort()
        total = sum(weight for _, weight in steps)
        stairs = np.repeat([value for value, _ in steps], [round(weight * 20000) for _, weight in steps])
        width = max(high - low, 1 / total)
        start = min(max((low + high) / 2 - width / 2, 0), 1 - width)
        made[y, x] = stairs[int(start * len(stairs)) : round((start + width) * len(stairs))].mean()
    return made


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.9, 1), (0.25, 0.75), (0, 0.05)])
def test_the_filter_by_rank(low, high):
    values = np.random.default_rng(4).random((6, 7), np.float32)
    assert np.allclose(rank_filtered(values, low, high), slowly(values, low, high), atol=2e-3)


def test_a_mask_is_white_where_much_has_changed():
    difference, drawn = np.zeros((16, 16), np.float32), np.ones((16, 16), np.float32)
    difference[:, 8:] = 50
    mask = np.asarray(changed(difference, drawn, PLAIN, (128, 128)))
    assert mask.shape == (128, 128) and mask[:, :8].max() == 0 and mask[:, 100:].min() > 240
    none = Sensitivity(threshold=0, contrast=0)
    assert changed(0 * difference, drawn, none, (64, 64)).getextrema()[1] < 200
    by_mask = Sensitivity(threshold=1, contrast=2, influence=1)
    assert np.asarray(changed(difference, drawn, by_mask, (64, 64)))[32, 60] > 240
