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
    assert sentence.startswith("Drift: the mix of classes changed, car from 6")
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
    assert "and 3 more (" in report.sentence


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
    assert "Drift: confidence fell from 0.70 to 0.45; boxes differ in size (" in sentence


def test_no_drift_is_said_of_blocks_alike(make_days: MakeDays) -> None:
    """With how much was compared."""
    assert report_of(make_days).sentence == (
        "No drift: the two periods differ no more than days within each do (8 days against 8, 1,600 and 1,600 images)."
    )


def test_a_move_under_the_gate_is_called_a_small_shift(make_days: MakeDays) -> None:
    """More than chance, and named, but no drift: the sentence says by what measure."""
    reference = make_days(10, SHARES, images=20_000)
    report = compare(reference, make_days(10, {"car": 0.57, "person": 0.43}, first=10, images=20_000), Level.DAY)
    said = report.sentence
    assert said.startswith("No drift, only a small shift: the mix of classes changed, car from 60 % to 57 % and ")
    assert ". It is more than chance, but its distance of 0.0" in said
    assert " is under the 0.1 that counts as drift (10 days against 10, " in said


def test_averages_that_hardly_moved_are_not_said_to_have_risen_or_fallen(make_days: MakeDays) -> None:
    """Nothing falls from 0.85 to 0.85: what moved is the spread around it."""
    current = make_days(10, SHARES, first=10, images=5_000, confidence=0.6958)
    said = compare(make_days(10, SHARES, images=5_000, confidence=0.7042), current, Level.DAY).sentence
    assert "Drift: confidences are spread differently, though on average nearly the same, 0.70 (" in said


def test_baseline_of_another_version_is_named_whatever_the_verdict(make_days: MakeDays) -> None:
    """Nobody would guess it."""
    days, name = make_days(8, SHARES), "the baseline of det@1"

    def said(current: list[Block]) -> str:
        return compare(days, current, Level.DAY, reference_name=name).sentence

    assert said(make_days(8, SHARES, first=8)).startswith("No drift from the baseline of det@1: ")
    assert said(make_days(8, SHARES, first=8, confidence=0.4)).startswith("Drift from the baseline of det@1: confid")
    assert said(make_days(2, SHARES, first=8)) == (
        "Too few days to judge: 8 in the reference, the baseline of det@1, and 2 in the current period; each needs at "
        "least 6."
    )


def test_too_few_blocks_are_counted(make_days: MakeDays) -> None:
    """What there is, and what is needed."""
    assert compare(make_days(6, SHARES), make_days(2, SHARES, first=6), Level.DAY).sentence == (
        "Too few days to judge: 6 in the reference and 2 in the current period; each needs at least 6."
    )


def test_too_few_hours_in_common_are_said_to_lack_a_match(make_block: MakeBlock) -> None:
    """They are counted after matching."""
    morning = [make_block(hour * 3_600.0, {"car": 3}) for hour in range(6, 13)]
    noon = [make_block(86_400 + hour * 3_600.0, {"car": 3}) for hour in range(11, 20)]
    assert compare(morning, noon, Level.HOUR).sentence == (
        "Too few hours to judge: 2 in the reference and 2 in the current period at hours of the day that both have; "
        "each needs at least 6."
    )


def test_too_few_relabelings_are_said_with_alpha(make_days: MakeDays) -> None:
    """Six days are enough for most, not for a strict alpha."""
    report = compare(make_days(6, SHARES), make_days(6, SHARES, first=6), Level.DAY, alpha=0.001, permutations=9_999)
    assert report.sentence == (
        "Too few days to judge: with 6 in the reference and 6 in the current period, no difference, however large, "
        "could be told from chance (at alpha 0.001)."
    )


def test_images_are_counted_once(make_block: MakeBlock) -> None:
    """At image level blocks and images are the same."""
    images = [make_block(n, {"car": 1}) for n in range(8)]
    assert compare(images, images, Level.IMAGE, independent=True).sentence.endswith("(8 images against 8).")
