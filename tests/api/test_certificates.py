"""What the API says of the certificates of the data path, as its workers told."""

from __future__ import annotations

import time
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from sidecar.api import WorkerStatus
from sidecar.api.certificates import DAY_S, certificate_documents, certificate_faults
from tests.api.live import LiveTotals

NOW = 1_000 * DAY_S


def told(use: str = "listen", starts: float = -60, ends: float | None = 30, **fields: Any) -> dict[str, Any]:
    """An entry of a STATUS frame; times in days from NOW."""
    times = {"starts_at": None, "expires_at": None}
    if ends is not None:
        times = {"starts_at": NOW + starts * DAY_S, "expires_at": NOW + ends * DAY_S}
    return {"use": use, "fault": "", "renewed": 0, "verifies": True, **times, **fields}


def crew(*statuses: list[dict[str, Any]], connected: bool = True) -> list[WorkerStatus]:
    return [WorkerStatus(index, 1, 7, connected, {"tls": status}) for index, status in enumerate(statuses)]


def test_of_several_workers_the_first_that_ends_is_told() -> None:
    """One that has not taken the renewed pair yet must not hide behind those that have."""
    (entry,) = certificate_documents(crew([told(ends=80)], [told(ends=20, fault="why")]), NOW)
    assert (entry["days_left"], entry["fault"]) == (20.0, "why")


def test_worker_that_is_away_tells_nothing() -> None:
    """Its last word may be of a certificate that is long renewed."""
    assert certificate_documents(crew([told()], connected=False), NOW) == []


@pytest.mark.parametrize(
    ("starts", "ends", "soon"),
    [(-60, 30, False), (-76, 14, True), (-300, 20, False), (-0.5, 0.5, False), (-0.8, 0.2, True), (-90, -1, True)],
)
def test_what_ends_soon_depends_on_how_long_it_lives(starts: float, ends: float, soon: bool) -> None:
    """14 days, or the last quarter of a life that is shorter: who renews by itself has done so by then."""
    (entry,) = certificate_documents(crew([told(starts=starts, ends=ends)]), NOW)
    assert entry["ends_soon"] is soon
    assert bool(certificate_faults([entry])) is soon


def test_upstream_without_a_certificate_has_no_end() -> None:
    """It shows none; whether its server's is checked is told all the same."""
    (entry,) = certificate_documents(crew([told("upstream A", ends=None, verifies=False)]), NOW)
    assert (entry["expires_at"], entry["days_left"], entry["ends_soon"], entry["verifies"]) == (
        None,
        None,
        False,
        False,
    )
    assert certificate_faults([entry]) == []


async def test_certificates_stand_in_status_and_metrics(http: TestClient[Any, Any], totals: LiveTotals) -> None:
    """With what is wrong among the faults."""
    shift = time.time() - NOW
    entry = told("upstream A", fault="no file: /tls/key", verifies=False)
    entry |= {name: entry[name] + shift for name in ("starts_at", "expires_at")}
    totals.crew[0] = WorkerStatus(0, 1, 77, True, {"tls": [entry]})
    status = await (await http.get("/api/v1/status")).json()
    assert status["certificates"] == [
        {
            "use": "upstream A",
            "expires_at": entry["expires_at"],
            "days_left": 30.0,
            "ends_soon": False,
            "fault": "no file: /tls/key",
            "verifies": False,
        }
    ]
    assert (status["ok"], status["faults"]) == (False, ["files of TLS of upstream A not taken: no file: /tls/key"])
    page = await (await http.get("/metrics")).text()
    assert 'sidecar_tls_certificate_fault{use="upstream A"} 1.0' in page
    assert 'sidecar_tls_upstream_verified{upstream="A"} 0.0' in page
    assert 'sidecar_tls_handshake_failures_total{reason="plain_http"} 2.0' in page
    assert 'sidecar_tls_certificate_expiry_timestamp_seconds{use="upstream A"}' in page
