"""What a preview can't tell, in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from sidecar.alerts import Condition
from sidecar.durations import duration_text
from sidecar.watch.preview_grid import HOUR_S, Grid

_EVERY = {10: "every ten seconds", 60: "once a minute", HOUR_S: "once an hour"}
_WHOLE = {10: "whole tens of seconds", 60: "whole minutes", HOUR_S: "whole hours"}


def limits_in_words(
    condition: Condition,
    grid: Grid,
    *,
    interval_s: float,
    begun: float | None,
    unreadable: int,
    widened: bool,
) -> tuple[str, ...]:
    """Sentences. ``begun``: when the record begins, where that is within the period; ``unreadable`` summaries were left
    out; ``widened``: there were too many for a finer look."""
    return tuple(
        _sentences(condition, grid, interval_s=interval_s, begun=begun, unreadable=unreadable, widened=widened)
    )


def _sentences(
    condition: Condition, grid: Grid, *, interval_s: float, begun: float | None, unreadable: int, widened: bool
) -> Iterator[str]:
    if begun is not None:
        yield f"Nothing is recorded before {_moment(begun)}."
    if grid.hours_until:
        until = _moment(grid.hours_until)
        yield f"Until {until} it was looked at once an hour, over whole hours: finer ones are not kept or too many."
    if grid.step_s > interval_s:
        why = ", as there are too many summaries for a finer look" if widened else ""
        monitor = duration_text(interval_s)
        yield f"It was looked at {_EVERY[grid.step_s]}{why}; the monitor looks every {monitor}, and sees more."
    if grid.step_s > condition.window_s:
        yield f"It was measured over {_WHOLE[grid.step_s]}, as the window is shorter than a look."
    if condition.compare != "value" or condition.metric == "slow_rate":
        yield "It was held against the baseline there is now, whatever the baseline was at the time."
    if condition.operator == "anomaly":
        yield "What is usual was learnt anew for each day; the monitor does that every hour."
    if condition.metric == "request_rate" and condition.operator != "gt":
        yield "While the sidecar itself did not run there were no requests to count either."
    if unreadable:
        yield f"{unreadable:,} summaries of another release can't be read and were left out."


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
