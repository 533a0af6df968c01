"""What the log says of the addresses of upstreams: that one is down or ejected, and why, and that it is up again.

Each look compares how things stand with what was said last. So what found no room within ``LINES_MAX``, or nobody who
hears it (the monitor starts after the workers), is said at a later look, as things stand then; what was over by then is
left out. An address that is ejected anew after a trial was not up in between, so nothing is said of that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from typing import NamedTuple

from sidecar.proxy.endpoints import Endpoint, Endpoints, Place, State

LINES_MAX = 20
"""Lines about the addresses of one upstream within ``LINES_S``: one that flaps must not flood the log."""
LINES_S = 60.0
LEVELS = {State.DOWN: "warning", State.EJECTED: "warning", State.UP: "info"}
"""The states that are told of, and how loudly."""

Say = Callable[[str, str, dict[str, str]], bool]
"""``say(level, event, fields)`` gives whether it was heard."""


class _Said(NamedTuple):
    """Of an upstream: what was said last of those addresses that are not up, and when the latest lines were."""

    states: dict[Place, State]
    lines: deque[float]


class AddressLog:
    """The lines of one worker. ``hit`` hears of changes that found no room."""

    def __init__(self, say: Say, hit: Callable[[str], None]) -> None:
        self._say = say
        self.hit = hit
        self._said: dict[str, _Said] = {}

    def keep(self, upstreams: Collection[str]) -> None:
        """There are no others any more."""
        self._said = {name: said for name, said in self._said.items() if name in upstreams}

    def look(self, upstream: str, endpoints: Endpoints, now: float) -> None:
        """Says what is new of them."""
        said = self._said.setdefault(upstream, _Said({}, deque()))
        for place in said.states.keys() - {endpoint.place for endpoint in endpoints}:
            del said.states[place]
        for endpoint in endpoints:
            state = endpoint.state
            if state not in LEVELS or state is said.states.get(endpoint.place, State.UP):
                continue
            if not self._has_room(said.lines, now) or not self._tell(upstream, endpoint):
                return
            said.lines.append(now)
            said.states[endpoint.place] = state
            if state is State.UP:
                del said.states[endpoint.place]

    def _has_room(self, lines: deque[float], now: float) -> bool:
        while lines and lines[0] <= now - LINES_S:
            lines.popleft()
        if len(lines) < LINES_MAX:
            return True
        self.hit("upstream_log_lines_max")
        return False

    def _tell(self, upstream: str, endpoint: Endpoint) -> bool:
        state = endpoint.state
        fields = {"upstream": upstream, "address": endpoint.place.label}
        if endpoint.reason:
            fields["reason"] = endpoint.reason
        return self._say(LEVELS[state], f"upstream_address_{state.value}", fields)
