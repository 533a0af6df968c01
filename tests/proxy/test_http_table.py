"""The project's own table of hostile and unusual messages, over real sockets, in three segmentations."""

from __future__ import annotations

import asyncio

import pytest

from tests.kit.http_judge import SPELLINGS, Case, Make, judge_request, judge_response
from tests.proxy import cases_heads, cases_requests, cases_responses

REQUESTS = [*cases_requests.CASES, *cases_heads.CASES]
RESPONSES = cases_responses.CASES


def test_names_of_cases_are_unique() -> None:
    """A case is found by its name."""
    for cases in (REQUESTS, RESPONSES):
        assert len({case.name for case in cases}) == len(cases)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in REQUESTS])
async def test_request_is_answered_as_the_table_says(case: Case, make_rig: Make) -> None:
    """A request that two readers might take differently is refused; what passes is sent on in one clear form."""
    await asyncio.gather(*(judge_request(case, spelling, make_rig) for spelling in SPELLINGS))


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in RESPONSES])
async def test_response_is_relayed_as_the_table_says(case: Case, make_rig: Make) -> None:
    """A response with doubtful framing becomes a 502 or an abort, and no byte of it answers another request."""
    await asyncio.gather(*(judge_response(case, spelling, make_rig) for spelling in SPELLINGS))
