"""Versions that came late in a range: compared by the time they have been there, or said not to be."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from sidecar.api.overview import Grid, Read, answer_of, span_of
from sidecar.recording import SummaryRow
from sidecar.summaries import merge_all
from tests.api.test_changes import normal, summaries

DAY_S = 86_400
NOW = 20_000 * DAY_S
RANGE = span_of(NOW - 90 * DAY_S, NOW, None)


def read(**days: int) -> Read:
    """90 days of ``det``, of whose versions each has been there for its ``days``, the first with less confidence."""
    grid, before = Grid(RANGE.place), Grid(RANGE.previous.place)
    for name, count in days.items():
        version = name.removeprefix("v")
        for day in range(count):
            made = merge_all(summaries(day, 20, confidence=0.8 if version == "1" else 0.9))
            bucket = NOW - (day + 1) * DAY_S
            key = (bucket, DAY_S, "det", version, "serving", "", 0, "", 1)
            grid.add([SummaryRow(*key, made.encode())])
    return Read(RANGE, NOW - 90 * DAY_S, NOW, grid, before, None, (), "baseline")


KEY = {"model": "det", "version": "1", "model_id": "det@1", "baseline_id": "b", "since": 0, "until": 14 * DAY_S}
BASELINES: dict[str, list[dict[str, Any]]] = {"det": [{**KEY, "figures": normal(1, confidence=0.8)}]}


def test_version_of_a_few_days_is_compared_in_a_range_of_months() -> None:
    """Of the whole range it would have one block or two, of which nobody can tell how much is chance."""
    document = answer_of(read(v1=80, v2=9), BASELINES)
    assert [(change["version"], change["metric"]) for change in document["changes"]] == [("2", "avg_confidence")]
    assert document["sentence"].startswith("Compared with the baseline of det@1, det@2 has a higher confidence")


def test_version_of_which_there_is_too_little_is_not_said_to_be_as_it_was() -> None:
    """Its name is told beside what does not differ."""
    sentence = answer_of(read(v1=80, v2=3), BASELINES)["sentence"]
    assert sentence.startswith("Nothing surely differs from the baseline of det@1 (det@2 can't be compared yet): ")
    few = answer_of(read(v1=80, v2=3, v3=3, v4=2), BASELINES)["sentence"]
    assert "(3 versions can't be compared yet)" in few


HOUR_S = 3_600
DAY = span_of(NOW - DAY_S, NOW, None)


def day(
    minutes: int, hours_before: int, compare: Literal["previous", "baseline"], confidence: float = 0.9
) -> dict[str, Any]:
    """The answer about a day of which ``det@1`` served the last ``minutes``, and of the day before the last hours."""
    grid, before = Grid(DAY.place), Grid(lambda bucket: DAY.previous.block(DAY.previous.place(bucket)))
    for part in range(minutes // 5):
        made = merge_all(summaries(part, 20, confidence=confidence))
        grid.add([SummaryRow(NOW - (part + 1) * 300, 60, "det", "1", "serving", "", 0, "", 1, made.encode())])
    for part in range(hours_before):
        made = merge_all(summaries(part, 20, confidence=0.8))
        bucket = NOW - DAY_S - (part + 1) * HOUR_S
        before.add([SummaryRow(bucket, HOUR_S, "det", "1", "serving", "", 0, "", 1, made.encode())])
    return answer_of(Read(DAY, NOW - DAY_S, NOW, grid, before, None, (), compare), BASELINES)


def test_hour_of_a_day_is_not_taken_for_it() -> None:
    """Its minutes are like each other, whatever the rest of a day is like: a few hours it takes to tell."""
    assert day(60, 24, "previous")["changes"] == day(60, 24, "baseline")["changes"] == []
    assert [change["metric"] for change in day(240, 24, "previous")["changes"]] == ["avg_confidence"]
    assert [change["metric"] for change in day(240, 24, "baseline")["changes"]] == ["avg_confidence"]


@pytest.mark.parametrize(
    ("minutes", "hours_before", "compare", "begins"),
    [
        (60, 24, "previous", "Too little to tell yet what changed from the 24 hours before: "),
        (1_440, 4, "previous", "Too little to tell yet what changed from the 24 hours before: "),
        (60, 0, "baseline", "Too little to tell yet what differs from the baseline: "),
        (1_440, 24, "previous", "Nothing much changed from the 24 hours before: "),
    ],
)
def test_nothing_is_said_to_be_as_it_was_of_which_there_is_too_little(
    minutes: int, hours_before: int, compare: Literal["previous", "baseline"], begins: str
) -> None:
    """Where that is all there is: now, or in the time before."""
    assert day(minutes, hours_before, compare, confidence=0.8)["sentence"].startswith(begins)


def test_few_hours_before_are_read_by_the_minute() -> None:
    """Of four of them nobody could tell how much they vary; the minutes have parts enough, wherever they begin."""
    short, unaligned, long = (
        span_of(NOW + at, NOW + at + hours * HOUR_S, 300) for at, hours in ((0, 4), (300, 4), (0, 9))
    )
    assert [span.previous.width_s for span in (short, unaligned, long)] == [300, 300, 3_600]
