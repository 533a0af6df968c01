"""The whole comparison."""

import json
from collections.abc import Callable
from math import isnan
from typing import Any

import pytest

from sidecar.drift import SCORES, Block, Level, compare
from sidecar.drift.report import DAYS_INDEPENDENT, HOURS_ALIKE

MakeBlock = Callable[..., Block]
MakeDays = Callable[..., list[Block]]
SHARES = {"car": 0.6, "person": 0.4}
HOUR_S, DAY_S = 3_600.0, 86_400.0
REPORT_KEYS = {
    *(f"{name}_drift" for name in SCORES), "scores", "significant_drift", "verdict", "affected_classes", "new_classes",
    "n_reference", "n_current", "blocks", "alpha", "limitations", "means", "sentence",
}  # fmt: skip


def test_a_report_tells_what_moved(make_days: MakeDays) -> None:
    """Distances, scores, classes with their shares, sizes, and how it was compared."""
    reference = make_days(8, SHARES, brightness=[0.5] * 20, requests=210)
    current = make_days(7, {"car": 0.2, "person": 0.5, "dog": 0.3}, first=8, brightness=[0.5] * 20, requests=205)
    report = compare(reference, current, Level.DAY)
    document = report.to_dict()
    assert set(document) == REPORT_KEYS
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert (document["verdict"], document["significant_drift"]) == ("drift", True)
    assert document["class_drift"] == report.scores["class"].distance
    assert document["scores"]["class"]["significant"] is True
    assert document["input_drift"] == 0.0
    assert [(item["class"], item["change"] > 0) for item in document["affected_classes"]] == [
        ("car", False),
        ("dog", True),
        ("person", True),
    ]
    first = document["affected_classes"][0]
    assert (round(first["share_before"], 1), round(first["share_after"], 1)) == (0.6, 0.2)
    assert first["change"] == pytest.approx(first["share_after"] - first["share_before"])
    assert first["p_value"] <= 0.05
    assert [item["class"] for item in document["new_classes"]] == ["dog"]
    assert document["new_classes"][0]["blocks"] == 7
    assert (document["n_reference"]["images"], document["n_reference"]["requests"]) == (1_600, 1_680)
    assert document["blocks"] == {
        "level": "day", "reference": 8, "current": 7, "matched_by": None, "permutations": 999,
    }  # fmt: skip
    assert document["limitations"] == [DAYS_INDEPENDENT]
    assert document["means"]["detections_per_image"]["current"] == pytest.approx(3, abs=0.2)


def test_days_alike_are_no_drift(make_days: MakeDays) -> None:
    """Nothing moved, nothing is listed."""
    report = compare(make_days(8, SHARES), make_days(8, SHARES, first=8), Level.DAY)
    assert (report.verdict, report.significant_drift) == ("no_drift", False)
    assert report.affected_classes == report.new_classes == ()
    assert report.scores["class"].p_value > 0.05


def test_a_sure_but_tiny_move_is_no_drift(make_days: MakeDays) -> None:
    """The gate: it is listed with its classes, and called small."""
    reference = make_days(10, SHARES, images=20_000)
    report = compare(reference, make_days(10, {"car": 0.57, "person": 0.43}, first=10, images=20_000), Level.DAY)
    assert report.scores["class"].p_adjusted <= 0.05
    assert report.verdict == "no_drift"
    assert {item.name for item in report.affected_classes} == {"car", "person"}


def test_too_few_days_are_said_to_be_too_few(make_days: MakeDays) -> None:
    """Distances are shown; nothing is guessed, however large they are."""
    report = compare(make_days(5, SHARES), make_days(5, {"dog": 1.0}, first=5), Level.DAY)
    document = report.to_dict()
    assert (report.verdict, report.significant_drift) == ("too_few_blocks", False)
    assert report.class_drift == 1.0
    assert document["scores"]["class"]["p_value"] is None
    assert document["affected_classes"] == document["new_classes"] == []
    assert document["blocks"]["permutations"] == 0
    assert "5 in the reference and 5 in the current period; each needs at least 6" in report.sentence


@pytest.mark.parametrize("sides", [(0, 0), (0, 8), (8, 0)])
def test_a_side_without_blocks_gives_a_report_all_the_same(make_days: MakeDays, sides: tuple[int, int]) -> None:
    """Without distances; whose fault it is, is said."""
    report = compare(make_days(sides[0], SHARES), make_days(sides[1], SHARES, first=20), Level.DAY)
    assert report.verdict == "too_few_blocks"
    assert all(report.to_dict()[f"{name}_drift"] is None for name in SCORES)
    side = "current period" if sides[0] else "reference"
    assert report.sentence == f"Nothing to compare: there are no images in the {side}."


def test_too_few_relabelings_for_alpha_are_said_to_be_too_few(make_days: MakeDays) -> None:
    """Six days a side can't be significant at 0.001, whatever happened; with more days it can."""
    strict: dict[str, Any] = {"alpha": 0.001, "permutations": 9_999}
    moved = make_days(9, {"dog": 1.0}, first=9)
    report = compare(make_days(6, SHARES), moved[:6], Level.DAY, **strict)
    assert (report.verdict, report.significant_drift) == ("too_few_blocks", False)
    assert any("in only 924 ways" in text for text in report.limitations)
    assert report.scores["class"].p_value >= 2 / 924
    assert compare(make_days(9, SHARES), moved, Level.DAY, **strict).verdict == "drift"


def test_hours_are_matched_and_the_report_says_what_that_leaves_open(make_block: MakeBlock) -> None:
    """Nights against nights: hours that one side lacks have no say."""
    by_night = {"person": 30}
    reference = [
        make_block(hour * HOUR_S, by_night if hour % 24 < 6 else {"car": 30}, per_image=[3] * 10) for hour in range(48)
    ]
    current = [make_block(DAY_S * 5 + hour * HOUR_S, by_night, per_image=[3] * 10) for hour in range(6)]
    report = compare(reference, current, Level.HOUR)
    assert report.class_drift == 0.0
    assert report.blocks.to_dict() == {
        "level": "hour", "reference": 12, "current": 6, "matched_by": "hour of the day", "permutations": 999,
    }  # fmt: skip
    assert HOURS_ALIKE in report.limitations
    assert DAYS_INDEPENDENT not in report.limitations
    assert report.n_reference.images == 120


def test_hours_without_a_match_are_too_few(make_block: MakeBlock) -> None:
    """The distances are of all hours, and that is said."""
    reference = [make_block(hour * HOUR_S, {"car": 3}) for hour in range(12)]
    current = [make_block(hour * HOUR_S, {"person": 3}) for hour in range(36, 44)]
    report = compare(reference, current, Level.HOUR)
    assert (report.verdict, report.class_drift) == ("too_few_blocks", 1.0)
    assert (report.blocks.reference, report.blocks.current) == (0, 0)
    assert any("distances are of all hours" in text for text in report.limitations)


def test_the_probe_may_have_blocks_of_its_own(make_block: MakeBlock) -> None:
    """Images one by one, brightness by the minute: the input score is of the latter."""
    images = [make_block(n, {"car": 1}) for n in range(20)]
    light = [make_block(n * 10, {}, brightness=[0.7]) for n in range(8)]
    dark = [make_block(n * 10, {}, brightness=[0.1]) for n in range(8)]
    report = compare(images, images, Level.IMAGE, independent=True, inputs=(light, dark, Level.TEN_SECONDS))
    assert report.scores["input"].significant
    assert (report.scores["input"].n_reference, report.n_reference.images) == (8, 20)
    assert "the images differ in brightness" in report.sentence
    few = compare(images, images, Level.IMAGE, independent=True, inputs=(light, dark[:3], Level.TEN_SECONDS))
    assert few.input_drift > 0.5
    assert isnan(few.scores["input"].p_value)
    assert any("Input drift is not tested: images were probed in 8 and 3 blocks" in text for text in few.limitations)


def test_distributions_are_given_where_asked_for(make_days: MakeDays) -> None:
    """For charts; a report to be kept does without."""
    report = compare(make_days(6, SHARES), make_days(6, SHARES, first=6), Level.DAY)
    assert set(report.distributions) == {
        "class", "confidence", "count", "area", "aspect", "width", "height", "brightness",
    }  # fmt: skip
    assert "distributions" not in report.to_dict()
    document = report.to_dict(distributions=True)
    assert document["distributions"] == report.distributions
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_blocks_over_the_bound_are_left_out_and_said_to_be(
    make_block: MakeBlock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The latest are compared."""
    monkeypatch.setattr("sidecar.drift.blocks.BLOCKS_SIDE_MAX", 10)
    blocks = [make_block(n * DAY_S, {"car": 3}) for n in range(30)]
    report = compare(blocks[:20], blocks[20:], Level.DAY)
    assert report.n_reference.blocks == 10
    assert any("only the latest are compared" in text for text in report.limitations)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"level": Level.IMAGE}, "level: single images are compared only where they are declared independent"),
        ({"alpha": 0.0}, "alpha: 0.0 is not between 0 and 1"),
        ({"alpha": 1.5}, "alpha: 1.5"),
        ({"permutations": 98}, "permutations: 98 is not within 99 to 100000"),
        ({"permutations": 999, "alpha": 0.001}, "permutations: 999 is not within 4999"),
        ({"permutations": 10**9}, "permutations: 1000000000"),
    ],
)
def test_arguments_that_cannot_work_are_refused(arguments: dict[str, Any], says: str) -> None:
    """With what would be right, before any work is done."""
    level = arguments.pop("level", Level.DAY)
    with pytest.raises(ValueError, match=says):
        compare([], [], level, **arguments)


def test_class_names_are_exact_but_not_without_end(make_days: MakeDays) -> None:
    """Wherever a report has them: as they are up to 200 characters, cut there."""
    odd, endless = "a\n\u202eb", "dog" * 1_000
    report = compare(make_days(8, SHARES), make_days(8, {"car": 0.2, odd: 0.4, endless: 0.4}, first=8), Level.DAY)
    listed = [
        {item.name for item in report.affected_classes},
        {item.name for item in report.new_classes},
        set(report.distributions["class"]["names"]),
    ]
    for names in listed:
        assert odd in names
        assert sorted(len(name) for name in names)[-1] == 200


def test_a_parked_thing_is_no_new_class_by_minutes(make_block: MakeBlock) -> None:
    """Within an hour it is in all blocks; where images are independent, that is enough."""
    reference = [make_block(minute * 60.0, {"car": 5}, per_image=[1] * 5) for minute in range(30)]
    seen = {"car": 5, "dog": 2}
    current = [make_block(DAY_S + minute * 60.0, seen, per_image=[1] * 7, class_images=seen) for minute in range(30)]
    assert compare(reference, current, Level.MINUTE).new_classes == ()
    assert [item.name for item in compare(reference, current, Level.MINUTE, independent=True).new_classes] == ["dog"]
