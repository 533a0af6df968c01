"""What the times of a request come to, whether it is a client's or a copy. Pure."""

from __future__ import annotations


class Timed:
    """Monotonic seconds, 0.0 for what has not happened. ``sent_at``: the model server was sent the last of the request
    that came before its answer. While a client takes no more of the answer nothing more of it is read: that time is
    not the model server's.

    >>> of = Timed()
    >>> of.sent_at, of.ended_at = 1.0, 1.5
    >>> of.note_paused(True, 1.1); of.note_paused(False, 1.25); round(of.upstream_ms)
    350
    """

    sent_at = first_byte_at = ended_at = 0.0
    _paused_at = _paused_s = 0.0

    @property
    def upstream_ms(self) -> float:
        """From the last byte of the request to the last of the answer; 0.0 where no server was reached. Copies of a
        shadow test have their body whole at the start, so to count a client's upload would favour them."""
        if not self.sent_at:
            return 0.0
        paused_s = self._paused_s + (self.ended_at - self._paused_at if self._paused_at else 0.0)
        return max(0.0, self.ended_at - self.sent_at - paused_s) * 1000

    def note_paused(self, paused: bool, now: float) -> None:
        """Whether the client takes its answer."""
        if paused:
            self._paused_at = self._paused_at or now
        elif self._paused_at:
            self._paused_s += now - self._paused_at
            self._paused_at = 0.0
