"""The families about A/B tests and shadow tests."""

from __future__ import annotations

from typing import Any, cast

from prometheus_client.core import Metric

from sidecar.api import TrialFigures
from sidecar.api.metrics_trials import TRIALS_SHOWN_MAX, TrialFamilies
from tests.kit.trials_at_hand import TrialsAtHand


def figures(**changes: Any) -> TrialFigures:
    """Figures with some changed."""
    found: dict[str, Any] = {**TrialsAtHand().figures(), **changes}
    return cast(TrialFigures, found)


def values(family: Metric) -> dict[tuple[str, ...], float]:
    return {tuple(sample.labels.values()): sample.value for sample in family.samples}


def families(told: TrialFigures, maker: TrialFamilies | None = None) -> dict[str, dict[tuple[str, ...], float]]:
    return {family.name: values(family) for family in (maker or TrialFamilies()).of(told)}


async def test_figures_stand_in_their_families() -> None:
    """Each figure is one sample; a status without a test is 0, not absent."""
    trials = TrialsAtHand()
    await trials.create_ab_test("try", "det@1", "det@2", {"traffic_split": 0.1})
    await trials.create_shadow_test("behind", "digits", "digits@2", {"share": 0.25})
    await trials.stop("shadow", "behind", "")
    found = families(trials.figures())
    assert found["sidecar_trial_share"] == {("try", "ab", "det", "A"): 0.9, ("try", "ab", "det", "B"): 0.1}
    assert found["sidecar_trials"] == {
        ("completed",): 0,
        ("concluded",): 0,
        ("paused",): 0,
        ("running",): 1,
        ("stopped",): 1,
    }
    assert found["sidecar_trial_rounds"] == {(): 12}
    assert found["sidecar_trial_round_seconds"] == {(): 0.25}
    assert found["sidecar_guardrail_stops"] == {(): 1}


def test_skipped_answers_are_counted_by_reason_whatever_test_they_are_of() -> None:
    """So that the counter does not fall when a test ends."""
    told = figures(skipped={("a", "no_shadow"): 2, ("b", "no_shadow"): 3, ("", "full"): 1})
    assert families(told)["sidecar_trial_skipped"] == {("no_shadow",): 5, ("full",): 1}


def test_tests_over_the_bound_have_no_series_until_one_ends() -> None:
    """A test that is shown stays shown, and its place is given away once it is over."""
    active = [(f"t{number:03}", "shadow", f"m{number}", "B", 0.1) for number in range(TRIALS_SHOWN_MAX + 2)]
    compared = {test_id: 7 for test_id, *_ in active}
    maker = TrialFamilies()
    shown = families(figures(active=active, pairs=compared), maker)
    assert len(shown["sidecar_trial_share"]) == len(shown["sidecar_shadow_images_compared"]) == TRIALS_SHOWN_MAX
    again = families(figures(active=active[::-1], pairs=compared), maker)
    assert again == shown
    after = families(figures(active=active[1:], pairs=compared), maker)["sidecar_shadow_images_compared"]
    assert set(after) - set(shown["sidecar_shadow_images_compared"]) == {(f"t{TRIALS_SHOWN_MAX:03}",)}


def test_hostile_names_make_one_series_each() -> None:
    """Labels are cut and cleaned; a ratio that is none is left out."""
    active = [("t", "ab", "m" * 300, "line\nbreak", 0.1), ("t", "ab", "m" * 301, "line\nbreak", 0.2)]
    found = families(figures(active=active, agreement={"t": float("nan")}))
    assert found["sidecar_trial_share"] == {("t", "ab", "m" * 200, "line?break"): 0.2}
    assert found["sidecar_shadow_agreement_ratio"] == {}
