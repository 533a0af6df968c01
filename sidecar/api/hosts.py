"""Whose page made a request: Host and Origin.

DNS rebinding makes a browser call a loopback port under a foreign name, so where nothing is demanded only names that
cannot be rebound are answered. Where a token is, a foreign page has neither that nor, under its own name, the cookie;
where a certificate is, the port speaks TLS, and its own certificate is not good for a foreign name.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from aiohttp import web

from sidecar.api.problems import Problem

SAFE_METHODS = ("GET", "HEAD")


def host_name(host: str) -> str | None:
    """The name in a Host field, in lower case and without its port; None where it is no Host.

    >>> host_name("LocalHost:8081"), host_name("[::1]:80"), host_name("a b"), host_name("")
    ('localhost', '::1', None, None)
    """
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::\d{1,5})?", host)
    return (match[1] or match[2]).lower().rstrip(".") if match else None


def host_is_safe(host: str, allowed: tuple[str, ...]) -> bool:
    """Whether ``host`` can't be a rebound name: an IP address, localhost, or one the operator named.

    >>> host_is_safe("127.0.0.1:8081", ()), host_is_safe("evil.example", ()), host_is_safe("box:1", ("box",))
    (True, False, True)
    """
    name = host_name(host)
    if name is None:
        return False
    if name == "localhost" or name.endswith(".localhost") or name in {entry.lower() for entry in allowed}:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def check_host(request: web.Request, allowed: tuple[str, ...], *, is_shut: bool) -> None:
    """Raises a 421 Problem for a request under a name that could be another's. ``is_shut``: a token or a certificate is
    demanded, so any name will do."""
    host = request.headers.get("Host", "")
    if host_name(host) is None or not (is_shut or host_is_safe(host, allowed)):
        raise Problem(421, "Host: not a name of this sidecar; use its IP address, localhost, or set a token")


def check_origin(request: web.Request) -> None:
    """Raises a 403 Problem for a request that another site's page made."""
    origin = request.headers.get("Origin")
    if origin is not None:
        try:
            same = urlsplit(origin).netloc.lower() == request.host.lower()
        except ValueError:
            same = False
        if not same:
            raise Problem(403, "Origin: this port answers no other site's pages")
    elif request.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"} and not _follows_link(request):
        raise Problem(403, "Sec-Fetch-Site: this port answers no other site's pages")


def _follows_link(request: web.Request) -> bool:
    """Whether a browser goes to what was asked for. What another site's page fetches into itself, as a picture say, it
    may not see, but would hold one of the few places of exports and live figures with."""
    kind = request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest", "document")
    return request.method in SAFE_METHODS and kind == ("navigate", "document")
