"""The Prometheus page: a collector over lifetime totals, so that a scrape costs series, not predictions.

Latencies come from base-2 exponential histograms; the ``le`` edges are powers of two milliseconds, which are
boundaries of the exponential buckets, so every cumulative count is exact and not interpolated.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from sidecar.api import metrics_own
from sidecar.api.addresses import address_families
from sidecar.api.admission import OTHER, Admission
from sidecar.api.certificates import certificate_families
from sidecar.api.families import counter, gauge, label
from sidecar.api.metrics_loop import LoopFamilies
from sidecar.api.metrics_trials import TrialFamilies
from sidecar.api.metrics_watch import WatchFamilies
from sidecar.api.services import OutboxTotals, Services
from sidecar.summaries import ExponentialHistogram, Histogram, Summary

CLASSES_MAX = 50
"""Classes of one model with series of their own; the others count under ``other``."""
VERSIONS_MAX = 200
"""Pairs of model and version with series of their own; the others count under ``other``."""
LATENCY_EDGES = tuple(range(-1, 17))
"""Exponents of the edges of latency histograms in powers of two milliseconds: 0.5 ms to 65.5 s."""
CONFIDENCE_BINS = 50
_MODEL = ("model", "version", "role")

Labelled = tuple[tuple[str, str, str], Summary]


class MetricsCollector(Collector):
    """Families of one scrape of ``services``. Classes and versions, once shown, keep their series."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._versions = Admission[tuple[str, str]](VERSIONS_MAX)
        self._classes: dict[str, Admission[str]] = {}
        self._watched = WatchFamilies()
        self._trials = TrialFamilies()
        self._loop = LoopFamilies()
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def page(self, accept: str) -> tuple[bytes, str]:
        """The page and its content type, in OpenMetrics where ``accept`` asks for it, else in the text format."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def describe(self) -> Iterable[Metric]:
        """Nothing: registration must not collect."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All families; docs/metrics.md lists them."""
        totals = self._services.totals
        workers = totals.workers()
        labelled = self._labelled(totals.summaries())
        yield from _request_families(labelled)
        yield from _prediction_families(labelled)
        yield self._detections(labelled)
        yield metrics_own.in_flight(workers)
        yield metrics_own.upstream_up(workers)
        yield from address_families(workers)
        yield counter("sidecar_dropped", "What was left out, by where and why.", ("stage", "reason"), totals.dropped())
        yield counter(
            "sidecar_limit_hits",
            "How often the proxy met one of its bounds, by name.",
            ("limit",),
            {(limit,): count for limit, count in totals.limits_hit().items()},
        )
        yield counter(
            "sidecar_samples",
            "Images kept for review, by reason.",
            ("reason",),
            {(reason,): count for reason, count in totals.samples().items()},
        )
        yield from metrics_own.outbox_families([OutboxTotals(*entry) for entry in totals.outbox()])
        yield from metrics_own.store_families(totals.store())
        yield from metrics_own.backlog_families(totals.backlog())
        yield from self._watched.of(self._services.watch.figures())
        yield from self._trials.of(self._services.trials.figures())
        yield from self._loop_families()
        if self._services.once is not None:
            yield counter(
                "sidecar_idempotency_keys",
                "Requests with an Idempotency-Key, by what became of them.",
                ("outcome",),
                {(outcome,): count for outcome, count in self._services.once.counts.items()},
            )
            yield counter(
                "sidecar_idempotency_keys_forgotten",
                "Idempotency-Keys that were forgotten before their time for newer ones.",
                (),
                {(): self._services.once.keys.forgotten},
            )
            yield counter(
                "sidecar_idempotency_answers_let_go",
                "Answers under an Idempotency-Key that went before their time for newer ones; the keys stayed.",
                (),
                {(): self._services.once.keys.let_go},
            )
        yield counter(
            "sidecar_admin_turned_away",
            "Requests to the admin port that there was no room for, by what was full.",
            ("bound",),
            {(bound,): count for bound, count in self._services.turned_away.items()},
        )
        yield counter(
            "sidecar_exports",
            "Exports of predictions and detections, by how they ended.",
            ("outcome",),
            {(outcome,): count for outcome, count in self._services.exports.ended.items()},
        )
        yield gauge("sidecar_exports_running", "Exports under way.", (), {(): self._services.exports.running})
        yield gauge("sidecar_live_listeners", "Who is sent live figures.", (), {(): self._services.listeners})
        yield counter(
            "sidecar_admin_refused",
            "Requests to the admin port that were not let in, by reason.",
            ("reason",),
            {(reason,): count for reason, count in self._services.door.refused.items()},
        )
        yield counter(
            "sidecar_admin_addresses_forgotten",
            "Addresses with wrong tokens that were forgotten for newer ones.",
            (),
            {(): self._services.door.slowing.forgotten},
        )
        yield from metrics_own.worker_families(workers)
        yield from certificate_families(workers, totals.tls_failed(), time.time())
        yield gauge(
            "sidecar_part_failing",
            "1 for every part of the monitor that failed within the last minute and was started again.",
            ("part",),
            {(label(name),): 1 for name in totals.failing_parts()},
        )
        yield gauge(
            "sidecar_settings_version",
            "Grows with every change of settings.",
            (),
            {(): self._services.control.settings_version()},
        )
        yield gauge(
            "sidecar_build_info", "The running version; always 1.", ("version",), {(self._services.version,): 1}
        )
        yield gauge(
            "sidecar_start_time_seconds",
            "When the monitor started, since the epoch.",
            (),
            {(): self._services.started_at},
        )

    def _loop_families(self) -> Iterator[Metric]:
        services = self._services
        if services.data_engines is not None:
            yield from self._loop.of_data_engines(services.data_engines.figures())
        if services.feedback is not None:
            yield from self._loop.of_feedback(services.feedback.figures())
        if services.review is not None:
            yield from self._loop.of_review(services.review.figures())
        if services.thumbnails is not None:
            yield from self._loop.of_thumbnails(services.thumbnails)
        if services.training is not None:
            yield from self._loop.of_training(services.training.figures())

    def _labelled(self, summaries: Mapping[tuple[str, str, str], Summary]) -> list[Labelled]:
        """Totals by their labels; versions that found no place, and names alike once shortened, merged."""
        requests: Counter[tuple[str, str]] = Counter()
        for (model, version, _), summary in summaries.items():
            requests[label(model), label(version)] += summary.requests
        self._versions.admit(requests.items())
        merged: dict[tuple[str, str, str], Summary] = {}
        for (model, version, role), summary in summaries.items():
            pair = (label(model), label(version))
            key = (*(pair if pair in self._versions else (OTHER, OTHER)), label(role))
            merged[key] = merged[key].merge(summary) if key in merged else summary
        return sorted(merged.items(), key=lambda entry: entry[0])

    def _detections(self, labelled: list[Labelled]) -> Metric:
        by_model: dict[str, Counter[str]] = {}
        for (model, _, _), summary in labelled:
            counts = by_model.setdefault(model, Counter())
            for name, count in summary.class_counts.items():
                counts[label(name)] += count
        for model, counts in by_model.items():
            self._classes.setdefault(model, Admission(CLASSES_MAX)).admit(counts.items())
        shown: Counter[tuple[str, ...]] = Counter()
        for (model, version, role), summary in labelled:
            for name, count in summary.class_counts.items():
                short = label(name)
                shown[model, version, role, short if short in self._classes[model] else OTHER] += count
        text = f"Detections at or above the score threshold, by class; beyond {CLASSES_MAX} classes a model: other."
        return counter("sidecar_detections", text, (*_MODEL, "class"), shown)


def latency_buckets(histogram: ExponentialHistogram) -> list[tuple[str, float]]:
    """Cumulative classic buckets in seconds of an exponential histogram of milliseconds.

    Bucket ``i`` ends at ``2 ** ((i + 1) / 2 ** scale)`` ms, inclusive as ``le`` is, so each bucket is either whole
    within ``le = 2 ** exponent`` ms or whole beyond it.

    >>> latency_buckets(ExponentialHistogram({-1: 2, 7: 1, 8: 1}))[1:4]  # 1 ms, 2 ms, 4 ms
    [('0.001', 2.0), ('0.002', 3.0), ('0.004', 4.0)]
    """
    per_doubling = 2.0**histogram.scale
    buckets = [
        (
            repr(2.0**exponent / 1000),
            float(sum(n for index, n in histogram.counts.items() if index + 1 <= exponent * per_doubling)),
        )
        for exponent in LATENCY_EDGES
    ]
    return [*buckets, ("+Inf", float(histogram.count))]


def confidence_buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """Cumulative buckets of tenths. The bins are closed below, so a score that equals an edge counts above it.

    >>> histogram = Histogram(tuple(float(edge) for edge in range(0, 1_000_001, 20_000)))
    >>> histogram.add([50_000, 150_000, 990_000])
    >>> confidence_buckets(histogram)[0], confidence_buckets(histogram)[-2:]
    (('0.1', 1.0), [('0.9', 2.0), ('+Inf', 3.0)])
    """
    tenth = CONFIDENCE_BINS // 10
    # Bin 0 is what lies below the first edge.
    return [
        *(
            (repr(step / 10), float(sum(n for index, n in histogram.counts.items() if index <= step * tenth)))
            for step in range(1, 10)
        ),
        ("+Inf", float(histogram.count)),
    ]


def confidence_sum(histogram: Histogram) -> float:
    """The sum of scores with each taken as the middle of its bin: off by at most 0.01 a detection."""
    last = CONFIDENCE_BINS - 1
    return sum(
        n * (min(max(index - 1, 0), last) + 0.5) / CONFIDENCE_BINS for index, n in sorted(histogram.counts.items())
    )


def _request_families(labelled: list[Labelled]) -> Iterator[Metric]:
    statuses: dict[tuple[str, ...], float] = {}
    requests = HistogramMetricFamily(
        "sidecar_request_duration_seconds", "From the request's first byte to the answer's last.", labels=_MODEL
    )
    upstream = HistogramMetricFamily(
        "sidecar_upstream_duration_seconds", "What of it was spent on the model server.", labels=_MODEL
    )
    for key, summary in labelled:
        for status, count in summary.statuses.items():
            statuses[(*key, str(status))] = count
        for family, histogram in ((requests, summary.latency), (upstream, summary.upstream)):
            buckets = latency_buckets(histogram)
            family.add_metric(key, buckets, histogram.sum_ms / 1000)
    yield counter(
        "sidecar_requests",
        "Requests, those to no prediction route under an empty model; status 0: the client left first.",
        (*_MODEL, "status"),
        statuses,
    )
    yield requests
    yield upstream


def _prediction_families(labelled: list[Labelled]) -> Iterator[Metric]:
    yield counter(
        "sidecar_predictions", "Images with a readable result.", _MODEL, {key: s.images for key, s in labelled}
    )
    yield counter(
        "sidecar_images_without_detections",
        "Images with a readable result and no detection at or above the score threshold.",
        _MODEL,
        {key: s.images_without_detections for key, s in labelled},
    )
    yield counter(
        "sidecar_request_errors",
        "Requests that did not go well, by what went wrong; a cut-off answer counts here whatever its status was.",
        (*_MODEL, "error"),
        {(*key, label(error)): count for key, s in labelled for error, count in s.errors.items()},
    )
    yield counter(
        "sidecar_undecodable",
        "Responses that could not be read, by reason.",
        (*_MODEL, "reason"),
        {(*key, label(reason)): count for key, s in labelled for reason, count in s.undecodable.items()},
    )
    confidence = HistogramMetricFamily(
        "sidecar_prediction_confidence", "Confidence of detections at or above the score threshold.", labels=_MODEL
    )
    for key, summary in labelled:
        confidence.add_metric(
            key, confidence_buckets(summary.confidence_histogram), confidence_sum(summary.confidence_histogram)
        )
    yield confidence
