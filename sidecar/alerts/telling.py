"""The notice that tells of an alert as it stands."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, islice

from sidecar.alerts.alert_state import AlertState
from sidecar.alerts.condition import Condition
from sidecar.alerts.notice import CONTEXT_LINES_MAX, Notice, NoticeKind
from sidecar.alerts.sentences import condition_text, detail_lines


def notice_of(
    kind: NoticeKind,
    state: AlertState,
    condition: Condition,
    *,
    at: float,
    alert_id: str,
    name: str,
    model: str,
    version: str = "",
    slice: str = "",
    link: str = "",
    context: Iterable[str] = (),
) -> Notice:
    """What to send of an alert whose state is ``state``, at the wall time ``at``.

    ``context`` are lines to follow the notice's own; all of them are CONTEXT_LINES_MAX at most, and cut.
    It starts when the alert last began to fire, or now where it never did (a test), and has ended where the notice says
    so.

    >>> notice = notice_of("test", AlertState(), Condition("error_rate", "gt", 0.1, 900.0), at=5.0, alert_id="a",
    ...     name="Errors", model="det")
    >>> notice.condition_text, notice.starts_at, notice.ends_at
    ('error_rate above 10 % over 15m', 5.0, None)
    """
    own = detail_lines(condition, state.samples, state.detail, state.baseline_of)
    return Notice(
        kind=kind,
        alert_id=alert_id,
        name=name,
        model=model,
        version=version,
        slice=slice,
        metric=condition.metric,
        value=state.value,
        condition_text=condition_text(condition),
        sentence=f"{_opening(kind)} {state.sentence}".strip(),
        context=tuple(islice(chain(own, context), CONTEXT_LINES_MAX)),
        starts_at=at if state.fired_at is None else state.fired_at,
        at=at,
        ends_at=at if kind in ("resolved", "settled") else None,
        link=link,
    )


def _opening(kind: NoticeKind) -> str:
    """What a notice says before the sentence about the value, for kinds that aren't about it alone."""
    return {
        "test": "This is a test of the alert's notifications.",
        "flapping": "It fires again and again; nothing more is sent until it settles.",
        "settled": "It no longer flaps.",
    }.get(kind, "")
