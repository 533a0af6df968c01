"""Room for questions about the past: how many are worked on, how many wait, and that the rest is turned away."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from sidecar.api import Services
from sidecar.api.places import Places
from sidecar.api.problems import Problem
from sidecar.api.services import BOUNDS, HISTORIES_MAX

Http = TestClient[Any, Any]


async def test_few_are_worked_on_and_some_wait_for_it() -> None:
    """One more is a 503 that is counted; a place is free again once what had it is done, however that ended."""
    turned_away: Counter[str] = Counter()
    places = Places("histories", turned_away, "questions", most=3, at_a_time=2)
    working, done = [0], asyncio.Event()

    async def question() -> None:
        async with places.one():
            working[0] += 1
            await done.wait()
            raise RuntimeError("it went wrong")

    asked = [asyncio.create_task(question()) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (places.held, working) == (3, [2])
    with pytest.raises(Problem, match="3 questions are under way") as refused:
        async with places.one():
            pytest.fail("there is no room")
    assert (refused.value.status, turned_away) == (503, {"histories": 1})
    done.set()
    ended = await asyncio.gather(*asked, return_exceptions=True)
    assert [str(one) for one in ended] == ["it went wrong"] * 3
    assert (places.held, working) == (0, [3])


@pytest.mark.parametrize(
    "path",
    ["overview", "time-series?metric=requests", "summaries?width_s=60", "ab-tests/x/history", "shadow-tests/x/history"],
)
async def test_questions_about_the_past_share_one_bound(http: Http, services: Services, path: str) -> None:
    """Whichever they are: each may hold much, and all are made of the same summaries."""
    services.histories.held = HISTORIES_MAX
    answer = await http.get(f"/api/v1/{path}")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
    assert services.turned_away["histories"] == 1
    assert "histories" in BOUNDS
