"""How failed attempts are slowed."""

from __future__ import annotations

import pytest

from sidecar.access import slowing as slowing_module
from sidecar.access.slowing import FORGET_S, WAIT_S_MAX, WAITING_ALL_MAX, WAITING_MAX, Slowing


def test_each_failure_waits_longer_up_to_a_bound() -> None:
    """One mistyped token costs nothing to speak of, a list of them does."""
    slowing = Slowing()
    waits = []
    for now in range(10):
        waits.append(slowing.fail("a", float(now)) or 0.0)
        slowing.answered("a")
    assert waits[0] == pytest.approx(0.1)
    assert waits[:4] == pytest.approx([0.1, 0.2, 0.4, 0.8])
    assert waits == sorted(waits)
    assert waits[-1] == WAIT_S_MAX


def test_other_addresses_do_not_wait_for_it() -> None:
    """Who guesses slows nobody else."""
    slowing = Slowing()
    for _ in range(WAITING_MAX):
        slowing.fail("a", 0.0)
    assert slowing.refuses("a", 0.0) > 0
    assert slowing.refuses("b", 0.0) == 0
    assert slowing.fail("b", 0.0) == pytest.approx(0.1)


def test_address_is_looked_at_again_once_its_answers_are_given() -> None:
    """A right token gets in as soon as the wrong ones are answered."""
    slowing = Slowing()
    for _ in range(WAITING_MAX):
        slowing.fail("a", 0.0)
    slowing.answered("a")
    assert slowing.refuses("a", 0.0) == 0


def test_a_time_without_failures_is_forgiven() -> None:
    """Yesterday's typing errors do not count."""
    slowing = Slowing()
    for _ in range(5):
        slowing.fail("a", 0.0)
        slowing.answered("a")
    assert slowing.fail("a", FORGET_S) == pytest.approx(3.2)
    assert slowing.fail("a", 2 * FORGET_S + 1) == pytest.approx(0.1)


def test_answers_that_wait_are_bounded_over_all_addresses() -> None:
    """However many addresses take part, only so many connections are held; a new address is still looked at, and once
    it failed stays away for as long as it would have waited: no address gets to try faster by the help of others."""
    slowing = Slowing()
    for index in range(WAITING_ALL_MAX):
        assert slowing.fail(f"10.0.0.{index}", 0.0) is not None
    assert slowing.refuses("10.0.0.1", 0.0) > 0
    assert slowing.refuses("10.0.1.1", 0.0) == 0
    assert slowing.fail("10.0.1.1", 0.0) is None
    assert slowing.refuses("10.0.1.1", 0.05) == pytest.approx(0.05)
    assert slowing.refuses("10.0.1.1", 0.2) == 0
    slowing.answered("10.0.0.1")
    assert slowing.fail("10.0.1.1", 0.0) == pytest.approx(0.2)


def test_addresses_of_one_ipv6_network_count_as_one() -> None:
    """Whoever has a network of 2^64 addresses does not begin anew with each."""
    slowing = Slowing()
    for index in range(WAITING_MAX):
        slowing.fail(f"2001:db8::{index}", 0.0)
    assert slowing.refuses("2001:db8::ffff", 0.0) > 0
    assert slowing.refuses("2001:db8:0:1::1", 0.0) == 0


def test_table_is_bounded_and_waits_are_not_miscounted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of too many addresses the oldest is forgotten, which is counted, and one whose answer waits is not."""
    monkeypatch.setattr(slowing_module, "ADDRESSES_MAX", 3)
    slowing = Slowing()
    slowing.fail("waits", 0.0)
    for index in range(10):
        slowing.fail(f"a{index}", 1.0)
        slowing.answered(f"a{index}")
    assert slowing.forgotten == 8
    for _ in range(WAITING_MAX - 1):
        assert slowing.refuses("waits", 2.0) == 0
        slowing.fail("waits", 2.0)
    assert slowing.refuses("waits", 2.0) > 0
    slowing.answered("waits")
    assert slowing.refuses("waits", 2.0) == 0
