"""From what is stored of a test to the epochs that its results are made of: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import fsum

import structlog

from sidecar.experiments import Arm, Epoch, per_unit_moments
from sidecar.experiments.definition import Definition
from sidecar.experiments.lifecycle import EpochSpan, Trial
from sidecar.recording import SummaryRow
from sidecar.summaries import Summary, SummaryError
from sidecar.trials.audit import Audit, variant_of, variants_by_version
from sidecar.trials.units import Seen

log = structlog.get_logger()

Shown = Mapping[tuple[int, str], Summary]
"""By (number of the epoch, variant): all that it saw."""


def epochs_of(
    trial: Trial, rows: Iterable[SummaryRow], seen: Sequence[Seen] | None = None, audit: Audit | None = None
) -> list[Epoch]:
    """The epochs of an A/B test. ``rows`` are its whole-epoch summaries, ``seen`` its lasting units where it has any
    (``UnitSums.arms``), ``audit`` the reviewed images of the random sample."""
    shown, audit = _by_variant(trial, rows), audit or Audit({}, {})
    if seen is None:
        return [epoch_of_requests(trial, span, shown, audit) for span in trial.epochs]
    return _of_units(trial, seen, shown, audit)


def failover_of(trial: Trial, rows: Iterable[SummaryRow]) -> int:
    """How many requests control answered because their treatment was down, of the whole-epoch summaries ``rows``."""
    return sum(_decoded(trial, row).requests for row in rows if row.role == "failover")


def split_of(shares: Sequence[float]) -> tuple[float, ...]:
    """Control's share and the treatments', adding up to 1.

    >>> split_of((0.25, 0.25))
    (0.5, 0.25, 0.25)
    """
    return (max(0.0, 1.0 - fsum(shares)), *shares)


def kept_split(first: Sequence[float], now: Sequence[float]) -> tuple[float, ...] | None:
    """Where units are that were seen first under the shares ``first`` and are in the same arm under ``now``; adding up
    to 1. None where there can be none.

    A unit's draw does not change, so a treatment keeps what is under both of its shares and control what is over both,
    where treatments keep their proportions. Where one was taken out the shares are off; differences of lasting units,
    and SRM, do not rest on them.

    >>> kept_split((0.25,), (0.5,)), kept_split((0.5,), (0.5,)), kept_split((0.0,), (0.5,))
    ((0.6666666666666666, 0.3333333333333333), (0.5, 0.5), (1.0, 0.0))
    """
    kept = [min(before, after) for before, after in zip(first, now, strict=True)]
    control = max(0.0, 1.0 - max(fsum(first), fsum(now)))
    total = control + fsum(kept)
    return tuple(share / total for share in (control, *kept)) if total > 0 else None


def _by_variant(trial: Trial, rows: Iterable[SummaryRow]) -> Shown:
    by_version = variants_by_version(trial)
    found: dict[tuple[int, str], Summary] = {}
    for row in rows:
        variant = variant_of(trial, row.role, row.version, by_version)
        if variant is None:
            continue
        summary = _decoded(trial, row)
        key = (row.epoch, variant)
        found[key] = found[key].merge(summary) if key in found else summary
    return found


def _decoded(trial: Trial, row: SummaryRow) -> Summary:
    """An empty one where it can't be read."""
    try:
        return Summary.decode(row.payload)
    except SummaryError as error:
        log.error("summary_unreadable", trial=trial.trial_id, epoch=row.epoch, error=str(error))
        return Summary()


def epoch_of_requests(trial: Trial, span: EpochSpan, shown: Shown, audit: Audit) -> Epoch:
    """One epoch of a test whose unit is the request."""
    arms = []
    for name in trial.definition.variants:
        reviews = audit.of(span.number, span.number, name)
        arms.append(
            Arm.of_summary(
                name,
                shown.get((span.number, name), Summary()),
                slow_edge_ms=trial.slow_edge_ms,
                # one reviewed image anywhere, and no arm's score is of what users sent
                feedback=reviews.moments if audit.reviewed else None,
                judged=reviews.images,
                sampled=reviews.sampled,
            )
        )
    control, *treatments = arms
    return Epoch(control, tuple(treatments), split_of(span.shares), span.number)


def _of_units(trial: Trial, seen: Sequence[Seen], shown: Shown, audit: Audit) -> list[Epoch]:
    """For each epoch its new units and, apart, those that were seen first in each earlier one."""
    shares = {span.number: span.shares for span in trial.epochs}
    cells = {(one.epoch, one.first, one.arm): one for one in seen}
    firsts: dict[int, set[int]] = {number: {number} for number in shares}
    for one in seen:
        if one.epoch in shares and one.first in shares:
            firsts[one.epoch].add(one.first)
    epochs = []
    for number, own in shares.items():
        for first in sorted(firsts[number], reverse=True):
            split = split_of(own) if first == number else kept_split(shares[first], own)
            if split is not None:
                # what is only shown, percentiles and users' feedback, counts once
                once = shown if first == number else {}
                epochs.append(_of_first_seen(trial, number, first, split, cells, once, audit))
    return epochs


def _of_first_seen(
    trial: Trial,
    number: int,
    first: int,
    split: tuple[float, ...],
    cells: Mapping[tuple[int, int, str], Seen],
    shown: Shown,
    audit: Audit,
) -> Epoch:
    arms = []
    for name in trial.definition.variants:
        one = cells.get((number, first, name))
        reviews = audit.of(number, first, name)
        arms.append(
            Arm.of_units(
                name,
                per_unit_moments() if one is None else one.moments,
                shown.get((number, name), Summary()),
                assigned=0 if one is None else one.assigned,
                moved=0 if one is None else one.moved,
                feedback=reviews.moments if audit.reviewed else None,
                judged=reviews.images,
                sampled=reviews.sampled,
            )
        )
    return Epoch(arms[0], tuple(arms[1:]), split, number, returning=first != number)


def by_units(trial: Trial) -> bool:
    """Whether an A/B test's units last (a camera, a client), so that sums per unit are kept."""
    return isinstance(trial.definition, Definition) and trial.definition.unit != "request"
