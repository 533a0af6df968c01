"""How one metric is judged, by its kind and by what its units are."""

from collections.abc import Callable
from dataclasses import replace
from math import inf

import pytest
from scipy import stats

from sidecar.experiments import METRICS, Epoch, Tuning
from sidecar.experiments.epochs import pairs_of
from sidecar.experiments.judging import judge

MakeEpoch = Callable[..., Epoch]


def judged(epochs: list[Epoch], name: str, tuning: Tuning | None = None):
    return judge(METRICS[name], pairs_of(epochs, "B", name), tuning or Tuning())


def test_a_mean_is_judged_by_its_confidence_sequence(make_epoch: MakeEpoch) -> None:
    """A latency 20 % longer: outside the sequence, around the difference, with a fixed-horizon p-value beside it."""
    found = judged([make_epoch(4_000, b={"latency_ms": 24.0})], "latency")
    assert (found.method, found.of, found.reason) == ("confidence sequence", "difference", "")
    assert 0 < found.low < found.estimate.difference < found.high
    assert found.p_value_fixed_horizon < found.p_value_always_valid < 1e-6


def test_events_of_requests_are_judged_by_the_e_process(make_epoch: MakeEpoch) -> None:
    """Errors three times as frequent: bounds of the ratio."""
    found = judged([make_epoch(20_000, a={"error_rate": 0.01}, b={"error_rate": 0.03})], "error_rate")
    assert (found.method, found.of) == ("e-process", "ratio")
    assert 1 < found.low < 3 < found.high
    assert found.p_value_always_valid < 1e-6


def test_events_of_several_images_of_a_request_are_judged_by_the_pooled_variance(make_epoch: MakeEpoch) -> None:
    """They come together; a difference with bounds of the difference."""
    epoch = make_epoch(4_000, images_each=3, a={"detections": 3.0}, b={"detections": 1.0})
    found = judged([epoch], "no_detection_rate")
    assert (found.method, found.of) == ("pooled confidence sequence", "difference")
    assert found.low > 0
    assert judged([make_epoch(4_000)], "no_detection_rate").method == "e-process"


def test_few_units_with_events_are_not_judged_by_a_variance(make_epoch: MakeEpoch) -> None:
    """It says how many there are and how many are needed."""
    epoch = make_epoch(2_000, images_each=2, detections=8.0, undecodable_rate=0.002)
    found = judged([epoch], "undecodable_rate")
    assert found.p_value_always_valid == 1.0
    assert found.reason.startswith("at least 20 units with events are needed, there are about ")


@pytest.mark.parametrize("name", ["confidence", "latency"])
def test_under_150_units_an_arm_nothing_is_judged(make_epoch: MakeEpoch, name: str) -> None:
    """The asymptotics are not asked; the averages and the fixed-horizon test are there."""
    found = judged([make_epoch(298, b={"confidence": 0.9, "latency_ms": 90.0})], name)
    assert (found.low, found.high, found.p_value_always_valid) == (-inf, inf, 1.0)
    assert found.reason == "at least 150 units an arm are needed, there are 149"
    assert found.p_value_fixed_horizon < 0.001
    assert judged([make_epoch(310, b={"confidence": 0.9, "latency_ms": 90.0})], name).p_value_always_valid < 0.05


def test_the_fixed_horizon_p_value_is_welch_s_and_of_shares_the_pooled_one(make_epoch: MakeEpoch) -> None:
    """Of one epoch, as scipy has them."""
    epoch = make_epoch(1_000, 0.3, error_rate=0.05)
    control, treatment = epoch.control.of("latency"), epoch.treatments[0].of("latency")
    expected = stats.ttest_ind_from_stats(
        treatment.value, treatment.standard_error * treatment.n**0.5, treatment.n,
        control.value, control.standard_error * control.n**0.5, control.n, equal_var=False,
    )  # fmt: skip
    assert judged([epoch], "latency").p_value_fixed_horizon == pytest.approx(expected.pvalue, rel=1e-9)
    control, treatment = epoch.control.of("error_rate"), epoch.treatments[0].of("error_rate")
    table = [[control.x, control.n - control.x], [treatment.x, treatment.n - treatment.x]]
    expected = stats.chi2_contingency(table, correction=False)
    assert judged([epoch], "error_rate").p_value_fixed_horizon == pytest.approx(expected.pvalue, rel=1e-9)


def test_the_same_is_judged_over_epochs(make_epoch: MakeEpoch) -> None:
    """A ramp from 5 % to half, errors twice as frequent in each, more of them by night."""
    epochs = [
        make_epoch(20_000, 0.05, seed=1, a={"error_rate": 0.01}, b={"error_rate": 0.02}),
        make_epoch(20_000, 0.5, seed=2, a={"error_rate": 0.05}, b={"error_rate": 0.1}),
    ]
    found = judged(epochs, "error_rate")
    assert 1.5 < found.low < 2 < found.high < 2.7
    assert found.p_value_fixed_horizon < 1e-6
    epochs = [replace(make_epoch(2_000, 0.5, seed=3)), make_epoch(2_000, 0.5, seed=4, b={"latency_ms": 24.0})]
    assert judged(epochs, "latency").p_value_fixed_horizon < 0.05


@pytest.mark.parametrize(("of", "message"), [({"alpha": 0.0}, "alpha: 0.0"), ({"plan_units": 0}, "plan_units: 0")])
def test_a_tuning_that_can_t_be_is_refused(of: dict[str, float], message: str) -> None:
    """With the field in front."""
    with pytest.raises(ValueError, match=message):
        Tuning(**of)
