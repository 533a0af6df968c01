"""Requests that two readers might take differently, or that a proxy must change: how their bodies are delimited.

From the grammar of RFC 9110 and 9112 (the numbers in ``why``) and the kinds of request smuggling that were published.
``tests/kit/http_judge.py`` says what ``expected`` means; ``cases_heads.py`` has the rest of the requests.
"""

from tests.kit.http_judge import Case

_P = b"POST /p HTTP/1.1\r\nHost: a\r\n"
_CH = _P + b"Transfer-Encoding: chunked\r\n\r\n"
_END = b"0\r\n\r\n"
_NEXT = b"GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
_FORBIDDEN_TRAILERS = (
    b"Host: x\r\nAuthorization: x\r\nProxy-Authorization: x\r\nCookie: c=1\r\nSet-Cookie: c=1\r\nContent-Type: x/y\r\n"
    b"Content-Encoding: gzip\r\nContent-Range: x\r\nContent_Length: 9\r\nTE: x\r\nConnection: x\r\nTrailer: x\r\n"
    b"Upgrade: x\r\nVia: x\r\nForwarded: for=x\r\nX-Forwarded-For: x\r\nX_Forwarded_Proto: https\r\nX-Real-IP: x\r\n"
    b"Max-Forwards: 1\r\nExpect: x\r\nRange: x\r\nIf-Match: x\r\nCache-Control: x\r\nOrigin: x\r\nAccept: x\r\n"
    b"X-Sidecar-Shadow: x\r\nX-Prediction-Id: x\r\n"
)


def _length(value: bytes, body: bytes = b"Z") -> bytes:
    return _P + b"Content-Length:" + value + b"\r\n\r\n" + body


def _coding(value: bytes) -> bytes:
    return _P + b"Transfer-Encoding:" + value + b"\r\n\r\n1\r\nZ\r\n" + _END


LENGTHS = [
    Case("cl_plus", _length(b" +1"), "reject-400", "9110 8.6: 1*DIGIT; int() takes a sign"),
    Case("cl_minus", _length(b" -1"), "reject-400", "9110 8.6"),
    Case("cl_minus_zero", _length(b" -0", b""), "reject-400", "9110 8.6: zero or not?"),
    Case("cl_hex_suffix", _length(b" 1h"), "reject-400", "9110 8.6"),
    Case("cl_two_different", _P + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nZZ", "reject-400", "9112 6.3(5)"),
    Case("cl_two_cases", _P + b"Content-Length: 1\r\ncONTENT-lENGTH: 1\r\n\r\nZ", "reject-400", "names have no case"),
    Case("cl_list_different", _length(b" 1, 2", b"ZZ"), "reject-400", "9112 6.3(5)"),
    Case("cl_list_semicolon", _length(b" 1;2"), "reject-400", "9110 8.6"),
    Case("cl_trailing_comma", _length(b" 1,"), "reject-400", "9110 5.6.1: an empty element"),
    Case("cl_leading_comma", _length(b" ,1"), "reject-400", "9110 5.6.1"),
    Case("cl_inner_space", _length(b" 1 0"), "reject-400", "1 or 10"),
    Case("cl_inner_tab", _length(b" 1\t0"), "reject-400", "1 or 10"),
    Case("cl_quoted", _length(b' "1"'), "reject-400", "9110 8.6"),
    Case("cl_colon_twice", _length(b": 1"), "reject-400", "a value that begins with a colon"),
    Case("cl_form_feed", _length(b" \x0c1"), "reject-400", "strip() takes it for space"),
    Case("cl_vertical_tab", _length(b" 1\x0b"), "reject-400", "strip() takes it for space"),
    Case("cl_next_line", _length(b" 1\x85"), "reject-400", "str.strip() takes U+0085 for space"),
    Case("cl_bare_cr", _length(b" 1\r"), "reject-400", "9112 2.2"),
    Case("cl_nul", _length(b" 1\x00"), "reject-400", "9110 5.5; a C string ends there"),
    Case("cl_2_to_64", _length(b" 18446744073709551617"), "reject-400", "wraps to 1"),
    Case("cl_2_to_63", _length(b" 9223372036854775807"), "reject-413", "9110 15.5.14"),
    Case("cl_zeros_before", _length(b" 0000000003", b"abc"), "forward", "decimal", body=b"abc"),
    Case("cl_octal", _length(b" 010", b"0123456789"), "forward", "10, not 8", body=b"0123456789"),
    Case("cl_twenty_zeros", _length(b" 00000000000000000001"), "reject-400", "more digits than any length (policy)"),
    Case("cl_tabs_around", _length(b"\t 3 \t", b"abc"), "forward", "OWS, 9110 5.6.3", body=b"abc"),
    Case("cl_no_space", _length(b"3", b"abc"), "forward", "OWS may be none", body=b"abc"),
    Case("cl_zero", _length(b" 0", b""), "forward", "stated again", lines=(b"content-length: 0",)),
    Case("cl_absent", _P + b"\r\n", "forward", "no body; stated for a POST", body=b"", lines=(b"content-length: 0",)),
    Case(
        "cl_get_none", b"GET /p HTTP/1.1\r\nHost: a\r\n\r\n", "forward", "none is made up", lacks=(b"Content-Length",)
    ),
    Case(
        "cl_te",
        _P + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nZ\r\n" + _END,
        "reject-400",
        "6.3(3)",
    ),
    Case(
        "te_cl",
        _P + b"Transfer-Encoding: chunked\r\nContent-Length: 11\r\n\r\n1\r\nZ\r\n" + _END,
        "reject-400",
        "6.3(3)",
    ),
    Case("te_cl_zero", _P + b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n" + _END, "reject-400", "6.3(3)"),
    Case(
        "te_underscore", _P + b"Transfer_Encoding: chunked\r\nContent-Length: 1\r\n\r\nZ", "reject-400", "CGI folds it"
    ),
    Case(
        "cl_dash_name", _P + b"Content-Length-: 5\r\nContent-Length: 1\r\n\r\nZ", "forward", "another field", body=b"Z"
    ),
    Case("cl_nominated", _P + b"Connection: content-length\r\nContent-Length: 1\r\n\r\nZ", "reject-400", "9110 7.6.1"),
    Case("te_nominated", _P + b"Connection: Transfer-Encoding\r\n" + _CH[len(_P) :] + _END, "reject-400", "9110 7.6.1"),
    Case("cl_body_is_request", _length(b" 28", _NEXT) + _NEXT, "forward-2", "a body is a body", body=_NEXT),
]

CODINGS = [
    Case("te_identity", _coding(b" identity"), "reject-400", "9112 6.3(4)"),
    Case("te_gzip", _coding(b" gzip"), "reject-400", "9112 6.3(4): chunked is not the last"),
    Case("te_chunked_gzip", _coding(b" chunked, gzip"), "reject-400", "9112 6.3(4)"),
    Case("te_identity_chunked", _coding(b" identity, chunked"), "reject-501", "9112 6.1: an unknown coding"),
    Case("te_trailing_comma", _coding(b" chunked,"), "reject-400", "an empty element (policy)"),
    Case("te_two_commas", _coding(b" gzip,,chunked"), "reject-400", "an empty element (policy)"),
    Case("te_quoted", _coding(b' "chunked"'), "reject-400", "a coding is a token"),
    Case("te_single_quoted", _coding(b" 'chunked'"), "reject-400", "' is of tokens: an unknown coding"),
    Case("te_inner_space", _coding(b" chun ked"), "reject-400", "a coding is a token"),
    Case("te_two_words", _coding(b" chunked chunked"), "reject-400", "a coding is a token"),
    Case("te_empty", _coding(b""), "reject-400", "9112 6.3(4)"),
    Case("te_nul", _coding(b" chunked\x00"), "reject-400", "9110 5.5"),
    Case("te_form_feed", _coding(b" \x0cchunked"), "reject-400", "strip() takes it for space"),
    Case("te_nbsp", _coding(b" \xa0chunked"), "reject-400", "str.strip() takes U+00A0 for space"),
    Case("te_kelvin", _coding(b" chun\xe2\x84\xaaed"), "reject-400", "U+212A is k in lower case"),
    Case("te_bare_cr", _coding(b" chunked\r"), "reject-400", "9112 2.2"),
    Case("te_lf_before", _coding(b"\nchunked"), "reject-400", "9112 2.2"),
    Case("te_colon_twice", _coding(b": chunked"), "reject-400", "a value that begins with a colon"),
    Case("te_fold_after", _coding(b" chunked\r\n\tx"), "reject-400", "9112 5.2"),
    Case("te_fold_empty", _coding(b" chunked\r\n "), "reject-400", "9112 5.2"),
    Case("te_two_fields", _P + b"Transfer-Encoding: identity\r\n" + _CH[len(_P) :] + _END, "reject-400", "TE.TE"),
    Case("te_two_fields_x", _P + b"Transfer-Encoding: x\r\n" + _CH[len(_P) :] + _END, "reject-400", "TE.TE"),
    Case("te_name_tab", _P + b"Transfer-Encoding\t: chunked\r\n\r\n" + _END, "reject-400", "9112 5.1"),
    Case("te_name_space_before", _P + b"X: 1\r\n Transfer-Encoding: chunked\r\n\r\n" + _END, "reject-400", "9112 5.2"),
    Case("te_name_nul", _P + b"Transfer-Encoding\x00: chunked\r\n\r\n" + _END, "reject-400", "9110 5.1"),
    Case("te_name_high", _P + b"Transfer-Encoding\xff: chunked\r\n\r\n" + _END, "reject-400", "9110 5.1"),
    Case("te_after_bare_lf", _P + b"X: 1\nTransfer-Encoding: chunked\r\n\r\n" + _END, "reject-400", "9112 2.2"),
    Case("te_after_bare_cr", _P + b"X: 1\rTransfer-Encoding: chunked\r\n\r\n" + _END, "reject-400", "9112 2.2"),
    Case(
        "te_http10_cl",
        _length(b" 5", _END).replace(b"1.1\r\nHost", b"1.0\r\nTransfer-Encoding: chunked\r\nHost"),
        "reject-400",
        "9112 6.1",
    ),
    Case("te_tab", _coding(b"\tchunked"), "forward", "OWS", body=b"Z"),
    Case("te_space_after", _coding(b" Chunked \t"), "forward", "OWS; no case", body=b"Z"),
    Case("te_get", _coding(b" chunked").replace(b"POST", b"GET"), "forward", "a GET with a body", body=b"Z"),
    Case("te_delete", _coding(b" chunked").replace(b"POST", b"DELETE"), "forward", "9110 9.3.5", body=b"Z"),
]


def _chunks(raw: bytes) -> bytes:
    return _CH + raw


CHUNKS = [
    Case("chunk_plus", _chunks(b"+1\r\nZ\r\n" + _END), "reject-400", "9112 7.1: 1*HEXDIG"),
    Case("chunk_0X", _chunks(b"0X1\r\nZ\r\n" + _END), "reject-400", "9112 7.1"),
    Case("chunk_x", _chunks(b"x1\r\nZ\r\n" + _END), "reject-400", "9112 7.1"),
    Case("chunk_h", _chunks(b"1h\r\nZ\r\n" + _END), "reject-400", "9112 7.1"),
    Case("chunk_comma", _chunks(b"1,1\r\nZ\r\n" + _END), "reject-400", "9112 7.1"),
    Case("chunk_point", _chunks(b"1.0\r\nZ\r\n" + _END), "reject-400", "9112 7.1"),
    Case("chunk_unicode_digit", _chunks(b"\xd9\xa1\r\nZ\r\n" + _END), "reject-400", "int() takes U+0661"),
    Case("chunk_quoted", _chunks(b'"1"\r\nZ\r\n' + _END), "reject-400", "9112 7.1"),
    Case("chunk_nul", _chunks(b"1\x00\r\nZ\r\n" + _END), "reject-400", "a C string ends there"),
    Case("chunk_tab_after", _chunks(b"1\t\r\nZ\r\n" + _END), "reject-400", "BWS stands before ; only"),
    Case("chunk_two_cr", _chunks(b"1\r\r\nZ\r\n" + _END), "reject-400", "9112 2.2"),
    Case("chunk_crlf_before", _chunks(b"\r\n1\r\nZ\r\n" + _END), "reject-400", "9112 7.1"),
    Case("chunk_lf_size", _chunks(b"1\nZ\r\n" + _END), "reject-400", "9112 2.2 is of heads; erratum 7633"),
    Case("chunk_data_short", _chunks(b"5\r\nABC\r\n" + _END), "reject-400", "the size ends within what follows"),
    Case("chunk_data_long", _chunks(b"3\r\nABCD\r\n" + _END), "reject-400", "no CRLF where the data ends"),
    Case("chunk_no_crlf", _chunks(b"1\r\nZ" + _END), "reject-400", "no CRLF where the data ends"),
    Case("chunk_data_cr", _chunks(b"1\r\nZ\r" + _END), "reject-400", "half a CRLF"),
    Case("chunk_last_twice", _chunks(b"1\r\nZ\r\n0\r\n" + _END), "reject-400", "0 is no trailer field"),
    Case("chunk_last_lf", _chunks(b"1\r\nZ\r\n0\r\n\n"), "reject-400", "half a CRLF"),
    Case("chunk_last_two_cr", _chunks(b"0\r\n\r\r\n"), "reject-400", "9112 2.2"),
    Case("chunk_17_digits", _chunks(b"10000000000000001\r\nZ\r\n" + _END), "reject-413", "2**64 + 1 wraps to 1"),
    Case("chunk_9_digits", _chunks(b"100000001\r\nZ\r\n" + _END), "reject-413", "2**32 + 1 wraps to 1"),
    Case("chunk_16_f", _chunks(b"ffffffffffffffff\r\nZ\r\n" + _END), "reject-413", "-1 of 64 bits"),
    Case("chunk_21_digits", _chunks(b"0" * 20 + b"1\r\nZ\r\n" + _END), "reject-400", "more digits than any (policy)"),
    Case(
        "chunk_sum", _chunks(b"1\r\nZ\r\n3fffffff\r\n" + b"A" * 9 + b"\r\n40000000\r\n"), "incomplete", "413 when seen"
    ),
    Case("chunk_endless_digits", _chunks(b"0" * 5_000), "reject-400", "no end of digits is awaited"),
    Case("chunk_ext_bare_cr", _chunks(b"1;a\rb\r\nZ\r\n" + _END), "reject-400", "9112 2.2"),
    Case("chunk_ext_bare_lf", _chunks(b"1;a\nZ\r\n" + _END), "reject-400", "CVE-2024-52304's kind"),
    Case("chunk_ext_crlf_quoted", _chunks(b'1;a="\r\nZ\r\n' + _END), "reject-400", "a quoted line end"),
    Case("chunk_ext_cr_quoted", _chunks(b'1;a="\rb"\r\nZ\r\n' + _END), "reject-400", "9112 2.2"),
    Case("chunk_ext_no_end", _chunks(b'1;a="b\r\nZ\r\n' + _END), "reject-400", "an open quote"),
    Case("chunk_ext_no_name", _chunks(b"1;\r\nZ\r\n" + _END), "reject-400", "9112 7.1.1 (policy)"),
    Case("chunk_ext_no_value", _chunks(b"1;a=\r\nZ\r\n" + _END), "reject-400", "9112 7.1.1 (policy)"),
    Case("chunk_ext_space_after", _chunks(b"1;a \r\nZ\r\n" + _END), "reject-400", "BWS stands before ; and = only"),
    Case("chunk_ext_del", _chunks(b"1;a=\x7f\r\nZ\r\n" + _END), "reject-400", "9112 7.1.1"),
    Case("chunk_ext_no_semicolon", _chunks(b"1 a=b\r\nZ\r\n" + _END), "reject-400", "9112 7.1.1"),
    Case("chunk_ext_sum", _chunks(b"1;abcdefg\r\nZ\r\n" * 600), "reject-400", "bounded in all, not by chunk"),
    Case("chunk_ext_long", _chunks(b"1;" + b"a" * 5_000), "reject-400", "no end of an extension is awaited"),
    Case(
        "chunk_ext_spaces",
        _chunks(b'1 ;\ta = "b" ; c\r\nZ\r\n' + _END),
        "forward",
        "BWS",
        body=b"Z",
        lacks=(b"c\r\nZ",),
    ),
    Case(
        "chunk_ext_quoted_pair",
        _chunks(b'1;a="\\";\\\\"\r\nZ\r\n' + _END),
        "forward",
        "7.1.1",
        body=b"Z",
        lacks=(b'"',),
    ),
    Case("chunk_ext_high", _chunks(b'1;a="\xff"\r\nZ\r\n' + _END), "forward", "obs-text", body=b"Z", lacks=(b"\xff",)),
    Case("chunk_ext_last", _chunks(b"1\r\nZ\r\n0;a=b\r\n\r\n"), "forward", "dropped", body=b"Z", lacks=(b"a=b",)),
    Case("chunk_hex_lower", _chunks(b"a\r\n0123456789\r\n" + _END), "forward", "HEXDIG", body=b"0123456789"),
    Case("chunk_hex_upper", _chunks(b"0A\r\n0123456789\r\n" + _END), "forward", "HEXDIG", body=b"0123456789"),
    Case("chunk_last_zeros", _chunks(b"1\r\nZ\r\n0000\r\n\r\n"), "forward", '1*"0"', body=b"Z", lacks=(b"0000",)),
    Case("chunk_crlf_data", _chunks(b"5\r\n\r\n0\r\n\r\n" + _END), "forward", "data is data", body=b"\r\n0\r\n"),
    Case("chunk_empty", _chunks(_END), "forward", "no content", body=b""),
    Case("chunk_then_next", _chunks(b"1\r\nZ\r\n" + _END) + _NEXT, "forward-2", "9112 9.3.2", body=b"Z"),
    Case("chunk_then_chunk", (_chunks(b"1\r\nZ\r\n" + _END)) * 3, "forward-3", "9112 9.3.2", body=b"Z"),
    Case("chunk_eof_size", _chunks(b"5"), "incomplete", "9112 8"),
    Case("chunk_eof_ext", _chunks(b"5;a"), "incomplete", "9112 8"),
    Case("chunk_eof_data", _chunks(b"5\r\nABC"), "incomplete", "9112 8"),
    Case("chunk_eof_last", _chunks(b"1\r\nZ\r\n0\r\n\r"), "incomplete", "9112 8"),
]

TRAILERS = [
    Case("trailer_kept", _chunks(b"1\r\nZ\r\n0\r\nX-Sum:  1 \r\n\r\n"), "forward", "9110 6.5.1", body=b"Z",
         trailers=b"X-Sum: 1\r\n"),
    Case("trailer_two", _chunks(b"0\r\nX-A: 1\r\nX-A: 2\r\n\r\n"), "forward", "in order",
         trailers=b"X-A: 1\r\nX-A: 2\r\n"),
    Case("trailer_digest", _chunks(b"0\r\nContent-Digest: x\r\n\r\n"), "forward", "RFC 9530",
         trailers=b"Content-Digest: x\r\n"),
    Case("trailer_forbidden", _chunks(b"1\r\nZ\r\n0\r\n" + _FORBIDDEN_TRAILERS + b"\r\n"), "forward", "9110 6.5.1",
         trailers=b""),
    Case("trailer_some", _chunks(b"0\r\nHost: x\r\nX-Sum: 1\r\nCookie: x\r\n\r\n"), "forward", "9110 6.5.1",
         trailers=b"X-Sum: 1\r\n"),
    Case("trailer_nominated", _P + b"Connection: x-hop\r\n" + _CH[len(_P) :] + b"0\r\nX-Hop: 1\r\nX-Sum: 1\r\n\r\n",
         "forward", "9110 7.6.1", trailers=b"X-Sum: 1\r\n"),
    Case("trailer_announced", _P + b"Trailer: X-Sum, Host,\r\n" + _CH[len(_P) :] + b"0\r\nX-Sum: 1\r\n\r\n", "forward",
         "9110 6.6.2: without what is forbidden", trailers=b"X-Sum: 1\r\n", lines=(b"trailer: x-sum",)),
    Case("trailer_announced_cl", _P + b"Trailer: X-Sum\r\nContent-Length: 1\r\n\r\nZ", "forward", "none can come",
         lacks=(b"Trailer",)),
    Case("trailer_then_next", _chunks(b"0\r\nX-Sum: 1\r\n\r\n") + _NEXT, "forward-2", "9112 9.3.2",
         trailers=b"X-Sum: 1\r\n"),
    Case("trailer_length_case", _chunks(b"0\r\nCONTENT-LENGTH: 1\r\n\r\n"), "reject-400", "framing (policy)"),
    Case("trailer_coding_second", _chunks(b"0\r\nX: 1\r\ntransfer-encoding: x\r\n\r\n"), "reject-400",
         "framing (policy)"),
    Case("trailer_length_space", _chunks(b"0\r\nContent-Length : 1\r\n\r\n"), "reject-400", "9112 5.1"),
    Case("trailer_fold", _chunks(b"0\r\nX: 1\r\n 2\r\n\r\n"), "reject-400", "9112 5.2"),
    Case("trailer_fold_first", _chunks(b"0\r\n X: 1\r\n\r\n"), "reject-400", "9112 5.2"),
    Case("trailer_nul", _chunks(b"0\r\nX: \x00\r\n\r\n"), "reject-400", "9110 5.5"),
    Case("trailer_bare_cr", _chunks(b"0\r\nX: a\rb\r\n\r\n"), "reject-400", "9112 2.2"),
    Case("trailer_no_name", _chunks(b"0\r\n: 1\r\n\r\n"), "reject-400", "9110 5.1"),
    Case("trailer_high_name", _chunks(b"0\r\nX\xe9: 1\r\n\r\n"), "reject-400", "9110 5.1"),
    Case("trailer_101_fields", _chunks(b"0\r\n" + b"X: 1\r\n" * 101 + b"\r\n"), "reject-431", "bounded"),
    Case("trailer_17_kib", _chunks(b"0\r\nX: " + b"a" * 17_000), "reject-431", "no end of a field is awaited"),
    Case("trailer_eof", _chunks(b"0\r\nX: 1\r\n"), "incomplete", "9112 8"),
]  # fmt: skip

CASES = [*LENGTHS, *CODINGS, *CHUNKS, *TRAILERS]
