"""Control answers for a treatment whose upstream is down, and the test's figures stay honest."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from sidecar.experiments import Arm, Epoch
from sidecar.experiments.srm import srm_of
from sidecar.proxy.assignment import Assignment, Split
from sidecar.types import Experiment, Variant
from tests.kit.faulty import Faulty
from tests.kit.ports import free_ports
from tests.kit.upstream import Rig, until

Make = Callable[..., Awaitable[Rig]]
Listen = Callable[..., Awaitable[int]]
TEST = Experiment("t", "A", ("B",), (0.5,), override="X-Variant")
GONE = 1
"""A port where nobody listens."""


def post(*fields: bytes) -> bytes:
    return b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n%b\r\nabc" % b"".join(fields)


async def beside(make_rig: Make, ports: dict[str, int], **experiment: Any) -> Rig:
    """A relay in front of a server for each variant, with a test between A and the others."""
    treatments = tuple(ports)[1:]
    made = {"treatments": treatments, "shares": tuple(0.5 / len(treatments) for _ in treatments), **experiment}
    test = Experiment("t", "A", unit="request", override="X-Variant", **made)
    variants = tuple(Variant(name, f"http://127.0.0.1:{port}", version=name) for name, port in ports.items())
    return await make_rig(variants=variants, experiments=(test,))


def recorded(rig: Rig) -> Counter[tuple[str, str, str]]:
    return Counter((exchange.role, exchange.variant, exchange.error) for exchange in rig.tap.exchanges)


async def test_control_answers_for_a_treatment_that_is_down(make_rig: Make, listen: Listen) -> None:
    """No client sees it; all is recorded with the version that answered, and nothing in a role that is analysed."""
    control = Faulty()
    rig = await beside(make_rig, {"A": await listen(control), "B": GONE})
    assert {(await rig.send(post()))[0] for _ in range(40)} == {200}
    assert control.whole == 40
    found = recorded(rig)
    assert set(found) == {("failover", "A", ""), ("excluded", "A", "")}
    assert found["failover", "A", ""] > 5
    exchanges = rig.tap.exchanges
    assert {(one.experiment, one.version, one.unit) for one in exchanges} == {("t", "A", "")}
    assert {row.role for row in rig.proxy.book.take()} == {"failover", "excluded"}


async def test_the_request_that_finds_its_version_down_is_that_versions_error(make_rig: Make, listen: Listen) -> None:
    """What is known before a request decides where it goes, never what becomes of it; those after it are answered."""
    treatment = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", free_ports(1)[0])
    port = treatment.sockets[0].getsockname()[1]
    rig = await beside(make_rig, {"A": await listen(Faulty()), "B": port})
    assert rig.proxy.upstreams["B"].up
    treatment.close()
    await treatment.wait_closed()
    statuses = [(await rig.send(post()))[0] for _ in range(30)]
    assert statuses.count(502) == 1
    found = recorded(rig)
    assert found["treatment", "B", "connect"] == 1
    assert found["failover", "A", ""] > 3


async def test_errors_of_a_version_that_is_there_are_no_failover(make_rig: Make, listen: Listen) -> None:
    """However many: they are what the test is about."""
    bad = Faulty(answer=b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
    rig = await beside(make_rig, {"A": await listen(Faulty()), "B": await listen(bad)})
    for _ in range(40):
        await rig.send(post())
    assert {role for role, _, _ in recorded(rig)} == {"control", "treatment"}


async def test_a_treatment_that_is_back_is_tested_again(make_rig: Make, listen: Listen) -> None:
    """Both sides count from then on."""
    rig = await beside(make_rig, {"A": await listen(Faulty()), "B": GONE})
    port = await listen(Faulty())
    (endpoint,) = rig.proxy.upstreams["B"].endpoints
    assert rig.proxy.down == {"B"}
    moved = Variant("B", f"http://127.0.0.1:{port}", version="B")
    settings = rig.proxy.settings
    variants = (settings.variants[0], moved)
    rig.proxy.apply(type(settings)(2, variants, "A", settings.routes, settings.experiments, limits=settings.limits))
    await until(lambda: rig.proxy.upstreams["B"].up)
    for _ in range(20):
        await rig.send(post())
    assert {role for role, _, _ in recorded(rig)} == {"control", "treatment"}
    assert endpoint.outstanding == 0


async def test_without_failover_requests_to_a_version_that_is_down_fail(make_rig: Make, listen: Listen) -> None:
    """And are its errors."""
    rig = await beside(make_rig, {"A": await listen(Faulty()), "B": GONE}, failover=False)
    for _ in range(30):
        await rig.send(post())
    assert set(recorded(rig)) == {("control", "A", ""), ("treatment", "B", "connect")}


async def test_a_tester_gets_the_version_they_named_though_it_is_down(make_rig: Make, listen: Listen) -> None:
    """An answer of another one would mislead them."""
    rig = await beside(make_rig, {"A": await listen(Faulty()), "B": GONE})
    assert (await rig.send(post(b"X-Variant: B\r\n")))[0] == 502
    assert set(recorded(rig)) == {("override", "B", "connect")}


async def test_where_control_is_down_too_nothing_is_moved(make_rig: Make) -> None:
    """Both sides' errors count."""
    rig = await beside(make_rig, {"A": GONE, "B": 2})
    for _ in range(30):
        assert (await rig.send(post()))[0] == 502
    assert set(recorded(rig)) == {("control", "A", "connect"), ("treatment", "B", "connect")}


async def test_of_several_treatments_the_others_serve_on_while_one_is_down(make_rig: Make, listen: Listen) -> None:
    """Their units keep their version; but no part of the test is analysed."""
    rig = await beside(make_rig, {"A": await listen(Faulty()), "B": GONE, "C": await listen(Faulty())})
    for _ in range(60):
        assert (await rig.send(post()))[0] == 200
    assert set(recorded(rig)) == {("failover", "A", ""), ("excluded", "A", ""), ("excluded", "C", "")}


def test_outages_bend_neither_the_split_nor_who_is_compared() -> None:
    """A treatment that is down for half of the time: the split of what is analysed is as asked for, by the test that
    guards it; counting control alone meanwhile is what that test would call a mismatch."""
    split = Split(Experiment("t", "A", ("B",), (0.3,)))
    honest: Counter[str] = Counter()
    careless: Counter[str] = Counter()
    for number in range(6_000):
        down = frozenset(("B",)) if number // 500 % 2 else frozenset[str]()
        assigned = split.assign("", f"r{number}", lambda name: None)
        honest[split.while_down(assigned, down).role] += 1
        careless["failover" if assigned.variant in down else assigned.role] += 1
    assert srm_p(honest) > 0.01
    assert srm_p(careless) < 0.001
    assert honest["failover"] == careless["failover"] > 500


def srm_p(roles: Counter[str]) -> float:
    control, treatment = Arm("A", roles["control"]), Arm("B", roles["treatment"])
    return srm_of([Epoch(control, (treatment,), (0.7, 0.3), 0)], ("A", "B")).p_value


def test_a_treatment_without_a_share_may_be_down() -> None:
    """One that a guardrail took out holds up nothing: its server may be gone for good."""
    split = Split(Experiment("t", "A", ("B", "C"), (0.0, 0.5)))
    for role, variant in (("control", "A"), ("treatment", "C")):
        assignment = Assignment(variant, role, "t", 0, "u")  # type: ignore[arg-type]
        assert split.while_down(assignment, frozenset(("B",))) is assignment
        assert split.while_down(assignment, frozenset(("C",))) is not assignment


def test_what_is_not_of_a_test_is_left_alone() -> None:
    """Nor is what was excluded or chosen by a tester before."""
    split = Split(TEST)
    for role in ("serving", "excluded", "override"):
        assignment = Assignment("B", role, "t")  # type: ignore[arg-type]
        assert split.while_down(assignment, frozenset(("B",))) is assignment
