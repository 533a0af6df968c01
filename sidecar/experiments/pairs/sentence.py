"""A report of pairs in a few sentences that a person can read."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from sidecar.experiments.sequential import UNITS_MIN

if TYPE_CHECKING:
    from sidecar.experiments.pairs.paired_test import PairedTest
    from sidecar.experiments.pairs.report import PairReport

NAMED_MAX = 3
"""Flips that are named; the rest are counted."""
_SHIFT_MIN = 0.0005
"""A smaller shift of confidence shows as 0.000."""


def sentence_of(report: PairReport) -> str:
    """What ``report`` says: agreement, boxes, flips, confidence, latency, failures. Where most requests failed that
    comes first: how the few others compare is not the news."""
    counts = report.counts
    if not counts.requests:
        return f"Nothing to compare yet: no request was answered by both {report.name_a} and {report.name_b}."
    if not counts.images:
        return " ".join(["Nothing to compare: no image has detections of both that could be read.", *_failures(report)])
    compared = [_agreement(report), *_flips(report), *_confidence(report), *_latency(report)]
    failed = counts.failed_a + counts.failed_b + counts.failed_both
    if failed > counts.requests - failed:
        return " ".join([*_failures(report), *compared])
    return " ".join([*compared, *_failures(report)])


def _agreement(report: PairReport) -> str:
    a, b, counts = report.name_a, report.name_b, report.counts
    images = plural(counts.images, "image")
    if counts.agreeing == counts.images:
        if not counts.matched:
            return f"Neither {a} nor {b} finds anything in {images}."
        return f"{b} agrees with {a} on all of {images}: {plural(counts.matched, 'box', 'boxes')}, the same classes."
    share = _percent(report.agreement_rate)
    return (
        f"{b} agrees with {a} in full on {counts.agreeing:,} of {images} ({share}). {_more_or_fewer(report)}: "
        f"it misses {counts.missed:,} of {a}'s and has {counts.extra:,} that {a} has not."
    )


def _more_or_fewer(report: PairReport) -> str:
    a, b, counts = report.name_a, report.name_b, report.counts
    if counts.boxes_a == counts.boxes_b:
        return f"{b} finds as many boxes ({counts.boxes_a:,})"
    sizes = f"({counts.boxes_b:,} against {counts.boxes_a:,})"
    if not counts.boxes_a:
        return f"{b} finds boxes where {a} finds none {sizes}"
    more = "more" if report.box_change > 0 else "fewer"
    return f"{b} finds {_percent(abs(report.box_change))} {more} boxes {sizes}"


def _flips(report: PairReport) -> list[str]:
    if not report.flips:
        return []
    named = [f'{flip.n:,} of {flip.boxes:,} "{flip.came}" boxes "{flip.went}"' for flip in report.flips[:NAMED_MAX]]
    rest = report.counts.flipped - sum(flip.n for flip in report.flips[:NAMED_MAX])
    if rest:
        named.append(f"{rest:,} more by other names")
    listed = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    return [f"It calls {listed}."]


def _confidence(report: PairReport) -> list[str]:
    test = report.confidence_shift
    if isnan(test.difference):
        return []
    if abs(test.difference) < _SHIFT_MIN:
        return ["On boxes that both have, its confidence is the same."]
    which = "higher" if test.difference > 0 else "lower"
    return [f"On boxes that both have, its confidence is {abs(test.difference):.3f} {which}{_sureness(test)}."]


def _latency(report: PairReport) -> list[str]:
    if not report.latency_a.count or not report.latency_b.count:
        return []
    p50 = f"{_ms(report.latency_b.quantile(0.5))} ms against {_ms(report.latency_a.quantile(0.5))} ms"
    p99 = f"{_ms(report.latency_b.quantile(0.99))} against {_ms(report.latency_a.quantile(0.99))} ms"
    return [f"Its median latency is {p50} (p99 {p99}){_mean_latency(report.latency_difference_ms)}."]


def _mean_latency(test: PairedTest) -> str:
    if isnan(test.difference):
        return ""
    if not test.difference:
        return "; on average the same"
    which = "slower" if test.difference > 0 else "faster"
    return f"; on average {_ms(abs(test.difference))} ms {which}{_sureness(test)}"


def _failures(report: PairReport) -> list[str]:
    a, b, counts = report.name_a, report.name_b, report.counts
    of = f"of {plural(counts.requests, 'request')}"
    said = [
        (counts.failed_b, f"{b} alone failed on {counts.failed_b:,} {of}"),
        (counts.failed_a, f"{a} alone failed on {counts.failed_a:,} {of}"),
        (counts.failed_both, f"both failed on {counts.failed_both:,} {of}"),
    ]
    told = "; ".join(text for n, text in said if n)
    return [f"{told[0].upper()}{told[1:]}."] if told else []


def _sureness(test: PairedTest) -> str:
    if test.n < UNITS_MIN:
        return f" (of {plural(test.n, 'request')}, too few to conclude from)"
    if test.significant:
        return f" (p {'< 0.0001' if test.p_value < 0.0001 else f'= {test.p_value:.2g}'} at any look)"
    return ", which may be chance"


def plural(n: int, one: str, many: str = "") -> str:
    """``1 box``, ``1,200 boxes``; without ``many``, an s is added."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def _ms(latency: float) -> str:
    """Three digits, or all that stand before the point.

    >>> _ms(1.2345), _ms(2774.1)
    ('1.23', '2,774')
    """
    return f"{latency:,.0f}" if latency >= 1_000 else f"{latency:.3g}"


def _percent(share: float) -> str:
    percent = 100 * share
    if percent == 0 or 10 <= percent < 99.5 or share >= 1:
        return f"{percent:.0f} %"
    return f"{percent:.1f} %" if percent >= 0.1 else "under 0.1 %"
