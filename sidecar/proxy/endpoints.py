"""The addresses of an upstream and the state of each: pure, it is told what happened and at what time.

One table says all there is to it. An address is in one of five states:

    NEW      it never took a connection, but another of its name may: used only where no other is left
    UP       it serves
    DOWN     it takes no connection, or one over which its health path or TLS fails: used only where no other is left
    EJECTED  it takes connections, but requests to it failed one after the other: left alone for a while
    TRIAL    its while is over: it gets one request at a time, and the first that ends decides

Active checks (``CHECK_...``) and what attempts to connect come to (``CONNECT...``) move it between UP and DOWN; what
becomes of requests (``SUCCEEDED``, ``FAILED``) moves it between UP, EJECTED and TRIAL. Three things are not of the
table but of those who ask it, for they depend on more than one address: a failure is ``FAILED_TOO_OFTEN`` where the
bound of failures in a row is met and another address is UP, so the last healthy one is never ejected; where no address
is UP or on trial, those ejected are ``NEEDED`` again at once; and ``CONNECT_FAILED``, which says little of a new
address of a name that has others (its server may listen on one family alone), is ``CHECK_FAILED`` where there is no
other.

An address that is ejected anew soon after stays away twice as long, up to a bound. A failure that comes in while it is
away is of a request from before, and says nothing new. ``reason`` is the last fault of an address, until it is up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sidecar.types import Limits


class State(Enum):
    NEW = "new"
    UP = "up"
    DOWN = "down"
    EJECTED = "ejected"
    TRIAL = "trial"


class Event(Enum):
    CONNECTED = "connected"
    CONNECT_FAILED = "connect_failed"
    CHECK_PASSED = "check_passed"
    CHECK_FAILED = "check_failed"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    FAILED_TOO_OFTEN = "failed_too_often"
    BACK_OFF_OVER = "back_off_over"
    NEEDED = "needed"


_N, _U, _D, _E, _T = State
_ORDER = tuple(Event)
_ROWS = {
    # state: CONNECTED CONNECT_FAILED CHECK_PASSED CHECK_FAILED SUCCEEDED FAILED FAILED_TOO_OFTEN BACK_OFF_OVER NEEDED
    _N: (_U, _N, _U, _D, _N, _N, _N, _N, _N),
    _U: (_U, _D, _U, _D, _U, _U, _E, _U, _U),
    _D: (_U, _D, _U, _D, _D, _D, _D, _D, _D),
    _E: (_E, _D, _E, _D, _E, _E, _E, _T, _T),
    _T: (_T, _D, _T, _D, _U, _T, _E, _T, _T),
}
TABLE = {state: dict(zip(_ORDER, row, strict=True)) for state, row in _ROWS.items()}
SERVING = frozenset((State.UP, State.TRIAL, State.EJECTED))
"""An upstream with an address in one of these is up: it takes connections."""
REASON_CHARS_MAX = 200
"""A longer reason is cut: names of files and what TLS says of a certificate have no bound of their own."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an address is: an IP address or socket name, its port, and the name it was found under."""

    address: str
    port: int
    host: str

    @property
    def label(self) -> str:
        """
        >>> Place("10.0.0.7", 8000, "model").label, Place("::1", 8000, "model").label
        ('10.0.0.7:8000', '[::1]:8000')
        """
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


class Endpoint:
    """One address, its state and what it has under way. ``outstanding`` counts requests that are with it now."""

    __slots__ = (
        *("_away_until", "_back_off_s", "ejections", "failures"),
        *("outstanding", "place", "reason", "retired", "state"),
    )

    def __init__(self, place: Place) -> None:
        self.place = place
        self.state = State.NEW
        self.outstanding = 0
        self.failures = 0
        self.ejections = 0
        self.reason = ""
        self.retired = False
        self._away_until = float("-inf")
        self._back_off_s = 0.0

    @property
    def doubted(self) -> bool:
        """Whether a success would change anything."""
        return self.failures > 0 or self.state is not State.UP

    @property
    def away_until(self) -> float:
        """When its while is over, on the clock of those who tell; meaningful while it is EJECTED."""
        return self._away_until

    def told(self, now: float) -> dict[str, Any]:
        """What a STATUS frame says of it; ``retry_s``: how long an ejected address is left alone yet."""
        return {
            "address": self.place.label,
            "state": self.state.value,
            "reason": self.reason,
            "in_flight": self.outstanding,
            "failures": self.failures,
            "ejections": self.ejections,
            "retry_s": round(self._away_until - now, 1) if self.state is State.EJECTED else None,
        }

    def take(self, event: Event, now: float, limits: Limits, reason: str = "") -> None:
        """``event`` happened at ``now``, for that ``reason`` where an active check or an attempt to connect failed."""
        before, self.state = self.state, TABLE[self.state][event]
        if event is Event.SUCCEEDED:
            self.failures = 0
        elif event is Event.FAILED or event is Event.FAILED_TOO_OFTEN:
            self.failures += 1
        elif event is Event.CONNECT_FAILED or event is Event.CHECK_FAILED:
            self.reason = reason if len(reason) <= REASON_CHARS_MAX else f"{reason[: REASON_CHARS_MAX - 1]}…"
        if self.state is before:
            return
        if self.state is State.EJECTED:
            in_a_row = f"requests failed: {self.failures} in a row"
            self.reason = "the request on trial failed" if before is State.TRIAL else in_a_row
            self._eject(now, limits)
        elif self.state is State.UP:
            self.failures = 0
            self.reason = ""

    def _eject(self, now: float, limits: Limits) -> None:
        soon = now - self._away_until < limits.ejection_max_s
        self._back_off_s = min(self._back_off_s * 2 if soon else limits.ejection_s, limits.ejection_max_s)
        self._away_until = now + self._back_off_s
        self.ejections += 1
        self.failures = 0


class Endpoints:
    """All addresses of one upstream. ``changed`` hears of each whose state is another, with that before.

    >>> both = Endpoints([Place("10.0.0.1", 80, "m"), Place("10.0.0.2", 80, "m")], Limits())
    >>> for one in both:
    ...     both.tell(one, Event.CHECK_PASSED, 0.0)
    >>> both.up, [both.choose(0.0).place.address for _ in range(3)]
    (True, ['10.0.0.1', '10.0.0.2', '10.0.0.1'])
    """

    def __init__(
        self,
        places: Iterable[Place],
        limits: Limits,
        changed: Callable[[Endpoint, State], None] = lambda endpoint, before: None,
    ) -> None:
        self.limits = limits
        self._changed = changed
        self._all: list[Endpoint] = [Endpoint(place) for place in places]
        self._turn = 0

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    @property
    def up(self) -> bool:
        """Whether any address takes connections, as far as is known."""
        return any(endpoint.state in SERVING for endpoint in self._all)

    def follow(self, places: Iterable[Place]) -> list[Endpoint]:
        """The addresses are these now; those that stay keep their state. Gives those that are gone, to be drained."""
        known = {endpoint.place: endpoint for endpoint in self._all}
        wanted = list(dict.fromkeys(places))[: self.limits.upstream_addresses_max]
        self._all = [known.pop(place) if place in known else Endpoint(place) for place in wanted]
        for endpoint in known.values():
            endpoint.retired = True
        return list(known.values())

    def tell(self, endpoint: Endpoint, event: Event, now: float, reason: str = "") -> None:
        """``event`` happened to one of them; FAILED counts as too often where it is, and where another can serve."""
        if event is Event.FAILED and self._is_too_often(endpoint):
            event = Event.FAILED_TOO_OFTEN
        elif event is Event.CONNECT_FAILED and endpoint.state is State.NEW and self._is_alone(endpoint):
            event = Event.CHECK_FAILED
        before = endpoint.state
        endpoint.take(event, now, self.limits, reason)
        if endpoint.state is not before and not endpoint.retired:
            self._changed(endpoint, before)

    def _is_alone(self, endpoint: Endpoint) -> bool:
        """Whether no other address was found under its name: there is none at which the same server may be."""
        host, port = endpoint.place.host, endpoint.place.port
        return not any((one.place.host, one.place.port) == (host, port) for one in self._all if one is not endpoint)

    def _is_too_often(self, endpoint: Endpoint) -> bool:
        bound = self.limits.ejection_failures
        if not bound or endpoint.retired:
            return False
        if endpoint.state is not State.TRIAL and endpoint.failures + 1 < bound:
            return False
        return any(other.state is State.UP for other in self._all if other is not endpoint)

    def choose(self, now: float, passed_over: Iterable[Endpoint] = ()) -> Endpoint | None:
        """Where the next request goes: least under way, ties in turn. None where all are ``passed_over``, or none is.

        One on trial that has nothing under way comes first; where none is UP, whatever there is comes in the order of
        how likely it serves.
        """
        if len(self._all) == 1 and not passed_over:
            return self._all[0]
        skipped = set(passed_over)
        found = [endpoint for endpoint in self._all if endpoint not in skipped]
        for endpoint in found:
            if endpoint.state is State.EJECTED and endpoint.away_until <= now:
                self.tell(endpoint, Event.BACK_OFF_OVER, now)
        trials = [endpoint for endpoint in found if endpoint.state is State.TRIAL]
        for endpoint in trials:
            if not endpoint.outstanding:
                return endpoint
        return (
            self._least(found, State.UP)
            or self._least(trials, State.TRIAL)
            or self._needed(found, now)
            or self._least(found, State.NEW)
            or self._least(found, State.DOWN)
        )

    def _needed(self, found: list[Endpoint], now: float) -> Endpoint | None:
        for endpoint in found:
            if endpoint.state is State.EJECTED:
                self.tell(endpoint, Event.NEEDED, now)
        return self._least(found, State.TRIAL)

    def _least(self, found: list[Endpoint], state: State) -> Endpoint | None:
        """Of those in ``state`` the one with the least under way; from where the last turn ended, so ties alternate."""
        best: Endpoint | None = None
        best_at = 0
        number = len(found)
        for step in range(number):
            at = (self._turn + step) % number
            endpoint = found[at]
            if endpoint.state is state and (best is None or endpoint.outstanding < best.outstanding):
                best, best_at = endpoint, at
        if best is not None:
            self._turn = best_at + 1
        return best
