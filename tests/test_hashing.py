"""Stable draws."""

from sidecar.hashing import unit_interval


def test_draws_are_uniform_over_100_000_units() -> None:
    """The share of units under a split is within half a percentage point of it."""
    for split in (0.01, 0.1, 0.5):
        share = sum(unit_interval("salt", f"camera-{i}") < split for i in range(100_000)) / 100_000
        assert abs(share - split) < 0.005


def test_draws_never_change() -> None:
    """A unit's draw is part of the stored format: an experiment goes on over an upgrade."""
    assert unit_interval("experiment", "camera-7") == 0.4150565346209055
