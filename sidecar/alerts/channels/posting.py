"""One guarded POST, as Slack, webhooks and Alertmanager need it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

from sidecar.alerts.channels.address import redacted
from sidecar.alerts.channels.channel import RETRY_AFTER_MAX_S, SendError, passes, said
from sidecar.alerts.channels.targets import Guard, TargetError
from sidecar.retrying import retry_after_s

TIMEOUT_S = 20.0
CONNECT_TIMEOUT_S = 10.0
ANSWER_BYTES_MAX = 1_024
ANSWER_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Request:
    """``quote_answer``: what the receiver says of a failure becomes part of the reason. Only for URLs that the operator
    configured: who may name any URL should not read what stands behind it.
    """

    url: str
    body: bytes
    headers: Mapping[str, str]
    quote_answer: bool = False
    timeout_s: float = TIMEOUT_S


async def post(guard: Guard, request: Request, now: float) -> None:
    """Send it once; any 2xx is success. ``now`` (epoch seconds) is for a Retry-After that is a date. Raises SendError.

    A connection of its own each time, no proxy, cookies, netrc or redirects: alerts are few, and what is not shared
    can't lead elsewhere.
    """
    shown = redacted(request.url)
    try:
        url = guard.check(request.url)
        async with (
            aiohttp.ClientSession(
                connector=guard.connector(url),
                timeout=aiohttp.ClientTimeout(total=request.timeout_s, sock_connect=CONNECT_TIMEOUT_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
            ) as session,
            session.post(url, data=request.body, headers=_headers(request), allow_redirects=False) as response,
        ):
            await _judge(response, request, shown, now)
    except TargetError as error:
        raise SendError(f"{shown} is not called: {error}", passing=False) from None
    except TimeoutError:
        raise SendError(f"{shown} did not answer within {request.timeout_s:g} s", passing=True) from None
    except aiohttp.InvalidURL:
        raise SendError(f"{shown} is no address that can be called", passing=False) from None
    except (aiohttp.ClientError, OSError) as error:
        raise SendError(f"{shown} {_trouble(error)}", passing=True) from None


def _headers(request: Request) -> dict[str, str]:
    fixed = {"Content-Type": "application/json", "User-Agent": "inference-sidecar", "Accept-Encoding": "identity"}
    return {**fixed, **request.headers}


async def _judge(response: aiohttp.ClientResponse, request: Request, shown: str, now: float) -> None:
    """Of a success nothing more is read: an answer that breaks off later must not make it a failure."""
    status = response.status
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise SendError(f"{shown} answered {status}, a redirect, which is not followed", passing=False)
    answer = await _answer(response) if request.quote_answer else ""
    raise SendError(
        f"{shown} answered {status}" + (f": {answer}" if answer else ""),
        passing=passes(status),
        retry_after_s=retry_after_s(response.headers.get("Retry-After", ""), now, RETRY_AFTER_MAX_S),
    )


async def _answer(response: aiohttp.ClientResponse) -> str:
    """The beginning of what the receiver says; empty where it says nothing in time."""
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            return said((await response.content.read(ANSWER_BYTES_MAX)).decode("utf-8", "replace"))
    except (TimeoutError, aiohttp.ClientError, OSError):
        return ""


def _trouble(error: Exception) -> str:
    """By kind, never by the error's own text, which may hold the whole URL."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "has a name that can't be resolved"
        case aiohttp.ClientConnectorCertificateError() | ssl.SSLCertVerificationError():
            return "shows a certificate that can't be verified"
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return "can't be reached by TLS"
        case aiohttp.ClientConnectorError():
            return f"can't be connected to ({error.os_error.strerror or 'no route'})"
        case _:
            return "closed the connection without an answer"
