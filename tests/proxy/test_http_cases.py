"""The hostile HTTP/1.1 cases that lie beside the project, over real sockets, in three segmentations."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.kit.http_judge import SPELLINGS, Case, Make, judge_request, judge_response

CASES = Path(__file__).resolve().parents[2].parent / "shared" / "http" / "cases.jsonl"
DETAILS: dict[str, dict[str, Any]] = {
    "te_uppercase": {"body": b"Z"},
    "chunk_ext_ok": {"body": b"Z", "lacks": (b"name=", b";last", b"a=b")},
    "chunk_leading_zeros": {"body": b"Z", "lacks": (b"00001",)},
    "trailer_ok": {"body": b"Z", "trailers": b"X-Sum: 1\r\n"},
    "trailer_host_auth": {"trailers": b"", "lacks": (b"evil", b"Authorization")},
    "get_with_body": {"body": b"ABCDE"},
    "target_dotdot": {"target": b"/v1/../admin/%2e%2e%2f%00"},
    "target_backslash": {"target": b"/a\\..\\b"},
    "absolute_same": {"target": b"/p?x=1", "host": b"a"},
    "absolute_mismatch": {"target": b"/p", "host": b"good"},
    "absolute_empty_path": {"target": b"*", "host": b"a"},
    "host_ipv6": {"host": b"[::1]:8080"},
    "conn_option": {"lacks": (b"X-Secret",)},
    "max_forwards_5": {"lines": (b"max-forwards: 4",)},
    "unknown_field": {"lines": (b"x-model-hint: yolo",)},
    "expect_http10": {"body": b"Z", "lacks": (b"100-continue",)},
    "cl0_then_request": {"target": b"/1"},
    "http10/read_until_close": {"body": b"ABCDE", "closes": True},
    "http10/chunked_upstream": {"body": b"Z"},
    "trailers": {"body": b"Z", "trailers": b""},
    "surplus_byte": {"body": b"Z"},
    "surplus_response": {"body": b"Z", "lacks": (b"EVIL",)},
    "reason_evil": {"lacks": (b"<script>",)},
    "set_cookie_twice": {"lines": (b"set-cookie: a=1", b"set-cookie: b=2")},
    "conn_close": {"fresh": True},
    "empty_close": {"closes": True},
    "half_head": {"closes": True},
    "body_short": {"closes": True},
    "chunk_no_last": {"closes": True},
}


def load(side: str) -> list[Any]:
    if not CASES.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason="shared/http/cases.jsonl is not beside the project"))]
    cases = [json.loads(line) for line in CASES.read_text().splitlines()]
    return [pytest.param(_case(case), id=case["name"]) for case in cases if case["side"] == side]


def _case(case: dict[str, str]) -> Case:
    raw = zlib.decompress(base64.b64decode(case["message"])).replace(b"SELF", b"sidecar")
    return Case(case["name"], raw, case["expected"], case["why"], **DETAILS.get(case["name"], {}))


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("case", load("request"))
async def test_hostile_request_is_answered_as_expected(case: Case, spelling: str, make_rig: Make) -> None:
    """A request that two parsers might read differently is refused; what passes is sent on in one clear form."""
    await judge_request(case, spelling, make_rig)


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("case", load("response"))
async def test_hostile_response_is_relayed_as_expected(case: Case, spelling: str, make_rig: Make) -> None:
    """A response with doubtful framing becomes a 502 or an abort, and no byte of it answers another request."""
    await judge_response(case, spelling, make_rig)
