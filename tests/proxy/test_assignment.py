"""The split of an A/B test: draws, several treatments, what is left out, pure."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.hashing import unit_interval
from sidecar.proxy.assignment import Assignment, Split
from sidecar.types import Experiment

UNITS = [f"camera-{number}" for number in range(400)]
WEIGHTS = st.lists(st.integers(0, 20), min_size=1, max_size=5).filter(any)
TOTALS = st.lists(st.floats(0.001, 1.0), min_size=2, max_size=4).map(sorted)


def assign(experiment: Experiment, unit: str = "", **headers: str) -> Assignment:
    """How ``experiment`` assigns a request of client ``unit``; ``x_a="1"`` is a header ``x-a: 1``."""
    values = {name.replace("_", "-").encode(): value for name, value in headers.items()}
    return Split(experiment).assign(unit, "id", values.get)


def of(shares: tuple[float, ...], **fields: Any) -> Experiment:
    treatments = tuple(f"T{index}" for index in range(len(shares)))
    return Experiment("e", "A", treatments, shares, **{"unit": "client", "salt": "s", "epoch": 4, **fields})


def scaled(weights: list[int], total: float) -> tuple[float, ...]:
    return tuple(total * weight / sum(weights) for weight in weights)


def test_one_treatment_is_drawn_by_unit_and_salt_alone() -> None:
    """A unit is treated exactly where its draw is under the share."""
    for unit in UNITS:
        treated = unit_interval("s", unit) < 0.3
        expected = Assignment("T0" if treated else "A", "treatment" if treated else "control", "e", 4, unit)
        assert assign(of((0.3,)), unit) == expected


@given(WEIGHTS, TOTALS, st.text(max_size=8))
def test_ramp_that_keeps_proportions_never_moves_a_treated_unit(
    weights: list[int], totals: list[float], salt: str
) -> None:
    """As the total grows units only leave control, each for the treatment that it then keeps."""
    steps = [Split(of(scaled(weights, total), salt=salt)) for total in totals]
    for unit in UNITS[:60]:
        path = [split.assign(unit, "id", lambda name: None).variant for split in steps]
        for before, after in pairwise(path):
            assert before in ("A", after)


@given(WEIGHTS, st.floats(0.0, 1.0))
def test_treatment_without_a_share_gets_nobody(weights: list[int], total: float) -> None:
    """Each unit goes to control or to a treatment whose share is over 0."""
    shares = scaled(weights, total)
    allowed = {"A"} | {f"T{index}" for index, share in enumerate(shares) if share > 0}
    split = Split(of(shares))
    assert {split.assign(unit, "id", lambda name: None).variant for unit in UNITS} <= allowed


def test_treatments_get_their_shares() -> None:
    """Over many units each arm has its share, within what chance explains."""
    units = [str(number) for number in range(20_000)]
    split = Split(of((0.1, 0.2, 0.3)))
    chosen = [split.assign(unit, "id", lambda name: None).variant for unit in units]
    for variant, share in (("A", 0.4), ("T0", 0.1), ("T1", 0.2), ("T2", 0.3)):
        deviation = (share * (1 - share) / len(units)) ** 0.5
        assert abs(chosen.count(variant) / len(units) - share) < 4 * deviation


def test_paused_test_sends_all_to_control() -> None:
    """Shares of 0 treat nobody, who comes meanwhile is not analysed, and a tester is still served as they wish."""
    paused = of((0.0, 0.0), override="x-variant")
    assert {assign(paused, unit).role for unit in UNITS} == {"excluded"}
    assert assign(paused, "u", x_variant="T1").variant == "T1"


@pytest.mark.parametrize(
    ("unit", "headers", "drawn"),
    [
        ("request", {}, "id"),
        ("client", {}, "10.0.0.7"),
        ("header:X-Camera", {"x_camera": "c7"}, "c7"),
        ("header:X-Camera", {"x_camera": ""}, ""),
        ("header:X-Camera", {}, ""),
    ],
)
def test_unit_is_what_the_test_says(unit: str, headers: dict[str, str], drawn: str) -> None:
    """A unit that is absent or empty leaves the request out of the analysis, served by control."""
    assignment = assign(of((1.0,), unit=unit), "10.0.0.7", **headers)
    expected = Assignment("T0", "treatment", "e", 4, drawn) if drawn else Assignment("A", "excluded", "e", 4)
    assert assignment == expected


@pytest.mark.parametrize(
    ("exclude", "headers", "excluded"),
    [
        ("X-Probe", {"x_probe": "anything"}, True),
        ("X-Probe", {"x_probe": ""}, True),
        ("X-Probe", {}, False),
        ("x-probe=1", {"x_probe": "1"}, True),
        ("x-probe=1", {"x_probe": "10"}, False),
        ("x-probe=1", {}, False),
        ("x-probe=a=b", {"x_probe": "a=b"}, True),
    ],
)
def test_excluding_header_sends_to_control(exclude: str, headers: dict[str, str], excluded: bool) -> None:
    """A request with the header, and the value where one is named, is control's and not analysed."""
    assignment = assign(of((1.0,), exclude=exclude), "u", **headers)
    assert assignment == (
        Assignment("A", "excluded", "e", 4) if excluded else Assignment("T0", "treatment", "e", 4, "u")
    )


@pytest.mark.parametrize(("wished", "variant"), [("T1", "T1"), ("A", "A"), ("t1", "A"), ("elsewhere", "A"), ("", "A")])
def test_overriding_header_names_the_variant(wished: str, variant: str) -> None:
    """A tester gets a variant of the test by its name, control for any other, and is not analysed."""
    experiment = of((0.5, 0.5), override="X-Variant")
    assert assign(experiment, "u", x_variant=wished) == Assignment(variant, "override", "e", 4)
    assert assign(experiment, "u").role == "treatment"


def test_exclusion_comes_before_a_testers_wish() -> None:
    """A request that has both headers is excluded."""
    experiment = of((1.0,), exclude="x-probe", override="x-variant")
    assert assign(experiment, "u", x_probe="1", x_variant="T0") == Assignment("A", "excluded", "e", 4)


@pytest.mark.parametrize(
    ("wish", "variant"),
    [("B", "B"), ("2", "B"), ("det@2", "B"), (" det@1 ", "A"), ("b", "A"), ("det@9", "A"), ("", "A"), ("C", "C")],
)
def test_tester_may_name_a_variant_as_people_do(wish: str, variant: str) -> None:
    """By the upstream, its version, or model@version; what is none of them goes to control, and counts nowhere."""
    experiment = Experiment("e", "A", ("B", "C"), (0.1, 0.1), override="x-variant")
    split = Split(experiment, {"A": "1", "B": "2", "C": ""})
    made = split.assign("10.0.0.7", "p", lambda name: wish if name == b"x-variant" else None)
    assert (made.variant, made.role, made.unit) == (variant, "override", "")


def test_endless_unit_is_its_hash() -> None:
    """A header's value may be as long as a head: what is recorded of it is short, and the same each time."""
    split = Split(Experiment("e", "A", ("B",), (0.5,), unit="header:x"))
    made = [split.assign("10.0.0.7", "p", lambda name, end=end: "x" * 20_000 + end) for end in ("a", "a", "b")]
    assert made[0] == made[1]
    assert made[0].unit != made[2].unit
    assert max(len(one.unit) for one in made) <= 32
