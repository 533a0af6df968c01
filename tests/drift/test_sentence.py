"""The sentence of a report, as a person reads it."""

from collections.abc import Callable

import pytest

from sidecar.drift import Block, DriftReport, Level, compare

MakeBlock = Callable[..., Block]
MakeDays = Callable[..., list[Block]]
SHARES = {"car": 0.6, "person": 0.4}


def report_of(make_days: MakeDays, **current: object) -> DriftReport:
    shares = current.pop("shares", SHARES)
    return compare(make_days(8, SHARES), make_days(8, shares, first=8, **current), Level.DAY)


def test_classes_that_moved_are_named_with_shares_before_and_after(make_days: MakeDays) -> None:
    """The largest change first; new classes after it."""
    sentence = report_of(make_days, shares={"car": 0.2, "person": 0.5, "dog": 0.3}).sentence
    assert sentence.startswith("Drift: the mix of classes moved (car from 6")
    assert "dog from 0 % to 3" in sentence
    assert "(adjusted p = 0.00" in sentence
    assert "8 days against 8, 1,600 and 1,600 images)." in sentence
    assert sentence.endswith(" images).")
    assert "New class: dog (in 1," in sentence


def test_at_most_five_classes_are_named(make_days: MakeDays) -> None:
    """The others are counted."""
    before = {f"c{n}": (13 if n < 4 else 3) / 64 for n in range(8)}
    after = {f"c{n}": (3 if n < 4 else 13) / 64 for n in range(8)}
    report = compare(make_days(8, before), make_days(8, after, first=8), Level.DAY)
    assert len(report.affected_classes) == 8
    assert report.sentence.count(" % to ") == 5
    assert "and 3 more)" in report.sentence


@pytest.mark.parametrize(
    ("current", "says"),
    [
        ({"confidence": 0.45}, "Drift: confidence fell from 0.70 to 0.45 ("),
        ({"confidence": 0.95}, "confidence rose from 0.70 to 0.95 ("),
        ({"mean": 8.0}, "detections per image rose from 3."),
        ({"mean": 0.5}, "detections per image fell from 3."),
        ({"area": 0.001}, "boxes differ in size ("),
        ({"aspect": 0.2}, "boxes differ in shape ("),
    ],
)
def test_what_moved_is_said_with_its_direction(make_days: MakeDays, current: dict[str, float], says: str) -> None:
    """Means before and after where there are any."""
    assert says in report_of(make_days, **current).sentence


def test_names_are_cut_and_made_printable(make_days: MakeDays) -> None:
    """No line breaks, control characters or marks that turn text around; 60 characters; some words for nothing."""
    names = ["tab\tand\r\nline", "\u202eturned\x00", "\u2066\n", "x" * 61, "ключ"]
    sentence = report_of(make_days, shares={"car": 0.2, **dict.fromkeys(names, 0.16)}).sentence
    assert sentence.isprintable()
    for shown in ("tab and line", "turned", "(a name that does not print)", "x" * 59 + "…", "ключ"):
        assert f" {shown} (in " in sentence
    assert "x" * 60 not in sentence


def test_a_sentence_is_bounded(make_days: MakeDays) -> None:
    """Whatever moved, and however long its name is."""
    before = {f"{n} before {'é' * 900}": 0.2 for n in range(5)}
    after = {f"{n} after {'W' * 900}": 0.2 for n in range(5)}
    moved = make_days(8, after, first=8, confidence=0.4, mean=9.0, area=0.001)
    sentence = compare(make_days(8, before), moved, Level.DAY).sentence
    assert 800 < len(sentence) <= 1_000
    assert len(sentence) < 1_000 or sentence.endswith("…")


def test_several_moves_are_joined(make_days: MakeDays) -> None:
    """One sentence, its parts parted by semicolons."""
    sentence = report_of(make_days, confidence=0.45, area=0.001).sentence
    assert "Drift: confidence fell from 0.70 to 0.45; and boxes differ in size (" in sentence


def test_no_drift_is_said_of_blocks_alike(make_days: MakeDays) -> None:
    """With how much was compared."""
    assert report_of(make_days).sentence == (
        "No drift: the two sides differ no more than days of one side do (8 days against 8, 1,600 and 1,600 images)."
    )


def test_a_move_under_the_gate_is_called_little(make_days: MakeDays) -> None:
    """Sure, and named, but no drift."""
    reference = make_days(10, SHARES, images=20_000)
    report = compare(reference, make_days(10, {"car": 0.57, "person": 0.43}, first=10, images=20_000), Level.DAY)
    assert report.sentence.startswith("No drift that matters: the mix of classes moved (car from 60 % to 57 % and ")
    assert "surely but by little (10 days against 10" in report.sentence


def test_too_few_blocks_are_counted(make_days: MakeDays) -> None:
    """What there is, and what is needed."""
    assert compare(make_days(6, SHARES), make_days(2, SHARES, first=6), Level.DAY).sentence == (
        "Too few days to judge: 6 in the reference and 2 in the current period, at least 6 a side are needed."
    )


def test_too_few_hours_in_common_are_said_to_lack_a_match(make_block: MakeBlock) -> None:
    """They are counted after matching."""
    morning = [make_block(hour * 3_600.0, {"car": 3}) for hour in range(6, 13)]
    noon = [make_block(86_400 + hour * 3_600.0, {"car": 3}) for hour in range(11, 20)]
    assert compare(morning, noon, Level.HOUR).sentence == (
        "Too few hours to judge: 2 in the reference and 2 in the current period at hours of the day that both have, "
        "at least 6 a side are needed."
    )


def test_too_few_relabelings_are_said_with_alpha(make_days: MakeDays) -> None:
    """Six days are enough for most, not for a strict alpha."""
    report = compare(make_days(6, SHARES), make_days(6, SHARES, first=6), Level.DAY, alpha=0.001, permutations=9_999)
    assert report.sentence == ("Too few days to judge at alpha 0.001: 6 in the reference and 6 in the current period.")


def test_images_are_counted_once(make_block: MakeBlock) -> None:
    """At image level blocks and images are the same."""
    images = [make_block(n, {"car": 1}) for n in range(8)]
    assert compare(images, images, Level.IMAGE, independent=True).sentence.endswith("(8 images against 8).")
