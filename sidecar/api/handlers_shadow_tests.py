"""The endpoints of shadow tests."""

from __future__ import annotations

from functools import partial
from typing import Any

from sidecar.api import schemas_shadow_tests as schemas
from sidecar.api.etags import Tagged
from sidecar.api.routes import Call, Route
from sidecar.api.schemas_history import PairsQuery, ShadowHistory, ShadowPairsPage
from sidecar.api.schemas_trials import EmptyBody, ReasonBody, TrialsQuery
from sidecar.api.services import HISTORIES_STATUSES
from sidecar.api.trials import Trials


def _seen(call: Call) -> Trials:
    """Tests that are changed as the asker saw them."""
    trials = call.services.trials
    return trials if call.seen is None else trials.on_condition(partial(_TAGGED.check_unchanged, call.seen))


async def shadow_tests(call: Call) -> dict[str, Any]:
    """Shadow tests and how they stand."""
    query: TrialsQuery = call.query
    return {"items": list(await call.services.trials.list("shadow", query.model_id, query.status))}


async def create_shadow_test(call: Call) -> dict[str, Any]:
    """Begin a shadow test: copies of requests go to another version, whose answers no client sees."""
    body: schemas.ShadowTestBody = call.body
    return dict(await call.services.trials.create_shadow_test(**body.model_dump()))


async def shadow_test(call: Call) -> dict[str, Any]:
    """One shadow test and how it stands."""
    return dict(await call.services.trials.get("shadow", call.path["id"]))


async def shadow_test_results(call: Call) -> dict[str, Any]:
    """How far both versions agree: boxes, classes, confidence and latency."""
    return dict(await call.services.trials.results("shadow", call.path["id"]))


async def shadow_test_history(call: Call) -> dict[str, Any]:
    """How the results came to be: agreement and differences over time."""
    async with call.services.histories.one():
        return dict(await call.services.trials.history("shadow", call.path["id"]))


async def shadow_pairs(call: Call) -> dict[str, Any]:
    """What both versions say of the same images, newest first, a page at a time."""
    query: PairsQuery = call.query
    return dict(await call.services.trials.shadow_pairs(call.path["id"], **query.model_dump()))


async def pause_shadow_test(call: Call) -> dict[str, Any]:
    """Send no copies until the test is resumed."""
    body: ReasonBody = call.body
    return dict(await _seen(call).pause("shadow", call.path["id"], body.reason))


async def resume_shadow_test(call: Call) -> dict[str, Any]:
    """Go on with the share of before the pause."""
    return dict(await _seen(call).resume("shadow", call.path["id"]))


async def ramp_shadow_test(call: Call) -> dict[str, Any]:
    """Copy another share of requests."""
    body: schemas.ShareBody = call.body
    return dict(await _seen(call).ramp("shadow", call.path["id"], body.share))


async def stop_shadow_test(call: Call) -> dict[str, Any]:
    """End a test for good."""
    body: ReasonBody = call.body
    return dict(await _seen(call).stop("shadow", call.path["id"], body.reason))


async def promote_shadow_test(call: Call) -> dict[str, Any]:
    """Let the shadow serve all traffic; a test that still runs is concluded with that."""
    return dict(await _seen(call).promote("shadow", call.path["id"], None))


_TEST = "/api/v1/shadow-tests/{id}"
_TAGGED = Tagged("shadow test", ("id", "created_at", "status", "reason", "promoted", "decision", "epochs"))
_change = partial(Route, "POST", gives=schemas.ShadowTest, tagged=_TAGGED, present=shadow_test)

ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/shadow-tests",
        "Shadow tests",
        shadow_tests,
        query=TrialsQuery,
        gives=schemas.ShadowTestsOut,
        tagged=_TAGGED,
    ),
    Route(
        "POST",
        "/api/v1/shadow-tests",
        "Begin a shadow test",
        create_shadow_test,
        body=schemas.ShadowTestBody,
        gives=schemas.ShadowTest,
        tagged=_TAGGED,
    ),
    Route(
        "GET",
        _TEST,
        "One shadow test",
        shadow_test,
        gives=schemas.ShadowTest,
        tagged=_TAGGED,
    ),
    Route(
        "GET",
        f"{_TEST}/results",
        "Results of a shadow test",
        shadow_test_results,
        gives=schemas.ShadowResults,
        operation="get_shadow_test_results",
    ),
    Route(
        "GET",
        f"{_TEST}/history",
        "Results of a shadow test over time",
        shadow_test_history,
        gives=ShadowHistory,
        statuses=HISTORIES_STATUSES,
        operation="get_shadow_test_history",
    ),
    Route(
        "GET",
        f"{_TEST}/pairs",
        "What both versions say of the same images",
        shadow_pairs,
        query=PairsQuery,
        gives=ShadowPairsPage,
    ),
    _change(f"{_TEST}/pause", "Pause a shadow test", pause_shadow_test, body=ReasonBody),
    _change(f"{_TEST}/resume", "Resume a shadow test", resume_shadow_test, body=EmptyBody),
    _change(f"{_TEST}/ramp", "Change a shadow test's share", ramp_shadow_test, body=schemas.ShareBody),
    _change(f"{_TEST}/stop", "Stop a shadow test", stop_shadow_test, body=ReasonBody),
    _change(f"{_TEST}/promote", "Let the shadow serve all traffic", promote_shadow_test, body=EmptyBody),
)
