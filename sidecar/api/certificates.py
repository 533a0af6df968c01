"""The certificates and authorities of the data path, as the workers told of them: one entry of each use. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from prometheus_client.core import Metric

from sidecar.api.families import counter, gauge, label
from sidecar.api.services import WorkerStatus

DAY_S = 86_400.0
SOON_S = 14 * DAY_S
"""What ends within it ought to have been renewed, or within the last quarter of its life where that is less:
whoever renews by itself does so with a third left."""


def certificate_documents(workers: Iterable[WorkerStatus], now: float) -> list[dict[str, Any]]:
    """One CertificateOut of each use, of the workers that are connected: of several the one that ends first.

    >>> status = {"tls": [{"use": "listen", "starts_at": 0.0, "expires_at": 86_400.0, "fault": "", "verifies": True}]}
    >>> (entry,) = certificate_documents([WorkerStatus(0, 1, 7, True, status)], 43_200.0)
    >>> entry["days_left"], entry["ends_soon"]
    (0.5, False)
    """
    by_use: dict[str, list[Mapping[str, Any]]] = {}
    for told in _told(workers):
        by_use.setdefault(str(told["use"]), []).append(told)
    return [_document(use, told, now) for use, told in sorted(by_use.items())]


def _document(use: str, told: Sequence[Mapping[str, Any]], now: float) -> dict[str, Any]:
    shown = [(entry["expires_at"], entry["starts_at"]) for entry in told if entry.get("expires_at") is not None]
    first = min(shown, default=None)
    return {
        "use": use,
        "expires_at": None if first is None else first[0],
        "days_left": None if first is None else round((first[0] - now) / DAY_S, 2),
        "ends_soon": first is not None and first[0] - now <= min(SOON_S, (first[0] - first[1]) / 4),
        "fault": next((entry["fault"] for entry in told if entry.get("fault")), ""),
        "verifies": all(entry.get("verifies", True) for entry in told),
    }


def certificate_faults(documents: Iterable[Mapping[str, Any]]) -> list[str]:
    """What of them a person must see to, in words.

    >>> entry = {"use": "listen", "expires_at": 0.0, "days_left": -2.0, "ends_soon": True, "fault": "no file: a.pem"}
    >>> certificate_faults([entry])
    ['certificate of the data port: ended 1970-01-01', 'files of TLS of the data port not taken: no file: a.pem']
    """
    faults = []
    for entry in documents:
        whose = whose_words(entry["use"])
        if entry["ends_soon"]:
            day = datetime.fromtimestamp(entry["expires_at"], UTC).date()
            faults.append(f"certificate of {whose}: {'ended' if entry['days_left'] <= 0 else 'ends'} {day}")
        if entry["fault"]:
            faults.append(f"files of TLS of {whose} not taken: {entry['fault']}")
    return faults


def whose_words(use: str) -> str:
    """
    >>> whose_words("listen"), whose_words("upstream A")
    ('the data port', 'upstream A')
    """
    return "the data port" if use == "listen" else use


def certificate_families(workers: Iterable[WorkerStatus], failed: Mapping[str, int], now: float) -> Iterator[Metric]:
    """When certificates end, whether new ones were refused, and handshakes of clients that failed."""
    documents = certificate_documents(workers, now)
    yield gauge(
        "sidecar_tls_certificate_expiry_timestamp_seconds",
        "When the certificate in use ends, since the epoch.",
        ("use",),
        {(label(entry["use"]),): entry["expires_at"] for entry in documents if entry["expires_at"] is not None},
    )
    yield gauge(
        "sidecar_tls_certificate_fault",
        "1 where the files can't be used as they are; what was read before stays in use.",
        ("use",),
        {(label(entry["use"]),): float(bool(entry["fault"])) for entry in documents},
    )
    yield gauge(
        "sidecar_tls_upstream_verified",
        "0 where the certificate of an upstream is not checked.",
        ("upstream",),
        {
            (label(entry["use"].removeprefix("upstream ")),): float(entry["verifies"])
            for entry in documents
            if entry["use"] != "listen"
        },
    )
    yield counter(
        "sidecar_tls_handshake_failures",
        "Clients of the data port that no TLS connection came of, by reason.",
        ("reason",),
        {(label(reason),): count for reason, count in failed.items()},
    )


def _told(workers: Iterable[WorkerStatus]) -> Iterator[Mapping[str, Any]]:
    for worker in workers:
        if worker.connected:
            yield from worker.status.get("tls", ())
