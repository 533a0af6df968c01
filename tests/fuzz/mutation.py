"""Messages to begin with, and edits of them that are given as numbers, so that whoever has numbers can search."""

from __future__ import annotations

from collections.abc import Sequence

from tests.proxy import cases_heads, cases_requests, cases_responses

SEED_BYTES_MAX = 1_500
RAW_BYTES_MAX = 8_000
Edit = tuple[int, int, int]
"""What to do, where, and with what: each is taken modulo what there is."""

_GET = b"GET /n HTTP/1.1\r\nHost: a\r\n\r\n"
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nZ"
REQUESTS: list[bytes] = [
    case.raw for case in (*cases_requests.CASES, *cases_heads.CASES) if len(case.raw) < SEED_BYTES_MAX
]
RESPONSES: list[bytes] = [case.raw for case in cases_responses.CASES if 0 < len(case.raw) < SEED_BYTES_MAX]
_TOKENS: list[bytes] = [
    *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\n\n", b"\r\r\n", b" ", b"\t", b"\x00", b"\x0b", b"\x0c", b"\x7f"),
    *(b"\xff", b"\x85", b"\xa0", b":", b";", b",", b"=", b'"', b"\\", b"/", b"*", b"?", b"#", b"@", b"%00", b"+"),
    *(b"-", b"0x", b"_", b"0", b"1", b"5", b"a", b"F", b"0\r\n\r\n", b"1\r\nZ\r\n", b"0\r\nX: 1\r\n\r\n"),
    *(b"00000000000000000001", b"ffffffffffffffff", b"10000000000000001", b"18446744073709551617", b"chunked"),
    *(b"identity", b"gzip, chunked", b"Content-Length: 1\r\n", b"Content-Length: 0\r\n", b"Content-Length: 28\r\n"),
    *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: ", b"Content-Length: ", b"Content-Length : 1\r\n"),
    *(b"Host: b\r\n", b"Expect: 100-continue\r\n", b"Connection: close\r\n", b"Connection: upgrade\r\n"),
    *(b"Connection: ", b"Upgrade: websocket\r\n", b"TE: trailers\r\n", b"Trailer: X\r\n", b"Max-Forwards: 0\r\n"),
    *(b"Via: 1.1 sidecar\r\n", b"X: 1\r\n", b" folded\r\n", b"HTTP/1.0", b"HTTP/1.1", b"HEAD", b"OPTIONS"),
    *(b"http://b", b";a=b", b';a="\r\n"', b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 204 No\r\n\r\n", _GET, _OK),
]


def mutate(raw: bytes, edits: Sequence[Edit], others: Sequence[bytes]) -> bytes:
    """``raw`` after ``edits``; parts of ``others`` may be spliced in."""
    for kind, at, what in edits:
        raw = _OPERATIONS[kind % len(_OPERATIONS)](raw, at, what, others)[:RAW_BYTES_MAX]
    return raw


def cut(raw: bytes, points: Sequence[int]) -> list[bytes]:
    """``raw`` in the pieces between ``points``, taken modulo its length."""
    ends = sorted({point % (len(raw) + 1) for point in points} | {len(raw)})
    pieces, begin = [], 0
    for end in ends:
        if end > begin:
            pieces.append(raw[begin:end])
            begin = end
    return pieces


def _insert(raw: bytes, at: int, what: int, others: Sequence[bytes]) -> bytes:
    at %= len(raw) + 1
    return raw[:at] + _TOKENS[what % len(_TOKENS)] + raw[at:]


def _insert_at_line(raw: bytes, at: int, what: int, others: Sequence[bytes]) -> bytes:
    lines = raw.split(b"\r\n")
    at = at % len(lines)
    lines[at] = _TOKENS[what % len(_TOKENS)] + lines[at]
    return b"\r\n".join(lines)


def _append_to_line(raw: bytes, at: int, what: int, others: Sequence[bytes]) -> bytes:
    lines = raw.split(b"\r\n")
    at = at % len(lines)
    lines[at] += _TOKENS[what % len(_TOKENS)]
    return b"\r\n".join(lines)


def _delete(raw: bytes, at: int, what: int, others: Sequence[bytes]) -> bytes:
    at %= len(raw) + 1
    return raw[:at] + raw[at + 1 + what % 8 :]


def _set_byte(raw: bytes, at: int, what: int, others: Sequence[bytes]) -> bytes:
    at %= len(raw) + 1
    return raw[:at] + bytes((what % 256,)) + raw[at + 1 :]


def _flip_case(raw: bytes, at: int, what: int, others: Sequence[bytes]) -> bytes:
    at %= len(raw) + 1
    end = at + 1 + what % 16
    return raw[:at] + raw[at:end].swapcase() + raw[end:]


def _double_line(raw: bytes, at: int, what: int, others: Sequence[bytes]) -> bytes:
    lines = raw.split(b"\r\n")
    lines.insert(what % (len(lines) + 1), lines[at % len(lines)])
    return b"\r\n".join(lines)


def _delete_line(raw: bytes, at: int, what: int, others: Sequence[bytes]) -> bytes:
    lines = raw.split(b"\r\n")
    del lines[at % len(lines)]
    return b"\r\n".join(lines)


def _truncate(raw: bytes, at: int, what: int, others: Sequence[bytes]) -> bytes:
    return raw[: at % (len(raw) + 1)]


def _splice(raw: bytes, at: int, what: int, others: Sequence[bytes]) -> bytes:
    other = others[what % len(others)]
    at %= len(raw) + 1
    return raw[:at] + other[at % (len(other) + 1) :]


def _append(raw: bytes, at: int, what: int, others: Sequence[bytes]) -> bytes:
    return raw + others[what % len(others)]


_OPERATIONS = (
    *(_insert, _insert, _insert_at_line, _insert_at_line, _append_to_line, _delete, _set_byte, _flip_case),
    *(_double_line, _delete_line, _truncate, _splice, _append),
)
