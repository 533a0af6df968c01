"""Answers of the proxy's own, as bytes. Pure."""

from __future__ import annotations

import json

from sidecar.proxy.head import status_line

ALLOW = b"Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS\r\n"
RETRY_AFTER_S = 1


def fault(status: int, error: str, detail: str, prediction_id: str = "") -> tuple[bytes, bytes]:
    """(fields, content) of a short answer in JSON; one of 503 may be tried again soon.

    >>> fault(503, "overloaded", "too much")
    (b'Content-Type: application/json\\r\\nRetry-After: 1\\r\\n', b'{"error": "overloaded", "detail": "too much"}\\n')
    """
    fields = b"Content-Type: application/json\r\n"
    if status == 503:
        fields += b"Retry-After: %d\r\n" % RETRY_AFTER_S
    if prediction_id:
        fields += b"X-Prediction-Id: %b\r\n" % prediction_id.encode()
    return fields, json.dumps({"error": error, "detail": detail}).encode() + b"\n"


def whole(status: int, fields: bytes, content: bytes, close: bool, head_only: bool = False) -> bytes:
    """The answer as it is sent; ``head_only`` to HEAD.

    >>> whole(200, ALLOW, b"", True).splitlines()[1:4]
    [b'Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS', b'Content-Length: 0', b'Connection: close']
    """
    last = b"Connection: close\r\n" if close else b""
    head = b"%b%bContent-Length: %d\r\n%b\r\n" % (status_line(status), fields, len(content), last)
    return head if head_only else head + content
