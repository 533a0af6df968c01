import json
import math

import numpy as np
import pytest

from sidecar.summaries import CLASSES_MAX, FEEDBACK_KINDS, Summary, SummaryError, SummaryKey, merge_all, rollup
from sidecar.types import Detections, RequestCounts

KEY = SummaryKey(1_700_000_000, 10, "m", "1", "serving", "", 0, "")


def test_only_detections_at_or_above_the_threshold_count(make_prediction) -> None:
    """Scores under the operating point change no read-out; one exactly on it counts, 0.7 as a float32 too."""
    summary = Summary()
    summary.add_predictions([make_prediction(1, [0.9, 0.7, 0.69], score_threshold=0.7)])
    assert summary.detections == 2
    assert summary.avg_confidence == pytest.approx(0.8, abs=1e-6)
    assert summary.confidence_histogram.count == 2
    assert summary.class_counts == {"car": 2}


def test_confidence_is_the_mean_of_per_image_means(make_prediction) -> None:
    """An image with many boxes weighs as much as one with a single box; one without weighs nothing."""
    summary = Summary()
    summary.add_predictions([make_prediction(1, [0.5] * 9), make_prediction(2, [0.9]), make_prediction(3, [0.1])])
    assert summary.avg_confidence == pytest.approx(0.7)
    assert (summary.images, summary.detections, summary.images_without_detections) == (3, 10, 1)


def test_undecodable_is_kept_apart_from_no_detections(make_prediction) -> None:
    """What could not be read is counted by reason and is neither an image nor one without detections."""
    summary = Summary()
    summary.add_predictions(
        [make_prediction(1, detections=None, undecodable="shape"), make_prediction(2, []), make_prediction(3, [0.9])]
    )
    assert summary.undecodable == {"shape": 1}
    assert (summary.images, summary.images_without_detections) == (2, 1)


@pytest.mark.parametrize("changes", [{"status": 503}, {"status": 0}, {"error": "timeout"}, {"status": 302}])
def test_failed_request_counts_as_neither(make_prediction, changes) -> None:
    """An error is no image and nothing undecodable; that it happened is in the requests' counts."""
    summary = Summary()
    summary.add_predictions([make_prediction(1, detections=None, **changes)])
    assert (summary.images, summary.undecodable, summary.latency_units.n) == (0, {}, 0)


def test_images_of_a_request_are_one_unit(make_prediction) -> None:
    """Standard errors count requests: three images of two requests are two units."""
    summary = Summary()
    images = [("a", [0.8]), ("a", [0.6, 0.6]), ("b", [])]
    summary.add_predictions([make_prediction(i, scores, request_id=name) for i, (name, scores) in enumerate(images)])
    assert summary.units.n == 2
    assert summary.units.total("images") == 3
    assert summary.units.total("confidence") == pytest.approx(1.4)
    assert summary.latency_units.mean("upstream_ms") == 10.0


def test_adding_at_once_equals_merging_parts(make_prediction) -> None:
    """However a batch is cut between requests, the sums are the same to the last bit."""
    rng = np.random.default_rng(5)
    rows = [make_prediction(i, np.sort(rng.random(rng.integers(0, 8)))[::-1].tolist()) for i in range(60)]
    whole, first, second = Summary(), Summary(), Summary()
    whole.add_predictions(rows)
    first.add_predictions(rows[:17])
    second.add_predictions(rows[17:])
    merged = first.merge(second)
    merged.revision = whole.revision
    assert merged == whole
    assert merged.encode() == whole.encode()


def test_columns_agree_with_counting_one_by_one(make_prediction) -> None:
    """The vectorised sums are those of a plain loop over every detection."""
    rng = np.random.default_rng(7)
    rows = []
    for number in range(40):
        n = int(rng.integers(0, 6))
        corner = rng.uniform(0, 30, (n, 2))
        boxes = np.hstack([corner, corner + rng.uniform(-1, 30, (n, 2))]).astype(np.float32)
        labels = (("car", "person"), ("person", "dog", "car"))[number % 2]
        classes = rng.integers(0, len(labels), n).astype(np.int32)
        found = Detections(boxes, rng.random(n).astype(np.float32), classes, labels)
        rows.append(make_prediction(number, detections=found, image_width=64 * (number % 3 > 0), image_height=48))
    summary = Summary()
    summary.add_predictions(rows)

    classes_expected: dict[str, int] = {}
    areas = aspects = detections = 0
    means = []
    for row in rows:
        kept = [i for i, score in enumerate(row.detections.scores) if score >= np.float32(0.25)]
        detections += len(kept)
        if kept:
            means.append(float(np.mean([float(row.detections.scores[i]) for i in kept])))
        for i in kept:
            label = row.detections.labels[row.detections.classes[i]]
            classes_expected[label] = classes_expected.get(label, 0) + 1
            x1, y1, x2, y2 = row.detections.boxes[i].tolist()
            proper = x2 > x1 and y2 > y1
            aspects += proper
            areas += proper and row.image_width > 0
    assert summary.class_counts == classes_expected
    assert (summary.detections, summary.area.count, summary.aspect.count) == (detections, areas, aspects)
    assert summary.avg_confidence == pytest.approx(np.mean(means), abs=1e-6)


def test_normalised_boxes_have_their_aspect_in_pixels(make_prediction) -> None:
    """A box of half the width and half the height of a 2:1 image is 2:1 and a quarter of its area."""
    found = Detections(
        np.array([[0, 0, 0.5, 0.5]], np.float32), np.array([0.9], np.float32), np.array([0], np.int32), ("a",), True
    )
    summary = Summary()
    summary.add_predictions([make_prediction(1, detections=found, image_width=200, image_height=100)])
    assert summary.aspect.edges[next(iter(summary.aspect.counts)) - 1] == 2.0
    assert summary.area.edges[next(iter(summary.area.counts)) - 1] == 0.25
    unsized = Summary()
    unsized.add_predictions([make_prediction(1, detections=found, image_width=0, image_height=0)])
    assert (unsized.aspect.count, unsized.area.count) == (0, 1)


def test_class_index_without_label_counts_as_other(make_prediction, make_detections) -> None:
    """A response whose class indices run past its labels is counted, not an error."""
    summary = Summary()
    summary.add_predictions([make_prediction(1, detections=make_detections([0.9, 0.8], [7, 0]))])
    assert summary.class_counts == {"other": 1, "car": 1}


def test_class_names_are_bounded(make_prediction, make_detections) -> None:
    """Past the bound new names count as other, and known ones as themselves."""
    labels = tuple(f"class-{i}" for i in range(CLASSES_MAX + 50))
    found = make_detections([0.9] * len(labels), list(range(len(labels))), labels)
    summary = Summary()
    summary.add_predictions([make_prediction(1, detections=found)])
    summary.add_predictions([make_prediction(2, detections=found)])
    assert len(summary.class_counts) == CLASSES_MAX + 1
    assert summary.class_counts["other"] == 100
    assert summary.class_counts["class-0"] == 2


def test_counts_of_workers_add_up() -> None:
    """Requests, statuses, errors and latencies of deltas are sums."""
    counts = RequestCounts(
        1_700_000_000, "m", "1", "serving", "", 0, "", 3, {200: 2, 502: 1}, {"connect": 1}, {8: 3}, 6_300, {7: 2}, 3_900
    )
    summary = Summary()
    summary.add_counts(counts)
    summary.add_counts(counts)
    assert (summary.requests, summary.statuses, summary.errors) == (6, {200: 4, 502: 2}, {"connect": 2})
    assert (summary.latency.count, summary.latency.sum_ms) == (6, 12.6)
    assert (summary.upstream.count, summary.upstream.sum_ms) == (4, 7.8)
    assert counts.latency == {8: 3}


def test_empty_summary_has_null_averages_and_is_json() -> None:
    """Without data averages are NaN in Python and null in JSON."""
    assert math.isnan(Summary().avg_confidence)
    document = json.loads(json.dumps(Summary().to_dict(), allow_nan=False))
    assert document["avg_confidence"] is None
    assert document["latency"]["p99_ms"] is None
    assert sum(document["confidence_histogram"]["counts"]) == 0


def test_document_has_fifty_confidence_bins(make_prediction) -> None:
    """Scores of 0 and of 1 both fall into a bin of 0..1."""
    summary = Summary()
    summary.add_predictions([make_prediction(1, [1.0, 0.5, 0.0], score_threshold=0.0)])
    histogram = summary.to_dict()["confidence_histogram"]
    assert (len(histogram["counts"]), len(histogram["edges"])) == (50, 51)
    assert [i for i, n in enumerate(histogram["counts"]) if n] == [0, 25, 49]


def test_probe_counts_sizes_and_brightness() -> None:
    """The input probe fills its three histograms and nothing else."""
    summary = Summary()
    summary.add_probe(640, 480, 0.5)
    assert (summary.width.count, summary.height.count, summary.brightness.count, summary.images) == (1, 1, 1, 0)


@pytest.mark.parametrize(
    "encoded", [b"", b"\x02[]", b"\x01", b"\x01{}", b"\x01[1,2,3]", b"\x01[0,0,[],[]]", b"\x01null"]
)
def test_what_is_no_summary_of_this_release_is_refused(encoded: bytes) -> None:
    """Another version, other parameters and other bytes are a SummaryError."""
    with pytest.raises(SummaryError):
        Summary.decode(encoded)


def test_huge_batches_do_not_overflow(make_prediction) -> None:
    """Squares of large sums are exact where 64 bits would not hold them."""
    summary = Summary()
    summary.add_predictions([make_prediction(i, upstream_ms=1e9, request_id=str(i)) for i in range(3)])
    assert summary.latency_units.products == [3 * (10**12) ** 2]


def test_rollup_merges_buckets_of_a_wider_one() -> None:
    """Rows within a minute become one, other keys stay apart, the rows themselves unchanged."""
    one = Summary()
    one.add_probe(10, 10, 1)
    rows = [(KEY._replace(bucket=KEY.bucket + offset), one) for offset in (0, 10, 30, 40)] + [
        (KEY._replace(model="n"), one)
    ]
    rolled = rollup(rows, 60)
    assert {(key.bucket, key.model): s.width.count for key, s in rolled.items()} == {
        (1_699_999_980, "m"): 3,
        (1_700_000_040, "m"): 1,
        (1_699_999_980, "n"): 1,
    }
    assert one.width.count == 1
    with pytest.raises(SummaryError, match="width_s"):
        rollup([(KEY._replace(width_s=60), one)], 90)


def test_images_of_a_class_count_once_each(make_prediction, make_detections) -> None:
    """Three cars in one image are three detections of one image; a label that appears twice is one class."""
    summary = Summary()
    labels = ("car", "person")
    summary.add_predictions(
        [
            make_prediction(1, detections=make_detections([0.9, 0.8, 0.7], [0, 0, 1], labels)),
            make_prediction(2, detections=make_detections([0.9, 0.1], [0, 1], labels)),
            make_prediction(3, detections=make_detections([0.9], [5], labels)),
            make_prediction(4, detections=make_detections([0.9], [0], ("person",))),
        ]
    )
    assert summary.class_counts == {"car": 3, "person": 2, "other": 1}
    assert summary.class_images == {"car": 2, "person": 2, "other": 1}


def test_feedback_counts_by_kind_and_refuses_others() -> None:
    """What people say is counted as they said it; a kind that is none changes nothing."""
    summary = Summary()
    for kind in FEEDBACK_KINDS:
        summary.add_feedback(kind, 2)
    with pytest.raises(ValueError, match="kind: 'nice' is not one of correct"):
        summary.add_feedback("nice")
    assert merge_all([summary, summary]).feedback == dict.fromkeys(FEEDBACK_KINDS, 4)


def test_summary_of_the_first_encoding_is_read(make_prediction) -> None:
    """A store from before images by class were counted stays readable; they are unknown in it."""
    summary = Summary()
    summary.add_predictions([make_prediction(1, [0.9])])
    parameters, revision, requests, images = json.loads(summary.encode()[1:])
    old = b"\x01" + json.dumps([parameters, revision, requests, images[:5]]).encode()
    assert Summary.decode(old).class_counts == {"car": 1}
    assert Summary.decode(old).class_images == {}
