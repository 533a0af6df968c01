"""Periods as people write them, and what is said of those that are none."""

from datetime import UTC, datetime

import pytest

from sidecar.drift import Period, PeriodError, parse_period
from sidecar.drift.period import PERIOD_DAYS_MAX

DAY_S = 86_400
NOW = datetime(2024, 3, 1, 12, 30, 0, 123457, tzinfo=UTC).timestamp()


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("2024-01-01:2024-01-31", "2024-01-01T00:00+00:00", "2024-02-01T00:00+00:00"),
        ("2024-01-01/2024-01-31", "2024-01-01T00:00+00:00", "2024-02-01T00:00+00:00"),
        (" 2024-02-28 : 2024-02-29 ", "2024-02-28T00:00+00:00", "2024-03-01T00:00+00:00"),
        ("2024-02-29", "2024-02-29T00:00+00:00", "2024-03-01T00:00+00:00"),
        (
            "2024-01-01T00:00:00Z:2024-01-02T12:00:00+01:00",
            "2024-01-01T00:00:00+00:00",
            "2024-01-02T11:00:00+00:00",
        ),
        ("2024-01-01T10:20Z:2024-01-01T10:30Z", "2024-01-01T10:20+00:00", "2024-01-01T10:30+00:00"),
        ("2024-01-01 10:20z/2024-01-01t10:30:00.5-0200", "2024-01-01T10:20+00:00", "2024-01-01T12:30:00.5+00:00"),
        ("2024-01-31:2024-02-01T06:00:00Z", "2024-01-31T00:00+00:00", "2024-02-01T06:00+00:00"),
        ("2024-01-31T18:00:00Z:2024-02-01", "2024-01-31T18:00+00:00", "2024-02-02T00:00+00:00"),
        ("2024-03-01", "2024-03-01T00:00+00:00", "2024-03-02T00:00+00:00"),
    ],
)
def test_days_and_date_times_are_read_in_utc(text: str, since: str, until: str) -> None:
    """Days count whole and the last is included; the end of date-times is excluded; offsets are honoured."""
    assert parse_period(text, NOW) == Period(at(since), at(until))


@pytest.mark.parametrize(
    ("text", "length_s"), [("24h", 86_400), ("7d", 604_800), ("1h30m", 5_400), ("400d", 400 * DAY_S)]
)
def test_a_length_of_time_ends_now(text: str, length_s: float) -> None:
    """``24h`` are the last 24 hours."""
    period = parse_period(text, NOW)
    assert period.until == NOW
    assert period.length_s == pytest.approx(length_s, abs=1e-5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is no period"),
        ("last week", "is no period, expected days in UTC"),
        ("2024", "has no unit"),
        ("86400", "has no unit"),
        ("0h", "does not end after its start"),
        ("401d", "is too long, at most 400d are kept"),
        ("-1d", "is no period"),
        ("2024-01-31:2024-01-01", "does not end after its start"),
        ("2024-01-01T00:00:00Z:2024-01-01T00:00:00Z", "does not end after its start"),
        ("2024-01-01T00:00:00+02:00/2023-12-31T22:00:00Z", "does not end after its start"),
        ("2024-02-30:2024-03-01", "'2024-02-30' is not in the calendar"),
        ("2024-13-01", "'2024-13-01' is not in the calendar"),
        ("0000-01-01:2024-01-01", "is not in the calendar"),
        ("2024-01-01T25:00:00Z:2024-01-02T00:00:00Z", "is not in the calendar"),
        ("2024-01-01T00:00:00:2024-01-02T00:00:00Z", "needs an offset from UTC, such as 2024-01-01T00:00:00Z"),
        ("2024-01-01T00:00:00Z:2024-01-02T00:00:00", "'2024-01-02T00:00:00' needs an offset"),
        ("2022-01-01:2024-01-01", "731 days long, at most 400"),
        ("2024-03-02", "has not begun, it is 2024-03-01T12:30:00Z"),
        ("2024-03-01T12:30:01Z:2024-03-09T00:00:00Z", "has not begun"),
        ("2024-01-01:2024-01-31:2024-02-28", "is no period"),
        ("2024-1-1:2024-1-31", "is no period"),
        ("24-01-01", "is no period"),
        ("٢٠٢٤-01-01", "is no period"),
        ("2024-01-01:", "is no period"),
        ("9999-12-31:9999-12-31", "has not begun"),
        ("x" * 5_000, "is no period"),
    ],
)
def test_what_is_no_period_is_refused_with_what_would_be_right(text: str, says: str) -> None:
    """The error names the field, what is wrong and, where the form is unknown, the forms there are."""
    with pytest.raises(PeriodError) as raised:
        parse_period(text, NOW, "reference_period")
    assert raised.value.field == "reference_period"
    assert says in raised.value.message
    assert str(raised.value) == f"reference_period: {raised.value.message}"
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize("value", [None, 5, ["2024-01-01"], b"24h"])
def test_what_is_no_text_is_refused(value: object) -> None:
    """A number or a list out of a JSON body is a PeriodError, not a crash."""
    with pytest.raises(PeriodError, match="period: this is no period, expected days"):
        parse_period(value, NOW)  # type: ignore[arg-type] - what JSON may give


def test_a_period_that_runs_on_into_the_future_is_accepted() -> None:
    """Today is a period although it has not ended."""
    assert parse_period("2024-03-01", NOW).until > NOW


def test_the_longest_period_is_accepted() -> None:
    """Exactly PERIOD_DAYS_MAX days are not too many."""
    assert parse_period(f"{PERIOD_DAYS_MAX}d", NOW).length_s == PERIOD_DAYS_MAX * DAY_S
