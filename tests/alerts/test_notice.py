"""What a message about an alert says."""

import json
from dataclasses import replace
from math import inf, nan

import pytest

from sidecar.alerts.notice import CONTEXT_LINES_MAX, KINDS, SENTENCE_CHARACTERS_MAX, SUBJECT_CHARACTERS_MAX, Notice

NOTICE = Notice(
    "firing", "a1", "Errors", "det", "2", "", "error_rate", 0.2, "error_rate above 5 % over 15m",
    "20 % of requests failed.",
    ("Drift: none.",), 1_700_000_000.0, 1_700_000_060.0,
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_notice_comes_back_from_json_as_it_was(kind: str) -> None:
    """What waits in the store through a restart is sent as it was meant."""
    notice = replace(NOTICE, kind=kind, ends_at=1_700_000_900.0, link="https://sidecar.test/alerts/a1", slice="cam")
    assert Notice.from_dict(json.loads(json.dumps(notice.to_dict()))) == notice


@pytest.mark.parametrize("value", [nan, inf, None])
def test_value_that_is_no_number_is_null(value: float | None) -> None:
    """JSON has no NaN; nothing to measure is null."""
    document = json.loads(json.dumps(replace(NOTICE, value=value).to_dict(), allow_nan=False))
    assert document["value"] is None
    assert Notice.from_dict(document).value is None


def test_notice_of_another_release_is_still_sent() -> None:
    """Keys unknown to this release are ignored, keys unknown to the other are empty."""
    notice = Notice.from_dict({"kind": "firing", "alert_id": "a1", "name": "Errors", "at": 5, "colour": "red"})
    assert (notice.alert_id, notice.name, notice.starts_at, notice.context, notice.ends_at) == (
        "a1",
        "Errors",
        5,
        (),
        None,
    )


def test_notice_of_unknown_kind_says_which_there_are() -> None:
    """A row that is no notice is a clear error."""
    with pytest.raises(ValueError, match="kind: 'party' is not one of firing, resolved, flapping, settled, test"):
        Notice.from_dict({"kind": "party"})


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({}, "Firing: Errors of det@2"),
        ({"version": ""}, "Firing: Errors of det"),
        ({"slice": "camera-7"}, "Firing: Errors of det@2, camera-7"),
        ({"model": "", "version": "", "kind": "resolved"}, "Resolved: Errors of sidecar"),
    ],
)
def test_subject_names_what_the_alert_watches(changes: dict[str, str], subject: str) -> None:
    """Model, version and slice, or the sidecar itself."""
    assert replace(NOTICE, **changes).subject == subject


def test_subject_of_hostile_name_stays_one_bounded_line() -> None:
    """A name cannot add header lines to a mail nor grow the subject past its bound."""
    subject = replace(NOTICE, name="x\r\nBcc: all@company.test\x00\u2028" + "y" * 500).subject
    assert subject.isprintable()
    assert subject.startswith("Firing: x Bcc: all@company.test y")
    assert len(subject) == SUBJECT_CHARACTERS_MAX


def test_context_is_bounded_however_a_notice_is_made() -> None:
    """By hand, by a change, or from what another release stored."""
    context = tuple("x" * 5_000 for _ in range(500))
    stored = {**NOTICE.to_dict(), "context": list(context)}
    for notice in (replace(NOTICE, context=context), Notice.from_dict(stored)):
        assert len(notice.context) == CONTEXT_LINES_MAX
        assert set(map(len, notice.context)) == {SENTENCE_CHARACTERS_MAX}
