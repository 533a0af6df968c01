"""Heads that came before: what is sent again byte for byte is not parsed again.

A client's requests are mostly alike but for their bodies, and so are a server's answers to them. Parsing is a pure
function of the bytes, the bounds and the proxy's name, so a head that is known under the same bounds is the same head.
It is shared by all who sent it, and nobody changes it.
"""

from __future__ import annotations

from sidecar.proxy.head import RequestHead, ResponseHead, parse_request, parse_response
from sidecar.types import Limits

HEADS_MAX = 256
"""Heads of each kind that are known. Over it all are forgotten: clients whose heads all differ fill it anyway."""
HEAD_BYTES_MAX = 1_024
"""A longer one is parsed each time: 256 of 32 KiB would be memory that a stranger can fill."""


class KnownHeads:
    """The heads of one worker, under ``limits`` and with ``pseudonym`` as the proxy's name in Via."""

    def __init__(self, limits: Limits, pseudonym: bytes = b"sidecar") -> None:
        self._limits = limits
        self._pseudonym = pseudonym
        self._requests: dict[bytes, RequestHead] = {}
        self._responses: dict[tuple[str, bytes], ResponseHead] = {}

    def request(self, block: bytes) -> RequestHead:
        """As ``parse_request``. Raises HeadError."""
        head = self._requests.get(block)
        if head is None:
            head = parse_request(block, self._limits, self._pseudonym)
            if len(block) <= HEAD_BYTES_MAX:
                if len(self._requests) >= HEADS_MAX:
                    self._requests.clear()
                self._requests[block] = head
                head.known = True
        return head

    def response(self, block: bytes, method: str) -> ResponseHead:
        """As ``parse_response``. Raises HeadError."""
        key = method, block
        head = self._responses.get(key)
        if head is None:
            head = parse_response(block, self._limits, method)
            if len(block) <= HEAD_BYTES_MAX:
                if len(self._responses) >= HEADS_MAX:
                    self._responses.clear()
                self._responses[key] = head
                head.known = True
        return head
