"""Which channels rest, and how long."""

import random

from sidecar.alerts.channels.standing import RETRY_MAX_S, STANDINGS_MAX, Standings


class Most(random.Random):
    """Draws the most there is."""

    def random(self) -> float:
        return 1.0


def rests(standings: Standings, channel: str, failures: int, asked_s: float = 0.0) -> list[float]:
    """How long each of the next ``failures`` makes it rest."""
    lengths, now = [], 0.0
    for _ in range(failures):
        standings.failed(channel, now, asked_s)
        until = standings.next_at(now)
        lengths.append(until - now)
        now = until
    return lengths


def test_rest_doubles_from_a_second_to_five_minutes() -> None:
    """Each failure in a row doubles the rest, up to the bound."""
    assert rests(Standings(Most()), "a", 11) == [1, 2, 4, 8, 16, 32, 64, 128, 256, RETRY_MAX_S, RETRY_MAX_S]


def test_rest_is_at_least_what_was_asked_for() -> None:
    """Retry-After lengthens a rest and never shortens one."""
    assert rests(Standings(Most()), "a", 4, asked_s=3.0) == [3, 3, 4, 8]


def test_success_ends_the_rest_and_what_was_counted() -> None:
    """After a success the next failure is the first again; other channels are not touched."""
    standings = Standings(Most())
    rests(standings, "a", 5)
    standings.failed("b", 0.0)
    assert standings.succeeded("a") == 5
    assert standings.succeeded("a") == 0
    assert standings.resting(0.0) == {"b"}
    assert rests(standings, "a", 1) == [1]


def test_one_channel_can_be_asked_about() -> None:
    """As the set of all that rest says it."""
    standings = Standings(Most())
    standings.failed("a", 0.0)
    assert [standings.rests("a", now) for now in (0.0, 0.9, 1.0)] == [True, True, False]
    assert not standings.rests("b", 0.0)


def test_refusals_count_for_one_message_at_a_time() -> None:
    """Another message of the channel starts to count anew."""
    standings = Standings(Most())
    assert [standings.refused("a", row) for row in (1, 1, 2, 2, 2)] == [1, 2, 1, 2, 3]


def test_number_of_resting_channels_is_bounded() -> None:
    """Over the bound the one that would be tried first is forgotten."""
    standings = Standings(Most())
    for number in range(STANDINGS_MAX + 50):
        standings.failed(f"c{number}", float(number))
    resting = standings.resting(0.0)
    assert len(resting) == STANDINGS_MAX
    assert "c0" not in resting
    assert f"c{STANDINGS_MAX + 49}" in resting
