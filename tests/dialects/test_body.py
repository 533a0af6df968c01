"""Content codings and JSON, within their bounds."""

import gzip
import zlib

import pytest

from sidecar.dialects.body import INFLATED_BYTES_MAX, JSON_DEPTH_MAX, inflated_head, parse_json, plain
from sidecar.dialects.terms import Undecodable

TEXT = b'{"predictions": []}' * 9


def raw_deflate(body: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-15)
    return deflater.compress(body) + deflater.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("x-gzip", gzip.compress(TEXT)),
        ("GZIP", gzip.compress(TEXT[:50]) + gzip.compress(TEXT[50:])),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw_deflate(TEXT)),
        ("deflate, gzip", gzip.compress(zlib.compress(TEXT))),
        ("identity", TEXT),
        ("", TEXT),
    ],
)
def test_known_codings_are_undone(encoding, body):
    """gzip of several members, both kinds of deflate, and one over the other."""
    assert plain(body, encoding) == TEXT


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(TEXT)[:-9]),
        ("gzip", TEXT),
        ("gzip", b""),
        ("deflate", zlib.compress(TEXT)[:-5]),
        ("br", TEXT),
        ("gzip, gzip, gzip, gzip", TEXT),
    ],
)
def test_damaged_and_unknown_codings_are_undecodable(encoding, body):
    """Truncation, damage and codings we do not speak are all 'encoding'."""
    with pytest.raises(Undecodable) as caught:
        plain(body, encoding)
    assert caught.value.reason == "encoding"


def test_a_decompression_bomb_stops_at_the_bound():
    """What inflates beyond the bound is too large, wherever in a chain of members it does."""
    bomb = gzip.compress(bytes(100_000))
    for body in (bomb, gzip.compress(b"x") * 5_000, gzip.compress(b"") * 20_000):
        with pytest.raises(Undecodable) as caught:
            plain(body, "gzip", bytes_max=4_096)
        assert caught.value.reason == "too_large"
    assert INFLATED_BYTES_MAX <= 64 << 20


def test_nesting_up_to_the_bound_is_parsed_and_beyond_it_is_not():
    """Depth counts brackets outside of strings, whatever their number."""
    assert parse_json(b"[" * JSON_DEPTH_MAX + b"]" * JSON_DEPTH_MAX)
    assert len(parse_json(b"[" + b",".join([b'[{"a":"]}"}]'] * 500) + b"]")) == 500
    assert parse_json(b'["' + b"[" * 5_000 + b'"]') == ["[" * 5_000]
    for deep in (b"[" * 65 + b"]" * 65, b'{"a":' * 70 + b"1" + b"}" * 70, b'["]]]",' + b"[" * 65 + b"]" * 66):
        with pytest.raises(Undecodable) as caught:
            parse_json(deep)
        assert caught.value.reason == "too_deep"


def test_an_unending_string_of_brackets_and_quotes_is_refused_in_linear_time():
    """A megabyte made to send the depth check back and forth is refused like any other (it would take hours)."""
    for body in (b'["' + b'\\"[' * 400_000, b'["\\' * 300_000, b"[" * 1_000_000):
        with pytest.raises(Undecodable):
            parse_json(body)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a":', b"[" * 5_000, b"NaN", b"\xff\xfe", b"[1e999]"])
def test_what_is_no_json_says_so(body):
    """Brackets that do not pair up, other formats and infinities are 'not_json'."""
    with pytest.raises(Undecodable) as caught:
        parse_json(body)
    assert caught.value.reason in ("not_json", "too_deep")


def test_a_compressed_request_head_gives_what_it_holds():
    """The first bytes of a compressed body inflate as far as they go."""
    text = bytes(range(256)) * 40
    assert text.startswith(inflated_head(gzip.compress(text)[:300], "gzip"))
    assert len(inflated_head(gzip.compress(text)[:300], "gzip")) > 100
    assert inflated_head(b"junk", "gzip") == b""
    assert inflated_head(b"junk", "br") == b""
