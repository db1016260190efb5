"""What the guided model answers, and when it leaves the negative half out."""

import pytest
import torch

from modules.sampling.guidance import Contexts, Guided, Skip
from modules.sampling.prediction import Condition, Levels

ONE = torch.tensor(1.0)


def predict(x, sigma, condition):
    """A model whose answer is its context."""
    return condition.context[:, 0, 0].reshape(-1, 1, 1, 1).expand_as(x)


def contexts(*parts, negative=0.0):
    def tensor(value):
        return Condition(torch.full((1, 77, 1), value))

    given = Contexts([tensor(value) for value, _ in parts], [weight for _, weight in parts], tensor(negative))
    return lambda call: given


@pytest.mark.parametrize("joined", [True, False])
def test_parts_add_up(joined):
    guided = Guided(predict, contexts((3.0, 1.0), (2.0, -0.5), negative=1.0), 7, joined)
    answer = guided(torch.zeros(2, 1, 1, 1), ONE)
    assert answer.flatten().tolist() == pytest.approx([1 + 7 * (2 - 0.5)] * 2)


def test_a_skipped_negative_is_the_first_part():
    guided = Guided(predict, contexts((3.0, 1.0), (2.0, 0.5), negative=99.0), 7, True, Skip(below=2, every=True))
    assert guided(torch.zeros(1, 1, 1, 1), ONE).item() == pytest.approx(3 + 7 * 0.5 * (2 - 3))


def asked(skip, levels):
    """At which calls the negative half is computed."""
    return [call for call, level in enumerate(levels) if not skip(call, level)]


def test_the_negative_is_left_out_below_a_level_at_every_other_call():
    falling = [14.6, 8.0, 4.0, 2.0, 1.0, 0.5]
    assert asked(Skip(), falling) == [0, 1, 2, 3, 4, 5]
    assert asked(Skip(below=4.5), falling) == [0, 1, 2, 4]
    assert asked(Skip(below=4.5, every=True), falling) == [0, 1]
    assert asked(Skip(below=4.0), falling) == [0, 1, 2, 4]


def test_the_negative_is_left_out_early():
    assert asked(Skip(early=0.2, calls=10), [1.0] * 10) == [3, 4, 5, 6, 7, 8, 9]


def test_levels_without_signal_at_the_end():
    levels = Levels.scaled_linear()
    assert levels.sigma_max == pytest.approx(14.6146, abs=1e-4)
    altered = levels.altered(zero_snr=True)
    assert altered.sigma_max == pytest.approx(4518.76, abs=0.01)
    assert altered.sigma_min == pytest.approx(levels.sigma_min)


def test_levels_in_half_precision_are_a1111s():
    made = Levels.scaled_linear().altered(half=True).sigma(torch.linspace(999, 0, 12))
    recorded = [14.609041, 8.715715, 5.5385714, 3.7144613, 2.6027992, 1.8841527]
    recorded += [1.3910768, 1.0320498, 0.75556034, 0.5284387, 0.32304245, 0.03127789]
    assert made.tolist() == pytest.approx(recorded, rel=1e-7)


def test_whole_timesteps_only():
    levels = Levels.scaled_linear()
    between = levels.sigma(torch.tensor([10.2, 10.8, 500.0]))
    assert levels.t(between).tolist() == pytest.approx([10.2, 10.8, 500.0], abs=1e-3)
    assert levels.altered(whole=True).t(between).tolist() == [10.0, 11.0, 500.0]
