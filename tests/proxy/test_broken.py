"""What a client is told of a head that is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.proxy.body import BodyError, framing_for
from sidecar.proxy.broken import fault_of_request, fault_of_response, fault_of_trailers
from sidecar.proxy.fields import HeadError
from sidecar.proxy.head import CHUNKED, parse_request, parse_response
from sidecar.types import Limits

GET = b"GET / HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (b"GET / HTTP/1.1\nHost: a\n\n", "LF without CR in line 1"),
        (GET + b"A: b\rc\r\n\r\n", "CR without LF in line 3"),
        (GET + b" b\r\n\r\n", "line 3 begins with a space: folded lines are refused"),
        (GET + b"A\0: b\r\n\r\n", "control character 0x00 in line 3"),
        (GET + b"A : b\r\n\r\n", "space before the colon in line 3"),
        (GET + b"A\r\n\r\n", "line 3 has no colon"),
        (GET + b": b\r\n\r\n", "the name in line 3 is empty or has a character that none may have"),
        (b"GET / HTTP/2.0\r\n\r\n", "its version is neither 1.1 nor 1.0"),
        (
            b"GET  / HTTP/1.1\r\n\r\n",
            "the first line is not a method, a target and a version with one space between them",
        ),
        (b"G(T / HTTP/1.1\r\n\r\n", "the method has a character that none may have"),
        (b"GET /\xc3 HTTP/1.1\r\n\r\n", "the target has a character beyond ASCII: it is to be percent-encoded"),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", "it is TLS, which this port does not speak"),
    ],
)
def test_refused_head_is_told_what_is_wrong_and_where(head: bytes, told: str) -> None:
    """By its line, and without a word of what it said."""
    with pytest.raises(HeadError) as caught:
        parse_request(head, Limits())
    assert caught.value.reason == f"malformed head: {told}"


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (
            b"HTTP/1.1 20 OK\r\n\r\n",
            "the first line is not a version of 1.0 or 1.1, a status of three digits, a reason",
        ),
        (b"HTTP/1.1 200 OK\r\nA b\r\n\r\n", "line 2 has no colon"),
    ],
)
def test_refused_answer_is_told_likewise(head: bytes, told: str) -> None:
    """Whoever runs the model server reads it in the 502."""
    with pytest.raises(HeadError) as caught:
        parse_response(head, Limits(), "GET")
    assert caught.value.reason == f"malformed response head: {told}"


@pytest.mark.parametrize(
    ("trailer", "told"),
    [
        (b"Content-Length: 3\r\n", "a field of framing, which belongs in the head"),
        (b"A : b\r\n", "space before the colon in line 1"),
    ],
)
def test_refused_trailer_is_told_likewise(trailer: bytes, told: str) -> None:
    """In the answer to its request."""
    limits = Limits()
    with pytest.raises(BodyError) as caught:
        framing_for(CHUNKED, limits, limits.body_bytes_max).feed(b"0\r\n" + trailer + b"\r\n")
    assert caught.value.reason == f"malformed trailer: {told}"


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_words_are_found_for_any_bytes_and_repeat_none_of_them(first: bytes, rest: bytes) -> None:
    """They end up in logs and terminals."""
    for told in (fault_of_request(first + b"\r\n" + rest), fault_of_response(first), fault_of_trailers(rest)):
        assert told.isascii()
        assert told.isprintable()
