"""Heads that came before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from sidecar.proxy import capture
from sidecar.proxy.fields import HeadError
from sidecar.proxy.head import parse_request, parse_response
from sidecar.proxy.known_heads import HEAD_BYTES_MAX, HEADS_MAX, KnownHeads
from sidecar.types import Limits
from tests.kit.upstream import Rig

ASKED = b"POST /v2/models/m/infer HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nX-A: 1\r\n\r\n"
ANSWERED = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"


def test_head_that_came_before_is_the_same_one() -> None:
    """What is sent again byte for byte is not parsed again, and says what parsing it says."""
    heads = KnownHeads(Limits())
    assert heads.request(ASKED) is heads.request(bytes(bytearray(ASKED)))
    assert heads.request(ASKED) == parse_request(ASKED, Limits())
    assert heads.response(ANSWERED, "POST") is heads.response(ANSWERED, "POST")
    assert heads.response(ANSWERED, "POST") == parse_response(ANSWERED, Limits(), "POST")


def test_one_byte_makes_another_head() -> None:
    """A head that only resembles a known one is judged by itself."""
    heads = KnownHeads(Limits())
    heads.request(ASKED)
    assert heads.request(ASKED.replace(b": 5", b": 6")).length == 6
    with pytest.raises(HeadError):
        heads.request(ASKED.replace(b": 5", b": 5x"))


def test_what_a_head_answers_is_part_of_what_it_says() -> None:
    """The answer to a HEAD has no body, whatever the same bytes say after another method."""
    heads = KnownHeads(Limits())
    assert [heads.response(ANSWERED, method).length for method in ("GET", "HEAD", "GET")] == [5, 0, 5]


def test_refused_head_is_refused_each_time() -> None:
    """No head becomes valid by coming again."""
    heads = KnownHeads(Limits())
    for _ in range(2):
        with pytest.raises(HeadError):
            heads.request(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(HeadError):
            heads.response(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "GET")


def test_other_bounds_judge_anew() -> None:
    """What was valid under other settings counts for nothing under these."""
    KnownHeads(Limits()).request(ASKED)
    with pytest.raises(HeadError):
        KnownHeads(replace(Limits(), body_bytes_max=4)).request(ASKED)


def test_what_is_known_is_bounded() -> None:
    """Long heads are not kept, and never more than so many."""
    heads = KnownHeads(Limits())
    long = ASKED.replace(b"X-A: 1", b"X-A: " + b"1" * HEAD_BYTES_MAX)
    assert heads.request(long) == heads.request(long)
    assert heads.request(long) is not heads.request(long)
    first = heads.request(ASKED)
    for number in range(HEADS_MAX):
        heads.request(ASKED.replace(b"X-A: 1", b"X-A: %d" % (number + 2)))
    assert heads.request(ASKED) == first
    assert heads.request(ASKED) is not first


async def test_what_is_recorded_of_a_long_head_is_not_kept(make_rig: Callable[..., Awaitable[Rig]]) -> None:
    """It may have secrets in it, and be long; of a known head it is, since the head is."""
    rig = await make_rig()
    long = b"X-Padding: %b\r\nAuthorization: secret\r\n" % (b"a" * HEAD_BYTES_MAX)
    sizes = []
    for fields in (b"", long, long):
        capture._known.cache_clear()
        await rig.send(b"POST /predict HTTP/1.1\r\nHost: a\r\n%bContent-Length: 3\r\n\r\nabc" % fields)
        sizes.append(capture._known.cache_info().currsize)
    assert sizes == [2, 1, 1]  # the answer's head is short
    assert len(rig.tap.exchanges) == 3
