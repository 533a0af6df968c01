"""A/B tests and shadow tests through the client, against the real application."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from sidecar.client import AsyncClient, Client, InvalidRequest, NotFound
from sidecar.experiments import METRICS
from sidecar.experiments.pairs import PairSummary, pair_request
from sidecar.trials import side_pair
from tests.api.live import make_prediction
from tests.client.generate_records import AVERAGES, COMPARED, FIGURES
from tests.kit.trials_at_hand import TrialsAtHand

SPLIT = {"traffic_split": 0.1}


@pytest.mark.parametrize("n", [0, 4_000])
def test_test_is_made_and_read_as_the_guide_writes_it(live: Client, trials: TrialsAtHand, n: int) -> None:
    """The calls of the user's guide work, before any traffic too."""
    ab_test = live.create_ab_test(
        name="Detection Model Comparison",
        model_a_id="det@1",
        model_b_id="det@2",
        config={
            "traffic_split": 0.1,
            "metrics": ["confidence", "latency", "feedback_score"],
            "duration_days": 7,
        },
    )
    if n:
        trials.traffic(ab_test.id, n, 0.1, confidence=0.8)
    results = live.get_ab_test_results(ab_test.id)
    a, b = f"{results['model_a']['avg_confidence']:.3f}", f"{results['model_b']['avg_confidence']:.3f}"
    assert ((a, b) == ("nan", "nan")) is (n == 0)
    assert isinstance(results["p_value"], float)
    assert f"{results['p_value']:.4f}" == ("0.0000" if n else "1.0000")


def test_averages_without_data_are_numbers_that_format(live: Client) -> None:
    """null becomes NaN in every average and in what is compared; bounds and p-values stay None."""
    test = live.create_ab_test("Try", "det@1", "det@2", SPLIT)
    results = live.get_ab_test_results(test.id)
    for figures in (results.model_a, results.model_b, *results.variants.values()):
        assert all(f"{figures[name]:.3f}" == "nan" for name in AVERAGES)
    for metrics in (results.metrics, results.comparisons[0].metrics):
        assert all(f"{metric[name]:.3f}" == "nan" for metric in metrics.values() for name in COMPARED)
    assert results.metrics.latency.confidence_sequence == [None, None]
    shadow = live.create_shadow_test("Behind", "digits", "digits@2")
    report = live.get_shadow_test_results(shadow.id)
    assert all(math.isnan(report.agreement[name]) for name in FIGURES["PairAgreement"])
    assert all(math.isnan(report.boxes[name]) for name in FIGURES["PairBoxes"])
    assert report.confidence_shift.difference is None


def test_ab_test_lives_through_all_its_calls(live: Client) -> None:
    """Found, paused, resumed, ramped, concluded and promoted."""
    made = live.create_ab_test("Try", "det@1", "det@2", {**SPLIT, "treatments": ["det@3"]})
    assert live.ab_tests() == live.ab_tests(model_id="det", status="running") == [live.ab_test(made.id)] == [made]
    assert live.ab_tests(status="paused") == []
    paused = live.pause_ab_test(made.id, "a look at the logs")
    assert (paused.status, paused.epochs[-1].reason) == ("paused", "a look at the logs")
    assert live.resume_ab_test(made.id).traffic_split == 0.1
    assert live.ramp_ab_test(made.id, 0.2).traffic_split == 0.2
    assert live.ramp_ab_test(made.id, {"B": 0.1, "C": 0.3}).variants[2].share == 0.3
    concluded = live.conclude_ab_test(made.id, winner="C", note="seen enough")
    assert concluded.decision == {"winner": "C", "note": "seen enough"}
    assert live.promote_ab_test(made.id, "C").promoted == "det@3"
    again = live.create_ab_test("Try", "det@1", "det@2", SPLIT)
    assert again.id == "try-2"
    assert live.stop_ab_test(again.id, reason="no time").reason == "no time"
    assert live.promote_ab_test(again.id).promoted == "det@2"
    assert [item.metric for item in live.ab_test_metrics()] == list(METRICS)


def test_shadow_test_lives_through_all_its_calls(live: Client, trials: TrialsAtHand) -> None:
    """Found, paused, resumed, ramped, read, stopped and promoted."""
    made = live.create_shadow_test("Behind", "det", "det@2", {"share": 0.5, "duration_days": None})
    assert live.shadow_tests() == live.shadow_tests("det", "running") == [live.shadow_test(made.id)] == [made]
    assert live.shadow_tests(model_id="digits") == []
    assert live.pause_shadow_test(made.id, "restart").epochs[-1].reason == "restart"
    assert live.resume_shadow_test(made.id).share == 0.5
    assert live.ramp_shadow_test(made.id, 1.0).share == 1.0
    trials.pairs[made.id] = PairSummary()
    trials.pairs[made.id].add(pair_request([make_prediction()], [make_prediction()]))
    assert live.get_shadow_test_results(made.id).agreement.image_rate == 1.0
    assert live.stop_shadow_test(made.id, "seen enough").status == "stopped"
    assert live.promote_shadow_test(made.id).promoted == "det@2"


def test_history_of_an_ab_test_ends_as_its_results(live: Client, trials: TrialsAtHand) -> None:
    """Its points are numbers, NaN where there is none yet; one metric may be asked for."""
    test = live.create_ab_test("Try", "det@1", "det@2", {**SPLIT, "metrics": ["confidence", "latency"]})
    assert live.get_ab_test_history(test.id).comparisons[0].metrics.latency.points == []
    trials.traffic(test.id, 500, 0.1)
    trials.traffic(test.id, 4_000, 0.5, seed=1)
    history = live.get_ab_test_history(test.id, metric="confidence")
    assert list(history.comparisons[0].metrics) == ["confidence"]
    first, last = history.comparisons[0].metrics.confidence.points
    assert math.isnan(first.low)
    assert last.difference == live.get_ab_test_results(test.id).metrics.confidence.difference
    assert last.low < last.difference < last.high
    assert [point.observed for point in history.srm][-1] == {"A": 2_450, "B": 2_050}
    with pytest.raises(InvalidRequest, match="metric: 'slow_rate' is none of the test's: confidence, latency"):
        live.get_ab_test_history(test.id, "slow_rate")


def test_history_and_pairs_of_a_shadow_test_are_read(live: Client, trials: TrialsAtHand) -> None:
    """Points over time; pairs page by page, of one kind, box by box."""
    made = live.create_shadow_test("Behind", "det", "det@2")
    assert live.get_shadow_test_history(made.id).points == []
    assert live.shadow_pairs(made.id).take() == []
    answers = [make_prediction(), make_prediction(1, prediction_id="p", request_id="p")]
    trials.pairs[made.id] = PairSummary()
    trials.pairs[made.id].add(pair_request(answers[:1], answers[:1]))
    trials.side_by_side[made.id] = [
        side_pair(answers[0], answers[0]),
        side_pair(answers[0], replace(answers[1], detections=None)),
    ]
    (point,) = live.get_shadow_test_history(made.id).points
    assert (point.image_rate, math.isnan(point.confidence_shift.difference)) == (1.0, False)
    alike, unread = live.shadow_pairs(made.id, limit=50)
    assert (alike.agree, alike.a.detections[0].found, alike.a.detections[0].partner) == (True, "matched", 0)
    assert (unread.agree, unread.b.detections) == (None, None)
    assert live.shadow_pairs(made.id, "disagreement").take() == []
    with pytest.raises(InvalidRequest) as raised:
        live.shadow_pairs(made.id, "none of them").take()
    assert [fault.field for fault in raised.value.errors] == ["kind"]
    with pytest.raises(NotFound):
        live.shadow_pairs("nothing").take()


def test_all_faults_of_a_test_are_told(live: Client) -> None:
    """A config with several faults names each of them."""
    with pytest.raises(InvalidRequest) as raised:
        live.create_ab_test("Try", "det@1", "det@9", {"traffic_split": 0, "metrics": "mood"})
    assert {fault.field for fault in raised.value.errors} == {"model_b_id", "config.traffic_split", "config.metrics"}


def test_what_is_in_the_way_is_told_with_its_status(live: Client) -> None:
    """Another test on the same model, and an end that is one already."""
    made = live.create_ab_test("Try", "det@1", "det@2", SPLIT)
    with pytest.raises(InvalidRequest, match="'try' is running") as raised:
        live.create_shadow_test("Behind", "det", "det@2")
    assert raised.value.status == 409
    live.stop_ab_test(made.id)
    with pytest.raises(InvalidRequest, match="only promote") as raised:
        live.resume_ab_test(made.id)
    assert raised.value.status == 409


@pytest.mark.parametrize("bad", [math.nan, {1}])
def test_what_json_can_not_hold_is_an_invalid_request(live: Client, trials: TrialsAtHand, bad: Any) -> None:
    """It names the field, and nothing is sent."""
    with pytest.raises(InvalidRequest) as raised:
        live.create_ab_test("Try", "det@1", "det@2", {"traffic_split": bad})
    assert [fault.field for fault in raised.value.errors] == ["config.traffic_split"]
    assert trials.kept == {}


def test_id_that_nothing_has_is_not_found(live: Client) -> None:
    """Nor does an id lead to another endpoint."""
    for ask in (live.ab_test, live.get_ab_test_results, live.stop_ab_test, live.shadow_test, live.promote_shadow_test):
        with pytest.raises(NotFound):
            ask("nope")
        with pytest.raises(InvalidRequest):
            ask("..")


async def test_async_client_does_the_same(url: str, trials: TrialsAtHand) -> None:
    """The asyncio client begins, changes and reads both kinds."""
    async with AsyncClient(url) as client:
        made = await client.create_ab_test("Try", "det@1", "det@2", SPLIT)
        assert await client.ab_tests() == [await client.ab_test(made.id)] == [made]
        await client.pause_ab_test(made.id)
        await client.resume_ab_test(made.id)
        assert (await client.ramp_ab_test(made.id, 0.3)).traffic_split == 0.3
        assert math.isnan((await client.get_ab_test_results(made.id)).model_a.avg_confidence)
        assert (await client.conclude_ab_test(made.id)).status == "concluded"
        assert (await client.promote_ab_test(made.id)).promoted == "det@2"
        assert len(await client.ab_test_metrics()) == len(METRICS)
        shadow = await client.create_shadow_test("Behind", "det", "det@2")
        assert await client.shadow_tests() == [await client.shadow_test(shadow.id)] == [shadow]
        await client.pause_shadow_test(shadow.id)
        await client.resume_shadow_test(shadow.id)
        await client.ramp_shadow_test(shadow.id, 0.5)
        assert math.isnan((await client.get_shadow_test_results(shadow.id)).agreement.image_rate)
        await client.stop_shadow_test(shadow.id)
        assert (await client.promote_shadow_test(shadow.id)).promoted == "det@2"
        with pytest.raises(NotFound):
            await client.stop_ab_test("nope")
