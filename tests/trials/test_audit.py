"""The reviewed images of the random sample, by arm, against arithmetic by hand."""

from __future__ import annotations

from math import inf, sqrt
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy.stats import norm

from sidecar.experiments import PER_UNIT_NAMES, Results, results
from sidecar.experiments.definition import Definition
from sidecar.experiments.lifecycle import Trial, begun, ramped
from sidecar.recording import AuditedRow, Reader, Sample, Store
from sidecar.trials import Points, UnitSums, epochs_of
from sidecar.trials.audit import First, audit_of
from sidecar.trials.units import unit_hash
from tests.trials.room import Room, ab


class Row(NamedTuple):
    epoch: int
    role: str
    version: str
    draw_rate: float
    verdict: str
    unit: str = ""
    n: int = 1

    @property
    def request_id(self) -> str:
        """Each unit sends one, unless a test is about that."""
        return self.unit


def against(*treatments: str, **fields: Any) -> Trial:
    shares = tuple(0.5 / len(treatments) for _ in treatments)
    points = Points({"A": "1", **{name: str(place + 2) for place, name in enumerate(treatments)}}).text
    return begun("t", Definition("t", "det", "A", treatments, shares, **fields), 0.0, opened_for=points)


def rows_of(role: str, right: int, wrong: int, rate: float, waiting: int = 0, epoch: int = 0) -> list[Row]:
    """Reviewed images, each of a request of its own, and some that wait."""
    verdicts = ["correct"] * right + ["wrong_box"] * wrong
    version = "1" if role == "control" else "2"
    rows = [Row(epoch, role, version, rate, verdict, f"{role}-{n}") for n, verdict in enumerate(verdicts)]
    return rows + [Row(epoch, role, version, rate, "", n=waiting)] * bool(waiting)


def read(trial: Trial, rows: list[Row], firsts: dict[str, First] | None = None) -> Results:
    audit = audit_of(trial, rows, firsts)
    epochs = epochs_of(trial, [], audit=audit)
    return results(("A", "B"), epochs, ("feedback_score",), notes=tuple(audit.notes()))


def test_images_count_as_often_as_they_are_likely() -> None:
    """30 right of 40 at 1 in 10, 20 right of 40 at 1 in 2: (300 + 40) / (400 + 80); the rest of the sample waits."""
    rows = [
        *rows_of("control", 30, 10, 0.1, waiting=20),
        *rows_of("control", 20, 20, 0.5),
        *rows_of("treatment", 5, 5, 1),
    ]
    audit = audit_of(against("B"), rows)
    found = read(against("B"), rows)
    control = found.variants["A"]
    assert control.feedback_score == pytest.approx(340 / 480)
    assert (control.n_feedback, control.n_sampled, control.feedback_completeness) == (80, 100, 0.8)
    assert audit.of(0, 0, "A").moments.total("weight") == pytest.approx(480)
    assert found.variants["B"].feedback_score == 0.5
    assert any("80 of 100 with A, 10 of 10 with B" in note for note in found.notes)


def test_epochs_and_arms_with_unlike_rates_are_compared_within_each() -> None:
    """By hand: differences within epochs, weighted by nA nB / (nA + nB); pooled it would be three times that."""
    trial = ramped(against("B"), (0.2,), 1.0, "ramped")
    cells = {
        (0, "control"): (180, 20, 0.1), (0, "treatment"): (190, 10, 0.01),
        (1, "control"): (30, 270, 0.5), (1, "treatment"): (8, 52, 0.02),
    }  # fmt: skip
    rows = [row for (epoch, role), cell in cells.items() for row in rows_of(role, *cell, epoch=epoch)]
    (metric,) = read(trial, rows).comparisons[0].metrics.values()
    weights = [200 * 200 / 400, 300 * 60 / 360]
    expected = (weights[0] * (0.95 - 0.9) + weights[1] * (8 / 60 - 0.1)) / sum(weights)
    assert metric.difference == pytest.approx(expected)
    errors = []
    for a, n_a, b, n_b in ((180, 200, 190, 200), (30, 300, 8, 60)):
        of_a, of_b, both = a / n_a * (1 - a / n_a), b / n_b * (1 - b / n_b), (a + b) / (n_a + n_b)
        welch = sqrt(of_a / (n_a - 1) + of_b / (n_b - 1))
        n = n_a + n_b
        pooled = sqrt(both * (1 - both) * n / (n - 1) * (1 / n_a + 1 / n_b))
        errors.append(max(welch, pooled))
    error = sqrt(sum((w * e) ** 2 for w, e in zip(weights, errors, strict=True))) / sum(weights)
    assert metric.judged.estimate.standard_error == pytest.approx(error, rel=0.01)
    assert metric.judged.p_value_fixed_horizon == pytest.approx(2 * norm.sf(expected / error), rel=0.05)
    assert metric.decides
    assert (metric.judged.estimate.n_control, metric.judged.estimate.n_treatment) == (500, 260)


def test_few_images_that_weigh_nearly_all_are_too_few() -> None:
    """400 an arm, of which in one four stand for nearly all the traffic: no interval, and why."""
    arm = rows_of("control", 300, 100, 0.1)
    unlike = [*rows_of("treatment", 396, 0, 1.0), *[row._replace(unit=f"r{n}") for n, row in
              enumerate(rows_of("treatment", 2, 2, 0.001))]]  # fmt: skip
    (metric,) = read(against("B"), [*arm, *unlike]).comparisons[0].metrics.values()
    assert (metric.judged.low, metric.judged.p_value_always_valid) == (-inf, 1.0)
    assert metric.judged.reason == (
        "at least 150 units with a verdict an arm are needed, there are 400, which weigh so unlike that they tell as "
        "much as 5"
    )
    alike = read(against("B"), [*arm, *rows_of("treatment", 398, 2, 0.01)]).comparisons[0].metrics
    assert [item.judged.reason for item in alike.values()] == [""]


def test_without_a_review_the_score_is_of_users_and_the_sample_is_shown() -> None:
    """Nothing of it is reviewed: completeness 0."""
    found = read(against("B"), [*rows_of("control", 0, 0, 0.1, waiting=7), *rows_of("treatment", 0, 0, 0.1, waiting=9)])
    figures = found.variants["B"]
    assert (figures.n_feedback, figures.n_sampled, figures.feedback_completeness) == (0, 9, 0.0)
    assert any("0 of 7 with A, 0 of 9 with B" in note for note in found.notes)


def test_an_image_without_a_rate_is_left_out_and_counted() -> None:
    """Nobody knows how many it stands for; it is told of, reviewed or not."""
    rows = [*rows_of("control", 4, 0, 0.5), *rows_of("control", 0, 3, 0.0), *rows_of("treatment", 0, 0, 0.0, waiting=2)]
    found = read(against("B"), rows)
    assert found.variants["A"].feedback_score == 1.0
    assert (
        "Left out of the feedback score: 5 drawn images, of which it is not known how likely they were drawn."
        in found.notes
    )


def test_traffic_that_is_not_analysed_is_in_no_score() -> None:
    """Nor is a version of none of several treatments."""
    trial = against("B", "C")
    rows = [Row(0, role, version, 0.5, "correct", "x") for role, version in (
        ("excluded", "1"), ("override", "2"), ("serving", "1"), ("treatment", "9"), ("treatment", "3"),
    )]  # fmt: skip
    assert list(audit_of(trial, rows).cells) == [(0, 0, "C")]


def test_images_of_one_camera_are_units_of_their_own_in_a_test_by_request() -> None:
    """What was assigned at random is the request: three of one camera, one of them with two images, are three units."""
    asked = [("r0", "correct"), ("r1", "correct"), ("r1", "wrong_box"), ("r2", "wrong_label")]
    rows = [AuditedRow(0, "control", "1", 0.5, verdict, "camera", request, 1) for request, verdict in asked]
    reviews = audit_of(against("B"), rows).of(0, 0, "A")
    assert (reviews.moments.n, reviews.images) == (3, 4)


def test_images_of_one_camera_are_one_unit() -> None:
    """Ten images of each of three cameras: three units with the sums of theirs, thirty images."""
    firsts = dict.fromkeys("abc", (0, "A"))
    rows = [Row(0, "control", "1", 0.5, "correct" if name == "a" else "wrong_box", name, 10) for name in "abc"]
    reviews = audit_of(against("B", unit="client"), rows, firsts).of(0, 0, "A")
    assert (reviews.moments.n, reviews.images, reviews.sampled) == (3, 30, 30)
    assert reviews.moments.total("weight") == pytest.approx(60)
    assert reviews.moments.total("correct") == pytest.approx(20)
    assert reviews.moments.covariance("weight", "correct") == 0  # all weights are alike: 20 of each camera


def test_cameras_that_changed_their_arm_are_left_out() -> None:
    """And those seen before are apart from new ones, as all their other figures are; the rest is told."""
    trial = ramped(against("B", unit="client"), (0.8,), 1.0, "ramped")
    units = UnitSums("t")
    ones = np.ones(len(PER_UNIT_NAMES), np.int64)
    for epoch, arm, name in ((0, "A", "old"), (1, "A", "old"), (0, "A", "moved"), (1, "B", "moved"), (1, "B", "new")):
        units.add(epoch, arm, unit_hash(trial.salt, name), ones)
    names = ["old", "moved", "new", "gone"]
    found = units.firsts([unit_hash(trial.salt, name) for name in names])
    firsts = {name: found[key] for name in names if (key := unit_hash(trial.salt, name)) in found}
    rows = [
        Row(1, "control", "1", 0.5, "correct", "old"),
        Row(1, "treatment", "2", 0.5, "wrong_box", "moved", 2),
        Row(1, "treatment", "2", 0.5, "correct", "new", 3),
        Row(1, "treatment", "2", 0.5, "correct", "gone", 4),
    ]
    audit = audit_of(trial, rows, firsts)
    assert {cell: (reviews.moments.n, reviews.images) for cell, reviews in audit.cells.items()} == {
        (1, 0, "A"): (1, 1),
        (1, 1, "B"): (1, 3),
    }
    assert audit.left_out == {"moved": 2, "unit": 4}
    epochs = epochs_of(trial, [], units.arms(), audit)
    told = {(epoch.number, epoch.returning): [arm.judged for arm in epoch.arms] for epoch in epochs}
    assert told == {(0, False): [0, 0], (1, False): [0, 3], (1, True): [1, 0]}


def image(number: int, role: str, right: bool, **fields: Any) -> Sample:
    """A drawn image of the test ``night`` that was reviewed in the audit."""
    known = {
        **{"sample_id": f"{role}-{number}", "prediction_id": f"{role}-{number}", "model": "det", "at": 0.0},
        **{"version": "1" if role == "control" else "2", "reasons": ("random_sample",), "probability": 0.2},
        **{"media_type": "image/png", "path": "a", "bytes": 9, "width": 4, "height": 3, "status": "labeled"},
        **{"role": role, "experiment": "night", "drawn": True, "draw_rate": 0.2, "unit": f"{role}-{number}"},
        **{"reviewed_in": "audit", "verdict": "correct" if right else "missed_object", "labels": ()},
    }
    return Sample(**{**known, **fields})


async def test_results_of_a_test_rest_on_what_the_store_has_of_its_audit(
    room: Room, store: Store, reader: Reader
) -> None:
    """From the store to the verdict: 60 of 200 right with A, 180 of 200 with B; what is reviewed elsewhere is not."""
    entry = await room.book.begin(ab(shares=(0.5,), metrics=("feedback_score",)))
    await room.record("night", 0, 1, control={"n": 2_000}, treatment={"n": 2_000})
    for role, right in (("control", 60), ("treatment", 180)):
        for number in range(200):
            await store.add_sample(image(number, role, number < right))
        await store.add_sample(image(900, role, True, reviewed_in=""))
        await store.add_sample(image(901, role, True, status="needs_review", reviewed_in="", verdict=""))
        await store.add_sample(image(902, role, False, experiment="other"))
    assert len(await reader.audited("night")) >= 4
    document = await room.steward.document(entry)
    assert (document["model_a"]["feedback_score"], document["model_b"]["feedback_score"]) == (0.3, 0.9)
    assert (document["model_a"]["n_feedback"], document["model_a"]["n_sampled"]) == (200, 202)
    assert (document["verdict"], document["winner"]) == ("b_better", "B")
    assert document["p_value"] < 0.001
