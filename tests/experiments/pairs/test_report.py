import json
import math

import numpy as np
import pytest

from sidecar.experiments.pairs import ImagePair, Matching, PairSummary, RequestPair, pair_request, report_of


@pytest.fixture
def summary(make_prediction, box) -> PairSummary:
    """300 cars in 100 images: B calls 12 trucks and one a bus, misses 8, has 5 dogs of its own, is surer and slower."""
    rng = np.random.default_rng(6)
    made = PairSummary()
    for number in range(100):
        a = [box("car", 200 * place, score=0.6) for place in range(3)]
        b = [one._replace(score=0.65 + 0.01 * rng.random()) for one in a]
        if number < 12:
            b[0] = b[0]._replace(name="truck")
        elif number < 20:
            del b[0]
        elif number < 25:
            b.append(box("dog", 900))
        elif number == 25:
            b[0] = b[0]._replace(name="bus")
        made.add(pair_request([make_prediction(a)], [make_prediction(b, upstream_ms=14.0 + number % 3)]))
    return made


def test_rates_are_those_worked_out_by_hand(summary) -> None:
    """Each of what it is a share of."""
    report = report_of(summary)
    assert report.agreement_rate == 0.74
    assert report.box_agreement == pytest.approx(2 * 279 / (300 + 297))
    assert report.missed_rate == pytest.approx(8 / 300)
    assert report.extra_rate == pytest.approx(5 / 297)
    assert report.flip_rate == pytest.approx(13 / 292)
    assert report.box_change == pytest.approx(-0.01)
    assert report.mean_iou == 1
    assert [tuple(flip) for flip in report.flips] == [("car", "truck", 12, 300), ("car", "bus", 1, 300)]
    assert [name for name, _ in report.classes] == ["car", "truck", "dog", "bus"]
    assert report.confidence_shift.difference == pytest.approx(0.055, abs=0.001)
    assert report.latency_difference_ms.difference == pytest.approx(4.99)


def test_sentence_says_what_there_is_to_say(summary) -> None:
    """Agreement, boxes, flips, confidence, latency, as a person would tell it."""
    assert report_of(summary, "det@1", "det@2").sentence == (
        "det@2 agrees with det@1 in full on 74 of 100 images (74 %). det@2 finds 1.0 % fewer boxes (297 against 300): "
        "it misses 8 of det@1's and has 5 that det@1 has not. "
        'It calls 12 of 300 "car" boxes "truck" and 1 of 300 "car" boxes "bus". '
        "On boxes that both have, its confidence is 0.055 higher (of 100 requests, too few to conclude "
        "from). Its median latency is 15.3 ms against 9.93 ms (p99 15.3 against 9.93 ms); on average 4.99 ms slower "
        "(of 100 requests, too few to conclude from)."
    )


def test_enough_requests_make_a_shift_significant(summary) -> None:
    """Twice as many, and it is said with its p-value; a shift that may be chance is called that."""
    report = report_of(summary.merge(summary))
    assert report.confidence_shift.significant
    assert "0.055 higher (p < 0.0001 at any look)" in report.sentence
    assert not report.count_difference.significant
    assert not any("nothing is concluded" in text for text in report.limitations)


def test_shift_that_may_be_chance_is_called_that(make_prediction, box) -> None:
    """Scores that rise as often as they fall."""
    rng = np.random.default_rng(1)
    made = PairSummary()
    for _ in range(200):
        a, b = ([box("car", 0, score=0.5 + 0.1 * float(rng.random()))] for _ in range(2))
        made.add(pair_request([make_prediction(a)], [make_prediction(b)]))
    report = report_of(made)
    assert report.agreement_rate == 1
    assert report.sentence.startswith(
        "B agrees with A on all of 200 images: 200 boxes, the same classes. On boxes that"
    )
    assert ", which may be chance." in report.sentence


@pytest.mark.parametrize(
    ("pairs", "sentence"),
    [
        ([], "Nothing to compare yet: no request was answered by both A and B."),
        (
            [RequestPair((), "b", 0, 9.0, math.nan)] * 2,
            "Nothing to compare: no image has detections of both that could be read. "
            "B alone failed on 2 of 2 requests.",
        ),
        (
            [RequestPair((ImagePair("i", Matching()),), "", 0, math.nan, math.nan)],
            "Neither A nor B finds anything in 1 image.",
        ),
    ],
)
def test_nothing_to_compare_is_said_and_is_well_formed(pairs, sentence) -> None:
    """No failure on nothing: rates are null and p-values 1."""
    made = PairSummary()
    for pair in pairs:
        made.add(pair)
    report = report_of(made)
    assert report.sentence == sentence
    document = json.loads(json.dumps(report.to_dict(histograms=True), allow_nan=False))
    assert document["confidence_shift"]["always_valid"]["p_value"] == 1.0
    assert document["boxes"]["missed_rate"] is None
    assert document["latency"]["a"]["p99_ms"] is None or document["latency"]["a"]["count"]


def test_failures_of_each_side_are_told(make_prediction, box) -> None:
    """Whose they are, of how many requests; errors have no latency."""
    good, bad = make_prediction([box("car", 0)]), make_prediction(None, status=500)
    made = PairSummary()
    for a, b in ((good, good), (good, bad), (good, bad), (bad, good), (bad, bad)):
        made.add(pair_request([a], [b]))
    report = report_of(made)
    assert report.sentence.startswith(
        "B alone failed on 2 of 5 requests; A alone failed on 1 of 5 requests; both failed on 1 of 5 requests."
    ), report.sentence
    assert (report.latency_a.count, report.latency_b.count) == (3, 2)


def test_report_of_mostly_failures_begins_with_them(make_prediction, box) -> None:
    """That the few which were answered agree is not what a reader must hear first."""
    good, bad = make_prediction([box("car", 0)]), make_prediction(None, status=500)
    made = PairSummary()
    for b in (good, bad, bad):
        made.add(pair_request([good], [b]))
    assert report_of(made).sentence.startswith("B alone failed on 2 of 3 requests. B agrees with A on all of 1 image")


def test_what_was_left_out_is_stated(make_prediction, box) -> None:
    """Unread, incomparable and unpaired images, boxes over the bound."""
    good, unread = make_prediction([box("car", 0)]), make_prediction(None, undecodable="shape")
    made = PairSummary()
    made.add(pair_request([good], [unread]))
    made.add(pair_request([good], [good, make_prediction([], image_index=1)]))
    made.add(RequestPair((ImagePair("i", None), ImagePair("i", Matching(over_max=7))), "", 0, 1.0, 1.0))
    said = " ".join(report_of(made).limitations)
    for part in (
        "1 image, a side's",
        "1 image of unknown size",
        "1 image that one side alone",
        "7 boxes beyond",
    ):
        assert part in said


def test_document_is_what_it_says_it_is(summary) -> None:
    """Every key of the docstring, JSON all through, and the same after encoding and decoding."""
    document = report_of(summary).to_dict(histograms=True)
    assert set(document) == {
        "a", "b", "iou_min", "sentence", "limitations", "counts", "agreement", "boxes", "flips", "classes",
        "confidence_shift", "count_difference", "latency", "histograms",
    }  # fmt: skip
    assert document["flips"][0] == {"from": "car", "to": "truck", "count": 12, "boxes": 300}
    assert document["classes"][0]["boxes_a"] == 300
    assert set(document["latency"]["a"]) == {"count", "mean_ms", "p50_ms", "p90_ms", "p95_ms", "p99_ms"}
    for histogram in document["histograms"].values():
        assert len(histogram["counts"]) == len(histogram["edges"]) + 1
    assert document["histograms"]["iou"]["edges"][-1] == 1.0
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert report_of(PairSummary.decode(summary.encode())).to_dict(histograms=True) == document
