"""The life of a test: a table of statuses, and epochs.

A test runs, may pause and run on, and ends for good: ``completed`` when its time is over, ``stopped`` by a person or by
a guardrail, ``concluded`` with a decision. Every change of what traffic goes where opens an epoch, so that figures of
one split are never pooled with those of another; a pause is an epoch in which treatments get nothing. Time counts while
a treatment gets traffic.

All functions are pure: ``now`` comes in, a new Trial comes out. A clock that was set back makes no time negative: an
epoch never begins before the one before it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from sidecar.experiments.definition import Definition, ShadowDefinition

Status = Literal["running", "paused", "completed", "stopped", "concluded"]
Action = Literal["pause", "resume", "ramp", "complete", "stop", "conclude", "promote"]
Kind = Literal["ab", "shadow"]

EPOCHS_MAX = 200
"""Nobody opens more; what takes traffic from a treatment always can."""
DAY_S = 86_400.0
ID_CHARACTERS_MAX = 58
SHARE_ROUNDING = 1e-9
"""Shares that differ by less are one: proportions leave a rounding."""

TABLE: dict[tuple[Status, Action], Status] = {
    ("running", "pause"): "paused",
    ("running", "ramp"): "running",
    ("running", "complete"): "completed",
    ("running", "stop"): "stopped",
    ("running", "conclude"): "concluded",
    ("running", "promote"): "concluded",
    ("paused", "resume"): "running",
    ("paused", "stop"): "stopped",
    ("paused", "conclude"): "concluded",
    ("paused", "promote"): "concluded",
    ("completed", "promote"): "completed",
    ("stopped", "promote"): "stopped",
    ("concluded", "promote"): "concluded",
}
"""What an action makes of a status. What is not here can't be done."""

ACTIVE = ("running", "paused")


class LifecycleError(ValueError):
    """It can't be done now; str is ``field: message``."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class EpochSpan:
    """From ``since`` on treatments (or the shadow) have these ``shares``; ``reason`` says why it was opened."""

    number: int
    since: float
    shares: tuple[float, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Trial:
    """A test as it stands. ``opened_for`` are the operating points of its variants in the present epoch; ``decision``
    is the variant that a person concluded for, ``promoted`` the one that serves since ``promoted_at``."""

    trial_id: str
    definition: Definition | ShadowDefinition
    status: Status
    created_at: float
    epochs: tuple[EpochSpan, ...]
    ended_at: float | None = None
    reason: str = ""
    slow_edge_ms: float | None = None
    decision: str = ""
    note: str = ""
    promoted: str = ""
    promoted_at: float | None = None
    origin: str = "api"
    opened_for: str = ""

    @property
    def kind(self) -> Kind:
        return "ab" if isinstance(self.definition, Definition) else "shadow"

    @property
    def salt(self) -> str:
        """What the draws and hashes of its units are salted with."""
        return self.definition.salt or self.trial_id

    @property
    def active(self) -> bool:
        return self.status in ACTIVE

    @property
    def epoch(self) -> EpochSpan:
        """The present one, or the last."""
        return self.epochs[-1]

    @property
    def resumed_shares(self) -> tuple[float, ...]:
        """The latest shares that gave a treatment traffic; those it was defined with where none did."""
        given = (epoch.shares for epoch in reversed(self.epochs) if any(epoch.shares))
        return next(given, self.definition.shares)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; ``from_dict`` reads it."""
        return {**asdict(self), "kind": self.kind}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Trial:
        """What ``to_dict`` wrote, also after JSON made its tuples lists."""
        fields = dict(document)
        kind = fields.pop("kind")
        read = Definition.from_dict if kind == "ab" else ShadowDefinition.from_dict
        fields["definition"] = read(document["definition"])
        fields["epochs"] = tuple(
            EpochSpan(**{**epoch, "shares": tuple(epoch["shares"])}) for epoch in document["epochs"]
        )
        return cls(**fields)


def begun(
    trial_id: str,
    definition: Definition | ShadowDefinition,
    now: float,
    *,
    origin: str = "api",
    slow_edge_ms: float | None = None,
    opened_for: str = "",
) -> Trial:
    """A test that begins now."""
    first = EpochSpan(0, now, definition.shares, "begun")
    return Trial(
        *(trial_id, definition, "running", now, (first,)),
        slow_edge_ms=slow_edge_ms,
        origin=origin,
        opened_for=opened_for,
    )


def paused(trial: Trial, now: float, reason: str = "") -> Trial:
    """All traffic goes to control until it is resumed."""
    status = _after(trial, "pause")
    none = tuple(0.0 for _ in trial.epoch.shares)
    return replace(_opened(trial, now, none, reason or "paused", bounded=False), status=status)


def resumed(trial: Trial, now: float) -> Trial:
    """The shares are those of before the pause."""
    status = _after(trial, "resume")
    return replace(_opened(trial, now, trial.resumed_shares, "resumed"), status=status)


def ramped(trial: Trial, shares: tuple[float, ...], now: float, reason: str) -> Trial:
    """Another split."""
    status = _after(trial, "ramp")
    if len(shares) != len(trial.epoch.shares):
        raise LifecycleError("traffic_split", f"{len(shares)} shares for {len(trial.epoch.shares)} treatments")
    return replace(_opened(trial, now, shares, reason), status=status)


def taken_out(trial: Trial, variants: Collection[str], now: float, reason: str) -> Trial:
    """These treatments get no traffic any more; the test is stopped where none is left that does."""
    shares = tuple(
        0.0 if name in variants else share
        for name, share in zip(trial.definition.variants[1:], trial.epoch.shares, strict=True)
    )
    if not any(shares):
        return stopped(trial, now, reason)
    return replace(_opened(trial, now, shares, reason, bounded=False), status=_after(trial, "ramp"))


def reopened(trial: Trial, now: float, reason: str, opened_for: str) -> Trial:
    """The same split in a new epoch: something that figures depend on has changed."""
    if not trial.active:
        raise LifecycleError("status", f"{trial.trial_id!r} is {trial.status}: it can't be reopened")
    return replace(_opened(trial, now, trial.epoch.shares, reason), opened_for=opened_for)


def completed(trial: Trial, now: float) -> Trial:
    """Its time is over."""
    return _end(trial, "complete", now, f"its {_days(trial)} are over")


def stopped(trial: Trial, now: float, reason: str = "") -> Trial:
    return _end(trial, "stop", now, reason)


def concluded(trial: Trial, now: float, decision: str = "", note: str = "") -> Trial:
    """A person decided, for a variant of the test or (empty) for none."""
    if decision:
        _check_variant(trial, decision, "winner")
    return replace(_end(trial, "conclude", now, ""), decision=decision, note=note)


def promoted(trial: Trial, variant: str, now: float) -> Trial:
    """``variant`` serves from now on; a test that is active is concluded with that."""
    status = _after(trial, "promote")
    _check_variant(trial, variant, "variant")
    ended = replace(_end(trial, "promote", now, ""), decision=variant) if trial.active else trial
    return replace(ended, status=status, promoted=variant, promoted_at=now)


def running_s(trial: Trial, now: float) -> float:
    """How long a treatment has had traffic."""
    end = now if trial.ended_at is None else trial.ended_at
    begins = [epoch.since for epoch in trial.epochs]
    ends = [*begins[1:], max(end, begins[-1])]
    return sum(
        max(0.0, until - epoch.since) for epoch, until in zip(trial.epochs, ends, strict=True) if any(epoch.shares)
    )


def ends_at(trial: Trial, now: float) -> float | None:
    """When its time is over if it runs on; None where it is paused, has ended or has no end."""
    days = trial.definition.duration_days
    if trial.status != "running" or days is None:
        return None
    return now + max(0.0, days * DAY_S - running_s(trial, now))


def is_due(trial: Trial, now: float) -> bool:
    """Whether its time is over."""
    days = trial.definition.duration_days
    return trial.status == "running" and days is not None and running_s(trial, now) >= days * DAY_S


def next_shares(trial: Trial) -> tuple[float, ...] | None:
    """The treatments' shares at the next step of the planned ramp, the first that is over the present split, however
    that came about; None where none follows."""
    definition = trial.definition
    if trial.status != "running" or not isinstance(definition, Definition) or definition.ramp is None:
        return None
    present = sum(trial.epoch.shares)
    total = next((share for share in definition.ramp.shares if share > present + SHARE_ROUNDING), None)
    return None if total is None else scaled(trial.resumed_shares, total)


def scaled(shares: tuple[float, ...], total: float) -> tuple[float, ...]:
    """``shares`` in the same proportions, with another total: no unit changes from one treatment to another.

    >>> scaled((0.1, 0.3), 0.8)
    (0.2, 0.6)
    """
    before = sum(shares)
    return tuple(round(share * total / before, 12) for share in shares) if before else shares


def trial_id_of(name: str, taken: Collection[str]) -> str:
    """An id that a person can type, made of the name.

    >>> trial_id_of("Detection Model Comparison", []), trial_id_of("α", ["test"])
    ('detection-model-comparison', 'test-2')
    """
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:ID_CHARACTERS_MAX].strip("-") or "test"
    if words not in taken:
        return words
    number = 2
    while f"{words}-{number}" in taken:
        number += 1
    return f"{words}-{number}"


def _after(trial: Trial, action: Action) -> Status:
    status = TABLE.get((trial.status, action))
    if status is None:
        can = [name for (before, name) in TABLE if before == trial.status and name != "complete"]  # time does that
        raise LifecycleError(
            "status", f"{trial.trial_id!r} is {trial.status}: it can't {action}, only {' or '.join(can)}"
        )
    return status


def _opened(trial: Trial, now: float, shares: tuple[float, ...], reason: str, bounded: bool = True) -> Trial:
    if bounded and len(trial.epochs) >= EPOCHS_MAX:
        raise LifecycleError("status", f"{trial.trial_id!r} has {EPOCHS_MAX} epochs already: stop it, begin another")
    span = EpochSpan(trial.epoch.number + 1, max(now, trial.epoch.since), shares, reason)
    return replace(trial, epochs=(*trial.epochs, span))


def _end(trial: Trial, action: Action, now: float, reason: str) -> Trial:
    return replace(trial, status=_after(trial, action), ended_at=max(now, trial.epoch.since), reason=reason)


def _check_variant(trial: Trial, variant: str, field: str) -> None:
    if variant not in trial.definition.variants:
        raise LifecycleError(field, f"{variant!r} is not among {', '.join(trial.definition.variants)}")


def _days(trial: Trial) -> str:
    days = trial.definition.duration_days or 0.0
    return f"{days:g} day{'' if days == 1 else 's'}"
