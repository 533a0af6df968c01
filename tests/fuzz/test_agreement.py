"""What the proxy lets through means the same to every reader: a bounded search by Hypothesis, and what searches found.

``fuzz_messages.py`` is the same search without a bound, to be run by hand.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.differential import Disagreement, examine_request, examine_response
from tests.fuzz.mutation import REQUESTS, RESPONSES, mutate
from tests.fuzz.readers import h11_requests, llhttp_requests, own_requests

EDITS = st.lists(st.tuples(st.integers(0, 63), st.integers(0, 4_095), st.integers(0, 1_023)), max_size=5)
POINTS = st.lists(st.integers(0, 4_095), max_size=4)
BOUNDED = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@BOUNDED
@given(st.sampled_from(REQUESTS), EDITS, POINTS)
def test_requests_that_pass_are_the_same_to_all_readers(
    seed: bytes, edits: list[tuple[int, int, int]], points: list[int]
) -> None:
    """Number, methods, targets, bodies and trailers agree, and are what was sent, however it was cut."""
    examine_request(mutate(seed, edits, REQUESTS), points)


@BOUNDED
@given(st.sampled_from(RESPONSES), EDITS, POINTS, st.integers(0, 4), st.booleans())
def test_responses_that_pass_are_the_same_to_all_readers(
    seed: bytes, edits: list[tuple[int, int, int]], points: list[int], asked: int, closes: bool
) -> None:
    """Number, statuses, bodies and trailers agree, however the upstream's bytes were cut and whatever was asked."""
    examine_response(mutate(seed, edits, RESPONSES), points, asked, closes)


def test_readers_that_differ_are_noticed() -> None:
    """The readers are not one: on what the proxy refuses they differ among themselves."""
    lenient = b"GET /p HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"
    assert len(llhttp_requests(lenient).messages) == 1
    assert h11_requests(lenient).error
    assert own_requests(lenient).error


def test_leniency_of_the_proxy_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that took a length as int() does, though it wrote it anew, would fail the search."""
    raw = b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 1_0\r\n\r\n0123456789"
    assert examine_request(raw, []).messages == 0
    monkeypatch.setattr("sidecar.proxy.head.NUMBER", re.compile(rb"[0-9_]{1,19}"))
    with pytest.raises(Disagreement, match=r"passed .* says"):
        examine_request(raw, [])


@pytest.mark.parametrize("raw", [b"GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n", REQUESTS[0]])
def test_request_that_a_proxy_would_change_is_noticed(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that passed on another target than was sent would fail the search."""
    monkeypatch.setattr("sidecar.proxy.stream.compose_request", _compose_wrongly)
    if own_requests(raw).messages:
        with pytest.raises(Disagreement, match="passed for"):
            examine_request(raw, [])
    else:
        assert examine_request(raw, []).messages == 0


def _compose_wrongly(*_: object, **__: object) -> bytes:
    return b"GET /other HTTP/1.1\r\nHost: a\r\n\r\n"
