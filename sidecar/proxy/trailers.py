"""Trailer fields (RFC 9110, 6.5): which of them pass, and their announcement. Pure, and asked only where there are any.

Trailers stay trailers: they are never merged into a head, and a message that is not chunked has none.
"""

from __future__ import annotations

import re

from sidecar.proxy.fields import WORD

_FORBIDDEN = frozenset(
    (
        # framing, hop-by-hop
        *(b"connection", b"keep-alive", b"te", b"trailer", b"upgrade", b"http2-settings"),
        # routing
        *(b"host", b"forwarded", b"via", b"max-forwards", b"x-real-ip", b"origin", b"referer", b"alt-svc"),
        # who asks
        *(b"authorization", b"authentication-info", b"www-authenticate", b"cookie", b"set-cookie", b"cookie2"),
        *(b"set-cookie2", b"traceparent", b"tracestate", b"baggage"),
        # what is asked, and how the answer is to be taken
        *(b"expect", b"range", b"accept-ranges", b"cache-control", b"pragma", b"age", b"date", b"expires", b"vary"),
        *(b"location", b"retry-after", b"warning", b"allow", b"refresh", b"link", b"clear-site-data"),
        b"x-http-method-override",
        # the proxy's own
        *(b"x-prediction-id", b"x-sidecar-shadow"),
    )
)
_FORBIDDEN_BEGIN = tuple(b"content- transfer- proxy- x-forwarded- access-control- accept if- sec-".split())
_ALLOWED = frozenset((b"content-digest", b"content-md5"))
_LINE = re.compile(rb"([^:\r\n]+):[ \t]*([^\r\n]*)\r\n")


def passing_trailers(section: bytes) -> bytes:
    """The lines of a well-formed trailer section that may be sent on.

    Left behind is what a recipient might act on before, or as if, it had stood in the head: framing, routing, who asks,
    how to ask, what the content is, and names that pass for such a one with an underscore.

    >>> passing_trailers(b"X-Sum:  1 \\r\\nAuthorization: x\\r\\nContent_Type: y\\r\\n")
    b'X-Sum: 1\\r\\n'
    """
    return b"".join(
        b"%b: %b\r\n" % (name, value.rstrip(b" \t")) for name, value in _LINE.findall(section) if _passes(name)
    )


def without_nominated(lines: bytes, connection: bytes | None) -> bytes:
    """``lines`` but for the fields that the message's Connection field names."""
    if not connection:
        return lines
    nominated = {part.strip(b" \t").lower() for part in connection.split(b",")}
    return b"".join(b"%b: %b\r\n" % line for line in _LINE.findall(lines) if line[0].lower() not in nominated)


def announcement(trailer: bytes | None) -> bytes:
    """A Trailer field with those of the announced names that may pass, or nothing.

    >>> announcement(b"X-Sum, Host"), announcement(b"Host")
    (b'Trailer: X-Sum\\r\\n', b'')
    """
    if not trailer:
        return b""
    names = [name for part in trailer.split(b",") if WORD.fullmatch(name := part.strip(b" \t")) and _passes(name)]
    return b"Trailer: %b\r\n" % b", ".join(names) if names else b""


def accepts_trailers(te: bytes) -> bool:
    """Whether a TE field says that trailers are welcome.

    >>> accepts_trailers(b"gzip;q=0.5, Trailers"), accepts_trailers(b"gzip")
    (True, False)
    """
    return any(part.strip(b" \t").lower() == b"trailers" for part in te.split(b","))


def _passes(name: bytes) -> bool:
    plain = name.lower().replace(b"_", b"-")
    return plain in _ALLOWED or not (plain in _FORBIDDEN or plain.startswith(_FORBIDDEN_BEGIN))
