"""Requests that two readers might take differently, or that a proxy must change: their lines, fields and order.

As ``cases_requests.py``, which has how bodies are delimited.
"""

from tests.kit.http_judge import Case

_G = b"GET /p HTTP/1.1\r\nHost: a\r\n"
_P = b"POST /p HTTP/1.1\r\nHost: a\r\n"
_NEXT = b"GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"


def _line(raw: bytes) -> bytes:
    return raw + b"\r\nHost: a\r\n\r\n"


def _host(value: bytes) -> bytes:
    return b"GET /p HTTP/1.1\r\nHost:" + value + b"\r\n\r\n"


def _with(fields: bytes) -> bytes:
    return _G + fields + b"\r\n\r\n"


LINES = [
    Case("line_http09", b"GET /p\r\n\r\n", "reject-400", "9112 C.1: no HTTP/0.9"),
    Case("line_no_version", _line(b"GET /p "), "reject-400", "9112 3"),
    Case("line_version_1_2", _line(b"GET /p HTTP/1.2"), "reject-400", "an unknown minor version (policy)"),
    Case("line_version_2", _line(b"GET /p HTTP/2.0"), "reject-400", "9110 15.6.6 (400 as well)"),
    Case("line_version_1_01", _line(b"GET /p HTTP/1.01"), "reject-400", "9112 2.3: DIGIT.DIGIT"),
    Case("line_version_comma", _line(b"GET /p HTTP/1,1"), "reject-400", "9112 2.3"),
    Case("line_version_space", _line(b"GET /p HTTP/ 1.1"), "reject-400", "9112 2.3"),
    Case("line_preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "reject-400", "RFC 9113 3.4: HTTP/2 unasked"),
    Case("line_two_versions", _line(b"GET /p HTTP/1.1 HTTP/1.1"), "reject-400", "9112 3"),
    Case("line_space_before", _line(b" GET /p HTTP/1.1"), "reject-400", "9112 3"),
    Case("line_nul_before", _line(b"\x00GET /p HTTP/1.1"), "reject-400", "9112 3"),
    Case("line_lf_before", _line(b"\nGET /p HTTP/1.1"), "reject-400", "9112 2.2 (policy)"),
    Case("line_cr_before", _line(b"\rGET /p HTTP/1.1"), "reject-400", "9112 2.2"),
    Case("line_four_empty", b"\r\n" * 4 + _with(b"X: 1"), "forward", "9112 2.2: at least one", target=b"/p"),
    Case("line_five_empty", b"\r\n" * 5 + _with(b"X: 1"), "reject-400", "bounded"),
    Case("line_vertical_tab", _line(b"GET\x0b/p\x0bHTTP/1.1"), "reject-400", "9112 3: MAY, this one does not"),
    Case("line_bare_cr", _line(b"GET /p\rHTTP/1.1"), "reject-400", "9112 3: MAY, this one does not"),
    Case("line_nbsp", _line(b"GET\xa0/p\xa0HTTP/1.1"), "reject-400", "str.split() takes it for space"),
    Case("method_lower", _line(b"get /p HTTP/1.1"), "forward", "9110 9.1: another method", target=b"/p"),
    Case("method_unknown", _line(b"BREW /p HTTP/1.1"), "forward", "9110 9.1", target=b"/p"),
    Case("method_symbols", _line(b"!#$%&'*+-.^_`|~9 /p HTTP/1.1"), "forward", "a token", target=b"/p"),
    Case("method_empty", _line(b" /p HTTP/1.1"), "reject-400", "9112 3"),
    Case("method_colon", _line(b"GE:T /p HTTP/1.1"), "reject-400", "9110 9.1"),
    Case("method_nul", _line(b"GE\x00T /p HTTP/1.1"), "reject-400", "9110 9.1"),
    Case("method_high", _line(b"G\xc9T /p HTTP/1.1"), "reject-400", "9110 9.1"),
    Case("method_33", _line(b"A" * 33 + b" /p HTTP/1.1"), "reject-400", "bounded"),
    Case("method_endless", b"A" * 40, "reject-400", "no end of a method is awaited"),
    Case("method_trace", _line(b"TRACE /p HTTP/1.1"), "reject-405", "tells a client's cookies back"),
    Case("method_connect_origin", _line(b"CONNECT /p HTTP/1.1"), "reject-405", "9112 3.2.3"),
    Case("target_fragment", _line(b"GET /p#f HTTP/1.1"), "reject-400", "9112 3.2"),
    Case("target_space", _line(b"GET /a b HTTP/1.1"), "reject-400", "9112 3.2"),
    Case("target_nul", _line(b"GET /p\x00 HTTP/1.1"), "reject-400", "9112 3.2"),
    Case("target_query_only", _line(b"GET ?x=1 HTTP/1.1"), "reject-400", "9112 3.2.1"),
    Case("target_star_path", _line(b"OPTIONS */p HTTP/1.1"), "reject-400", "9112 3.2.4"),
    Case("target_backslash_first", _line(b"GET \\p HTTP/1.1"), "reject-400", "9112 3.2"),
    Case("target_escaped_first", _line(b"GET %2Fp HTTP/1.1"), "reject-400", "9112 3.2"),
    Case("target_endless", b"GET /" + b"a" * 17_000, "reject-414", "no end of a target is awaited"),
    Case("target_two_slashes", _line(b"GET //x/p HTTP/1.1"), "forward", "a path", target=b"//x/p", host=b"a"),
    Case("target_escapes", _line(b"GET /%0d%0aX:1/%zz HTTP/1.1"), "forward", "as it is", target=b"/%0d%0aX:1/%zz"),
    Case(
        "target_semicolon", _line(b"GET /p;/../x?a=/../b HTTP/1.1"), "forward", "as it is", target=b"/p;/../x?a=/../b"
    ),
    Case(
        "target_url_in_query", _line(b"GET /?u=http://b/#x".replace(b"#", b"%23") + b" HTTP/1.1"), "forward", "a path"
    ),
    Case("target_star", _line(b"OPTIONS * HTTP/1.1"), "forward", "9112 3.2.4", target=b"*"),
    Case("target_star_10", b"OPTIONS * HTTP/1.0\r\n\r\n", "forward-close", "9112 3.2.4", target=b"*"),
    Case("absolute_query", _line(b"GET http://a?x=1 HTTP/1.1"), "forward", "9112 3.2.1", target=b"/?x=1", host=b"a"),
    Case(
        "absolute_upper", _line(b"GET HTTP://A/p HTTP/1.1"), "forward", "a scheme has no case", target=b"/p", host=b"A"
    ),
    Case("absolute_https", _line(b"GET https://b:8/p HTTP/1.1"), "forward", "9112 3.2.2", target=b"/p", host=b"b:8"),
    Case("absolute_options", _line(b"OPTIONS http://a/ HTTP/1.1"), "forward", "not *", target=b"/"),
    Case("absolute_ipv6", _line(b"GET http://[::1]/p HTTP/1.1"), "forward", "9110 4.2", host=b"[::1]"),
    Case("absolute_10", b"GET http://b/p HTTP/1.0\r\n\r\n", "forward-close", "9112 3.2.2", target=b"/p", host=b"b"),
    Case("absolute_no_host", b"GET http://a/p HTTP/1.1\r\n\r\n", "reject-400", "9112 3.2: Host all the same"),
    Case("absolute_empty_host", _line(b"GET http:///p HTTP/1.1"), "reject-400", "9110 4.2.1"),
    Case("absolute_one_slash", _line(b"GET http:/a/p HTTP/1.1"), "reject-400", "9112 3.2.2"),
    Case("absolute_ftp", _line(b"GET ftp://a/p HTTP/1.1"), "reject-400", "another scheme"),
    Case("absolute_ws", _line(b"GET ws://a/p HTTP/1.1"), "reject-400", "another scheme"),
    Case("absolute_user", _line(b"GET http://b@a/p HTTP/1.1"), "reject-400", "9110 4.2.4: which is the host?"),
    Case("absolute_escaped_at", _line(b"GET http://a%40b/p HTTP/1.1"), "forward", "one host", host=b"a%40b"),
    Case("absolute_backslash", _line(b"GET http://a\\@b/p HTTP/1.1"), "reject-400", "browsers read / there"),
    Case("absolute_fragment", _line(b"GET http://a/p#f HTTP/1.1"), "reject-400", "9112 3.2.2"),
    Case("absolute_port", _line(b"GET http://a:99999/p HTTP/1.1"), "reject-400", "9110 4.2"),
    Case("absolute_two_ports", _line(b"GET http://a:1:2/p HTTP/1.1"), "reject-400", "9110 4.2"),
    Case("absolute_zone", _line(b"GET http://[fe80::1%25e]/p HTTP/1.1"), "reject-400", "RFC 9844: not on the wire"),
]

HOSTS = [
    Case("host_missing", b"GET /p HTTP/1.1\r\n\r\n", "reject-400", "9112 3.2 MUST"),
    Case("host_missing_10", b"GET /p HTTP/1.0\r\n\r\n", "forward-close", "9112 3.2: of 1.1 alone", target=b"/p"),
    Case("host_empty", _host(b""), "reject-400", "9110 7.2 (policy)"),
    Case("host_two", _host(b" a\r\nHost: b"), "reject-400", "9112 3.2 MUST"),
    Case("host_two_10", _host(b" a\r\nHost: b").replace(b"1.1", b"1.0"), "reject-400", "9112 3.2 MUST"),
    Case("host_list", _host(b" a, b"), "reject-400", "9110 7.2"),
    Case("host_comma", _host(b" a,b"), "reject-400", "a list to some"),
    Case("host_space", _host(b" a b"), "reject-400", "9110 7.2"),
    Case("host_user", _host(b" b@a"), "reject-400", "9110 7.2"),
    Case("host_scheme", _host(b" http://a"), "reject-400", "9110 7.2"),
    Case("host_query", _host(b" a?b"), "reject-400", "9110 7.2"),
    Case("host_fragment", _host(b" a#b"), "reject-400", "9110 7.2"),
    Case("host_backslash", _host(b" a\\b"), "reject-400", "9110 7.2"),
    Case("host_high", _host(b" a\xc3\xa9"), "reject-400", "9110 7.2"),
    Case("host_nul", _host(b" a\x00.b"), "reject-400", "a C string ends there"),
    Case("host_port_sign", _host(b" a:+80"), "reject-400", "9110 7.2"),
    Case("host_port_65536", _host(b" a:65536"), "reject-400", "no such port"),
    Case("host_two_ports", _host(b" a:80:81"), "reject-400", "9110 7.2"),
    Case("host_port_alone", _host(b" :80"), "reject-400", "9110 7.2"),
    Case("host_bare_ipv6", _host(b" ::1"), "reject-400", "9110 7.2: in brackets"),
    Case("host_open_ipv6", _host(b" [::1"), "reject-400", "9110 7.2"),
    Case("host_name_space", b"GET /p HTTP/1.1\r\nHost : a\r\n\r\n", "reject-400", "9112 5.1"),
    Case("host_empty_port", _host(b" a:"), "forward", "9110 4.2.3: port = *DIGIT", host=b"a:"),
    Case("host_no_space", _host(b"a:80"), "forward", "OWS", host=b"a:80"),
]

FIELDS = [
    Case("field_nul_name", _with(b"X\x00: 1"), "reject-400", "9110 5.1"),
    Case("field_cr_name", _with(b"X\rY: 1"), "reject-400", "9112 2.2"),
    Case("field_high_name", _with(b"X\xe9: 1"), "reject-400", "9110 5.1"),
    Case("field_tab_name", _with(b"X\t: 1"), "reject-400", "9112 5.1"),
    Case("field_paren_name", _with(b"X(1): 1"), "reject-400", "9110 5.1"),
    Case("field_quote_name", _with(b'"X": 1'), "reject-400", "9110 5.1"),
    Case("field_slash_name", _with(b"X/Y: 1"), "reject-400", "9110 5.1"),
    Case("field_vt", _with(b"X: a\x0bb"), "reject-400", "9110 5.5"),
    Case("field_ff", _with(b"X: a\x0cb"), "reject-400", "9110 5.5"),
    Case("field_del", _with(b"X: a\x7f"), "reject-400", "9110 5.5"),
    Case("field_esc", _with(b"X: \x1b[2J"), "reject-400", "9110 5.5; terminals obey it"),
    Case("field_bare_lf", _with(b"X: 1\nY: 2"), "reject-400", "9112 2.2 (policy)"),
    Case("field_lf_cr", _with(b"X: 1\n\rY: 2"), "reject-400", "9112 2.2"),
    Case("field_fold_tab", _with(b"X: 1\r\n\t2"), "reject-400", "9112 5.2"),
    Case("field_fold_blank", _with(b"X: 1\r\n "), "reject-400", "9112 5.2"),
    Case("field_fold_colon", _with(b"X: 1\r\n Y: 2"), "reject-400", "9112 5.2"),
    Case("field_101", _with(b"\r\n".join([b"X: 1"] * 100)), "reject-431", "RFC 6585 5"),
    Case("field_33_kib", _with(b"X: " + b"a" * 33_000), "reject-431", "RFC 6585 5"),
    Case("field_endless", _G + b"X: " + b"a" * 33_000, "reject-431", "no end of a field is awaited"),
    Case("field_100", _with(b"\r\n".join([b"X: 1"] * 99)), "forward", "as many as may", lines=(b"x: 1",)),
    Case("field_empty", _with(b"X-A:"), "forward", "9110 5.5", lines=(b"x-a: ",)),
    Case("field_blank", _with(b"X-A: \t "), "forward", "OWS", lines=(b"x-a: ",)),
    Case("field_tab_inside", _with(b"X-A: a\tb"), "forward", "9110 5.5", lines=(b"x-a: a\tb",)),
    Case("field_high", _with(b"X-A: caf\xe9"), "forward", "obs-text", lines=(b"x-a: caf\xe9",)),
    Case("field_colon", _with(b"X-A: :b:c"), "forward", "of the value", lines=(b"x-a: :b:c",)),
    Case("field_symbols", _with(b"!#$%&'*+-.^_`|~: 1"), "forward", "a token", lines=(b"!#$%&'*+-.^_`|~: 1",)),
    Case("field_twice", _with(b"X-A: 1\r\nX-A: 2"), "forward", "9110 5.3", lines=(b"x-a: 1", b"x-a: 2")),
    Case("field_underscore", _with(b"X_Camera: 1"), "forward", "a name like any", lines=(b"x_camera: 1",)),
    Case("field_xff_underscore", _with(b"X_Forwarded_For: 1.2.3.4"), "reject-400", "CGI folds it (policy)"),
    Case("field_shadow", _with(b"X-Sidecar-Shadow: evil"), "forward", "of copies alone"),
    Case("field_xfh", _with(b"X-Forwarded-Host: evil\r\nX-Forwarded-Proto: evil"), "forward", "of nobody trusted",
         lines=(b"x-forwarded-host: a", b"x-forwarded-proto: http")),
]  # fmt: skip

HOPS = [
    Case("conn_cookie", _with(b"Connection: cookie\r\nCookie: c=1"), "reject-400", "9110 7.6.1 (policy)"),
    Case("conn_authorization", _with(b"Connection: authorization"), "reject-400", "takes a field from others (policy)"),
    Case("conn_via", _with(b"Connection: via\r\nVia: 1.1 sidecar"), "reject-400", "hides a loop"),
    Case("conn_expect", _with(b"Connection: expect"), "reject-400", "9110 7.6.1 (policy)"),
    Case("conn_malformed", _with(b"Connection: a b"), "reject-400", "9110 7.6.1"),
    Case("conn_quoted", _with(b'Connection: "close"'), "reject-400", "9110 7.6.1"),
    Case("conn_empty_elements", _with(b"Connection: , ,x-a,\r\nX-A: 1"), "forward", "9110 5.6.1", lacks=(b"X-A",)),
    Case("conn_many_lines", _with(b"X-A: 1\r\nConnection: x-b\r\nX-B: 1\r\nConnection: X-A"), "forward", "9110 7.6.1",
         lacks=(b"X-A", b"X-B")),
    Case("conn_itself", _with(b"Connection: connection, x-a\r\nX-A: 1"), "forward", "9110 7.6.1", lacks=(b"X-A",)),
    Case("conn_close_upper", _with(b"Connection: X-A, CLOSE"), "forward-close", "9112 9.6"),
    Case("conn_close_next", _with(b"Connection: close") + _NEXT, "forward-close", "9112 9.6", lacks=(b"/2",)),
    Case("conn_10", b"GET /p HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", "forward-close", "9112 9.3"),
    Case("conn_proxy", _with(b"Proxy-Connection: close"), "forward", "9112 C.2.2"),
    Case("te_field", _with(b"TE: trailers, gzip;q=0.5"), "forward", "9110 10.1.4: of one hop"),
    Case("upgrade_alone", _with(b"Upgrade: websocket"), "forward", "9110 7.8: Connection does not say so"),
    Case("upgrade_other", _with(b"Connection: upgrade\r\nUpgrade: foo/2"), "forward", "9110 7.8 MAY ignore"),
    Case("upgrade_list", _with(b"Connection: upgrade\r\nUpgrade: h2c, websocket"), "forward", "as above (policy)"),
    Case("upgrade_tls", _with(b"Connection: upgrade\r\nUpgrade: TLS/1.2, HTTP/1.1"), "forward", "as above"),
    Case("upgrade_post", _P + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n", "forward", "RFC 6455 4.1: a GET"),
    Case("upgrade_body", _with(b"Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 3") + b"abc", "forward",
         "no body before frames", body=b"abc"),
    Case("upgrade_10", _with(b"Connection: upgrade\r\nUpgrade: websocket").replace(b"1.1\r", b"1.0\r"), "forward-close",
         "9110 7.8: ignored in 1.0"),
    Case("expect_unknown", _P + b"Expect: tea\r\nContent-Length: 1\r\n\r\nZ", "reject-417", "9110 10.1.1"),
    Case("expect_twice", _P + b"Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nZ",
         "reject-417",
         "(policy)"),
    Case("expect_body", _P + b"Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nZ", "forward", "10.1.1", body=b"Z",
         lacks=(b"100-",)),
    Case("expect_chunked", _P + b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nZ\r\n0\r\n\r\n",
         "forward",
         "10.1.1", body=b"Z"),
    Case("expect_no_body", _with(b"Expect: 100-continue"), "forward", "10.1.1: nothing to wait for"),
    Case("max_forwards_star", b"OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n", "respond", "9110 7.6.2"),
    Case("max_forwards_zeros", b"OPTIONS /p HTTP/1.1\r\nHost: a\r\nMax-Forwards: 000\r\n\r\n", "respond", "9110 7.6.2"),
    Case("max_forwards_get", _with(b"Max-Forwards: 0"), "forward", "7.6.2 MAY ignore", lines=(b"max-forwards: 0",)),
    Case("max_forwards_sign", _with(b"Max-Forwards: -1"), "reject-400", "9110 7.6.2: 1*DIGIT"),
    Case("max_forwards_two", _with(b"Max-Forwards: 0\r\nMax-Forwards: 5"), "reject-400", "9110 7.6.2: one"),
    Case("via_loop_10", _with(b"Via: 1.0 sidecar"), "reject-508", "9110 7.6.3"),
    Case("via_loop_upper", _with(b"Via: 1.1 SideCar (x)"), "reject-508", "9110 7.6.3: a host has no case"),
    Case("via_loop_middle", _with(b"Via: 1.1 a, HTTP/1.1\tsidecar , 1.1 b"), "reject-508", "9110 7.6.3"),
    Case("via_loop_second", _with(b"Via: 1.1 a\r\nVia: 1.1 sidecar"), "reject-508", "9110 5.3: one list"),
    Case("via_other", _with(b"Via: 1.1 edge\r\nVia: 1.0 sidecar2"), "forward", "9110 7.6.3",
         lines=(b"via: 1.1 edge, 1.0 sidecar2, 1.1 sidecar",)),
    Case("via_10", b"GET /p HTTP/1.0\r\nHost: a\r\n\r\n", "forward-close", "as it was received",
         lines=(b"via: 1.0 sidecar",)),
]  # fmt: skip

ORDER = [
    Case("pipeline_bodies", (_P + b"Content-Length: 3\r\n\r\nabc") * 3 + _NEXT, "forward-4", "9112 9.3.2", body=b"abc"),
    Case("pipeline_bad_length", _with(b"X: 1") + _P + b"Content-Length: +1\r\n\r\nZ", "forward-then-reject",
         "9112 9.3.2"),
    Case("pipeline_bad_chunk", _with(b"X: 1") + _P + b"Transfer-Encoding: chunked\r\n\r\nx\r\n", "forward-then-reject",
         "9112 7.1"),
    Case("pipeline_surplus", _P + b"Content-Length: 3\r\n\r\nabcX" + _NEXT, "forward-2", "XGET is a method",
         body=b"abc"),
    Case("pipeline_empty_line", _P + b"Content-Length: 3\r\n\r\nabc\r\n" + _NEXT, "forward-2", "9112 2.2", body=b"abc"),
    Case("pipeline_10", b"GET /1 HTTP/1.0\r\n\r\n" + _NEXT, "forward-close", "9112 9.3", lacks=(b"/2",)),
    Case("eof_line", b"GET /p HTTP/1.1", "incomplete", "9112 8"),
    Case("eof_field", _G + b"X: 1", "incomplete", "9112 8"),
    Case("eof_head", _G, "incomplete", "9112 8"),
    Case("eof_body", _P + b"Content-Length: 5\r\n\r\nABCD", "incomplete", "9112 8"),
    Case("eof_no_body", _P + b"Content-Length: 5\r\n\r\n", "incomplete", "9112 8"),
]  # fmt: skip

CASES = [*LINES, *HOSTS, *FIELDS, *HOPS, *ORDER]
