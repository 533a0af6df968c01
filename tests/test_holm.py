"""Holm's correction."""

import pytest

from sidecar.holm import holm


def test_a_worked_example_comes_out() -> None:
    """As R's p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm") gives it."""
    assert holm([0.01, 0.02, 0.03, 0.04, 0.05]) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])


def test_the_order_given_is_kept() -> None:
    """Each adjusted value stands where its p-value stood."""
    assert holm([0.5, 0.001, 0.2]) == pytest.approx([0.5, 0.003, 0.4])


def test_no_value_is_over_one() -> None:
    """Adjusted p-values are still probabilities."""
    assert holm([0.9, 0.8, 1.0]) == [1.0, 1.0, 1.0]


def test_none_and_one_are_left_alone() -> None:
    """There is nothing to correct."""
    assert holm([]) == []
    assert holm([0.04]) == [0.04]
