"""A report in a sentence that a person can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import TYPE_CHECKING

from sidecar.drift.blocks import BLOCKS_MIN
from sidecar.drift.permutation import at_most
from sidecar.drift.scores import GATE

if TYPE_CHECKING:
    from sidecar.drift.report import DriftReport

NAMED_MAX = 5
"""Classes that a sentence names; the rest are counted."""
NAME_CHARACTERS_MAX = 60
"""Of a class name within a sentence."""
SENTENCE_CHARACTERS_MAX = 1_000
SAME_CONFIDENCE, SAME_COUNT = 0.01, 0.02
"""Average confidences that differ by less, and average numbers of detections by less of themselves, are called nearly
the same: it is the spread around them that moved."""
DIGITS_MAX = 6
"""Behind the point, to tell two figures apart."""


def sentence_of(report: DriftReport, divergences: Mapping[str, float], reference: str = "") -> str:
    """What ``report`` says; ``divergences`` of each part tell which part of a score moved most. ``reference`` names
    what it was compared with where that is not plain, such as "the baseline of det@1"."""
    if report.verdict == "too_few_blocks":
        body = _too_few(report, reference)
    elif report.verdict == "drift":
        body = _drift(report, divergences, reference)
    else:
        body = _no_drift(report, divergences, reference)
    return _cut(" ".join([body, *_new(report)]), SENTENCE_CHARACTERS_MAX)


def _drift(report: DriftReport, divergences: Mapping[str, float], reference: str) -> str:
    moved = [_MOVES[name](report, divergences) for name, score in report.scores.items() if score.significant]
    lowest = min(score.p_adjusted for score in report.scores.values() if score.significant)
    return f"Drift{_from(reference)}: {'; '.join(moved)} (adjusted p = {_p(lowest)}; {_sizes(report)})."


def _no_drift(report: DriftReport, divergences: Mapping[str, float], reference: str) -> str:
    small = {
        name: score
        for name, score in report.scores.items()
        if at_most(score.p_adjusted, report.alpha) and not score.significant
    }
    if small:
        moved = "; ".join(_MOVES[name](report, divergences) for name in small)
        farthest = max(score.corrected for score in small.values())
        far = next(text for digits in (2, 3, 4, 17) if (text := f"{farthest:.{digits}f}") != f"{GATE:.{digits}f}")
        return (
            f"No drift{_from(reference)}, only a small shift: {moved}. It is more than chance, but its distance of "
            f"{far} is under the {GATE:g} that counts as drift ({_sizes(report)})."
        )
    level = report.blocks.level.plural
    return f"No drift{_from(reference)}: the two periods differ no more than {level} within each do ({_sizes(report)})."


def _from(reference: str) -> str:
    return f" from {reference}" if reference else ""


def _too_few(report: DriftReport, reference: str) -> str:
    blocks, whose = report.blocks, f", {reference}," if reference else ""
    if not report.n_reference.images or not report.n_current.images:
        side = "current period" if report.n_reference.images else f"reference{whose.removesuffix(',')}"
        return f"Nothing to compare: there are no images in the {side}."
    counts = f"{blocks.reference} in the reference{whose} and {blocks.current} in the current period"
    if min(blocks.reference, blocks.current) >= BLOCKS_MIN:
        return (
            f"Too few {blocks.level.plural} to judge: with {counts}, no difference, however large, could be told from "
            f"chance (at alpha {report.alpha:g})."
        )
    of_hours = " at hours of the day that both have" if blocks.matched_by else ""
    return f"Too few {blocks.level.plural} to judge: {counts}{of_hours}; each needs at least {BLOCKS_MIN}."


def _new(report: DriftReport) -> list[str]:
    if not report.new_classes:
        return []
    names = [f"{_name(item.name)} (in {item.images:,} images)" for item in report.new_classes]
    return [f"New {'class' if len(names) == 1 else 'classes'}: {_capped(names)}."]


def _class_move(report: DriftReport, divergences: Mapping[str, float]) -> str:
    return f"the mix of classes changed, {_classes(report)}"


def _confidence_move(report: DriftReport, divergences: Mapping[str, float]) -> str:
    before, now = report.n_reference.avg_confidence, report.n_current.avg_confidence
    if abs(now - before) < SAME_CONFIDENCE:
        return f"confidences are spread differently, though on average nearly the same, {now:.2f}"
    return f"confidence {'rose' if now > before else 'fell'} from {_from_to(before, now)}"


def _count_move(report: DriftReport, divergences: Mapping[str, float]) -> str:
    before, now = report.n_reference.detections_per_image, report.n_current.detections_per_image
    if abs(now - before) < SAME_COUNT * max(before, now):
        return (
            f"detections are spread differently over the images, though on average nearly as many, {now:.2f} an image"
        )
    return f"detections per image {'rose' if now > before else 'fell'} from {_from_to(before, now)}"


def _from_to(before: float, now: float) -> str:
    """Both, with as many digits as make them differ, two at least.

    >>> _from_to(0.8549, 0.8451), _from_to(0.7, 0.45)
    ('0.855 to 0.845', '0.70 to 0.45')
    """
    digits = next((n for n in range(2, DIGITS_MAX) if f"{before:.{n}f}" != f"{now:.{n}f}"), DIGITS_MAX)
    return f"{before:.{digits}f} to {now:.{digits}f}"


def _box_move(report: DriftReport, divergences: Mapping[str, float]) -> str:
    return f"boxes differ in {'size' if _largest(divergences, ('area', 'aspect')) == 'area' else 'shape'}"


def _input_move(report: DriftReport, divergences: Mapping[str, float]) -> str:
    return f"the images differ in {_largest(divergences, ('width', 'height', 'brightness'))}"


_MOVES = {
    "class": _class_move,
    "confidence": _confidence_move,
    "count": _count_move,
    "box": _box_move,
    "input": _input_move,
}
"""What moved, by score."""


def _classes(report: DriftReport) -> str:
    if not report.affected_classes:
        return "though no single class stands out"
    return _capped(
        [
            f"{_name(item.name)} from {_percents(item.share_before, item.share_after)}"
            for item in report.affected_classes
        ]
    )


def _sizes(report: DriftReport) -> str:
    blocks = report.blocks
    if blocks.level.width_s == 0:
        return f"{blocks.reference:,} images against {blocks.current:,}"
    images = f"{report.n_reference.images:,} and {report.n_current.images:,} images"
    return f"{blocks.reference:,} {blocks.level.plural} against {blocks.current:,}, {images}"


def _largest(divergences: Mapping[str, float], parts: Sequence[str]) -> str:
    return max(parts, key=lambda part: -1.0 if isnan(divergences[part]) else divergences[part])


def _name(name: str) -> str:
    """On one line, without what does not print or turns the text around."""
    words = "".join(char if char.isprintable() else " " for char in name).split()
    return _cut(" ".join(words), NAME_CHARACTERS_MAX) or "(a name that does not print)"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _capped(items: Sequence[str]) -> str:
    more = len(items) - NAMED_MAX
    shown = [*items[:NAMED_MAX], f"{more} more"] if more > 0 else list(items)
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _percents(before: float, after: float) -> str:
    """Both shares, with as many digits as make them differ.

    >>> _percents(0.604, 0.6), _percents(0.2, 0.05), _percents(0.0, 0.3)
    ('60.4 % to 60.0 %', '20 % to 5.0 %', '0 % to 30 %')
    """
    texts = (_percent(before), _percent(after))
    if texts[0] == texts[1]:
        digits = (n for n in range(1, DIGITS_MAX) if f"{100 * before:.{n}f}" != f"{100 * after:.{n}f}")
        places = next(digits, DIGITS_MAX)
        texts = (f"{100 * before:.{places}f} %", f"{100 * after:.{places}f} %")
    return f"{texts[0]} to {texts[1]}"


def _percent(share: float) -> str:
    percent = 100 * share
    if percent == 0 or percent >= 10:
        return f"{percent:.0f} %"
    return f"{percent:.1f} %" if percent >= 0.1 else "under 0.1 %"


def _p(value: float) -> str:
    return f"{value:.2g}"
