"""A report in a sentence that a person can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import TYPE_CHECKING

from sidecar.drift.blocks import BLOCKS_MIN
from sidecar.drift.permutation import at_most

if TYPE_CHECKING:
    from sidecar.drift.report import DriftReport

NAMED_MAX = 5
"""Classes that a sentence names; the rest are counted."""
NAME_CHARACTERS_MAX = 60
"""Of a class name within a sentence."""
SENTENCE_CHARACTERS_MAX = 1_000


def sentence_of(report: DriftReport, divergences: Mapping[str, float]) -> str:
    """What ``report`` says; ``divergences`` of each part tell which part of a score moved most."""
    if report.verdict == "too_few_blocks":
        body = _too_few(report)
    elif report.verdict == "drift":
        body = _drift(report, divergences)
    else:
        body = _no_drift(report, divergences)
    return _cut(" ".join([body, *_new(report)]), SENTENCE_CHARACTERS_MAX)


def _drift(report: DriftReport, divergences: Mapping[str, float]) -> str:
    moved = [_MOVES[name](report, divergences) for name, score in report.scores.items() if score.significant]
    lowest = min(score.p_adjusted for score in report.scores.values() if score.significant)
    return f"Drift: {_listed(moved, '; ')} (adjusted p = {_p(lowest)}; {_sizes(report)})."


def _no_drift(report: DriftReport, divergences: Mapping[str, float]) -> str:
    small = [
        name
        for name, score in report.scores.items()
        if at_most(score.p_adjusted, report.alpha) and not score.significant
    ]
    if small:
        moved = _listed([_MOVES[name](report, divergences) for name in small], "; ")
        return f"No drift that matters: {moved}, surely but by little ({_sizes(report)})."
    level = report.blocks.level.plural
    return f"No drift: the two sides differ no more than {level} of one side do ({_sizes(report)})."


def _too_few(report: DriftReport) -> str:
    blocks = report.blocks
    if not report.n_reference.images or not report.n_current.images:
        side = "current period" if report.n_reference.images else "reference"
        return f"Nothing to compare: the {side} has no images."
    if min(blocks.reference, blocks.current) >= BLOCKS_MIN:
        return (
            f"Too few {blocks.level.plural} to judge at alpha {report.alpha:g}: {blocks.reference} in the reference "
            f"and {blocks.current} in the current period."
        )
    of_hours = " at hours of the day that both have" if blocks.matched_by else ""
    return (
        f"Too few {blocks.level.plural} to judge: {blocks.reference} in the reference and {blocks.current} in the "
        f"current period{of_hours}, at least {BLOCKS_MIN} a side are needed."
    )


def _new(report: DriftReport) -> list[str]:
    if not report.new_classes:
        return []
    names = [f"{_name(item.name)} (in {item.images:,} images)" for item in report.new_classes]
    return [f"New {'class' if len(names) == 1 else 'classes'}: {_capped(names)}."]


def _class_move(report: DriftReport, divergences: Mapping[str, float]) -> str:
    return f"the mix of classes moved ({_classes(report)})"


def _confidence_move(report: DriftReport, divergences: Mapping[str, float]) -> str:
    before, now = report.n_reference.avg_confidence, report.n_current.avg_confidence
    if abs(now - before) < 0.005:
        return f"confidence is spread otherwise around {now:.2f}"
    return f"confidence {'rose' if now > before else 'fell'} from {before:.2f} to {now:.2f}"


def _count_move(report: DriftReport, divergences: Mapping[str, float]) -> str:
    before, now = report.n_reference.detections_per_image, report.n_current.detections_per_image
    if abs(now - before) < 0.005:
        return f"detections are spread otherwise over the images ({now:.2g} an image)"
    return f"detections per image {'rose' if now > before else 'fell'} from {before:.2f} to {now:.2f}"


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
        return "no class alone stands out"
    return _capped(
        [
            f"{_name(item.name)} from {_percent(item.share_before)} to {_percent(item.share_after)}"
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
    return _listed(shown, ", ")


def _listed(items: Sequence[str], separator: str) -> str:
    if len(items) == 1:
        return items[0]
    last = "; and " if separator == "; " else " and "
    return separator.join(items[:-1]) + last + items[-1]


def _percent(share: float) -> str:
    percent = 100 * share
    if percent == 0 or percent >= 10:
        return f"{percent:.0f} %"
    return f"{percent:.1f} %" if percent >= 0.1 else "under 0.1 %"


def _p(value: float) -> str:
    return f"{value:.2g}"
