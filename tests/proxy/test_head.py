"""Heads and bodies, judged without a socket: a table that stands by itself."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.proxy.body import BodyError, ChunkedDecoder
from sidecar.proxy.head import CHUNKED, UNTIL_CLOSE, HeadError, parse_request, parse_response
from sidecar.types import Limits

REFUSED = [
    (b"GET /p HTTP/1.1\r\n\r\n", 400, "no host"),
    (b"GET /p HTTP/1.1\r\nHost: \r\n\r\n", 400, "empty host"),
    (b"GET /p HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "two hosts"),
    (b"GET /p HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, "user in host"),
    (b"GET /p HTTP/1.1\r\nHost: a:70000\r\n\r\n", 400, "port out of range"),
    (b"GET /p#f HTTP/1.1\r\nHost: a\r\n\r\n", 400, "fragment"),
    (b"GET ftp://a/p HTTP/1.1\r\nHost: a\r\n\r\n", 400, "scheme"),
    (b"GET /p HTTP/2.0\r\nHost: a\r\n\r\n", 400, "version"),
    (b"GET /p HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n", 400, "space before colon"),
    (b"GET /p HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400, "folded"),
    (b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400, "signed length"),
    (b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "two framings"),
    (b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999\r\n\r\n", 413, "over the body bound"),
    (b"POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501, "unknown coding"),
    (b"POST /p HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", 417, "unknown expectation"),
    (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "long target"),
    (b"GET /p HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 200 + b"\r\n", 431, "many fields"),
    (b"GET /p HTTP/1.1\r\nHost: a\r\nVia: 1.0 x, 1.1 Sidecar\r\n\r\n", 508, "loop"),
    (b"TRACE /p HTTP/1.1\r\nHost: a\r\n\r\n", 405, "trace"),
]
BAD_RESPONSES = [
    b"HTTP/1.1 600 X\r\n\r\n",
    b"HTTP/2 200 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nConnection: content-length\r\nContent-Length: 1\r\n\r\n",
]


@pytest.mark.parametrize(("block", "status", "name"), REFUSED, ids=[row[2] for row in REFUSED])
def test_ambiguous_request_head_is_refused(block: bytes, status: int, name: str) -> None:
    """What two parsers might read differently gets the status that says what is wrong."""
    with pytest.raises(HeadError) as caught:
        parse_request(block, Limits())
    assert caught.value.status == status


@pytest.mark.parametrize("block", BAD_RESPONSES)
def test_ambiguous_response_head_is_a_bad_gateway(block: bytes) -> None:
    """An upstream's doubtful framing never reaches a client."""
    with pytest.raises(HeadError) as caught:
        parse_response(block, Limits(), "GET")
    assert caught.value.status == 502


def test_hop_by_hop_fields_stay_behind() -> None:
    """Connection, what it names and the other hop-by-hop fields are not among the lines to send."""
    head = parse_request(
        b"GET /p HTTP/1.1\r\nHost: a\r\nConnection: x-a, close\r\nX-A: 1\r\nTE: trailers\r\nX-B: 2 \r\n\r\n", Limits()
    )
    assert head.lines == [b"X-B: 2\r\n"]
    assert not head.keep_alive


def test_response_length_depends_on_the_request() -> None:
    """HEAD and 304 have no body whatever they declare; neither length nor coding means until close."""
    block = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    assert (parse_response(block, Limits(), "HEAD").length, parse_response(block, Limits(), "GET").length) == (0, 5)
    assert parse_response(b"HTTP/1.1 200 OK\r\n\r\n", Limits(), "GET").length == UNTIL_CLOSE
    chunked = parse_response(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", Limits(), "GET")
    assert chunked.length == CHUNKED


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6), st.lists(st.integers(0, 300), max_size=8))
def test_chunked_body_is_the_same_however_it_is_cut(chunks: list[bytes], cuts: list[int]) -> None:
    """Content, end and what follows don't depend on segmentation."""
    raw = b"".join(b"%x;n=v\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\nX: 1\r\n\r\nNEXT"
    decoder, content, rest = ChunkedDecoder(10_000, Limits()), b"", b""
    points = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
    for start, end in itertools.pairwise(points):
        if decoder.ended:
            rest += raw[start:end]
        else:
            content += decoder.feed(raw[start:end])
            rest += decoder.rest
    assert (content, rest, decoder.ended) == (b"".join(chunks), b"NEXT", True)


@pytest.mark.parametrize(
    "raw", [b"1 \r\nZ\r\n", b"-1\r\n", b"1\nZ", b"1\r\nZZ", b"0\r\nContent-Length: 1\r\n\r\n", b"0\r\nX\r\n"]
)
def test_malformed_chunk_is_refused(raw: bytes) -> None:
    """No size, end or trailer is guessed."""
    with pytest.raises(BodyError):
        ChunkedDecoder(100, Limits()).feed(raw)
