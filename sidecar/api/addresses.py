"""The addresses of upstreams, as each worker finds them: one entry of each, and what is wrong with them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client.core import Metric

from sidecar.api.families import counter, gauge, label
from sidecar.api.services import WorkerStatus

STATES = ("up", "down", "ejected", "trial", "new")
FAILING = ("down", "ejected")
"""Not those that are new: one family of a name may never be served, and nothing is wrong then."""


def address_documents(workers: Iterable[WorkerStatus]) -> list[dict[str, Any]]:
    """An AddressOut of each, of the workers that are there.

    >>> told = {"addresses": [{"address": "10.0.0.7:80", "state": "ejected", "retry_s": 9.5}], "up": True}
    >>> address_documents([WorkerStatus(0, 1, 7, True, {"upstreams": {"a": told}})])[0]["retry_s"]
    9.5
    """
    return [
        {
            "worker": worker.worker,
            "upstream": name,
            "address": str(one.get("address", "")),
            "state": str(one.get("state", "new")),
            "reason": str(one.get("reason", "")),
            **{count: int(one.get(count, 0)) for count in ("in_flight", "failures", "ejections")},
            "retry_s": one.get("retry_s"),
        }
        for worker in workers
        if worker.connected
        for name, told in _upstreams(worker)
        for one in told.get("addresses", ())
    ]


def upstream_faults(worker: WorkerStatus, failover: Iterable[tuple[str, str, str]] = ()) -> list[str]:
    """What a worker finds wrong with upstreams, in words. ``failover`` is that of the figures of tests.

    >>> down = {"address": "10.0.0.7:80", "state": "down", "reason": "connection refused"}
    >>> told = {"A": {"up": True, "addresses": [down, {"state": "up"}]}, "B": {"up": False, "addresses": [down]}}
    >>> for fault in upstream_faults(WorkerStatus(3, 1, 7, True, {"upstreams": told}), [("new-b", "A", "B")]):
    ...     print(fault)
    worker 3: 1 of 2 addresses of upstream A is down: connection refused
    worker 3: upstream B is down: connection refused; control answers for it (A/B test new-b)
    """
    upstreams = worker.status.get("upstreams", {})
    down = {name for name, told in upstreams.items() if not is_up(told)}
    found = []
    for name in sorted(upstreams):
        addresses = upstreams[name].get("addresses") if isinstance(upstreams[name], Mapping) else None
        if name in down:
            tests = [test for test, control, treatment in failover if treatment == name and control not in down]
            found.append(_down(name, addresses, tests))
        elif failing := [one for one in addresses or () if one.get("state") in FAILING]:
            found.append(_partly_down(name, failing, len(addresses or ())))
    return [f"worker {worker.worker}: {fault}" for fault in found]


def _down(upstream: str, addresses: Sequence[Mapping[str, Any]] | None, tests: Sequence[str]) -> str:
    """``addresses`` None: the worker says nothing of them. In ``tests`` control answers for it."""
    why = ": its name has no address" if addresses == [] else _reason_of(addresses or ())
    instead = f"; control answers for it (A/B test {', '.join(tests)})" if tests else ""
    return f"upstream {upstream} is down{why}{instead}"


def _partly_down(upstream: str, failing: Sequence[Mapping[str, Any]], number: int) -> str:
    states = " or ".join(state for state in FAILING if any(one["state"] == state for one in failing))
    are = "is" if len(failing) == 1 else "are"
    return f"{len(failing)} of {number} addresses of upstream {upstream} {are} {states}{_reason_of(failing)}"


def is_up(upstream: Any) -> bool:
    """Whether a STATUS frame calls this upstream healthy; one it says nothing of is taken for healthy."""
    return bool(upstream.get("up", True)) if isinstance(upstream, Mapping) else bool(upstream)


def _reason_of(addresses: Sequence[Mapping[str, Any]]) -> str:
    """That of the first that has one, after a colon."""
    return next((f": {one['reason']}" for one in addresses if one.get("reason")), "")


def address_families(workers: Iterable[WorkerStatus]) -> Iterator[Metric]:
    """How many addresses of each upstream are in which state, as each worker finds them, and how often one was
    ejected. No label bears an address: those of a name come and go."""
    states: dict[tuple[str, ...], float] = {}
    ejections: dict[tuple[str, ...], float] = {}
    for worker in workers:
        for name, told in _upstreams(worker):
            of = (str(worker.worker), label(name))
            ejections[of] = float(told.get("ejections", 0))
            if worker.connected:
                found = [one.get("state") for one in told.get("addresses", ())]
                states.update({(*of, state): float(found.count(state)) for state in STATES})
    yield gauge(
        "sidecar_upstream_addresses",
        "Addresses of an upstream by state, as a worker finds them.",
        ("worker", "upstream", "state"),
        states,
    )
    yield counter(
        "sidecar_upstream_ejections",
        "Times a worker left an address alone because requests to it failed.",
        ("worker", "upstream"),
        ejections,
    )


def _upstreams(worker: WorkerStatus) -> list[tuple[str, Mapping[str, Any]]]:
    told = worker.status.get("upstreams", {})
    return [(name, state) for name, state in told.items() if isinstance(state, Mapping)]
