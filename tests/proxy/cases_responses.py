"""Responses of an upstream that is broken or hostile, and those that a proxy must change.

From the grammar of RFC 9110 and 9112 (the numbers in ``why``); ``tests/kit/http_judge.py`` says what ``expected`` means
and which request a name's prefix stands for.
"""

from tests.kit.http_judge import Case

_OK = b"HTTP/1.1 200 OK\r\n"
_CH = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
_END = b"0\r\n\r\n"
_EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL"
_Z = b"Content-Length: 1\r\n\r\nZ"


def _length(value: bytes, body: bytes = b"Z") -> bytes:
    return _OK + b"Content-Length:" + value + b"\r\n\r\n" + body


def _coding(value: bytes) -> bytes:
    return _OK + b"Transfer-Encoding:" + value + b"\r\n\r\n1\r\nZ\r\n" + _END


def _line(raw: bytes) -> bytes:
    return raw + b"\r\n" + _Z


LENGTHS = [
    Case("cl_plus", _length(b" +1"), "bad-gateway", "9110 8.6: 1*DIGIT"),
    Case("cl_minus", _length(b" -1"), "bad-gateway", "9110 8.6"),
    Case("cl_hex", _length(b" 0x1"), "bad-gateway", "9110 8.6"),
    Case("cl_underscore", _length(b" 1_0", b"0123456789"), "bad-gateway", "int() takes it"),
    Case("cl_two_equal", _OK + b"Content-Length: 1\r\n" + _Z, "bad-gateway", "9112 6.3(5) (policy)"),
    Case("cl_two_different", _OK + b"Content-Length: 5\r\n" + _Z, "bad-gateway", "9112 6.3(5) MUST"),
    Case("cl_list_different", _length(b" 1, 2", b"ZZ"), "bad-gateway", "9112 6.3(5) MUST"),
    Case("cl_trailing_comma", _length(b" 1,"), "bad-gateway", "9110 5.6.1"),
    Case("cl_inner_space", _length(b" 1 0"), "bad-gateway", "1 or 10"),
    Case("cl_form_feed", _length(b" \x0c1"), "bad-gateway", "strip() takes it for space"),
    Case("cl_nbsp", _length(b" \xa01"), "bad-gateway", "str.strip() takes it for space"),
    Case("cl_20_digits", _length(b" 00000000000000000001"), "bad-gateway", "more digits than any length (policy)"),
    Case("cl_2_to_63", _length(b" 9223372036854775807"), "abort", "never all there", closes=True),
    Case("cl_zeros", _length(b" 0003", b"abc"), "forward", "decimal", body=b"abc", lines=(b"content-length: 3",)),
    Case("cl_zero", _length(b" 0", b""), "forward", "no body", body=b""),
    Case("cl_te", _OK + b"Content-Length: 1\r\n" + _coding(b" chunked")[len(_OK) :], "bad-gateway", "9112 6.3(3)"),
    Case("te_cl", _OK + b"Transfer-Encoding: chunked\r\n" + _Z, "bad-gateway", "9112 6.3(3)"),
    Case("cl_underscore_name", _OK + b"Content_Length: 5\r\n" + _Z, "bad-gateway", "CGI folds it (policy)"),
    Case("cl_nominated", _OK + b"Connection: content-length\r\n" + _Z, "bad-gateway", "9110 7.6.1"),
    Case("cl_name_space", _OK + b"Content-Length : 1\r\n\r\nZ", "bad-gateway", "9112 5.1 (policy: not removed)"),
    Case("te_identity", _coding(b" identity"), "bad-gateway", "9112 6.3(4)"),
    Case("te_list", _coding(b" chunked, identity"), "bad-gateway", "9112 6.3(4)"),
    Case("te_empty", _coding(b""), "bad-gateway", "9112 6.3(4)"),
    Case("te_quoted", _coding(b' "chunked"'), "bad-gateway", "a coding is a token"),
    Case("te_vertical_tab", _coding(b" \x0bchunked"), "bad-gateway", "9110 5.5"),
    Case("te_nbsp", _coding(b" \xa0chunked"), "bad-gateway", "str.strip() takes it for space"),
    Case("te_fold", _coding(b"\r\n chunked"), "bad-gateway", "9112 5.2"),
    Case("te_upper", _coding(b" CHUNKED\t"), "forward", "no case; OWS", body=b"Z"),
    Case("until_close", _OK + b"\r\nABC", "forward", "9112 6.3(8)", body=b"ABC", closes=True, fresh=True),
    Case("until_close_empty", _OK + b"\r\n", "forward", "9112 6.3(8)", body=b"", closes=True, fresh=True),
    Case(
        "until_close_chunks", _OK + b"\r\n1\r\nZ\r\n" + _END, "forward", "data", body=b"1\r\nZ\r\n" + _END, closes=True
    ),
    Case("http10/cl", _length(b" 3", b"abc"), "forward", "9112 9.3", body=b"abc"),
    Case("upstream_10", b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nZ", "forward", "not kept", body=b"Z", fresh=True),
    Case("upstream_10_keep", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + _Z, "forward", "not kept", fresh=True),
]

HEADS = [
    Case("line_http09", b"hello", "bad-gateway", "9112 C.1: no HTTP/0.9"),
    Case("line_version_2", _line(b"HTTP/2 200 OK"), "bad-gateway", "9112 2.3"),
    Case("line_version_1_2", _line(b"HTTP/1.2 200 OK"), "bad-gateway", "an unknown minor version (policy)"),
    Case("line_version_1_10", _line(b"HTTP/1.10 200 OK"), "bad-gateway", "9112 2.3"),
    Case("line_version_lower", _line(b"http/1.1 200 OK"), "bad-gateway", "9112 2.3"),
    Case("line_icy", _line(b"ICY 200 OK"), "bad-gateway", "not HTTP"),
    Case("line_empty_before", b"\r\n" + _line(_OK[:-2]), "bad-gateway", "9112 2.2 is of requests (policy)"),
    Case("line_space_before", _line(b" HTTP/1.1 200 OK"), "bad-gateway", "9112 4"),
    Case("line_two_spaces", _line(b"HTTP/1.1  200 OK"), "bad-gateway", "9112 4"),
    Case("line_tab", _line(b"HTTP/1.1\t200\tOK"), "bad-gateway", "9112 4"),
    Case("line_bare_cr", _line(b"HTTP/1.1 200 O\rK"), "bad-gateway", "9112 2.2"),
    Case("line_reason_ctl", _line(b"HTTP/1.1 200 \x01"), "bad-gateway", "9112 4"),
    Case("line_reason_empty", _line(b"HTTP/1.1 200 "), "forward", "9112 4", body=b"Z"),
    Case("line_reason_tab", _line(b"HTTP/1.1 200 a\tb"), "forward", "9112 4", body=b"Z", lacks=(b"a\tb",)),
    Case("status_099", _line(b"HTTP/1.1 099 X"), "bad-gateway", "9110 15"),
    Case("status_000", _line(b"HTTP/1.1 000 X"), "bad-gateway", "9110 15"),
    Case("status_600", _line(b"HTTP/1.1 600 X"), "bad-gateway", "9110 15 (policy)"),
    Case("status_four_digits", _line(b"HTTP/1.1 2000 X"), "bad-gateway", "9112 4: 3DIGIT"),
    Case("status_two_digits", _line(b"HTTP/1.1 20 X"), "bad-gateway", "9112 4: 3DIGIT"),
    Case("status_sign", _line(b"HTTP/1.1 +20 X"), "bad-gateway", "int() takes it"),
    Case("status_unicode", _line(b"HTTP/1.1 \xd9\xa200 X"), "bad-gateway", "int() takes it"),
    Case("status_unregistered", _line(b"HTTP/1.1 299 X"), "forward", "9110 15", body=b"Z"),
    Case("field_bare_lf", _OK + b"X: 1\nSet-Cookie: s=1\r\n" + _Z, "bad-gateway", "9112 2.2 (policy)"),
    Case("field_cr_name", _OK + b"X\rY: 1\r\n" + _Z, "bad-gateway", "9112 2.2"),
    Case("field_nul_name", _OK + b"X\x00: 1\r\n" + _Z, "bad-gateway", "9110 5.1"),
    Case("field_no_name", _OK + b": 1\r\n" + _Z, "bad-gateway", "9110 5.1"),
    Case("field_space_name", _OK + b"X Y: 1\r\n" + _Z, "bad-gateway", "9110 5.1"),
    Case("field_esc", _OK + b"X: \x1b]0;x\x07\r\n" + _Z, "bad-gateway", "9110 5.5"),
    Case("field_fold_first", _OK + b" X: 1\r\n" + _Z, "bad-gateway", "9112 2.2"),
    Case("field_fold_tab", _OK + b"X: 1\r\n\t2\r\n" + _Z, "bad-gateway", "9112 5.2 (policy)"),
    Case("field_101", _OK + b"X: 1\r\n" * 100 + _Z, "bad-gateway", "bounded"),
    Case("field_33_kib", _OK + b"X: " + b"a" * 33_000 + b"\r\n" + _Z, "bad-gateway", "bounded"),
    Case("field_endless", _OK + b"X: " + b"a" * 33_000, "bad-gateway", "no end of a field is awaited"),
    Case("field_high", _OK + b"X-A: caf\xe9\r\n" + _Z, "forward", "obs-text", lines=(b"x-a: caf\xe9",)),
    Case("field_empty", _OK + b"X-A:\r\n" + _Z, "forward", "9110 5.5", lines=(b"x-a: ",)),
    Case("half_line", b"HTTP/1.1 20", "bad-gateway", "9112 8", closes=True),
    Case("half_fields", _OK + b"Content-Length: 1\r\n", "bad-gateway", "9112 8", closes=True),
    Case("conn_nominated", _OK + b"Connection: x-int\r\nX-Int: 1\r\n" + _Z, "forward", "9110 7.6.1", body=b"Z"),
    Case("conn_malformed", _OK + b"Connection: a b\r\n" + _Z, "bad-gateway", "9110 7.6.1"),
    Case("conn_upgrade", _OK + b"Connection: upgrade\r\nUpgrade: h2c\r\n" + _Z, "forward", "9110 7.8", lacks=(b"h2c",)),
    Case("conn_close_upper", _OK + b"Connection: CLOSE\r\n" + _Z, "forward", "9112 9.6", body=b"Z", fresh=True),
    Case("proxy_authenticate", _OK + b"Proxy-Authenticate: Basic\r\n" + _Z, "forward", "of one hop", lacks=(b"Basic",)),
    Case("via", _OK + b"Via: 1.1 edge\r\n" + _Z, "forward", "9110 7.6.3", lines=(b"via: 1.1 edge, 1.1 sidecar",)),
]

CHUNKS = [
    Case("chunk_plus", _CH + b"+1\r\nZ\r\n" + _END, "abort", "9112 7.1"),
    Case("chunk_0x", _CH + b"0x1\r\nZ\r\n" + _END, "abort", "9112 7.1"),
    Case("chunk_minus", _CH + b"-1\r\nZ\r\n" + _END, "abort", "9112 7.1"),
    Case("chunk_space", _CH + b"1 \r\nZ\r\n" + _END, "abort", "9112 7.1"),
    Case("chunk_empty_size", _CH + b"\r\nZ\r\n" + _END, "abort", "9112 7.1"),
    Case("chunk_lf", _CH + b"1\nZ\n0\n\n", "abort", "9112 7.1"),
    Case("chunk_17_digits", _CH + b"10000000000000001\r\nZ\r\n" + _END, "abort", "wraps to 1"),
    Case("chunk_21_digits", _CH + b"0" * 20 + b"1\r\nZ\r\n" + _END, "abort", "more digits than any (policy)"),
    Case("chunk_data_long", _CH + b"3\r\nABCD\r\n" + _END, "abort", "9112 7.1"),
    Case("chunk_data_short", _CH + b"5\r\nABC\r\n" + _END, "abort", "9112 7.1"),
    Case("chunk_ext_cr", _CH + b"1;a\rb\r\nZ\r\n" + _END, "abort", "9112 2.2"),
    Case("chunk_ext_no_end", _CH + b'1;a="b\r\nZ\r\n' + _END, "abort", "an open quote"),
    Case("chunk_ext_sum", _CH + b"1;abcdefg\r\nZ\r\n" * 600 + _END, "abort", "bounded in all"),
    Case("chunk_last_twice", _CH + b"1\r\nZ\r\n0\r\n" + _END, "abort", "0 is no trailer field"),
    Case("chunk_eof_size", _CH + b"1\r\nZ\r\n5", "abort", "9112 8", closes=True),
    Case("chunk_eof_data", _CH + b"5\r\nABC", "abort", "9112 8", closes=True),
    Case("chunk_eof_last", _CH + b"1\r\nZ\r\n0\r\n", "abort", "9112 8", closes=True),
    Case("chunk_eof_trailer", _CH + b"1\r\nZ\r\n0\r\nX: 1\r\n", "abort", "9112 8", closes=True),
    Case("chunk_ext", _CH + b'1 ; a="\\"" ;b\r\nZ\r\n0;c\r\n\r\n', "forward", "7.1.1", body=b"Z", lacks=(b";b", b";c")),
    Case("chunk_zeros", _CH + b"0001\r\nZ\r\n000\r\n\r\n", "forward", "9112 7.1", body=b"Z", lacks=(b"0001",)),
    Case("chunk_empty", _CH + _END, "forward", "no content", body=b""),
    Case("http10/chunk_many", _CH + b"1\r\nA\r\n2\r\nBC\r\n" + _END, "forward", "9112 6.1", body=b"ABC"),
    Case(
        "chunk_surplus",
        _CH + b"1\r\nZ\r\n" + _END + _EVIL,
        "forward-drop-conn",
        "9112 9.2",
        body=b"Z",
        lacks=(b"EVIL",),
    ),
]

TRAILERS = [
    Case("te/trailers", _CH + b"1\r\nZ\r\n0\r\nX-End:  1 \r\n\r\n", "forward", "9110 6.5.1", body=b"Z",
         trailers=b"X-End: 1\r\n"),
    Case("te/trailers_alone", _CH + b"0\r\nX-End: 1\r\n\r\n", "forward", "9110 6.5.1", body=b"",
         trailers=b"X-End: 1\r\n"),
    Case("te/trailers_forbidden", _CH + b"1\r\nZ\r\n0\r\nSet-Cookie: s=1\r\nContent-Type: x/y\r\nLocation: /x\r\n"
         b"WWW-Authenticate: x\r\nConnection: x\r\nX-Prediction-Id: x\r\nServer-Timing: a;dur=1\r\n\r\n", "forward",
         "9110 6.5.1", trailers=b"Server-Timing: a;dur=1\r\n", lacks=(b"s=1", b"x/y", b"/x", b"Id: x")),
    Case("te/trailers_announced",
         _OK + b"Trailer: X-End, Set-Cookie\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nZ\r\n0\r\n"
         b"X-End: 1\r\n\r\n", "forward", "9110 6.6.2", trailers=b"X-End: 1\r\n", lines=(b"trailer: x-end",)),
    Case("te/trailers_nominated", _OK + b"Connection: x-end\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-End: 1\r\n\r\n",
         "forward", "9110 7.6.1", lacks=(b"X-End",)),
    Case("trailers_unasked",
         _OK + b"Trailer: X-End\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nZ\r\n0\r\nX-End: 1\r\n\r\n",
         "forward", "9110 6.5.1: only to whom TE says so", body=b"Z", trailers=b"", lacks=(b"X-End",)),
    Case("http10/trailers", _CH + b"1\r\nZ\r\n0\r\nX-End: 1\r\n\r\n", "forward", "9112 6.1", body=b"Z",
         lacks=(b"X-End",)),
    Case("trailer_coding", _CH + b"1\r\nZ\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n", "abort", "framing (policy)"),
    Case("trailer_fold", _CH + b"1\r\nZ\r\n0\r\nX: 1\r\n 2\r\n\r\n", "abort", "9112 5.2"),
    Case("trailer_no_colon", _CH + b"1\r\nZ\r\n0\r\nfoo\r\n\r\n", "abort", "9112 7.1.2"),
    Case("trailer_17_kib", _CH + b"1\r\nZ\r\n0\r\nX: " + b"a" * 17_000, "abort", "bounded"),
]  # fmt: skip

WITHOUT_BODY = [
    Case("204_response", b"HTTP/1.1 204 No Content\r\nContent-Length: 41\r\n\r\n" + _EVIL, "forward-nobody",
         "9112 6.3(1)",
         lacks=(b"EVIL",), fresh=True),
    Case("204_chunks", b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n29\r\n" + _EVIL + b"\r\n" + _END,
         "forward-nobody", "9112 6.1", lacks=(b"EVIL",), fresh=True),
    Case("304_response", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 41\r\n\r\n" + _EVIL, "forward-nobody",
         "9112 6.3(1)",
         lacks=(b"EVIL",), fresh=True),
    Case("head/response", b"HTTP/1.1 200 OK\r\nContent-Length: 41\r\n\r\n" + _EVIL, "forward-nobody", "9110 9.3.2",
         lacks=(b"EVIL",), fresh=True),
    Case("head/chunks", _CH + b"29\r\n" + _EVIL + b"\r\n" + _END, "forward-nobody", "9110 9.3.2", lacks=(b"EVIL",),
         fresh=True),
    Case("head/length", _OK + b"Content-Length: 7\r\n\r\n", "forward-nobody", "told on", lines=(b"content-length: 7",)),
    Case("head/none", _OK + b"\r\n", "forward-nobody", "9110 9.3.2"),
    Case("head/error", b"HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\n", "forward-nobody", "9110 9.3.2"),
    Case("head/cl_invalid", _OK + b"Content-Length: x\r\n\r\n", "bad-gateway", "9112 6.3(5)"),
    Case("204", b"HTTP/1.1 204 No Content\r\n\r\n", "forward-nobody", "9110 15.3.5"),
    Case("205_body", b"HTTP/1.1 205 Reset Content\r\n" + _Z, "forward", "framed as any", body=b"Z"),
    Case("304_length", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", "forward-nobody", "9110 15.4.5",
         lines=(b"content-length: 7",)),
    Case("304_until_close", b"HTTP/1.1 304 Not Modified\r\n\r\n", "forward-nobody", "no body, so no end", closes=True),
]  # fmt: skip

INTERIM = [
    Case("103_200", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + _line(_OK[:-2]), "forward", "9110 15.2",
         body=b"Z"),
    Case("102_twice", b"HTTP/1.1 102 Processing\r\n\r\n" * 2 + _line(_OK[:-2]), "forward", "9110 15.2", body=b"Z"),
    Case("199", b"HTTP/1.1 199 X\r\n\r\n" + _line(_OK[:-2]), "forward", "9110 15.2: unknown ones too", body=b"Z"),
    Case("100_16", b"HTTP/1.1 100 X\r\n\r\n" * 16 + _line(_OK[:-2]), "forward", "as many as may", body=b"Z"),
    Case("100_17", b"HTTP/1.1 100 X\r\n\r\n" * 17 + _line(_OK[:-2]), "bad-gateway", "bounded"),
    Case("100_cl_zero", b"HTTP/1.1 100 X\r\nContent-Length: 0\r\n\r\n" + _line(_OK[:-2]), "forward", "harmless",
         body=b"Z",
         lacks=(b"Length: 0",)),
    Case("100_cl", b"HTTP/1.1 100 X\r\nContent-Length: 41\r\n\r\n" + _EVIL + _line(_OK[:-2]), "bad-gateway", "9110 8.6",
         lacks=(b"EVIL",)),
    Case("103_te", b"HTTP/1.1 103 X\r\nTransfer-Encoding: chunked\r\n\r\n" + _END, "bad-gateway", "9112 6.1"),
    Case("100_eof", b"HTTP/1.1 100 X\r\n\r\n", "bad-gateway", "9112 8", closes=True),
    Case("100_bad", b"HTTP/1.1 100 X\r\n\r\nHTTP/1.1 2x0 OK\r\n\r\n", "bad-gateway", "9112 4"),
    Case("101_websocket", b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nEVIL", "bad-gateway",
         "9110 15.2.2: unasked", lacks=(b"EVIL",)),
    Case("101_bare", b"HTTP/1.1 101 X\r\n\r\n", "bad-gateway", "9110 15.2.2"),
    Case("http10/100", b"HTTP/1.1 100 X\r\n\r\n" + _line(_OK[:-2]), "forward", "9110 15.2", body=b"Z",
         lacks=(b" 100 ",)),
]  # fmt: skip

UNASKED = [
    Case("idle/response", _EVIL, "forward-drop-conn", "9112 9.2", lacks=(b"EVIL",)),
    Case("idle/byte", b"x", "forward-drop-conn", "9112 9.2"),
    Case("idle/nul", b"\x00", "forward-drop-conn", "9112 9.2"),
    Case("idle/interim", b"HTTP/1.1 100 Continue\r\n\r\n", "forward-drop-conn", "9112 9.2"),
    Case("surplus_crlf", _line(_OK[:-2]) + b"\r\n", "forward", "9112 9.2: no message", body=b"Z"),
    Case("post/early_200", _line(_OK[:-2]), "forward", "before the body is read", body=b"Z"),
]

CASES = [*LENGTHS, *HEADS, *CHUNKS, *TRAILERS, *WITHOUT_BODY, *INTERIM, *UNASKED]
