"""Questions of clients that the monitor is asked over the link: open until it replies, or is lost."""

from __future__ import annotations

from collections.abc import Callable

from sidecar.link import Kind, pack_ask, pack_frame

Answered = Callable[[int, str, bytes], object]
"""Is told status, media type and body; status 0: the connection to the monitor was lost."""


class Asks:
    """At most ``open_max`` questions at a time. One that is forgotten before it was sent is not sent.

    Numbers are never used twice in a worker's life, so a late reply answers nobody else. A question whose connection
    was lost may have been heard: whoever asked is told, and asks again or not.
    """

    def __init__(self, open_max: int) -> None:
        self.open_max = open_max
        self._pump: Callable[[], None] | None = None
        self._open: dict[int, Answered] = {}
        self._unsent: dict[int, bytes] = {}
        self._number = 0

    def __len__(self) -> int:
        return len(self._open)

    @property
    def connected(self) -> bool:
        """Whether there is a monitor to ask."""
        return self._pump is not None

    @property
    def full(self) -> bool:
        return len(self._open) >= self.open_max

    @property
    def waiting(self) -> bool:
        """Whether ``next_frame`` has one."""
        return bool(self._unsent)

    def ask(self, body: bytes, answered: Answered) -> int:
        """Asks, where there is a monitor and room, and gives the question's number. ``answered`` is called later, once
        at most."""
        self._number += 1
        self._open[self._number] = answered
        self._unsent[self._number] = body
        if self._pump is not None:
            self._pump()
        return self._number

    def forget(self, number: int) -> None:
        """Nobody waits for the reply any more."""
        self._open.pop(number, None)
        self._unsent.pop(number, None)

    # -- what the link does ----------------------------------------------------------------------------------------

    def linked(self, pump: Callable[[], None]) -> None:
        """The monitor is there; ``pump`` is called when there is something to send."""
        self._pump = pump

    def next_frame(self) -> bytes:
        """The oldest question that was not sent yet, as a frame."""
        number = next(iter(self._unsent))
        return pack_frame(Kind.ASK, pack_ask(number, self._unsent.pop(number)))

    def replied(self, number: int, status: int, media_type: str, body: bytes) -> None:
        answered = self._open.pop(number, None)
        if answered is not None:
            answered(status, media_type, body)

    def lost(self) -> None:
        """The connection is gone, and with it every reply."""
        self._pump = None
        lost, self._open = self._open, {}
        self._unsent.clear()
        for answered in lost.values():
            answered(0, "", b"")
