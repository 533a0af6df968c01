"""The report of a model, typed and as a document."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from sidecar.feedback import AUDITED_MAX, Audited, report_of

Make = Callable[..., Audited]


def test_an_empty_report_is_well_formed() -> None:
    """Null where there is nothing to tell, and it says so."""
    document = report_of("det", [], {}, {}).to_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == {
        "model_id": "det",
        "since": None,
        "until": None,
        "score": {"value": None, "lower": None, "upper": None, "n": 0, "sampled": 0, "completeness": None},
        "users": {"value": None, "n": 0, "by_type": {}},
        "by_class": [],
        "by_confidence": [],
        "threshold": {
            "target_precision": 0.9,
            "threshold": None,
            "precision": None,
            "lower": None,
            "kept_share": None,
            "sentence": "Too little data: 0 images with detections, 30 are needed.",
        },
        "versions": [],
        "sentence": "Nothing is known yet of how right det is: no image of the random sample is reviewed, and nobody "
        "sent feedback.",
        "limitations": [],
    }


def test_a_report_tells_the_audit_and_the_users_apart(make_audited: Make) -> None:
    """By version, with completeness, classes, bands and limitations."""
    images = [make_audited([True], [0.9])] * 30 + [make_audited([False], [0.5])] * 10
    images += [make_audited([True], [0.9], version="2", draw_rate=1.0)] * 10
    images += [make_audited([True], [0.9], draw_rate=0.0)] * 3
    users = {"1": {"correct": 2, "wrong_label": 6}, "2": {"missed_object": 2}}
    report = report_of("det", images, {"1": 80, "2": 10}, users, since=1.0, until=2.0, target_precision=0.95)
    document = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert document["score"]["value"] == pytest.approx(310 / 410)
    assert (document["score"]["n"], document["score"]["sampled"]) == (50, 90)
    assert document["score"]["completeness"] == pytest.approx(50 / 90)
    assert document["users"] == {"value": 0.2, "n": 10, "by_type": {"correct": 2, "wrong_label": 6, "missed_object": 2}}
    assert [(one["version"], one["value"], one["n"], one["sampled"], one["users"]) for one in document["versions"]] == [
        ("1", 0.75, 40, 80, {"value": 0.25, "n": 8}),
        ("2", 1.0, 10, 10, {"value": 0.0, "n": 2}),
    ]
    (car,) = document["by_class"]
    assert (car["label"], car["n"], car["images"]) == ("car", 50, 50)
    assert car["lower"] < car["precision"] < car["upper"]
    assert set(document["by_confidence"][0]) == {"from", "to", "precision", "lower", "upper", "n"}
    assert document["threshold"]["threshold"] == 0.51
    assert document["threshold"]["target_precision"] == 0.95
    assert document["sentence"].startswith("75.6 % of the images of det are right (")
    assert document["sentence"].endswith("50 of 90 drawn images reviewed); of what users sent, 20 % of 10 say correct.")
    said = " ".join(document["limitations"])
    assert "Fewer than 150 images are reviewed" in said
    assert "40 of 90 drawn images are not reviewed" in said
    assert "Left out: 3 reviewed, of which it is not known how likely they were drawn." in said
    assert "Several versions are taken together" in said


def test_reviews_of_unlike_rates_that_tell_little_and_crowded_images_are_told_of(make_audited: Make) -> None:
    """200 images of which four weigh nearly all; few images with two detections each."""
    images = [make_audited([True], [0.9], draw_rate=1.0)] * 196 + [make_audited([True], [0.9], draw_rate=0.001)] * 4
    said = " ".join(report_of("det", images, {"1": 200}, {}).limitations)
    assert "tell as much as 4 drawn at one rate" in said
    assert "several detections" not in said
    crowded = " ".join(report_of("det", [make_audited([True, True], [0.9, 0.8])] * 20, {"1": 20}, {}).limitations)
    assert "under 150 images with several detections each" in crowded
    assert "unlike rates" not in crowded


def test_before_any_review_users_are_told_of_alone() -> None:
    """And how many images wait."""
    report = report_of("det@1", [], {"1": 12}, {"1": {"correct": 1}})
    assert report.sentence == (
        "No image of the random sample of det@1 is reviewed (12 wait for review); of what users sent, 100 % of 1 say "
        "correct."
    )


def test_feedback_taken_back_that_was_never_given_is_told() -> None:
    """After a lost store a count may be under zero: then there is no share, and nothing is hidden."""
    report = report_of("det", [], {}, {"1": {"correct": -1, "wrong_box": 4}})
    document = report.to_dict()
    assert document["users"] == {"value": None, "n": 3, "by_type": {"correct": -1, "wrong_box": 4}}
    assert "More feedback of users was taken back than given" in report.limitations[0]


def test_what_is_left_out_is_told(make_audited: Make) -> None:
    """Reviews beyond the bound, classes beyond those listed, images whose detections are not known."""
    images = [make_audited([True], [0.9], label=f"class {place}") for place in range(105)]
    images += [make_audited([True], [0.9], detections=None, verdict="")]
    report = report_of("det", images, {"1": 200}, {}, left_out=7)
    assert len(report.by_class) == 100
    assert (report.score.n, report.score.value) == (105, 1.0)
    said = " ".join(report.limitations)
    assert "5 classes" in said
    assert "7 reviewed beyond the newest 10,000" in said
    assert "1 reviewed, of which the detections are not known" in said
    with pytest.raises(ValueError, match="audited: 10,001 images, at most 10,000 are read"):
        report_of("det", [images[0]] * (AUDITED_MAX + 1), {}, {})
