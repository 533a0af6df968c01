"""Rounds of evaluation on a real store and a clock that only the test moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from sidecar.alerts import State
from sidecar.recording import Alerts, DriftCheckRow, Notifications, StoreError
from sidecar.watch import Book, Entry, Ledger, Rounds, Scope, Seasons
from sidecar.watch.rounds import DEFAULTS_MODELS_MAX
from tests.watch.room import DAY_S, MONDAY, Room, prediction
from tests.watch.test_book import Mail

MAIL = "email:team@company.com"
LOW = {"metric": "avg_confidence", "operator": "lt", "threshold": 0.7, "window": "1m", "for": "20s", "min_samples": 5}


class Watch:
    """A book and its rounds over a room; ``second`` makes traffic and runs a round every ten seconds."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.lost = 0
        self.latest: dict[Scope, DriftCheckRow] = {}
        self.woken = 0
        self.stops: list[tuple[str, float, str]] = []
        self.book = Book(Alerts(room.store), Mail(), room.clock.wall, generation=lambda: room.store.generation)
        self.rounds = Rounds(
            self.book,
            Ledger(room.load),
            room.normal,
            Seasons(room.load),
            self.latest,
            lambda: self.lost,
            lambda: 0,
            wake=self.wake,
            clock=room.clock.wall,
            monotonic=room.clock.monotonic,
            stops=self.stops_of,
        )

    def stops_of(self, model: str, since: float, until: float) -> list[tuple[float, str]]:
        return [(at, said) for of, at, said in self.stops if model in ("", of) and since < at <= until]

    def wake(self) -> None:
        self.woken += 1

    async def alert(self, condition: dict[str, Any], name: str = "Low", model: str = "det") -> Entry:
        return await self.book.create(Scope(model), name, condition, [MAIL])

    async def ten_seconds(self, score: float | None = 0.9, classes: Sequence[int] = (0,), **changes: Any) -> None:
        """Ten seconds of traffic (None: of silence), then a round."""
        now = self.room.clock.now
        if score is not None:
            self.room.past.add(prediction(now + n, n, classes, score, **changes) for n in range(10))
            await self.room.past.write()
        self.room.clock.go(10)
        await self.rounds.round()

    async def kinds(self, entry: Entry) -> list[str]:
        sent = await Notifications(self.room.store).of_alert(entry.row.alert_id)
        return [row.kind for row in reversed(sent)]

    async def path(self, entry: Entry) -> list[str]:
        page = await Alerts(self.room.store).transitions(entry.row.alert_id)
        return [row.to_state for row in reversed(page.items)]


@pytest.fixture
async def watch(room: Room) -> Watch:
    room.clock.now = MONDAY
    return Watch(room)


async def test_alert_fires_after_its_time_and_resolves(watch: Watch) -> None:
    """Pending while it may pass, firing after `for`, resolved when it is well; each is a transition, two are told."""
    entry = await watch.alert(LOW)
    for score in (0.9, 0.9, 0.9, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4):
        await watch.ten_seconds(score)
    assert entry.state.state is State.FIRING
    assert await watch.path(entry) == ["pending", "firing"]
    assert "avg_confidence of det was" in entry.state.sentence
    for _ in range(7):
        await watch.ten_seconds(0.9)
    assert await watch.path(entry) == ["pending", "firing", "resolved"]
    assert await watch.kinds(entry) == ["firing", "resolved"]
    assert watch.woken == 2


async def test_restart_neither_forgets_nor_repeats(watch: Watch) -> None:
    """A new life takes up a firing alert as it was: nothing is told again, and its end is told once."""
    entry = await watch.alert(LOW)
    for _ in range(5):
        await watch.ten_seconds(0.4)
    again = Watch(watch.room)
    await again.book.restore()
    (entry,) = again.book.all()
    for _ in range(3):
        await again.ten_seconds(0.4)
    assert await again.kinds(entry) == ["firing"]
    for _ in range(7):
        await again.ten_seconds(0.9)
    assert await again.kinds(entry) == ["firing", "resolved"]


@pytest.mark.parametrize("jump_s", [DAY_S, -DAY_S])
async def test_clock_that_jumps_a_day_causes_no_storm(watch: Watch, jump_s: float) -> None:
    """Neither a firing alert nor a quiet one changes, whatever their no-data behaviour, and all go on afterwards."""
    firing = await watch.alert(LOW)
    others = [
        await watch.alert({**LOW, "operator": "gt", "threshold": 0.95, "no_data": no_data}, f"quiet {no_data}")
        for no_data in ("keep", "ok", "fire")
    ]
    others.append(
        await watch.alert({"metric": "request_rate", "operator": "lt", "threshold": 0.1, "window": "1m"}, "silence")
    )
    others.append(
        await watch.alert({"metric": "request_rate", "operator": "gt", "threshold": 1.8, "window": "1m"}, "twice")
    )
    for _ in range(8):
        await watch.ten_seconds(0.4)
    before = [await watch.path(entry) for entry in (firing, *others)]
    watch.room.clock.now += jump_s
    for _ in range(12):
        await watch.ten_seconds(0.4)
    assert [await watch.path(entry) for entry in (firing, *others)] == before
    assert watch.rounds.figures.skipped["clock_jump"] > 0
    for _ in range(8):
        await watch.ten_seconds(0.9)
    assert firing.state.state is State.RESOLVED


async def test_silence_of_the_store_delays_a_firing_and_loses_none(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be written did not happen: the next round that can write tells it."""
    entry = await watch.alert(LOW | {"for": "0s"})
    real = watch.book._alerts.record

    async def failing(changes: Any) -> list[str]:
        raise StoreError("full", "no room")

    monkeypatch.setattr(watch.book._alerts, "record", failing)
    for _ in range(3):
        await watch.ten_seconds(0.4)
    assert entry.state.state is State.INACTIVE
    monkeypatch.setattr(watch.book._alerts, "record", real)
    await watch.ten_seconds(0.4)
    assert entry.state.state is State.FIRING
    assert await watch.kinds(entry) == ["firing"]


async def test_few_images_are_no_data_and_silence_is_told_by_the_rate(watch: Watch) -> None:
    """Nine images of a minimum of thirty say nothing of confidence; that no request comes is a rate of zero."""
    low = await watch.alert(LOW | {"min_samples": 30, "for": "0s"})
    rate = await watch.alert({"metric": "request_rate", "operator": "lt", "threshold": 0.5, "window": "30s"}, "Silent")
    await watch.ten_seconds(0.4)
    assert low.state.state is State.INACTIVE
    assert "too few samples: 10 of 30" in low.state.sentence
    for _ in range(4):
        await watch.ten_seconds(None)
    assert rate.state.state is State.FIRING


async def test_confidence_is_held_against_the_baseline(watch: Watch) -> None:
    """A ratio to what is normal; before anything is normal the alert can't be judged and says why."""
    entry = await watch.alert({**LOW, "threshold": 0.9, "compare": "baseline_ratio", "for": "0s"})
    for _ in range(7):
        await watch.ten_seconds(0.8)
    assert "no baseline" in entry.state.sentence
    await watch.room.normal.freeze("det", "2024-01-01T00:00:00Z/2024-01-01T00:01:00Z", "default", False)
    await watch.ten_seconds(0.8)
    assert entry.state.state is State.INACTIVE
    assert entry.state.detail["baseline"] == pytest.approx(0.8, abs=1e-6)
    for _ in range(7):
        await watch.ten_seconds(0.6)
    assert entry.state.state is State.FIRING
    assert "0.75 times det@1's baseline of 0.8" in entry.state.sentence


async def test_drift_that_was_found_fires_and_its_classes_are_told_beside_other_alerts(watch: Watch) -> None:
    """The finding of the continuous monitor is what a drift alert reads, and context for the rest."""
    report = {
        "verdict": "drift",
        "significant_drift": True,
        "scores": {"class": {"corrected": 0.4, "significant": True, "p_value": 0.0001, "p_adjusted": 0.0005}},
        "new_classes": [],
        "n_current": {"images": 500},
        "sentence": "Drift: kite went from 0 % to 30 %.",
    }
    row = DriftCheckRow("det", "1", "", MONDAY - 60, MONDAY, "b", MONDAY, report)
    watch.latest[Scope("det", "1")] = row
    drift = await watch.alert({"metric": "class_drift", "operator": "gt", "threshold": 0.2, "window": "1d"}, "Drift")
    low = await watch.alert(LOW | {"for": "0s"})
    await watch.ten_seconds(0.4)
    assert drift.state.state is State.FIRING
    assert low.state.state is State.FIRING
    (told,) = await Notifications(watch.room.store).of_alert(low.row.alert_id)
    assert "Drift: kite went from 0 % to 30 %." in told.payload["context"]
    assert drift.state.sentence.startswith("class_drift of det@1 was 0.4 in the latest check (")


async def test_drift_alert_names_the_version_and_whose_baseline_it_drifted_from(watch: Watch) -> None:
    """A rule of the whole model is about whichever version drifted, and that may have no baseline of its own."""
    report = {
        **{"verdict": "drift", "significant_drift": True, "scores": {}, "n_current": {"images": 500}},
        "reference": {"baseline": "auto", "model_id": "det@1"},
        "sentence": "Drift from the baseline of det@1: kite went from 0 % to 30 %.",
    }
    watch.latest[Scope("det", "2")] = DriftCheckRow("det", "2", "", MONDAY - 60, MONDAY, "b", MONDAY, report)
    condition = {"metric": "significant_drift", "operator": "gt", "threshold": 0, "window": "1d"}
    entry = await watch.alert(condition, "Drift")
    await watch.ten_seconds(0.8)
    assert entry.state.sentence == (
        "det@2 drifted from the baseline of det@1 in the latest check: kite went from 0 % to 30 %."
    )


async def test_loss_of_the_sidecars_own_fires(watch: Watch) -> None:
    """What was dropped within the window counts, not what was dropped before."""
    watch.lost = 7
    entry = await watch.alert({"metric": "dropped", "operator": "gt", "threshold": 0, "window": "1m"}, "Lost", "")
    await watch.ten_seconds(None)
    assert entry.state.state is State.INACTIVE
    watch.lost = 9
    await watch.ten_seconds(None)
    assert (entry.state.state, entry.state.value) == (State.FIRING, 2)


async def test_guardrail_stop_is_told_at_once_and_is_over_when_its_window_is(watch: Watch) -> None:
    """The rule there is by itself names what was stopped; an alert of another model hears nothing of it."""
    await watch.rounds.give_defaults([], 900, 300, [MAIL], Alerts(watch.room.store))
    entry = next(entry for entry in watch.book.all() if entry.row.name == "Guardrail stop")
    stops = {"metric": "guardrail_stops", "operator": "gt", "threshold": 0, "window": "1h"}
    own, other = await watch.alert(stops, "own", "det"), await watch.alert(stops, "other", "seg")
    await watch.ten_seconds(None)
    assert entry.state.state is State.INACTIVE
    watch.stops.append(("det", watch.room.clock.now, "Test canary: det@2 was stopped by the guardrail of error_rate."))
    await watch.ten_seconds(None)
    assert [alert.state.state for alert in (entry, own, other)] == [State.FIRING, State.FIRING, State.INACTIVE]
    (told,) = await Notifications(watch.room.store).of_alert(entry.row.alert_id)
    assert told.payload["sentence"] == (
        "guardrail_stops was 1 over 1h (threshold: above 0)."
        " Test canary: det@2 was stopped by the guardrail of error_rate."
    )
    watch.room.clock.go(3_590)
    await watch.ten_seconds(None)
    assert entry.state.state is State.RESOLVED
    assert await watch.kinds(entry) == ["firing", "resolved"]


async def test_unusual_hour_is_an_anomaly(watch: Watch) -> None:
    """Nights are always dim here: a dim night is usual, a dim noon is not."""
    scores = {hour: 0.9 if 6 <= hour < 18 else 0.5 for hour in range(24)}
    for hour in range(24 * 5):
        at = MONDAY + hour * 3_600
        watch.room.past.add(
            prediction(at + n, n, [0], scores[hour % 24] + 0.01 * ((hour * 7 + n) % 5 - 2)) for n in range(40)
        )
    await watch.room.past.write()
    anomaly = {"metric": "avg_confidence", "operator": "anomaly", "window": "1h", "sensitivity": 4}
    entry = await watch.alert(anomaly)
    watch.room.clock.now = MONDAY + 5 * DAY_S
    for hour in range(11):
        await _hour(watch, scores[hour])
        assert entry.state.state is State.INACTIVE, entry.state.sentence
    await _hour(watch, 0.5)
    assert entry.state.state is State.FIRING, entry.state.sentence
    assert "robust standard deviations below" in entry.state.sentence


async def _hour(watch: Watch, score: float) -> None:
    watch.room.past.add(prediction(watch.room.clock.now + 80 * n, n, [0], score) for n in range(40))
    await watch.room.past.write()
    watch.room.clock.go(3_600 - 10)
    await watch.rounds.round()
    watch.room.clock.go(10)


async def test_default_alerts_are_made_once_for_every_model_and_stay_deleted(watch: Watch) -> None:
    """A rule somebody deleted does not come back; a new model gets its own."""
    made = Alerts(watch.room.store)
    await watch.rounds.give_defaults(["det"], 900, 300, [MAIL], made)
    names = {entry.row.name for entry in watch.book.all() if entry.row.model == "det"}
    assert {"Errors", "Confidence below normal", "Drift"} <= names
    assert {entry.row.name for entry in watch.book.all() if not entry.row.model} == {
        "Monitoring loses data",
        "Guardrail stop",
    }
    gone = next(entry for entry in watch.book.all() if entry.row.name == "Drift")
    await watch.book.delete(gone.row.alert_id)
    count = len(watch.book.all())
    await watch.rounds.give_defaults(["det"], 900, 300, [MAIL], made)
    assert len(watch.book.all()) == count
    await watch.rounds.give_defaults(["det", "new"], 900, 300, [MAIL], made)
    assert len(watch.book.all()) > count


async def test_disabled_alert_is_not_evaluated(watch: Watch) -> None:
    """It stays as it is until it is enabled again."""
    entry = await watch.alert(LOW | {"for": "0s"})
    await watch.book.update(entry.row.alert_id, enabled=False)
    for _ in range(3):
        await watch.ten_seconds(0.4)
    assert entry.state.state is State.INACTIVE
    await watch.book.update(entry.row.alert_id, enabled=True)
    await watch.ten_seconds(0.4)
    assert entry.state.state is State.FIRING


async def test_alert_that_fires_unheard_is_told_to_the_first_channel_it_gets(watch: Watch) -> None:
    """Nobody was told, so it was not told: a channel that is added hears of it."""
    entry = await watch.book.create(Scope("det"), "Low", LOW | {"for": "0s"}, [])
    await watch.ten_seconds(0.4)
    assert entry.state.state is State.FIRING
    await watch.book.update(entry.row.alert_id, notify=[MAIL])
    await watch.ten_seconds(0.4)
    assert await watch.kinds(entry) == ["firing"]


async def test_fault_in_one_alert_stops_no_other(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is held and counted; the rest is evaluated."""
    broken = await watch.alert(LOW | {"for": "0s"}, "broken")
    sound = await watch.alert(LOW | {"for": "0s"}, "sound")
    real = watch.rounds._read

    def read(entry: Entry, *arguments: Any) -> Any:
        if entry is broken:
            raise ZeroDivisionError
        return real(entry, *arguments)

    monkeypatch.setattr(watch.rounds, "_read", read)
    await watch.ten_seconds(0.4)
    assert (broken.state.state, sound.state.state) == (State.INACTIVE, State.FIRING)
    assert watch.rounds.figures.skipped["failed"] == 1


async def test_time_of_a_round_that_failed_is_counted_by_the_next(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that is away for a while does not stretch `for` or a silence."""
    entry = await watch.alert(LOW | {"for": "50s"})
    await watch.ten_seconds(0.4)
    real = watch.rounds._ledger.refresh

    async def away(*_: Any) -> None:
        raise StoreError("locked", "busy")

    monkeypatch.setattr(watch.rounds._ledger, "refresh", away)
    for _ in range(4):
        await watch.ten_seconds(0.4)
    assert watch.rounds.figures.skipped["store"] == 4
    monkeypatch.setattr(watch.rounds._ledger, "refresh", real)
    await watch.ten_seconds(0.4)
    assert entry.state.state is State.FIRING


async def test_defaults_are_for_so_many_models_and_no_more(watch: Watch) -> None:
    """Names that clients make up can't use up the alerts there may be."""
    made = Alerts(watch.room.store)
    for number in range(DEFAULTS_MODELS_MAX + 20):
        await watch.rounds.give_defaults([f"made-up-{number}"], 900, 300, [], made)
    assert len({entry.row.model for entry in watch.book.all()} - {""}) == DEFAULTS_MODELS_MAX
    assert watch.rounds.figures.skipped["default_models"] == 20
