"""The endpoints of A/B tests."""

from __future__ import annotations

from functools import partial
from typing import Any

from sidecar.api import schemas_ab_tests as schemas
from sidecar.api.etags import Tagged
from sidecar.api.routes import Call, Route
from sidecar.api.schemas_history import AbHistory, AbHistoryQuery
from sidecar.api.schemas_trials import EmptyBody, ReasonBody, TrialsQuery
from sidecar.api.services import HISTORIES_STATUSES
from sidecar.api.trials import Trials
from sidecar.experiments import METRICS


def _seen(call: Call) -> Trials:
    """Tests that are changed as the asker saw them."""
    trials = call.services.trials
    return trials if call.seen is None else trials.on_condition(partial(_TAGGED.check_unchanged, call.seen))


async def ab_tests(call: Call) -> dict[str, Any]:
    """A/B tests and how they stand."""
    query: TrialsQuery = call.query
    return {"items": list(await call.services.trials.list("ab", query.model_id, query.status))}


async def create_ab_test(call: Call) -> dict[str, Any]:
    """Begin an A/B test: a share of the traffic goes to another version."""
    body: schemas.AbTestBody = call.body
    return dict(await call.services.trials.create_ab_test(**body.model_dump()))


async def ab_test(call: Call) -> dict[str, Any]:
    """One A/B test and how it stands."""
    return dict(await call.services.trials.get("ab", call.path["id"]))


async def ab_test_results(call: Call) -> dict[str, Any]:
    """Which version is better, how surely, and how much longer it takes."""
    return dict(await call.services.trials.results("ab", call.path["id"]))


async def ab_test_history(call: Call) -> dict[str, Any]:
    """How the results came to be: differences, their bounds and p-values over time."""
    query: AbHistoryQuery = call.query
    async with call.services.histories.one():
        return dict(await call.services.trials.history("ab", call.path["id"], query.metric))


async def pause_ab_test(call: Call) -> dict[str, Any]:
    """Send all traffic to control until the test is resumed."""
    body: ReasonBody = call.body
    return dict(await _seen(call).pause("ab", call.path["id"], body.reason))


async def resume_ab_test(call: Call) -> dict[str, Any]:
    """Go on with the split of before the pause."""
    return dict(await _seen(call).resume("ab", call.path["id"]))


async def ramp_ab_test(call: Call) -> dict[str, Any]:
    """Change the split; units that are in treatment stay there as its share grows."""
    body: schemas.SplitBody = call.body
    return dict(await _seen(call).ramp("ab", call.path["id"], body.traffic_split))


async def stop_ab_test(call: Call) -> dict[str, Any]:
    """End a test for good without a decision; all traffic goes to control."""
    body: ReasonBody = call.body
    return dict(await _seen(call).stop("ab", call.path["id"], body.reason))


async def conclude_ab_test(call: Call) -> dict[str, Any]:
    """End a test for good with a decision; all traffic goes to control until a variant is promoted."""
    body: schemas.ConclusionBody = call.body
    return dict(await _seen(call).conclude(call.path["id"], body.winner, body.note))


async def promote_ab_test(call: Call) -> dict[str, Any]:
    """Let a variant serve all traffic; a test that still runs is concluded with that."""
    body: schemas.PromotionBody = call.body
    return dict(await _seen(call).promote("ab", call.path["id"], body.variant))


async def ab_test_metrics(call: Call) -> dict[str, Any]:
    """What a test can be about."""
    return {
        "items": [
            metric.to_dict() | {"better": metric.better or None, "harm": metric.harm or None}
            for metric in METRICS.values()
        ]
    }


_TEST = "/api/v1/ab-tests/{id}"
_TAGGED = Tagged("A/B test", ("id", "created_at", "status", "reason", "promoted", "decision", "epochs"))
_change = partial(Route, "POST", gives=schemas.AbTest, tagged=_TAGGED, present=ab_test)

ROUTES: tuple[Route, ...] = (
    # The literal path stands before the one with an id, which would match it too.
    Route(
        "GET",
        "/api/v1/ab-tests/metrics",
        "What A/B tests can be about",
        ab_test_metrics,
        gives=schemas.AbTestMetricsOut,
    ),
    Route(
        "GET",
        "/api/v1/ab-tests",
        "A/B tests",
        ab_tests,
        query=TrialsQuery,
        gives=schemas.AbTestsOut,
        tagged=_TAGGED,
    ),
    Route(
        "POST",
        "/api/v1/ab-tests",
        "Begin an A/B test",
        create_ab_test,
        body=schemas.AbTestBody,
        gives=schemas.AbTest,
        tagged=_TAGGED,
    ),
    Route(
        "GET",
        _TEST,
        "One A/B test",
        ab_test,
        gives=schemas.AbTest,
        tagged=_TAGGED,
    ),
    Route(
        "GET",
        f"{_TEST}/results",
        "Results of an A/B test",
        ab_test_results,
        gives=schemas.AbResults,
        operation="get_ab_test_results",
    ),
    Route(
        "GET",
        f"{_TEST}/history",
        "Results of an A/B test over time",
        ab_test_history,
        query=AbHistoryQuery,
        gives=AbHistory,
        statuses=HISTORIES_STATUSES,
        operation="get_ab_test_history",
    ),
    _change(f"{_TEST}/pause", "Pause an A/B test", pause_ab_test, body=ReasonBody),
    _change(f"{_TEST}/resume", "Resume an A/B test", resume_ab_test, body=EmptyBody),
    _change(f"{_TEST}/ramp", "Change an A/B test's split", ramp_ab_test, body=schemas.SplitBody),
    _change(f"{_TEST}/stop", "Stop an A/B test", stop_ab_test, body=ReasonBody),
    _change(f"{_TEST}/conclude", "End an A/B test with a decision", conclude_ab_test, body=schemas.ConclusionBody),
    _change(f"{_TEST}/promote", "Let a variant serve all traffic", promote_ab_test, body=schemas.PromotionBody),
)
