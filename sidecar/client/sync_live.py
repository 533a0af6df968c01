"""The part of the client for ordinary code that is about figures of the moment and figures over time.

Made of aio_live.py by tests/client/unasync.py: change that, not this.
"""

from __future__ import annotations

from collections.abc import Iterator

from sidecar.client import calls_live
from sidecar.client.calls import Filter, Moment
from sidecar.client.records import Live, TimeSeriesPoint
from sidecar.client.results import Records
from sidecar.client.sync_asking import Asking


class LiveMethods(Asking):
    """What ``Client`` can do about live figures and time series."""

    def live(self, interval_s: float = 1.0, model: str | None = None) -> Iterator[Live]:
        """The figures of the moment, every ``interval_s`` seconds (1 to 60), without end: of a model, of one version
        (``name@version``), or of all.

        Raises ConnectionFailed where the sidecar stays away, ServerError where as many listen already as may.
        """
        return self._listen(calls_live.live(interval_s, model))

    def live_snapshot(self, model: str | None = None) -> Live:
        """The figures of the moment, once."""
        return self._run(calls_live.live_snapshot(model))

    def time_series(
        self,
        metric: str,
        model: str | None = None,
        version: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        width_s: int | None = None,
        label: str = "",
    ) -> Records[TimeSeriesPoint]:
        """One figure over time, by default over the last hour: ``at``, ``model``, ``version``, ``role``, ``value`` of
        each bucket, NaN where there was nothing to make it of.

        ``metric``: requests, images, detections, request_rate, error_rate, p50_latency_ms (p90, p95, p99),
        avg_confidence, detections_per_image, no_detection_rate, undecodable_rate, feedback_score, or class_count and
        class_share, which are of the class ``label``. ``width_s`` is 10, 60, 3600 or 86400; None: the finest that makes
        at most 500 buckets. Raises InvalidRequest.
        """
        question: dict[str, Filter] = {
            "metric": metric,
            "model": model,
            "version": version,
            "since": since,
            "until": until,
            "width_s": width_s,
            "label": label,
        }
        return self._run(calls_live.time_series(question))
