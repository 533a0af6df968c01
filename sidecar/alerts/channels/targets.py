"""Guards against server-side request forgery: what URL may be called, and that nothing else is connected to.

Whoever may create an alert names URLs that the sidecar then calls from inside its network. So only addresses of the
public internet are called, unless the operator allows a host by name. One parser (yarl's, which aiohttp connects by)
reads a URL; a name is resolved once, every address is checked, and the socket is opened to one of those checked: a
name that resolves differently a moment later (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import asyncio
import errno
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from aiohttp import TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

IPAddress = IPv4Address | IPv6Address
Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""(host, port) -> its addresses as text. Raises OSError where there are none."""

LOOKUP_THREADS_MAX = 4
ADDRESSES_MAX = 16
"""Of one name that are tried; all are checked."""

# Everything IANA has given out as global unicast lies here; leaves out loopback, link- and site-local, unique local,
# multicast, IPv4-compatible and -mapped, and whatever may be defined outside of it later.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
# They carry an IPv4 address to a relay of unknown whereabouts, and are obsolete (RFC 7526).
_RELAYED = IPv6Network("2002::/16")
_NAT64 = IPv6Network("64:ff9b::/96")
# What Python takes for global, at least in some releases, and yet is no receiver on the public internet.
_REFUSED = tuple(
    ip_network(text)
    for text in (
        "192.0.0.0/24",  # IETF protocol assignments; Oracle's cloud has its metadata at 192.0.0.192
        "168.63.129.16/32",  # Azure's agent and DHCP, from inside its machines
        "192.88.99.0/24",  # 6to4 relays, obsolete (RFC 7526)
        "2001::/23",  # IETF protocol assignments: Teredo, anycast of TURN and PCP, ORCHID, ...
        "3fff::/20",  # documentation (RFC 9637)
    )
)
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")


class TargetError(ValueError):
    """A URL that must not be called; its text says why and what would allow it, without the URL's path."""


class Guard:
    """Decides about URLs and makes connectors that keep to the decision.

    Raises ValueError where an entry of ``allowed_hosts`` is no host.
    """

    def __init__(self, allowed_hosts: Iterable[str] = (), lookup: Lookup | None = None) -> None:
        self._allowed = {parse_allowed_host(text) for text in allowed_hosts}
        self._pool = ThreadPoolExecutor(LOOKUP_THREADS_MAX, "alert-lookup")
        self._lookup = lookup or self._system_lookup

    def check(self, text: str) -> URL:
        """The URL to call, before its name is resolved. Raises TargetError."""
        url = _parsed(text)
        host, port = _host_of(url), url.port or 0
        if not self.allows(host, port):
            address = _literal(host)
            if address is not None and not is_public(address):
                raise TargetError(_refusal(host))
        return url

    def warning(self, text: str) -> str:
        """Why this URL would not be called, as far as can be told without resolving its name; empty if it would."""
        try:
            self.check(text)
        except TargetError as error:
            return str(error)
        return ""

    def connector(self, url: URL) -> TCPConnector:
        """For one request to ``url``, which ``check`` gave."""
        resolver = CheckedResolver(self._lookup, anywhere=self.allows(_host_of(url), url.port or 0))
        return TCPConnector(
            resolver=resolver, socket_factory=resolver.open_socket, use_dns_cache=False, force_close=True, limit=1
        )

    def allows(self, host: str, port: int) -> bool:
        """Whether the operator allowed this host, whatever its address is."""
        host = host.removesuffix(".")
        return (host, None) in self._allowed or (host, port) in self._allowed

    def close(self) -> None:
        """Look-ups under way end by themselves."""
        self._pool.shutdown(wait=False)

    async def _system_lookup(self, host: str, port: int) -> list[str]:
        # In threads of its own: a name server that hangs must not use up the loop's default executor.
        try:
            infos = await asyncio.get_running_loop().run_in_executor(
                self._pool, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            )
        except UnicodeError:  # a label of more than 63 characters
            raise OSError(f"{host} is no name that can be resolved") from None
        return [str(info[4][0]) for info in infos]


class CheckedResolver(AbstractResolver):
    """Resolves names for aiohttp, refuses those with any address that is not public, unless ``anywhere`` is set."""

    def __init__(self, lookup: Lookup, anywhere: bool) -> None:
        self._lookup = lookup
        self._anywhere = anywhere

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises TargetError where one address is refused, OSError where there is none."""
        found = list(dict.fromkeys(await self._lookup(host, port)))
        if not found:
            raise OSError(f"{host} has no address")
        # All of them: one good address among bad ones may be there only to pass this check.
        if not self._anywhere and not all(is_public(_address(text)) for text in found):
            raise TargetError(_refusal(host))
        return [_resolved(host, port, text) for text in found[:ADDRESSES_MAX]]

    async def close(self) -> None:
        """Nothing is held."""

    def open_socket(self, info: tuple[Any, ...]) -> socket.socket:
        """A socket for ``info`` (as getaddrinfo gives it): the last check, of the very address to be connected to."""
        if not self._anywhere and not is_public(_address(str(info[4][0]))):
            raise OSError(errno.EACCES, "address refused")
        return socket.socket(info[0], info[1], info[2])


def is_public(address: IPAddress) -> bool:
    """Whether ``address`` is one of the public internet, by itself or by the IPv4 address it stands for.

    >>> [is_public(ip_address(a)) for a in ("8.8.8.8", "10.0.0.1", "100.64.0.1", "224.0.0.1", "169.254.169.254")]
    [True, False, False, False, False]
    >>> [is_public(ip_address(a)) for a in ("2606:4700::1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1")]
    [True, False, False, False]
    """
    if isinstance(address, IPv6Address):
        embedded = _embedded(address)
        if embedded is not None:
            return is_public(embedded)
        if address not in _GLOBAL_UNICAST or address in _RELAYED:
            return False
    if any(address in network for network in _REFUSED):  # of the other family: not in it
        return False
    # is_global knows IANA's registries of special addresses: private, CGNAT, loopback, link-local, documentation, ...
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def parse_allowed_host(text: str) -> tuple[str, int | None]:
    """(host, port or None) of an entry of ``allowed_hosts``. Raises ValueError saying what would be right.

    >>> parse_allowed_host("Alertmanager:9093"), parse_allowed_host("10.0.0.5"), parse_allowed_host("[::1]:80")
    (('alertmanager', 9093), ('10.0.0.5', None), ('::1', 80))
    """
    wrong = ValueError(f"{text!r} is no host, expected a name or an address, each with or without a port: host:9093")
    try:
        return str(ip_address(text.strip().strip("[]"))), None
    except ValueError:
        pass
    try:
        url = URL(f"http://{text.strip()}")
        host = _host_of(url)
    except ValueError:
        raise wrong from None
    if url.raw_user is not None or url.raw_path not in {"", "/"} or url.query_string or url.explicit_port == 0:
        raise wrong
    return host.removesuffix("."), url.explicit_port


def _parsed(text: str) -> URL:
    if not text.isprintable() or " " in text or "\\" in text:
        raise TargetError("the address has spaces, backslashes or control characters in it")
    try:
        url = URL(text)
    except ValueError:
        raise TargetError("it is no address such as https://host/path") from None
    if url.scheme not in {"http", "https"}:
        raise TargetError("the address must begin with https:// or http://")
    if url.raw_user is not None or url.raw_password is not None:
        raise TargetError("the address must not hold a user name or password")
    if not url.port:
        raise TargetError("the address has no port that can be called")
    return url


def _host_of(url: URL) -> str:
    """In lower case, a literal address in its canonical form. Raises TargetError for what is neither."""
    host = (url.raw_host or "").lower()
    address = _literal(host)
    if address is None and not _HOST.fullmatch(host.removesuffix(".")):
        raise TargetError("the address has no host that can be called")
    return host if address is None else str(address)


def _literal(host: str) -> IPAddress | None:
    """The address that ``host`` is, None for a name. Raises TargetError for forms such as 0x7f.1 or 127.1, which some
    resolvers take for addresses and others for names.
    """
    try:
        return ip_address(host)
    except ValueError:
        pass
    if _NUMBER.fullmatch(host.removesuffix(".").rpartition(".")[2]):
        raise TargetError(f"{host} must be written as a usual address, such as 192.0.2.1")
    return None


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that is really connected to."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped


def _address(text: str) -> IPAddress:
    """Without a zone, which only link-local addresses have. Raises TargetError for what is no address."""
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        raise TargetError("the name resolves to what is no address") from None


def _resolved(host: str, port: int, text: str) -> ResolveResult:
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=text, port=port, family=family, proto=0, flags=flags)


def _refusal(host: str) -> str:
    # The address itself is left out: whoever may create an alert should not learn the network's insides by it.
    return (
        f"{host} is, or resolves to, a loopback, private or otherwise special address; "
        "if it may be called, add it to notify.allowed_hosts"
    )
