"""Guardrails: harm, safety, and not knowing yet."""

from collections.abc import Callable
from math import isnan

import pytest

from sidecar.experiments import DEFAULT_GUARDRAILS, Epoch, Guardrail, GuardrailReading, Sums, Tuning
from sidecar.experiments.epochs import Pair, pairs_of
from sidecar.experiments.guardrails import read_guardrail
from sidecar.experiments.rare import ceiling_p_value

MakeEpoch = Callable[..., Epoch]
BY_NAME = {guardrail.metric: guardrail for guardrail in DEFAULT_GUARDRAILS}


def read(epochs: list[Epoch], guardrail: Guardrail, alpha: float = 0.0125) -> GuardrailReading:
    return read_guardrail(guardrail, pairs_of(epochs, "B", guardrail.metric), alpha, Tuning())


@pytest.mark.parametrize(
    ("metric", "harm"),
    [
        ("error_rate", {"error_rate": 0.3}),
        ("latency", {"latency_ms": 60.0}),
        ("undecodable_rate", {"undecodable_rate": 0.3}),
        ("no_detection_rate", {"detections": 0.5}),
    ],
)
def test_harm_is_found_soon_and_sameness_is_safe_in_the_end(
    make_epoch: MakeEpoch, metric: str, harm: dict[str, float]
) -> None:
    """Gross harm within 1,000 requests; a variant that is alike is safe by 40,000."""
    usual = {"error_rate": 0.02, "undecodable_rate": 0.02, "detections": 3.0}
    found = read([make_epoch(1_000, **usual, b=harm)], BY_NAME[metric])
    assert found.decision == "harmful"
    assert f"{metric} is surely over {BY_NAME[metric].margin:g} times the control's, now " in found.reason
    found = read([make_epoch(40_000, **usual)], BY_NAME[metric])
    assert found.decision == "safe"
    assert "is surely not over" in found.reason


@pytest.mark.parametrize("images_each", [1, 3])
def test_an_improvement_is_safe(make_epoch: MakeEpoch, images_each: int) -> None:
    """Also where a request has several images."""
    epoch = make_epoch(8_000, detections=2.0, images_each=images_each, b={"detections": 4.0})
    assert read([epoch], BY_NAME["no_detection_rate"]).decision == "safe"
    assert read([epoch], Guardrail("latency", 1.5)).decision == "safe"


def test_too_little_is_not_known_yet(make_epoch: MakeEpoch) -> None:
    """A hundred requests: it waits, and says why."""
    found = read([make_epoch(100)], BY_NAME["latency"])
    assert (found.decision, found.p_harmful, found.p_safe) == ("not_yet", 1.0, 1.0)
    assert found.reason.endswith("(at least 150 units an arm are needed, there are 50)")
    found = read([make_epoch(100)], BY_NAME["error_rate"])
    assert found.decision == "not_yet"
    assert found.reason.endswith("(no events yet)")
    assert isnan(found.ratio)
    assert found.to_dict()["ratio"] is None


def test_a_rate_under_its_floor_is_safe_though_no_ratio_is_known(make_epoch: MakeEpoch) -> None:
    """Without any error a ramp must not wait for ever: 2,500 requests suffice. Without a floor it would."""
    epoch = make_epoch(5_000)
    assert read([epoch], BY_NAME["error_rate"]).decision == "safe"
    assert read([epoch], Guardrail("error_rate", 1.5)).decision == "not_yet"
    # two ways to be safe: each has half of alpha
    assert read([epoch], BY_NAME["error_rate"]).p_safe == pytest.approx(2 * float(ceiling_p_value(0, 2_500, 0.005)))


def test_lower_can_be_the_harm(make_epoch: MakeEpoch) -> None:
    """Confidence under 0.9 times the control's."""
    guardrail = Guardrail("confidence", 0.9)
    found = read([make_epoch(4_000, b={"confidence": 0.5})], guardrail)
    assert found.decision == "harmful"
    assert found.ratio == pytest.approx(0.5 / 0.7, abs=0.02)
    assert read([make_epoch(4_000, b={"confidence": 0.8})], guardrail).decision == "safe"


def test_no_traffic_is_not_known_yet() -> None:
    """For each of the defaults."""
    for guardrail in DEFAULT_GUARDRAILS:
        found = read_guardrail(guardrail, [], 0.0125, Tuning())
        assert (found.decision, found.p_harmful, found.p_safe) == ("not_yet", 1.0, 1.0)


@pytest.mark.parametrize(
    ("of", "message"),
    [
        (("accuracy", 1.5), "guardrails: 'accuracy' is not one of"),
        (("detections_per_image", 1.5), "is no harm on either side"),
        (("latency", 0.9), "the margin of latency is 0.9, expected at least 1"),
        (("confidence", 1.1), "the margin of confidence is 1.1, expected over 0 and at most 1"),
        (("error_rate", 1.5, 1.0), "the floor of error_rate is 1.0, expected 0 to 1"),
    ],
)
def test_a_guardrail_that_can_t_be_is_refused(of: tuple, message: str) -> None:
    """With the field in front, and what would be right."""
    with pytest.raises(ValueError, match=message):
        Guardrail(*of)


def test_cameras_without_any_failure_become_safe_by_the_floor() -> None:
    """So that a ramp by cameras goes on where nothing fails; a few cameras are not enough, nor where many fail."""

    def decision(cameras: int, failing: int) -> str:
        sums = Sums(cameras, failing, 200 * cameras, failing, 200 * failing, 40_000 * cameras)
        pair = Pair(sums, sums, 0.5, clustered=True)
        return read_guardrail(Guardrail("error_rate", 1.5, floor=0.005), [pair], 0.05, Tuning()).decision

    assert decision(2_000, 0) == "safe"
    assert decision(2_000, 1) == "safe"
    assert decision(200, 0) == "not_yet"
    assert decision(2_000, 15) == "not_yet"
