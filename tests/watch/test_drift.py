"""Questions about drift, on a store with a past."""

from __future__ import annotations

import numpy as np
import pytest

from sidecar.watch.scope import Fault, Scope
from tests.watch.room import DAY_S, MONDAY, Room, prediction

JANUARY, FEBRUARY = "2024-01-01:2024-01-10", "2024-01-11:2024-01-20"
ALL = "2024-01-01T00:00:00Z/2024-01-20T23:00:00Z"


async def fill(room: Room, after: tuple[float, ...], *, rows: bool = True, **changes: object) -> None:
    """Ten days of one mix of classes, ten of another."""
    rng = np.random.default_rng(3)
    for day in range(20):
        room.past.add_day(day, rng, (4, 3, 2, 0.1) if day < 10 else after, **changes)
    await room.past.write(rows=rows)


async def test_changed_mix_is_drift_and_names_what_moved(room: Room) -> None:
    """Days are compared; the classes are told with their shares before and after."""
    await fill(room, (1, 3, 2, 3))
    report = await room.drift.check("det", JANUARY, FEBRUARY)
    assert report["verdict"] == "drift"
    assert report["blocks"]["level"] == "day"
    assert report["reference"] == {"period": JANUARY, "model_id": "det", "since": MONDAY, "until": MONDAY + 10 * DAY_S}
    moved = {row["class"]: row for row in report["affected_classes"]}
    assert moved["car"]["share_before"] > moved["car"]["share_after"]
    assert "kite" in report["sentence"]
    assert 0.1 < report["class_drift"] < 1
    assert report["scores"]["class"]["p_value"] < 0.01
    assert report["source"] == "summaries"


async def test_same_mix_is_no_drift(room: Room) -> None:
    """Nothing changed, and the report says so."""
    await fill(room, (4, 3, 2, 0.1))
    report = await room.drift.check("det", JANUARY, FEBRUARY)
    assert report["verdict"] == "no_drift"
    assert report["affected_classes"] == []


async def test_predictions_and_summaries_give_the_same_report(room: Room) -> None:
    """The blocks are the same, so every figure is."""
    await fill(room, (1, 3, 2, 3))
    one = await room.drift.check("det", JANUARY, FEBRUARY, source="summaries")
    other = await room.drift.check("det", JANUARY, FEBRUARY, source="predictions")
    assert other.pop("source") == "predictions"
    one.pop("source")
    # requests are counted in summaries only
    for side in ("n_reference", "n_current"):
        assert one[side].pop("requests") > 0
        other[side].pop("requests")
    assert one == other


async def test_summaries_answer_when_the_predictions_are_gone(room: Room) -> None:
    """Retention removes rows first: the question still has its answer."""
    await fill(room, (1, 3, 2, 3), rows=False)
    assert (await room.drift.check("det", JANUARY, FEBRUARY))["verdict"] == "drift"


async def test_short_period_is_compared_by_the_hour_with_the_limitation_told(room: Room) -> None:
    """Two days have hours only, matched by the hour of the day; what that can't tell is said."""
    await fill(room, (1, 3, 2, 3))
    report = await room.drift.check("det", JANUARY, "2024-01-12:2024-01-13")
    assert report["blocks"]["level"] == "hour"
    assert report["blocks"]["matched_by"] == "hour of the day"
    assert any("days that merely differ" in text for text in report["limitations"])


async def test_one_hour_is_compared_by_the_minute_with_the_same_hour_before(room: Room) -> None:
    """Of the long side only the hours of the day that the short one has are read."""
    for day in range(3):
        for minute in range(60):
            at = MONDAY + day * DAY_S + 8 * 3_600 + 60 * minute
            room.past.add(prediction(at, number, [0, 1]) for number in range(3))
    await room.past.write()
    report = await room.drift.check("det", "2024-01-01:2024-01-02", "2024-01-03T08:00:00Z/2024-01-03T09:00:00Z")
    assert report["blocks"]["level"] == "minute"
    assert report["blocks"]["reference"] == 120
    assert report["verdict"] == "no_drift"


async def test_too_few_blocks_are_told_instead_of_guessed(room: Room) -> None:
    """Three images in three minutes allow no verdict: distances are shown, significance is not claimed."""
    room.past.add(prediction(MONDAY + 60 * number, number, [0]) for number in range(3))
    room.past.add(prediction(MONDAY + DAY_S + 60 * number, number, [3]) for number in range(3))
    await room.past.write()
    report = await room.drift.check("det", "2024-01-01", "2024-01-02")
    assert report["verdict"] == "too_few_blocks"
    assert report["significant_drift"] is False
    assert report["class_drift"] == pytest.approx(1.0)
    assert report["scores"]["class"]["p_value"] is None
    assert "6" in report["sentence"]


@pytest.mark.parametrize(
    ("periods", "empty", "images"),
    [
        ((JANUARY, "2024-03-01:2024-03-05"), "2024-03-01:2024-03-05", (1_200, 0)),
        (("2023-01-01:2023-01-31", JANUARY), "2023-01-01:2023-01-31", (0, 1_200)),
    ],
)
async def test_period_without_predictions_has_no_distances_and_says_which_have(
    room: Room, periods: tuple[str, str], empty: str, images: tuple[int, int]
) -> None:
    """No data is no drift and no error: the sentence tells from when to when there is something."""
    await fill(room, (1, 1, 1, 1))
    report = await room.drift.check("det", *periods)
    assert (report["verdict"], report["significant_drift"], report["affected_classes"]) == ("too_few_blocks", False, [])
    assert {report[f"{name}_drift"] for name in ("class", "confidence", "count", "box", "input")} == {None}
    told = f"Nothing to compare: no predictions of det in {empty}; there are some from {ALL} (UTC)."
    assert report["sentence"] == told
    assert (report["n_reference"]["images"], report["n_current"]["images"]) == images


async def test_store_without_anything_has_no_distances(room: Room) -> None:
    """Of a model, and of a version."""
    for model_id in ("det", "det@1"):
        report = await room.drift.check(model_id, JANUARY, FEBRUARY)
        assert (report["class_drift"], report["significant_drift"], report["model_id"]) == (None, False, model_id)
        assert report["sentence"] == (
            f"Nothing to compare: no predictions of {model_id} in {JANUARY}; there are none at all."
        )


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"model_id": "nope"}, "model_id: no model or version"),
        ({"reference": "yesterday"}, "reference_period: 'yesterday' is no period"),
        ({"current": "2024-02-30:2024-03-01"}, "current_period: "),
        ({"slice": "x", "by_slice": True}, "by_slice: "),
    ],
)
async def test_bad_question_names_its_field(room: Room, change: dict[str, object], fault: str) -> None:
    """Nothing is computed for a question that makes no sense."""
    await fill(room, (1, 1, 1, 1))
    question = {"model_id": "det", "reference": JANUARY, "current": FEBRUARY} | change
    with pytest.raises(Fault, match=fault):
        await room.drift.check(**question)  # type: ignore[arg-type]


async def test_baseline_serves_as_reference_by_its_name(room: Room) -> None:
    """A frozen period answers as the period did, even of another version, and after its summaries are gone."""
    await fill(room, (1, 3, 2, 3))
    whole = await room.drift.check("det", JANUARY, FEBRUARY)
    await room.normal.freeze("det", JANUARY, "winter", False)
    named = await room.drift.check("det", "winter", FEBRUARY)
    assert named["reference"]["baseline"] == "winter"
    assert named["scores"] == whole["scores"]
    with pytest.raises(Fault, match=r"baselines of det: winter"):
        await room.drift.check("det", "summer", FEBRUARY)


async def test_every_slice_is_compared_with_its_own_past(room: Room) -> None:
    """One camera that changed stands first; the others, and the level of significance, are told too."""
    rng = np.random.default_rng(4)
    for day in range(20):
        for name in ("north", "south"):
            changed = name == "north" and day >= 10
            room.past.add_day(day, rng, (1, 3, 2, 5) if changed else (4, 3, 2, 0.1), slice=name)
    await room.past.write()
    report = await room.drift.check("det", JANUARY, FEBRUARY, by_slice=True)
    assert [(part["slice"], part["verdict"]) for part in report["slices"]] == [
        ("north", "drift"),
        ("south", "no_drift"),
    ]
    assert report["slices"][0]["alpha"] == pytest.approx(0.025)
    alone = await room.drift.check("det", JANUARY, FEBRUARY, slice="south")
    assert alone["verdict"] == "no_drift"


async def test_independent_images_are_compared_one_by_one(room: Room) -> None:
    """Where images are declared independent, minutes of traffic are enough; summaries give ten-second blocks."""
    room.independent.add("det")
    rng = np.random.default_rng(5)
    for start, chance in ((0, (4, 3, 2, 0.1)), (600, (1, 3, 2, 5))):
        share = np.array(chance) / np.sum(chance)
        room.past.add(prediction(MONDAY + start + number, number, rng.choice(4, 3, p=share)) for number in range(100))
    await room.past.write()
    periods = "2024-01-01T00:00:00Z/2024-01-01T00:05:00Z", "2024-01-01T00:10:00Z/2024-01-01T00:15:00Z"
    report = await room.drift.check("det", *periods)
    assert (report["verdict"], report["blocks"]["level"], report["source"]) == ("drift", "image", "predictions")
    sums = await room.drift.check("det", *periods, source="summaries")
    assert (sums["verdict"], sums["blocks"]["level"], sums["source"]) == ("drift", "ten_seconds", "summaries")
    assert sums["class_drift"] == pytest.approx(report["class_drift"])


async def test_whole_model_is_compared_with_all_its_versions_baselines(room: Room) -> None:
    """Two versions that differ share the traffic then as now: their baselines together are the model's normal."""
    rng = np.random.default_rng(11)
    for day in range(20):
        room.past.add_day(day, rng, (4, 1, 1, 0.1))
        room.past.add_day(day, rng, (0.1, 1, 1, 4), version="2")
    await room.past.write()
    for version in ("1", "2"):
        await room.normal.freeze(f"det@{version}", JANUARY, "winter", False)
    report = await room.drift.check("det", "winter", FEBRUARY)
    assert report["verdict"] == "no_drift"
    assert report["n_reference"]["images"] == report["n_current"]["images"]
    crossed = await room.drift.check("det@2", (await room.normal.named(_one(), "winter"))[0].baseline_id, FEBRUARY)
    assert crossed["verdict"] == "drift"


def _one() -> Scope:
    return Scope("det", "1")
