"""The e-process of rare events, against other ways to compute it."""

from math import comb, inf, isnan, log

import numpy as np
import pytest
from scipy.stats import binom

from sidecar.experiments import rare


@pytest.mark.parametrize(("share", "events_a", "events_b"), [(0.5, 4, 17), (0.1, 80, 20), (0.01, 300, 9)])
def test_it_is_the_mean_of_likelihood_ratios(share: float, events_a: int, events_b: int) -> None:
    """Binomial densities of scipy, one by one over the mixture, to 5 decimals of the logarithm."""
    ratios = np.exp(rare._GRID["both"])
    chances = share * ratios / (share * ratios + 1 - share)
    n = events_a + events_b
    mean = float((binom.pmf(events_b, n, chances) / binom.pmf(events_b, n, share)).mean())
    assert float(rare.log_e_value([events_a], [events_b], [share])) == pytest.approx(log(mean), abs=1e-5)


@pytest.mark.parametrize("ratio", [1.0, 1.5])
@pytest.mark.parametrize("sides", ["both", "over", "under"])
def test_under_the_null_its_mean_is_one(ratio: float, sides: rare.Sides) -> None:
    """Summed over every way that 30 events can fall: exactly a martingale, over two epochs of unlike split too."""
    shares = [0.1, 0.5]
    chances = [share * ratio / (share * ratio + 1 - share) for share in shares]
    mean = 0.0
    for first in range(16):
        for second in range(16):
            chance = binom.pmf(first, 15, chances[0]) * binom.pmf(second, 15, chances[1])
            mean += chance * np.exp(rare.log_e_value([15 - first, 15 - second], [first, second], shares, ratio, sides))
    assert float(mean) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("true", [1.0, 1.2])
def test_inside_a_one_sided_null_its_mean_is_at_most_one(true: float) -> None:
    """Against a ratio of at most 1.5, and the ratio is lower."""
    chances = 0.3 * true / (0.3 * true + 0.7)
    mean = sum(
        comb(40, k)
        * chances**k
        * (1 - chances) ** (40 - k)
        * np.exp(rare.log_e_value([40 - k], [k], [0.3], 1.5, "over"))
        for k in range(41)
    )
    assert float(mean) < 1


@pytest.mark.parametrize(
    ("events_a", "events_b", "share"), [(20, 45, 0.5), (200, 10, 0.1), (5, 9, 0.5), (1_000, 1_100, 0.5)]
)
def test_the_sequence_and_the_p_value_agree(events_a: int, events_b: int, share: float) -> None:
    """A ratio of 1 is outside the sequence at alpha just where the p-value is at most alpha."""
    p = float(rare.p_value([events_a], [events_b], [share]))
    low, high = rare.confidence_sequence([events_a], [events_b], [share], alpha=0.05)
    assert (low <= 1 <= high) is (p > 0.05)
    if p < 1:
        low, high = rare.confidence_sequence([events_a], [events_b], [share], alpha=p)
        assert min(abs(log(low)), abs(log(high))) == pytest.approx(0, abs=1e-6)


def test_the_sequence_holds_the_estimate_and_narrows() -> None:
    """With events; at the top of the likelihood."""
    widths = []
    for times in (1, 10, 100):
        a, b, shares = [30 * times, 40 * times], [10 * times, 60 * times], [0.1, 0.5]
        estimate = rare.ratio_estimate(a, b, shares)
        low, high = rare.confidence_sequence(a, b, shares)
        assert low < estimate < high
        widths.append(log(high / low))
    assert widths[0] > 2 * widths[1] > 4 * widths[2]


def test_the_estimate_of_one_epoch_is_the_ratio_of_the_rates() -> None:
    """With the split for the numbers of units."""
    assert rare.ratio_estimate([90], [20], [0.1]) == pytest.approx(20 / 0.1 / (90 / 0.9))
    assert rare.ratio_estimate([0], [3], [0.5]) == inf
    assert rare.ratio_estimate([3], [0], [0.5]) == 0.0
    assert isnan(rare.ratio_estimate([0], [0], [0.5]))


def test_events_of_one_arm_only_leave_one_side_open() -> None:
    """No event in control: the ratio has no upper bound; none in the treatment: no lower one."""
    low, high = rare.confidence_sequence([0], [30], [0.5])
    assert low > 1
    assert high == inf
    low, high = rare.confidence_sequence([30], [0], [0.5])
    assert low < 1e-15
    assert high < 1


def test_without_events_nothing_is_known() -> None:
    """p is 1, on either side."""
    for sides in ("both", "over", "under"):
        assert float(rare.p_value([0, 0], [0, 0], [0.01, 0.5], 1.5, sides)) == 1.0
    assert float(rare.ceiling_p_value(0, 0, 0.005)) == 1.0


def test_many_events_do_not_overflow() -> None:
    """A million in each arm, and ten times as many in one."""
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert float(rare.p_value([1_000_000], [1_000_000], [0.5])) == 1.0
        assert float(rare.p_value([1_000_000], [100_000], [0.5])) == 0.0


def test_a_rate_under_its_ceiling_is_known_in_the_end() -> None:
    """No event in 2,000 requests is surely under 0.5 %; ten in 2,000 are not. Its mean at the ceiling is 1."""
    assert float(rare.ceiling_p_value(0, 2_000, 0.005)) < 0.001
    assert float(rare.ceiling_p_value(10, 2_000, 0.005)) == 1.0
    happened = np.arange(61)
    e_values = 1 / rare.ceiling_p_value(happened, 60, 0.05)
    assert float((binom.pmf(happened, 60, 0.05) * np.where(e_values > 1, e_values, 0)).sum()) <= 1
