"""From what is stored to epochs."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sidecar.experiments import PER_UNIT_NAMES, results
from sidecar.experiments.definition import Definition
from sidecar.experiments.lifecycle import Trial, begun, paused, ramped, resumed
from sidecar.recording import SummaryRow
from sidecar.summaries import Summary
from sidecar.trials import Points, UnitSums, by_units, epochs_of, kept_split
from sidecar.trials.readout import failover_of
from sidecar.trials.units import unit_hash
from tests.kit.drawing import drawn_summary


def against(*treatments: str, unit: str = "request", opened_for: str = "") -> Trial:
    """A test of A against these, which get 0.4 together, that began at 0."""
    shares = tuple(0.4 / len(treatments) for _ in treatments)
    return begun("t", Definition("t", "det", "A", treatments, shares, unit=unit), 0.0, opened_for=opened_for)


def row(summary: Summary, role: str, epoch: int = 0, version: str = "1", model: str = "det") -> SummaryRow:
    return SummaryRow(0, 0, model, version, role, "t", epoch, "", 1, summary.encode())


def drawn(seed: int, n: int) -> Summary:
    return drawn_summary(np.random.default_rng(seed), n)


def test_traffic_that_is_not_analysed_is_in_no_arm() -> None:
    """Who was excluded, or a tester, counts for neither version."""
    rows = [row(drawn(1, 60), "control"), row(drawn(2, 40), "treatment", version="2")]
    rows += [row(drawn(3, 9), "excluded"), row(drawn(4, 9), "override", version="2")]
    (epoch,) = epochs_of(against("B"), rows)
    assert [(arm.name, arm.units) for arm in epoch.arms] == [("A", 60), ("B", 40)]
    assert epoch.split == (0.6, 0.4)


def test_what_control_answered_for_a_treatment_is_in_no_arm_and_counted() -> None:
    """Over all epochs, and the results say what it means; of none they say nothing."""
    rows = [row(drawn(1, 60), "control"), row(drawn(2, 40), "treatment", version="2")]
    away = [row(drawn(3, 9), "failover"), row(drawn(4, 5), "failover", epoch=1)]
    trial = against("B")
    epochs = epochs_of(trial, [*rows, *away])
    assert [(arm.name, arm.units) for arm in epochs[0].arms] == [("A", 60), ("B", 40)]
    requests = sum(Summary.decode(one.payload).requests for one in away)
    assert failover_of(trial, [*rows, *away]) == requests > 0
    found = results(("A", "B"), epochs, failover=requests)
    assert found.to_dict()["failover"] == requests
    assert any(note.startswith(f"{requests:,} requests were answered by control") for note in found.notes)
    assert not any("control because" in note for note in results(("A", "B"), epochs).notes)


def test_several_treatments_are_told_apart_by_their_versions() -> None:
    """Answers of no treatment's version count nowhere."""
    trial = against("B", "C", opened_for=Points({"A": "1", "B": "2", "C": "3"}).text)
    rows = [row(drawn(place, 10 + place), "treatment", version=name) for place, name in enumerate(("2", "3", "9"))]
    (epoch,) = epochs_of(trial, rows)
    assert [(arm.name, arm.units) for arm in epoch.arms] == [("A", 0), ("B", 10), ("C", 11)]


def test_models_behind_one_test_add_up() -> None:
    """A test of all models has one arm for each variant."""
    rows = [row(drawn(1, 30), "control"), row(drawn(2, 20), "control", model="other")]
    assert epochs_of(against("B"), rows)[0].control.units == 50


def test_every_change_of_the_split_is_an_epoch_of_its_own() -> None:
    """A pause gives the treatment nothing, and no difference is taken within it."""
    trial = resumed(paused(ramped(against("B"), (0.5,), 1.0, "ramped"), 2.0), 3.0)
    epochs = epochs_of(trial, [row(drawn(1, 8), "control", epoch=2)])
    assert [epoch.split for epoch in epochs] == [(0.6, 0.4), (0.5, 0.5), (1.0, 0.0), (0.5, 0.5)]
    assert epochs[2].control.units == 8
    assert epochs[2].pair("B") is None


def test_an_unreadable_summary_costs_only_itself() -> None:
    """What another release wrote is left out and said, and the other arm stands."""
    broken = SummaryRow(0, 0, "det", "1", "control", "t", 0, "", 1, b"no summary")
    (epoch,) = epochs_of(against("B"), [broken, row(drawn(1, 12), "treatment")])
    assert [arm.units for arm in epoch.arms] == [0, 12]


@given(st.floats(0.0, 0.99), st.floats(0.0, 0.99))
def test_units_of_an_earlier_epoch_are_split_as_their_draws_say(first: float, now: float) -> None:
    """Of evenly spread draws, those that are in the same arm under both splits have the shares that are told."""
    draws = (np.arange(20_000) + 0.5) / 20_000
    treated, later = draws < first, draws < now
    stayed = treated[treated == later]
    split = kept_split([first], [now])
    assert split is not None
    np.testing.assert_allclose(split[1], np.mean(stayed), atol=0.02)


def test_where_nobody_stays_there_is_no_split() -> None:
    """All were treated before and none is now."""
    assert kept_split([1.0], [0.0]) is None


def test_returning_units_are_apart_from_new_ones() -> None:
    """After a ramp, cameras seen before form an epoch with the split that their draws follow, and are assigned once."""
    trial = ramped(against("B", unit="header:x"), (0.8,), 1.0, "ramped")
    units = UnitSums("t")
    ones = np.ones(len(PER_UNIT_NAMES), np.int64)
    for epoch, arm, name in (
        (0, "A", "a"), (0, "B", "b"), (1, "A", "a"), (1, "B", "b"), (1, "B", "c"), (0, "A", "d"), (1, "B", "d"),
    ):  # fmt: skip
        units.add(epoch, arm, unit_hash("t", name), ones)
    epochs = epochs_of(trial, [row(drawn(1, 50), "treatment", epoch=1)], units.arms())
    told = [(e.number, tuple(round(s, 6) for s in e.split), [arm.units for arm in e.arms]) for e in epochs]
    assert told == [
        (0, (0.6, 0.4), [2, 1]),
        (1, (0.2, 0.8), [0, 1]),
        (1, (round(0.2 / 0.6, 6), round(0.4 / 0.6, 6)), [1, 1]),
    ]
    assert [arm.assigned for e in epochs for arm in e.arms] == [2, 1, 0, 1, 0, 0]
    assert sum(arm.moved for e in epochs for arm in e.arms) == 1
    assert [e.arms[1].latency.count for e in epochs] == [0, 50, 0]  # what is only shown counts once


def test_a_test_of_lasting_units_without_any_is_well_formed() -> None:
    """Before the first camera came there are epochs without units, and results of them."""
    trial = against("B", unit="client")
    assert by_units(trial)
    assert results(["A", "B"], epochs_of(trial, [], [])).p_value == 1.0


def test_a_camera_is_one_unit_however_many_epochs_it_comes_in() -> None:
    """It is counted where it was seen first: seven epochs do not make 50 cameras 350."""
    trial = against("B", unit="header:x")
    units = UnitSums("t")
    sums = np.arange(1, len(PER_UNIT_NAMES) + 1)
    for step in range(1, 7):
        trial = ramped(trial, (0.4,), float(step), "again")
    for epoch in range(7):
        for number in range(50):
            units.add(epoch, "AB"[number % 2], unit_hash("t", str(number)), sums)
    found = results(["A", "B"], epochs_of(trial, [], units.arms()))
    assert [found.variants[name].n for name in "AB"] == [25, 25]
    assert found.how_much_longer.units_seen == 50
    assert found.verdict == "no_difference_yet"
    assert "too few units (25 with A and 25 with B; " in found.reasons[0]
