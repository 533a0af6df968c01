"""How long failed attempts wait: a table of addresses, pure.

An address that failed waits before its next failure is answered, twice as long with each, and has only so many answers
waiting; over that it is refused without a look at what it brought. A secret has 256 bits, so this is not what keeps a
guesser out: it keeps one from costing anything, and makes the attempts show.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

FIRST_WAIT_S = 0.1
WAIT_S_MAX = 5.0
FORGET_S = 60.0
"""A time without a failure after which an address begins anew."""
WAITING_MAX = 4
"""Answers of one address that wait at a time."""
WAITING_ALL_MAX = 64
"""The same of all addresses."""
ADDRESSES_MAX = 10_000
"""Addresses that are remembered; for a new one the one goes whose failure is the longest ago."""
NETWORK_BITS = 64
"""Of an IPv6 address: whoever has one has all that begin so."""


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last_at: float = 0.0
    waiting: int = 0


class Slowing:
    """Failures by address. Times are seconds of one clock that does not jump.

    ``forgotten`` counts addresses that were dropped for new ones before their time.

    >>> slowing = Slowing()
    >>> [slowing.fail("10.0.0.1", 0.0) for _ in range(3)], slowing.refuses("10.0.0.1", 0.0)
    ([0.1, 0.2, 0.4], 0.0)
    >>> slowing.fail("10.0.0.1", 0.0), slowing.refuses("10.0.0.1", 0.0), slowing.refuses("10.0.0.2", 0.0)
    (0.8, 0.8, 0.0)
    """

    def __init__(self) -> None:
        self._table: OrderedDict[str, _Failures] = OrderedDict()
        self._waiting = 0
        self.forgotten = 0

    def refuses(self, address: str, now: float) -> float:
        """How long ``address`` has to stay away, in seconds; 0: what it brings may be looked at.

        However many others fail, an address that did not, or whose last failure is as long ago as it would have waited,
        is never refused.
        """
        failures = self._table.get(_place(address))
        if failures is None:
            return 0.0
        if failures.waiting >= WAITING_MAX:
            return wait_s(failures.count)
        if self._waiting < WAITING_ALL_MAX:
            return 0.0
        # Its failures find no room to wait any more: so it stays away for as long instead.
        return max(failures.last_at + wait_s(failures.count) - now, 0.0)

    def fail(self, address: str, now: float) -> float | None:
        """Count a failure. Returns how long its answer waits, in seconds: call ``answered`` when it has been given.
        None: as many wait as may, so this one is to be refused at once."""
        place = _place(address)
        failures = self._table.pop(place, None) or _Failures()
        if now - failures.last_at > FORGET_S:
            failures.count = 0
        failures.count += 1
        failures.last_at = now
        self._table[place] = failures
        if len(self._table) > ADDRESSES_MAX:
            self._forget_one()
        if self._waiting >= WAITING_ALL_MAX:
            return None
        failures.waiting += 1
        self._waiting += 1
        return wait_s(failures.count)

    def answered(self, address: str) -> None:
        """An answer that waited was given, or nobody waits for it any more."""
        self._waiting -= 1
        failures = self._table.get(_place(address))
        if failures is not None and failures.waiting:
            failures.waiting -= 1

    def _forget_one(self) -> None:
        """The oldest of those that have no answer waiting, so that waits are never miscounted."""
        for place, failures in self._table.items():
            if not failures.waiting:
                del self._table[place]
                self.forgotten += 1
                return


def wait_s(failures: int) -> float:
    """How long the answer to the so-manieth failure waits, in seconds.

    >>> wait_s(1), wait_s(3), wait_s(100)
    (0.1, 0.4, 5.0)
    """
    return min(FIRST_WAIT_S * 2.0 ** min(failures - 1, 10), WAIT_S_MAX)


def _place(address: str) -> str:
    """What is counted together: an IPv4 address, the network of an IPv6 one; any other text as it is.

    >>> _place("10.0.0.1"), _place("::ffff:10.0.0.1"), _place("2001:db8::1") == _place("2001:db8::2"), _place("")
    ('10.0.0.1', '10.0.0.1', True, '')
    """
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(int(found) >> (128 - NETWORK_BITS))
