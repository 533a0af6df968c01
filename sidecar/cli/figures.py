"""Figures as they come, from a sidecar that may go away meanwhile and come back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sidecar.client import Client, Record, SidecarError

RETRY_S = 1.0
"""How soon a sidecar that is away is asked again."""
HISTORY_MAX = 120
"""Totals that are kept for the line of the last minutes."""
SILENCE_S_MIN = 5.0
SILENCE_INTERVALS = 3
"""A stream that is silent for longer than so many intervals is taken for broken."""
BACK_S = 5.0
"""How long it is said that the sidecar is back."""


def followed(
    client: Client, interval_s: float, model: str | None, away: Callable[[str], None], wait: Callable[[float], None]
) -> Iterator[Record]:
    """Figures without end; while the sidecar is ``away``, which is called with why, it is asked again and again.

    Raises SidecarError where the sidecar refuses.
    """
    from sidecar.client import ConnectionFailed, ServerError

    while True:
        try:
            yield from client.live(interval_s, model)
            away("it ended the stream")
        except (ConnectionFailed, ServerError) as error:
            away(str(error))
        wait(RETRY_S)


@dataclass(frozen=True)
class Seen:
    """What is known of a sidecar at a moment. ``since`` and ``back_at`` are of the monotonic clock, in seconds:
    when the latest figures came, and when they came again after it had been ``gone_s`` away.

    ``away`` is why nothing comes, empty while figures do. ``rates`` are requests a second of these figures and of
    those before.
    """

    figures: Record
    since: float
    rates: tuple[float, ...] = ()
    away: str = ""
    back_at: float | None = None
    gone_s: float = 0.0

    def then(self, figures: Record, now: float) -> Seen:
        """What is known once new figures came."""
        rates = (*self.rates, rate_of(figures))[-HISTORY_MAX:]
        if self.away:
            return Seen(figures, now, rates, back_at=now, gone_s=now - self.since)
        return replace(self, figures=figures, since=now, rates=rates)

    def notice(self, now: float, interval_s: float) -> tuple[str, bool]:
        """What to say about the connection, and whether it is bad news; empty: nothing.

        >>> from sidecar.client import Record
        >>> Seen(Record.of({}), since=100.0, away="refused").notice(107.0, 1.0)
        ('away for 7 s: refused', True)
        """
        silent_s = now - self.since
        if self.away:
            return f"away for {silent_s:.0f} s: {self.away}", True
        if silent_s > max(SILENCE_S_MIN, SILENCE_INTERVALS * interval_s):
            return f"no figures for {silent_s:.0f} s", True
        if self.back_at is not None and now - self.back_at < BACK_S:
            return f"back after {self.gone_s:.0f} s", False
        return "", False


def rate_of(figures: Any) -> float:
    """Requests a second of all that serve; copies to shadows are none of a client's.

    >>> rate_of({"models": [{"role": "control", "requests_per_s": 9.0}, {"role": "shadow", "requests_per_s": 9.0}]})
    9.0
    """
    return float(sum(item["requests_per_s"] or 0.0 for item in figures["models"] if item["role"] != "shadow"))


class Feed:
    """Follows a sidecar in a thread of its own, so that keys are answered at once. ``seen`` is always the latest;
    ``refused`` is why it gave up, else None; ``version`` grows with each news."""

    def __init__(self, client: Client, interval_s: float, model: str | None, first: Record) -> None:
        self.seen = Seen(first, time.monotonic(), (rate_of(first),))
        self.refused: SidecarError | None = None
        self.version = 0
        self._stopped = threading.Event()
        self._asked = (client, interval_s, model)
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take no further news; the thread ends with the next of them, or with the program."""
        self._stopped.set()

    def _follow(self) -> None:
        from sidecar.client import SidecarError

        try:
            for figures in followed(*self._asked, self._away, self._wait):
                if self._stopped.is_set():
                    return
                self.seen = self.seen.then(figures, time.monotonic())
                self.version += 1
        except SidecarError as error:
            self.refused = error
        except Exception:
            if not self._stopped.is_set():  # else the client was closed under it
                raise

    def _away(self, why: str) -> None:
        self.seen = replace(self.seen, away=why)
        self.version += 1

    def _wait(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise RuntimeError("stopped")
