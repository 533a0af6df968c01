"""Feedback on the data port: a request that is not relayed, but asked of the monitor and answered with its reply.

The body passes as the bytes that came; what it says is the monitor's to judge. Answers of the proxy's own are problem
details (RFC 9457), and pages of the origins that may read answers may read these too.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from math import ceil
from time import monotonic
from typing import TYPE_CHECKING

from sidecar.proxy.allowance import Allowance
from sidecar.proxy.asks import Asks
from sidecar.proxy.head import RequestHead

if TYPE_CHECKING:
    from sidecar.proxy.downstream import Downstream
    from sidecar.proxy.relay import Proxy
    from sidecar.types import ProxySettings

PREFLIGHT_AGE_S = 600
_ALLOW = b"Allow: POST, OPTIONS\r\n"
_JSON = b"application/json"
_REASONS = {413: "Content Too Large"}
"""Phrases of RFC 9110 that Python called otherwise before 3.13."""


class Desk:
    """What all feedback requests of a worker share: the settings of the path, the questions, the bounds."""

    def __init__(self, proxy: Proxy, settings: ProxySettings) -> None:
        self.proxy = proxy
        self.asks = Asks(settings.limits.asks_max)
        self.bytes = 0
        addresses_max = settings.limits.feedback_addresses_max
        self._allowance = Allowance(addresses_max, lambda: proxy.hit("feedback_addresses_max"))
        self.configure(settings)

    def configure(self, settings: ProxySettings) -> None:
        self.limits = settings.limits
        self.path = settings.feedback.path
        self._per_minute = settings.feedback.per_minute
        self._origins = frozenset(origin.encode() for origin in settings.feedback.origins)
        self.asks.open_max = settings.limits.asks_max
        self._allowance.addresses_max = settings.limits.feedback_addresses_max

    def wait_s(self, address: str, now: float) -> float:
        """0 where this address may send feedback now, else the seconds until it may."""
        return self._allowance.wait_s(address, self._per_minute, now) if self._per_minute else 0.0

    def allows(self, origin: bytes | None) -> bool:
        """Whether pages of ``origin`` may read answers."""
        return origin is not None and (b"*" in self._origins or origin in self._origins)

    def cors(self, origin: bytes | None) -> bytes:
        """The fields by which a browser lets a page of ``origin`` read the answer, credentials never among them."""
        if not self._origins:
            return b""
        if b"*" in self._origins:
            fields = b"Access-Control-Allow-Origin: *\r\n"
        elif origin in self._origins:
            fields = b"Vary: Origin\r\nAccess-Control-Allow-Origin: %b\r\n" % origin
        else:
            return b"Vary: Origin\r\n"
        return fields + b"Access-Control-Expose-Headers: Retry-After\r\n"


class Refusal:
    """An answer that was decided before the body came."""

    __slots__ = ("detail", "fields", "status")

    def __init__(self, status: int, detail: str, fields: bytes = b"") -> None:
        self.status = status
        self.detail = detail
        self.fields = fields


class FeedbackStream:
    """One request on the path. Takes a Stream's place in its connection: exactly one answer, in its turn.

    What is refused by its head is answered after its body, so that the connection lives on; at once, and the connection
    closed, where the body is too large or waits to be asked for.
    """

    def __init__(self, desk: Desk, downstream: Downstream, head: RequestHead) -> None:
        self.method = head.method
        self.keep_alive = head.keep_alive
        self._desk = desk
        self._proxy = desk.proxy
        self._downstream = downstream
        self._head = head
        self._origin = head.get(b"origin")
        self._started = monotonic()
        self._chunks: list[bytes] = []
        self._bytes = 0
        self._ended = self._done = False
        self._number = 0
        self._proxy.in_flight += 1
        downstream.deadline = self._started + desk.limits.idle_timeout_s  # for all of the body: it is small
        self._refusal = self._refused_by_head()

    def _refused_by_head(self) -> Refusal | None:
        head, bytes_max = self._head, self._desk.limits.feedback_bytes_max
        if head.length > bytes_max:
            return self._too_large(f"body of {head.length} bytes is over {bytes_max}")
        if head.method == "OPTIONS":
            preflight = head.get(b"access-control-request-method") is not None
            if preflight and not self._desk.allows(self._origin):
                return Refusal(403, "pages of this origin may not send feedback: the setting is feedback.origins")
            return None
        if head.method != "POST":
            return Refusal(405, f"feedback is sent by POST, not {head.method}", _ALLOW)
        wait_s = self._desk.wait_s(self._downstream.client_address(head), self._started)
        if wait_s:
            self._proxy.hit("feedback_per_minute")
            retry = b"Retry-After: %d\r\n" % ceil(wait_s)
            return Refusal(429, "this address has sent as much feedback as it may for now", retry)
        media_types = [value for name, value in head.fields if name == b"content-type"]
        if [value.partition(b";")[0].strip().lower() for value in media_types] != [_JSON]:
            return Refusal(415, "feedback is JSON: Content-Type must be application/json")
        if (head.get(b"content-encoding") or b"identity").lower() != b"identity":
            return Refusal(415, "feedback is sent as it is: no Content-Encoding is known here")
        return None

    def _too_large(self, reason: str) -> Refusal:
        self._proxy.hit("feedback_bytes_max")
        return Refusal(413, reason)

    @property
    def wants_body(self) -> bool:
        """Whether a client that asks before it sends its body is to send it."""
        return self._refusal is None

    def start(self, chunk: bytes, ended: bool) -> None:
        """``chunk`` is what came of the body with the head."""
        refusal, awaited = self._refusal, self._head.expects_continue and not chunk
        if refusal is not None and (refusal.status == 413 or awaited):
            self._ended = ended
            self._refuse(refusal)
        else:
            self.body(chunk, ended)

    def body(self, chunk: bytes, ended: bool) -> None:
        """More of the request's body."""
        self._ended = ended
        if chunk and self._refusal is None:
            desk = self._desk
            if desk.bytes + len(chunk) > desk.limits.feedback_buffer_bytes_max:
                self._unavailable("feedback_buffer_bytes_max", "as much feedback is under way as may be")
                return
            self._chunks.append(chunk)
            self._bytes += len(chunk)
            desk.bytes += len(chunk)
        if not ended:
            return
        if self._refusal is not None:
            self._refuse(self._refusal)
        elif self.method == "OPTIONS":
            self._answer_options()
        else:
            self._ask()

    def _ask(self) -> None:
        asks = self._desk.asks
        if not asks.connected:
            self._unavailable("", "the monitor, which takes feedback, is not there")
        elif asks.full:
            self._unavailable("asks_max", "as much feedback waits for the monitor as may")
        else:
            self._downstream.deadline = monotonic() + self._desk.limits.feedback_timeout_s
            self._number = asks.ask(b"".join(self._chunks), self._on_reply)

    def _on_reply(self, status: int, media_type: str, body: bytes) -> None:
        self._number = 0
        if status:
            retry = b"Retry-After: 1\r\n" if status in (429, 503) else b""
            self._answer(status, b"Content-Type: %b\r\n%b" % (media_type.encode(), retry), body)
        else:
            self._unavailable("", "the monitor was lost before it replied; sent again, feedback counts once")

    def _answer_options(self) -> None:
        fields = _ALLOW
        if self._head.get(b"access-control-request-method") is not None:
            fields += (
                b"Access-Control-Allow-Methods: POST\r\nAccess-Control-Allow-Headers: Content-Type\r\n"
                b"Access-Control-Max-Age: %d\r\n" % PREFLIGHT_AGE_S
            )
        self._answer(200, fields, b"")

    def _unavailable(self, limit: str, detail: str) -> None:
        if limit:
            self._proxy.hit(limit)
        self._refuse(Refusal(503, detail, b"Retry-After: 1\r\n"))

    def _refuse(self, refusal: Refusal, error: str = "") -> None:
        title = _REASONS.get(refusal.status) or HTTPStatus(refusal.status).phrase
        document = {"type": "about:blank", "title": title, "status": refusal.status, "detail": refusal.detail}
        fields = b"Content-Type: application/problem+json\r\n" + refusal.fields
        self._answer(refusal.status, fields, json.dumps(document).encode() + b"\n", error)

    def _answer(self, status: int, fields: bytes, content: bytes, error: str = "") -> None:
        if self._done:
            return
        self._end(status, error)
        fields += b"Cache-Control: no-store\r\n" + self._desk.cors(self._origin)
        self._downstream.reply(status, fields, content, close=not self._ended)

    def _end(self, status: int, error: str) -> None:
        self._done = True
        if self._number:
            self._desk.asks.forget(self._number)
        self._desk.bytes -= self._bytes
        self._chunks.clear()
        self._proxy.in_flight -= 1
        self._proxy.answered(status, error, (monotonic() - self._started) * 1000)

    # -- what the connection tells ---------------------------------------------------------------------------------

    def refuse_body(self, status: int, reason: str) -> None:
        """The body broke its framing or a bound."""
        self._refuse(self._too_large(reason) if status == 413 else Refusal(status, reason), "body")

    def timed_out(self) -> None:
        """The deadline has passed: of the body, or of the monitor's reply."""
        if self._ended:
            self._unavailable("feedback_timeout_s", "the monitor did not reply in time; sent again, it counts once")
        else:
            self._proxy.hit("idle_timeout_s")
            self._refuse(Refusal(408, "the request body did not arrive in time"), "body")

    def pause(self, paused: bool) -> None:
        """The client can't take more for now: an answer of this size is written whole, whatever it takes."""

    def client_lost(self) -> None:
        """The client left. What the monitor was asked it does all the same."""
        if not self._done:
            self._end(0, "client_gone")
