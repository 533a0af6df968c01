"""Clocks that jump."""

from collections import Counter
from dataclasses import dataclass, field, replace
from math import inf

import pytest

from sidecar.alerts.alert_state import AlertState, Outcome, State
from sidecar.alerts.answers import silence
from sidecar.alerts.clock import ELAPSED_S_MAX, FORGOTTEN_S, JUMPS_MAX, JumpWatch, Tick
from sidecar.alerts.condition import Condition
from sidecar.alerts.facts import Facts, Reading
from sidecar.alerts.figures import Figures
from sidecar.alerts.metrics import read
from sidecar.alerts.states import step
from sidecar.summaries import Summary
from sidecar.types import RequestCounts

DAY_S = 86_400.0
ROUND_S = 10.0


def observed(*looks: tuple[float, float], watch: JumpWatch | None = None) -> list[Tick]:
    """The ticks of looks each of which is consumed."""
    watch = watch or JumpWatch()
    ticks = []
    for wall, monotonic in looks:
        ticks.append(watch.observe(wall, monotonic))
        watch.consumed()
    return ticks


def test_first_look_knows_no_time_and_no_jump() -> None:
    """There is nothing to compare with."""
    assert observed((1e9, 50.0)) == [Tick(0.0, False, inf)]


def test_clocks_in_step_are_settled() -> None:
    """And tell how much time passed."""
    assert observed((1e9, 50.0), (1e9 + 10, 60.0))[-1] == Tick(10.0, False, inf)


def test_slewed_clock_does_not_jump() -> None:
    """A minute from one look to the next is within what time servers do; half a second a look is nothing."""
    ticks = observed(*[(1e9 + 10.5 * look, 10.0 * look) for look in range(1_000)], (1e9 + 10_559.0, 10_000.0))
    assert not any(tick.jumped for tick in ticks)
    assert all(ticks[-2].trusts(window_s) for window_s in (60.0, 900.0, 3_600.0, DAY_S))


@pytest.mark.parametrize("by_s", [59.0, 0.9])
def test_many_steps_that_are_no_jump_count_like_one(by_s: float) -> None:
    """Sixty in a row, none of which anybody would mind: the window holds little of what it should."""
    ticks = observed(*[(1e9 + look * (2.0 + by_s), 2.0 * look) for look in range(61)])
    assert not any(tick.jumped for tick in ticks)
    assert sum(size_s for _, size_s in ticks[-1].jumps) == pytest.approx(60 * by_s, abs=1.0)
    assert [ticks[-1].trusts(window_s) for window_s in (60.0, 120.0, 300.0)] == [False] * 3
    assert ticks[-1].trusts(DAY_S)


@pytest.mark.parametrize("by_s", [5.0, 59.0, -20.0])
def test_step_that_the_next_look_takes_back_is_none(by_s: float) -> None:
    """A look that was interrupted between the two clocks moved nothing; a jump forth and back is not taken back."""
    ticks = observed((1e9, 0.0), (1e9 + 10 + by_s, 10.0), (1e9 + 20, 20.0))
    assert not ticks[1].trusts(30.0)
    assert ticks[2].trusts(30.0)
    far = observed((1e9, 0.0), (1e9 + 10 + DAY_S, 10.0), (1e9 + 20, 20.0))[-1]
    assert [size_s for _, size_s in far.jumps] == [DAY_S, DAY_S]


def test_jitter_is_forgiven_for_good() -> None:
    """Looks that are up to a second off, this way and that, move nothing however many there are."""
    looks = [(1e9 + 10.0 * look + 0.45 * (-1) ** look, 10.0 * look) for look in range(500)]
    assert observed(*looks)[-1].jumps == ()


def test_many_small_steps_hold_no_long_window_for_ever() -> None:
    """A clock that gains a second and a half every five minutes misplaces half a per cent of any window."""
    ticks = observed(*[(1e9 + 301.5 * look, 300.0 * look) for look in range(10_000)])
    assert len(ticks[-1].jumps) <= JUMPS_MAX
    assert all(ticks[-1].trusts(window_s) for window_s in (900.0, 3_600.0, 6 * 3_600.0, DAY_S, 7 * DAY_S, 30 * DAY_S))


def test_step_older_than_any_window_is_forgotten() -> None:
    """It misplaces nothing that an alert can look at."""
    ticks = observed((1e9, 0.0), (1e9 + 10 + DAY_S, 10.0), (1e9 + FORGOTTEN_S + 20 + DAY_S, FORGOTTEN_S + 20.0))
    assert [len(tick.jumps) for tick in ticks] == [0, 1, 0]


def test_round_that_failed_leaves_its_time_to_the_next() -> None:
    """Time counts from the look that was consumed last, up to the bound; jumps are seen look by look all the same."""
    watch = JumpWatch()
    watch.observe(1e9, 0.0)
    watch.consumed()
    assert [watch.observe(1e9 + at, at).elapsed_s for at in (10.0, 20.0, 30.0)] == [10.0, 20.0, 30.0]
    watch.consumed()
    assert watch.observe(1e9 + 40 + DAY_S, 40.0).jumped
    tick = watch.observe(1e9 + 50 + DAY_S, 50.0)
    assert (tick.jumped, tick.elapsed_s, tick.settled_s) == (False, 20.0, 10.0)
    assert watch.observe(1e9 + 500 + DAY_S, 500.0).elapsed_s == ELAPSED_S_MAX


def test_first_round_that_failed_leaves_its_time_too() -> None:
    """The first look is what time counts from; nothing is consumed before it."""
    watch = JumpWatch()
    watch.consumed()
    assert [watch.observe(1e9 + at, at).elapsed_s for at in (5.0, 15.0)] == [0.0, 10.0]


def test_slow_rounds_count_all_of_their_time() -> None:
    """With a round every five minutes, a breach for five minutes fires a round later, and an hour of silence is one."""
    watch, state, condition = JumpWatch(elapsed_max_s=600.0), AlertState(), Condition("error_rate", "gt", 0.05, 900.0)
    condition = replace(condition, for_s=300.0)
    state = silence(state, until=3_600.0, now=0.0)
    fired_at = heard_at = 0.0
    for at in range(0, 7_200, 300):
        tick = watch.observe(1e9 + at, float(at))
        done = step(state, condition, Outcome.BREACH, Reading(0.2, 50), now=1e9 + at, elapsed_s=tick.elapsed_s)
        watch.consumed()
        state = done.state
        fired_at = float(at) if done.transition and state.state is State.FIRING else fired_at
        heard_at = float(at) if done.notice else heard_at
    assert (fired_at, heard_at) == (300.0, 3_600.0)


@pytest.mark.parametrize("by_s", [DAY_S, -DAY_S, 61.0, -61.0])
def test_jump_is_seen_once_and_its_age_is_told(by_s: float) -> None:
    """Either way; settled time counts from there, by the monotonic clock."""
    ticks = observed((1e9, 0.0), (1e9 + 10 + by_s, 10.0), (1e9 + 20 + by_s, 20.0))
    assert [(tick.jumped, tick.settled_s, tick.elapsed_s) for tick in ticks[1:]] == [
        (True, 0.0, 10.0),
        (False, 10.0, 10.0),
    ]
    assert ticks[-1].jumps == ((10.0, abs(by_s)),)


def test_long_pause_counts_as_a_short_one() -> None:
    """Nothing was seen in between, so no breach was held that long. Nor does time run backwards."""
    assert observed((1e9, 0.0), (1e9 + 500, 500.0))[-1] == Tick(ELAPSED_S_MAX, False, inf)
    assert observed((1e9, 50.0), (1e9, 40.0))[-1].elapsed_s == 0.0


def test_window_is_trusted_once_it_has_passed_since_the_jump() -> None:
    """A longer one earlier, if the jump is a small part of it."""
    tick = Tick(10.0, False, 600.0, ((600.0, DAY_S),))
    assert tick.trusts(600.0)
    assert not tick.trusts(610.0)
    assert not tick.trusts(9 * DAY_S)
    assert tick.trusts(10 * DAY_S)


def test_jumps_to_and_fro_add_up() -> None:
    """Forth and back is not as if nothing had been: both left their mark on the window."""
    assert not Tick(10.0, False, 0.0, ((60.0, DAY_S), (0.0, DAY_S))).trusts(15 * DAY_S)


def test_jumps_remembered_are_bounded_and_none_is_forgotten() -> None:
    """The oldest are taken together, as late as the later: no window is trusted too early."""
    looks = [(1e9 + look * (10 + 100.0), 10.0 * look) for look in range(JUMPS_MAX + 50)]
    tick = observed(*looks)[-1]
    assert len(tick.jumps) == JUMPS_MAX
    assert sum(by_s for _, by_s in tick.jumps) == pytest.approx(100.0 * (JUMPS_MAX + 49))
    assert list(tick.jumps) == sorted(tick.jumps, reverse=True)


@dataclass
class World:
    """A model with a request a second, none of which fails, on clocks that can be set; rounds of ten seconds."""

    wall: float = 20_000 * DAY_S
    monotonic: float = 0.0
    buckets: dict[float, Figures] = field(default_factory=dict)
    watch: JumpWatch = field(default_factory=JumpWatch)

    def round(self) -> Tick:
        self.wall += ROUND_S
        self.monotonic += ROUND_S
        counts = RequestCounts(int(self.wall), "m", "1", "serving", "", 0, "", requests=10, statuses={200: 10})
        summary = Summary()
        summary.add_counts(counts)
        have = [self.buckets[self.wall]] if self.wall in self.buckets else []
        self.buckets[self.wall] = Figures.total([*have, Figures.of(summary)])
        tick = self.watch.observe(self.wall, self.monotonic)
        self.watch.consumed()
        return tick

    def judge(self, condition: Condition) -> tuple[Outcome, Reading]:
        since = self.wall - condition.window_s
        inside = [figures for at, figures in self.buckets.items() if since < at <= self.wall]
        return read(condition, Facts(Figures.total(inside), condition.window_s))


SILENT = Condition("request_rate", "lt", 0.5, 900.0, for_s=60.0)
BUSY = Condition("request_rate", "gt", 1.5, 300.0)
LOST = Condition("error_rate", "gt", 0.5, 600.0, no_data="fire")
CONDITIONS = (SILENT, BUSY, LOST)
ALERTS = 1_000
LOOKED_AT = (*range(95, 145), *range(225, 240))
"""Rounds in which the alerts are judged: around the jumps, at 100 and 140, and when the windows have passed."""


def lived_through(watched: bool) -> tuple[Counter[str], Counter[State], set[Outcome]]:
    """What 1,000 alerts make of a wall clock that goes a day forward and a day back.

    Returns their notices and transitions, their states in the end, and the last outcomes.
    """
    world, happened = World(), Counter[str]()
    alerts = [(CONDITIONS[number % len(CONDITIONS)], AlertState()) for number in range(ALERTS)]
    judged: dict[Condition, tuple[Outcome, Reading]] = {}
    for number in range(LOOKED_AT[-1] + 1):
        world.wall += {100: DAY_S, 140: -DAY_S}.get(number, 0.0)
        tick = world.round()
        if number not in LOOKED_AT:
            continue
        for condition in CONDITIONS:
            outcome, reading = world.judge(condition)
            trusted = not watched or tick.trusts(condition.window_s)
            judged[condition] = (outcome if trusted else Outcome.HELD), reading
        for place, (condition, state) in enumerate(alerts):
            done = step(state, condition, *judged[condition], now=world.wall, elapsed_s=tick.elapsed_s)
            alerts[place] = condition, done.state
            happened.update([done.notice] if done.notice else [])
            happened.update(["transition"] if done.transition else [])
    return happened, Counter(state.state for _, state in alerts), {outcome for outcome, _ in judged.values()}


def test_day_forward_and_back_makes_no_storm_of_1000_alerts() -> None:
    """Not one transition nor notice, and afterwards all of them are judged again."""
    assert lived_through(watched=True) == (Counter(), Counter({State.INACTIVE: ALERTS}), {Outcome.OK})


def test_without_the_watch_the_same_day_is_a_storm() -> None:
    """So the test above can fail: windows by the wall clock are empty after the jump."""
    happened, _, _ = lived_through(watched=False)
    assert happened["firing"] > ALERTS // 2
