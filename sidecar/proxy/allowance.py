"""How often an address may do something: a bounded table, pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

MINUTE_S = 60.0


class Allowance:
    """``per_minute`` at once, then one each ``60 / per_minute`` seconds, for each of at most ``addresses_max``.

    The generic cell rate algorithm (ITU-T I.371, annex A): an address owes the time that its requests have used up
    ahead, and may owe a minute. Where the table is full, the address heard longest ago is forgotten; ``forgot`` is
    called where it still owed.

    >>> allowance = Allowance(100)
    >>> [allowance.wait_s("10.0.0.1", 2, now) for now in (0.0, 0.0, 0.0, 30.0)]
    [0.0, 0.0, 30.0, 0.0]
    """

    def __init__(self, addresses_max: int, forgot: Callable[[], object] = lambda: None) -> None:
        self.addresses_max = addresses_max
        self._forgot = forgot
        self._paid_until: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._paid_until)

    def wait_s(self, address: str, per_minute: int, now: float) -> float:
        """0 and the request is counted, or the seconds until it may be asked again. ``now`` in monotonic seconds."""
        name, each_s = network_of(address), MINUTE_S / per_minute
        paid_until = max(now, self._paid_until.get(name, now))
        over_s = paid_until + each_s - now - MINUTE_S
        if over_s > 1e-6:
            return over_s
        self._paid_until.pop(name, None)  # set anew, it comes last: the order is that of their last requests
        while len(self._paid_until) >= self.addresses_max:
            if self._paid_until.pop(next(iter(self._paid_until))) > now:
                self._forgot()
        self._paid_until[name] = paid_until + each_s
        return 0.0


def network_of(address: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 of an IPv6 one, all of which one host may use.

    >>> network_of("::ffff:10.0.0.1"), network_of("2001:db8::1") == network_of("2001:db8::2")
    ('10.0.0.1', True)
    """
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    return str(parsed.ipv4_mapped or parsed.packed[:8].hex())
