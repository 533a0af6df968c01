"""What the API asks about what is normal: baselines, drift and alerts, as one Protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypedDict

Document = Mapping[str, Any]
"""A JSON-able object of the shape that the type of the same name in ``schemas_drift`` or ``schemas_alerts`` has."""


class WatchFigures(TypedDict):
    """Counts since the monitor started (none of them goes down), and how things stand now."""

    alerts: Mapping[str, int]
    """Enabled alerts by state, now: inactive, pending, firing, resolved."""
    alert_states: Sequence[tuple[str, str, str, str]]
    """(alert_id, name, model_id, state) of every enabled alert, now."""
    notifications: Mapping[tuple[str, str], int]
    """Attempts by (kind of channel, outcome): sent, failed, gave_up, repeated."""
    notifications_waiting: int
    """Queued and neither sent nor given up, now."""
    failing_channels: Mapping[str, str]
    """Channels whose latest attempt failed, and why; a URL without its path, which may be a secret (``Address.shown``).
    Empty where all is well."""
    drift_scores: Mapping[tuple[str, str, str, str], float]
    """(model, version, slice, score) of the latest check: the corrected distance; score: class, confidence ..."""
    drift_found: Mapping[tuple[str, str, str], bool]
    """(model, version, slice) of the latest check: whether any of its scores is more than chance."""
    rounds: int
    """Times all alerts were evaluated."""
    round_seconds: float
    """Time spent on it, in all."""
    rounds_skipped: Mapping[str, int]
    """Times that an evaluation was put off, by reason, e.g. clock_jump."""
    checks: int
    """Windows the continuous monitor compared with a baseline."""


class Watch(Protocol):
    """Baselines, drift and alerts. Arguments have their types and bounds; whether they make sense is judged here.

    Every method raises ControlError for arguments that can't be (422; ``ControlError.of`` for several faults), its
    kinds NotThere for an id nobody has (404) and Conflict (409), and StoreError where the store can't (503). Pages
    may let the store's ValueError "before: ..." pass: it is answered as a fault of ``cursor``. NaN may stand in
    documents; it becomes null.

    ``model_id`` is a model's name or ``name@version``; of alerts also ``""``, the sidecar itself. ``slice`` ``""`` is
    all traffic. Times are epoch seconds.
    """

    async def set_baseline(self, model_id: str, period: str, name: str, replace: bool) -> Document:
        """Freeze ``period`` of a model version as its baseline ``name``; the Baseline.

        Raises Conflict with field ``name`` where there is one and ``replace`` is false; ControlError with field
        ``model_id`` where a bare name has several versions in the period, ``period`` where it can't be read or holds
        no predictions.
        """
        ...

    async def baselines(self, model_id: str | None) -> Sequence[Document]:
        """Baselines, of one model or of all (None)."""
        ...

    async def baseline(self, baseline_id: str) -> Document:
        """One Baseline. Raises NotThere."""
        ...

    async def export_baseline(self, baseline_id: str) -> Document:
        """A BaselineExport: the Baseline and its ``blocks`` [{level, start, summary}]. Raises NotThere."""
        ...

    async def delete_baseline(self, baseline_id: str) -> Document:
        """Delete one; the Baseline as it was. Raises NotThere."""
        ...

    async def check_drift(
        self,
        model_id: str,
        reference_period: str,
        current_period: str,
        *,
        slice: str,
        by_slice: bool,
        source: str,
        distributions: bool,
    ) -> Document:
        """Compare two periods of a model; a DriftReport.

        ``reference_period`` and ``current_period`` are periods or names of baselines; ``source`` is auto, summaries
        or predictions. ``by_slice`` adds ``slices``, a report each with its ``slice`` (never together with a
        ``slice``); ``distributions`` adds what was compared. Raises ControlError with the field at fault, also where
        a period holds no predictions.
        """
        ...

    async def drift_checks(self, model_id: str | None, slice: str | None, limit: int, cursor: str | None) -> Document:
        """A DriftChecksPage of what the continuous monitor found, newest first. None: all models, all slices."""
        ...

    async def create_alert(
        self,
        model_id: str,
        name: str,
        condition: Mapping[str, Any],
        notify: Sequence[str],
        slice: str,
        enabled: bool,
    ) -> Document:
        """Create an alert; the Alert. ``condition`` is as it came.

        Raises ControlError with fields such as ``condition.metric`` or ``notify.0``; Conflict with field ``name``
        where the model has an alert of that name on that slice, or there are too many.
        """
        ...

    async def preview_alert(self, model_id: str, condition: Mapping[str, Any], slice: str, period: str) -> Document:
        """When the alert would have fired over ``period``; an AlertPreview.

        Raises ControlError as ``create_alert`` does, with field ``condition.metric`` where the metric's past is not
        recorded in summaries, ``period`` where that can't be read or is too long.
        """
        ...

    async def alerts(self, model_id: str | None, state: str | None) -> Sequence[Document]:
        """Alerts that are not deleted, of one model or all, in one state or any."""
        ...

    async def alert(self, alert_id: str) -> Document:
        """One Alert. Raises NotThere."""
        ...

    async def update_alert(
        self,
        alert_id: str,
        *,
        name: str | None = None,
        condition: Mapping[str, Any] | None = None,
        notify: Sequence[str] | None = None,
        enabled: bool | None = None,
    ) -> Document:
        """Change what is not None; the Alert as it is then. A new condition starts from inactive.

        Raises what ``create_alert`` raises, and NotThere.
        """
        ...

    async def delete_alert(self, alert_id: str) -> Document:
        """Delete one; the Alert as it was. A default rule that was deleted does not come back. Raises NotThere."""
        ...

    async def acknowledge_alert(self, alert_id: str, by: str) -> Document:
        """Take note of a firing alert: no repeats until it fires again; the Alert. Raises NotThere, and Conflict with
        field ``alert_id`` where it is not firing."""
        ...

    async def silence_alert(self, alert_id: str, until: float | None, by: str) -> Document:
        """No notices until then, or (None) the end of the silence; the Alert. ``until`` is in the future.

        Once it is over, ``silenced_until`` of the Alert is None. Raises NotThere.
        """
        ...

    async def test_alert(self, alert_id: str) -> Sequence[Document]:
        """Send a test notice to every channel of the alert; one {channel, ok, error} each. Raises NotThere."""
        ...

    async def transitions(self, alert_id: str | None, model_id: str | None, limit: int, cursor: str | None) -> Document:
        """A TransitionsPage, newest first: of one alert (also a deleted one), of a model's, or of all."""
        ...

    async def notifications(self, alert_id: str) -> Sequence[Document]:
        """The latest notifications of an alert, newest first, 100 at most. Raises NotThere."""
        ...

    async def alert_metrics(self) -> Sequence[Document]:
        """What alerts can watch: {metric, unit, source, samples, description, operators, compare, needs_class} each."""
        ...

    def figures(self) -> WatchFigures:
        """For /metrics and the status page; cheap, without waiting."""
        ...
