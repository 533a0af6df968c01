"""The steward: ends, stops, ramps and freezes tests."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from sidecar.experiments.definition import Ramp
from sidecar.experiments.lifecycle import DAY_S, paused, resumed
from sidecar.recording import Batch, SummaryRow
from sidecar.trials import stops_of
from sidecar.trials.steward import EDGE_REQUESTS, SETTLE_S
from tests.trials.room import Room, ab, shadow

EVEN = {"shares": (0.5,)}
SLOW = {"control": {"n": 3_000, "latency_ms": 20.0}, "treatment": {"n": 3_000, "latency_ms": 40.0}}
SAME = {"control": {"n": 6_000}, "treatment": {"n": 6_000}}


async def test_a_test_ends_when_its_time_is_over(room: Room) -> None:
    """Time in a pause does not count; traffic goes to control and nothing is promoted."""
    entry = await room.book.begin(ab(duration_days=2.0))
    room.now += DAY_S
    await room.book.change("ab", "night", paused)
    room.now += 10 * DAY_S
    await room.steward.round()
    assert entry.trial.status == "paused"
    await room.book.change("ab", "night", resumed)
    room.now += DAY_S - 1
    await room.steward.round()
    assert entry.trial.status == "running"
    room.now += 1
    await room.steward.round()
    assert (entry.trial.status, entry.trial.reason) == ("completed", "its 2 days are over")
    assert room.told[-1] == ([], ("det", "A"))


async def test_results_are_frozen_once_late_answers_are_in(room: Room) -> None:
    """What is recorded after that changes nothing; until then results are not called frozen."""
    entry = await room.book.begin(ab(duration_days=1.0, **EVEN))
    await room.record("night", 0, 1, **SAME)
    room.now += DAY_S
    await room.steward.round()
    assert (await room.steward.document(entry))["frozen"] is False
    room.now += SETTLE_S
    await room.steward.round()
    frozen = await room.steward.document(entry)
    assert (frozen["frozen"], frozen["model_a"]["n"]) == (True, 6_000)
    await room.record("night", 0, 1, revision=2, control={"n": 9})
    room.now += DAY_S
    assert await room.steward.document(entry) == frozen == (await room.rows.all())[0].results


async def test_a_harmful_version_is_stopped_by_itself(room: Room) -> None:
    """Twice the latency is surely beyond a margin of a tenth; the reason names guardrail, variant and ratio."""
    entry = await room.book.begin(ab(**EVEN))
    await room.record("night", 0, 2, **SLOW)
    await room.steward.round()
    assert entry.trial.status == "stopped"
    assert entry.trial.reason.startswith("guardrail: B: latency is surely over 1.1 times the control's")
    assert room.told[-1] == ([], ("det", "A"))
    assert room.steward.figures.guardrail_stops == 1
    ((at, sentence),) = stops_of(entry.trial)
    assert at == entry.trial.ended_at
    assert sentence.startswith("A/B test 'Night' was stopped (B: latency is surely over")


async def test_of_several_only_the_harmful_version_is_taken_out(room: Room) -> None:
    """The others go on in a new epoch; when the last one is harmful too the test is stopped."""
    points = '{"thresholds": {}, "versions": {"A": "1", "B": "2", "C": "3"}}'
    entry = await room.book.begin(ab(treatments=("B", "C"), shares=(0.3, 0.3)), opened_for=points)
    good, bad = {"n": 3_000, "latency_ms": 20.0}, {"n": 3_000, "latency_ms": 40.0}
    await room.record("night", 0, 3, control=good, treatment_2=bad, treatment_3=good)
    await room.steward.round()
    assert (entry.trial.status, entry.trial.epoch.shares) == ("running", (0.0, 0.3))
    assert [sentence[:40] for _, sentence in stops_of(entry.trial)] == ["A/B test 'Night' took a variant out (B: "]
    await room.steward.round()
    assert (entry.trial.epoch.number, room.steward.figures.guardrail_stops) == (1, 1)  # once is enough
    await room.record("night", 1, 4, control=good, treatment_3=bad)
    await room.steward.round()
    assert entry.trial.status == "stopped"


async def test_a_planned_ramp_goes_on_only_where_harm_is_excluded(room: Room) -> None:
    """First its hours, then its units, then the guardrails: what it waits for is told."""
    entry = await room.book.begin(ab(shares=(0.05,), ramp=Ramp((0.05, 0.25, 0.5), hours=2.0, units=500)))
    waiting = room.steward.waiting_for
    await room.steward.round()
    assert waiting["night"] == "2h more at this step"
    room.now += 7_200
    await room.record("night", 0, 5, control={"n": 9_500}, treatment={"n": 400})
    await room.steward.round()
    assert waiting["night"] == "units of B: 400 of 500"
    await room.record("night", 0, 6, revision=2, control={"n": 9_500}, treatment={"n": 600, "latency_ms": 20.4})
    await room.steward.round()
    assert waiting["night"].startswith("B: ")
    assert "not known yet" in waiting["night"]
    await room.record("night", 0, 7, revision=3, control={"n": 95_000}, treatment={"n": 5_000})
    await room.steward.round()
    assert (entry.trial.epoch.shares, entry.trial.epoch.reason) == ((0.25,), "planned ramp to 0.25")
    await room.steward.round()
    assert waiting["night"] == "2h more at this step"  # each step anew
    assert entry.trial.epoch.number == 1


async def test_what_is_slow_is_fixed_by_controls_first_answers(room: Room) -> None:
    """Where control had no traffic before: once it has answered often enough, and never again."""
    entry = await room.book.begin(ab(**EVEN))
    await room.record("night", 0, 8, control={"n": EDGE_REQUESTS - 1}, treatment={"n": 9})
    await room.steward.round()
    assert entry.trial.slow_edge_ms is None
    await room.record("night", 0, 8, revision=2, control={"n": EDGE_REQUESTS}, treatment={"n": 9})
    with capture_logs() as logs:
        await room.steward.round()
    assert not [entry for entry in logs if entry["event"] == "test_changed"]  # nobody has changed it
    edge = entry.trial.slow_edge_ms
    assert edge is not None
    assert edge > 20.0
    await room.record("night", 0, 9, revision=3, control={"n": 2_000, "latency_ms": 90.0}, treatment={"n": 9})
    await room.steward.round()
    assert entry.trial.slow_edge_ms == edge


async def test_p_values_only_fall(room: Room) -> None:
    """What once was clear stays clear, over a restart too."""
    entry = await room.book.begin(ab(guardrails=(), metrics=("latency",), **EVEN))
    await room.record("night", 0, 2, **SLOW)
    first = (await room.steward.document(entry))["p_value"]
    await room.record("night", 0, 3, revision=2, **SAME)
    assert (await room.steward.document(entry))["p_value"] == first < 1e-6
    assert min((await room.rows.all())[0].lowest.values()) == pytest.approx(first)


async def test_a_fault_in_one_test_stops_no_other(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted, and the rest of the round goes on."""
    await room.book.begin(ab(duration_days=1.0))
    other = await room.book.begin(ab("Other", model="gate", duration_days=1.0))
    room.now += DAY_S
    change = room.book.change

    async def failing(kind: Any, trial_id: str, step: Any) -> Any:
        if trial_id == "night":
            raise RuntimeError("odd")
        return await change(kind, trial_id, step)

    monkeypatch.setattr(room.book, "change", failing)
    await room.steward.round()
    assert other.trial.status == "completed"
    assert (room.steward.figures.failed, room.steward.figures.rounds) == ({"fault": 1}, 1)


async def test_a_shadow_test_has_results_and_an_end_too(room: Room) -> None:
    """Before any traffic they are well-formed; frozen ones stay."""
    entry = await room.book.begin(shadow(duration_days=1.0))
    room.count(entry.trial)
    document = await room.steward.document(entry)
    assert (document["counts"]["images"], document["waiting"], document["frozen"]) == (0, 0, False)
    room.now += DAY_S + SETTLE_S
    await room.steward.round()
    assert entry.trial.status == "completed"
    room.now += SETTLE_S
    await room.steward.round()
    assert (await room.steward.document(entry))["frozen"] is True


async def test_results_cost_the_same_whatever_the_traffic(room: Room) -> None:
    """Summaries of ten seconds are not read: only those of whole epochs."""
    entry = await room.book.begin(ab(**EVEN))
    await room.record("night", 0, 1, **SAME)
    document = await room.steward.document(entry)
    narrow = [SummaryRow(10 * i, 10, "det", "1", "control", "night", 0, "", 1, b"not even readable") for i in range(99)]
    await room.store.commit(Batch(summaries=narrow))
    assert await room.steward.document(entry) == document
