"""When a call is made again, and what becomes of it where it is not. No I/O; both clients share it."""

from __future__ import annotations

import os
import random
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import httpx2

from sidecar.client.calls import Call
from sidecar.client.errors import ConnectionFailed, error_of
from sidecar.retrying import backoff_s, retry_after_s

T = TypeVar("T")

ATTEMPTS_MAX = 3
BACKOFF_S = 0.1
BACKOFF_S_MAX = 2.0
RETRY_AFTER_S_MAX = 10.0
"""A sidecar that asks for a longer pause is not waited for: the error is raised."""
PASSING = (429, 502, 503, 504)
"""Statuses of faults in passing."""
UNREACHABLE = "is a sidecar running there? base_url, or SIDECAR_URL, names its admin port"
UNTRUSTED = "over https ca_file names who signed its certificate, cert_file and key_file what it demands of you"
"""What a traceback adds to an error; no part of its text, since a program may say better how to tell it the address."""


class Attempts(Generic[T]):
    """One call as it is tried: its ``content`` and ``headers``, the same at each attempt, and how long to wait for the
    next. ``where`` is the address, for errors; ``timeout_s`` bounds each wait, or what the call allows where that is
    longer.

    A call that made twice is as if made once (``Call.is_repeatable``) is tried three times in all; any other only where
    it surely did not reach the sidecar. A slow call that timed out is not made again: the sidecar may be still at work.
    """

    def __init__(
        self, call: Call[T], where: str, timeout_s: float = 0.0, draw: Callable[[], float] = random.random
    ) -> None:
        self.call = call
        self.timeout_s = max(timeout_s, call.timeout_s)
        self.content = call.content
        self.headers = _headers_of(call)
        self._where = where
        self._draw = draw
        self._made = 0

    def after_no_answer(self, error: httpx2.RequestError, *, is_last: bool = False, is_stream: bool = False) -> float:
        """Seconds to wait. Raises ConnectionFailed where it is not tried again: it ``is_last`` anyhow.

        ``is_stream``: what fell silent is not at work on anything, so that it is asked again however slow it may be.
        """
        self._made += 1
        unsent = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)
        too_slow = isinstance(error, httpx2.TimeoutException) and not unsent and self.call.timeout_s > 0
        is_last = is_last or self._made >= ATTEMPTS_MAX or (too_slow and not is_stream)
        if is_last or not (unsent or self.call.is_repeatable):
            failed = ConnectionFailed(f"{self._where}: {_why(error, self.timeout_s)}")
            if unsent:
                failed.add_note(UNREACHABLE)
                if self._where.startswith("https:"):
                    failed.add_note(UNTRUSTED)
            raise failed from error
        return self._backoff_s()

    def after_refusal(self, status: int, headers: Mapping[str, str], body: bytes) -> float:
        """Seconds to wait. Raises the SidecarError of the answer where it is not tried again."""
        self._made += 1
        asked = headers.get("Retry-After")
        # 409 with Retry-After: the first attempt, whose answer was lost, is still at work
        passing = status in PASSING or (status == 409 and asked is not None and self.call.has_key)
        asked_s = 0.0 if asked is None else retry_after_s(asked, time.time(), 2 * RETRY_AFTER_S_MAX)
        is_last = self._made >= ATTEMPTS_MAX or asked_s > RETRY_AFTER_S_MAX
        if is_last or not (passing and self.call.is_repeatable):
            raise error_of(status, body, asked, headers.get("Location"))
        return asked_s + self._backoff_s()  # a little later than asked, so that a fleet does not come back in step

    def begin_anew(self) -> None:
        """It went well for a while: what comes next has all its attempts."""
        self._made = 0

    def _backoff_s(self) -> float:
        return backoff_s(self._made, BACKOFF_S, BACKOFF_S_MAX, self._draw())


def _why(error: httpx2.RequestError, timeout_s: float) -> str:
    """Why there was no answer, in the same words for both clients.

    >>> _why(httpx2.ReadTimeout(""), 10), _why(httpx2.ConnectTimeout(""), 10), _why(httpx2.ReadError("cut off"), 10)
    ('no answer within 10 s', 'no connection within 10 s', 'cut off')
    """
    if isinstance(error, httpx2.TimeoutException):
        unsent = isinstance(error, httpx2.ConnectTimeout | httpx2.PoolTimeout)
        return f"no {'connection' if unsent else 'answer'} within {timeout_s:g} s"
    cause: BaseException | None = error
    while cause is not None:  # asyncio says only that all attempts failed; the first of its causes has the number
        if isinstance(cause, OSError) and type(cause) in (ConnectionRefusedError, OSError) and cause.errno:
            return f"[Errno {cause.errno}] {os.strerror(cause.errno)}"
        cause = cause.__cause__ or cause.__context__
    return str(error) or type(error).__name__


def _headers_of(call: Call[Any]) -> dict[str, str]:
    headers = {} if call.body is None else {"Content-Type": "application/json"}
    if call.has_key:
        headers["Idempotency-Key"] = uuid.uuid4().hex
    if call.if_match is not None:
        headers["If-Match"] = call.if_match if call.if_match.endswith(('"', "*")) else f'"{call.if_match}"'
    return headers
