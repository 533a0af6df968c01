"""FastestDet in fp32 against int8 on real photos: what is recorded is what a script without its code finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from sidecar.experiments.pairs import (
    ImagePair,
    PairSummary,
    iou_matrix,
    merge_pairs,
    most_disagreeing,
    pair_request,
    report_of,
)
from sidecar.types import Detections, Prediction

pytest.importorskip("onnxruntime")
from tests.kit.fastestdet import FastestDet, Found

SETS = ("A_indoor_mAP", "B_voc_rodm")
THRESHOLD = 0.35


@pytest.fixture(scope="session")
def answers(shared: Path) -> list[tuple[Found, Found, tuple[str, ...]]]:
    """What fp32 and int8 find in each photo, from 0.2 up: more than counts."""
    folder = shared / "data/models/fastestdet"
    photos = [
        path for name in SETS for path in sorted((shared / "data/photos" / name / "images").glob("*.jpg"))
    ]  # fmt: skip
    if not photos or not (folder / "FastestDet-int8.onnx").is_file():
        pytest.skip("the photos or the weights of FastestDet are not in ../shared")
    one, other = (
        FastestDet(folder / name, folder / "coco.names") for name in ("FastestDet.onnx", "FastestDet-int8.onnx")
    )
    return [
        (one.detect(photo, 0.2), other.detect(photo, 0.2), tuple(one.names))
        for photo in (path.read_bytes() for path in photos)
    ]


@pytest.fixture(scope="session")
def pairs(
    answers: list[tuple[Found, Found, tuple[str, ...]]], make_prediction: Callable[..., Prediction]
) -> list[tuple[PairSummary, ImagePair]]:
    """A summary of each photo's pair, and the pair; int8 answers in 0..1, as servers may."""
    found = []
    for number, (one, other, names) in enumerate(answers):
        a = Detections(one.boxes, one.scores, one.classes.astype(np.int32), names)
        shares = (other.boxes / np.array([other.width, other.height] * 2)).astype(np.float32)
        b = Detections(shares, other.scores, other.classes.astype(np.int32), names, True)
        pair = pair_request(
            *(
                [
                    make_prediction(
                        side, number, image_width=one.width, image_height=one.height, score_threshold=THRESHOLD
                    )
                ]
                for side in (a, b)
            )
        )
        summary = PairSummary()
        summary.add(pair)
        found.append((summary, pair.images[0]))
    return found


def scripted(answers: list[tuple[Found, Found, tuple[str, ...]]]) -> tuple[Counter, Counter, list[float], list[float]]:
    """Counts, flips, mean score differences and disagreements by SciPy and loops, on the detector's own output."""
    counts: Counter = Counter()
    flips: Counter = Counter()
    shifts, disagreements = [], []
    for one, other, names in answers:
        sides = [
            [(box.tolist(), float(score), names[code]) for box, score, code in zip(*side[:3], strict=True)
             if score >= np.float32(THRESHOLD)]
            for side in (one, other)
        ]  # fmt: skip
        counts["a"] += len(sides[0])
        counts["b"] += len(sides[1])
        pairs = {True: [], False: []}
        for same in (True, False):
            taken = {place for kind in pairs.values() for place in kind}
            rows = [i for i in range(len(sides[0])) if i not in {i for i, _ in taken}]
            columns = [j for j in range(len(sides[1])) if j not in {j for _, j in taken}]
            gain = np.zeros((len(rows), len(columns)))
            for y, i in enumerate(rows):
                for x, j in enumerate(columns):
                    (p, _, name), (q, _, other_name) = sides[0][i], sides[1][j]
                    wide, high = min(p[2], q[2]) - max(p[0], q[0]), min(p[3], q[3]) - max(p[1], q[1])
                    if wide > 0 and high > 0 and (name == other_name) == same:
                        union = (p[2] - p[0]) * (p[3] - p[1]) + (q[2] - q[0]) * (q[3] - q[1]) - wide * high
                        gain[y, x] = wide * high / union if wide * high >= union / 2 else 0
            pairs[same] = [
                (rows[y], columns[x])
                for y, x in zip(*linear_sum_assignment(gain, maximize=True), strict=True)
                if gain[y, x] > 0
            ]
        matched, flipped = pairs[True], pairs[False]
        counts["matched"] += len(matched)
        counts["flipped"] += len(flipped)
        counts["agreeing"] += len(matched) == len(sides[0]) == len(sides[1])
        flips.update((sides[0][i][2], sides[1][j][2]) for i, j in flipped)
        changes = [sides[1][j][1] - sides[0][i][1] for i, j in matched]
        if changes:
            shifts.append(sum(changes) / len(changes))
        whole = sum(box[1] for side in sides for box in side)
        undisputed = sum(sides[0][i][1] + sides[1][j][1] for i, j in matched)
        disagreements.append((whole - undisputed + sum(map(abs, changes))) / max(whole, 1))
    return counts, flips, shifts, disagreements


def test_recorded_disagreement_is_what_an_independent_script_finds(answers, pairs) -> None:
    """Boxes, pairs, flips by kind, images in agreement, confidence shift, disagreement of each photo."""
    merged = merge_pairs(summary for summary, _ in pairs)
    expected, flips, shifts, disagreements = scripted(answers)
    counts = merged.counts
    assert counts.images == len(answers) == counts.requests
    assert (counts.boxes_a, counts.boxes_b) == (expected["a"], expected["b"])
    assert (counts.matched, counts.flipped) == (expected["matched"], expected["flipped"])
    assert counts.missed == expected["a"] - expected["matched"] - expected["flipped"]
    assert counts.extra == expected["b"] - expected["matched"] - expected["flipped"]
    assert counts.agreeing == expected["agreeing"]
    assert merged.flips == flips
    report = report_of(merged, "fp32", "int8")
    assert report.confidence_shift.n == len(shifts)
    assert report.confidence_shift.difference == pytest.approx(np.mean(shifts), abs=1e-6)
    assert report.confidence_shift.standard_error == pytest.approx(
        np.std(shifts, ddof=1) / len(shifts) ** 0.5, abs=1e-6
    )
    assert [image.disagreement for _, image in pairs] == pytest.approx(disagreements, abs=1e-5)
    print(report.sentence)
    print(report.to_dict()["agreement"], flips)


def test_quantising_costs_something_and_not_all(pairs) -> None:
    """The two do differ on these photos, and mostly agree: neither test above is of nothing."""
    report = report_of(merge_pairs(summary for summary, _ in pairs), "fp32", "int8")
    assert 0.6 < report.box_agreement < 1
    assert 0 < report.agreement_rate < 1
    assert report.counts.matched > 50
    assert report.counts.missed + report.counts.extra > 0


def test_matching_within_classes_first_spares_false_flips(answers, pairs) -> None:
    """One matching without regard to class finds hardly a pair more, and half of its flips are of objects both name."""
    merged = merge_pairs(summary for summary, _ in pairs).counts
    pairs_found = flips = 0
    for one, other, _ in answers:
        a, b = one.scores >= np.float32(THRESHOLD), other.scores >= np.float32(THRESHOLD)
        near = iou_matrix(one.boxes[a], other.boxes[b])
        gain = np.where(near >= 0.5, near, 0.0)
        rows, columns = linear_sum_assignment(gain, maximize=True)
        found = gain[rows, columns] > 0
        pairs_found += int(found.sum())
        flips += int((one.classes[a][rows[found]] != other.classes[b][columns[found]]).sum())
    assert merged.matched + merged.flipped >= 0.99 * pairs_found
    assert merged.flipped < 0.6 * flips


def test_most_disagreeing_photos_are_those_with_the_highest_scores(pairs) -> None:
    """What would be kept for review."""
    images = [image for _, image in pairs]
    picked = most_disagreeing(images, 5)
    assert [image.disagreement for image in picked] == sorted((image.disagreement for image in images), reverse=True)[
        :5
    ]
    assert all(not image.matching.agrees for image in picked)
