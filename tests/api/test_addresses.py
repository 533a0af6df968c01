"""What the API says of the addresses of upstreams, as its workers told."""

from __future__ import annotations

from typing import Any

from aiohttp.test_utils import TestClient

from sidecar.api import WorkerStatus
from sidecar.api.addresses import address_documents, upstream_faults
from tests.api.live import LiveTotals
from tests.kit.trials_at_hand import TrialsAtHand

UP = {
    **{"address": "10.0.0.7:80", "state": "up", "reason": ""},
    **{"in_flight": 2, "failures": 0, "ejections": 0, "retry_s": None},
}
FAILED = "requests failed: 5 in a row"
AWAY = {
    **{"address": "10.0.0.8:80", "state": "ejected", "reason": FAILED},
    **{"in_flight": 0, "failures": 0, "ejections": 3, "retry_s": 9.5},
}
DOWN = {**AWAY, "address": "10.0.0.9:80", "state": "down", "reason": "connection refused", "retry_s": None}
NEW = {**DOWN, "address": "[::1]:80", "state": "new"}
TOLD = {"upstreams": {"A": {"up": True, "ejections": 4, "addresses": [UP, AWAY]}}}


async def test_addresses_stand_in_status_and_metrics(http: TestClient[Any, Any], totals: LiveTotals) -> None:
    """Each with its reason, and one that is left alone is a fault, though another serves."""
    totals.crew[0] = WorkerStatus(0, 1, 77, True, TOLD)
    status = await (await http.get("/api/v1/status")).json()
    assert status["addresses"] == [{"worker": 0, "upstream": "A", **UP}, {"worker": 0, "upstream": "A", **AWAY}]
    assert (status["ok"], status["faults"]) == (
        False,
        [f"worker 0: 1 of 2 addresses of upstream A is ejected: {FAILED}"],
    )
    page = await (await http.get("/metrics")).text()
    for state, number in (("up", 1), ("ejected", 1), ("down", 0)):
        assert f'sidecar_upstream_addresses{{state="{state}",upstream="A",worker="0"}} {number}.0' in page
    assert 'sidecar_upstream_ejections_total{upstream="A",worker="0"} 4.0' in page


def test_worker_that_is_away_or_tells_nothing_of_addresses_has_none() -> None:
    """What it last knew may be long over."""
    told = [WorkerStatus(0, 1, 7, False, TOLD), WorkerStatus(1, 1, 8, True, {"upstreams": {"A": {"up": True}}})]
    assert address_documents([*told, WorkerStatus(2, 1, 9, True, {})]) == []


def faults_of(*addresses: dict[str, Any], up: bool = True, tests: Any = (), **others: Any) -> list[str]:
    """What is wrong where the upstream B is up or not and has these addresses."""
    told = {"B": {"up": up, "addresses": list(addresses)}, **others}
    return upstream_faults(WorkerStatus(0, 1, 7, True, {"upstreams": told}), tests)


def test_a_part_of_a_version_that_fails_is_a_fault_and_a_family_nobody_serves_is_none() -> None:
    """Down and ejected ones are counted, with the reason of the first; those that never took a connection are not."""
    assert faults_of(UP, NEW) == []
    assert faults_of(UP, DOWN, AWAY) == [
        "worker 0: 2 of 3 addresses of upstream B are down or ejected: connection refused"
    ]
    assert faults_of(UP, UP, {**DOWN, "reason": ""}) == ["worker 0: 1 of 3 addresses of upstream B is down"]


def test_the_fault_of_an_upstream_that_is_down_has_the_reason_of_its_first_address() -> None:
    """Or says that its name has none; a worker that tells of no addresses gives no reason."""
    assert faults_of(DOWN, NEW, up=False) == ["worker 0: upstream B is down: connection refused"]
    assert faults_of(up=False) == ["worker 0: upstream B is down: its name has no address"]
    assert faults_of(UP, A={"up": False}) == ["worker 0: upstream A is down"]


def test_where_control_answers_for_a_version_that_is_down_its_fault_says_so() -> None:
    """Not where control is down itself, nor for who is control; a test without failover is not among ``tests``."""
    tests = [("first", "A", "B"), ("other", "B", "C")]
    said = "worker 0: upstream B is down: connection refused"
    assert faults_of(DOWN, up=False, tests=tests) == [f"{said}; control answers for it (A/B test first)"]
    assert faults_of(DOWN, up=False, tests=tests, A={"up": False})[1] == said


async def test_status_knows_of_the_tests_in_which_control_answers(
    http: TestClient[Any, Any], totals: LiveTotals, trials: TrialsAtHand
) -> None:
    """While a test with failover runs whose treatment has a share; the live figures say the same."""
    down = {"upstreams": {"A": {"up": True}, "B": {"up": False, "addresses": [DOWN]}}}
    totals.crew[0] = WorkerStatus(0, 1, 77, True, down)
    said = "worker 0: upstream B is down: connection refused"
    for failover in (False, True):
        made = await trials.create_ab_test("try", "det@1", "det@2", {"traffic_split": 0.1, "failover": failover})
        status = await (await http.get("/api/v1/status")).json()
        instead = f"; control answers for it (A/B test {made['id']})" if failover else ""
        assert status["faults"] == [f"{said}{instead}"]
        await trials.pause("ab", made["id"], "")
        assert (await (await http.get("/api/v1/status")).json())["faults"] == [said]
        await trials.stop("ab", made["id"], "")
