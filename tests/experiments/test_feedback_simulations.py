"""That a feedback score of reviewed images holds however often one looks: seeded, 2,000 experiments each.

Images are drawn at rates that differ between arms and change over time, so their weights differ within an arm too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sidecar.experiments import sequential
from tests.experiments.simulating import RUNS, Floats, Running, difference, ever, pooled_error

UNITS, PEEK = 3_000, 50
RHO = sequential.rho_of()


def reviewed(
    seed: int, share: float, right: float, gain: float = 0.0, clustered: bool = False
) -> tuple[Running, Running]:
    """Both arms after each peek. Images were drawn with 1 in 20 and 1 in 50 by turns; that one arm's rates may all be
    lower changes nothing (test_comparison)."""
    rng = np.random.default_rng([seed, int(share * 100), int(right * 100)])
    in_b = rng.random((RUNS, UNITS)) < share
    images = (1.0 + rng.poisson(2.0, in_b.shape)) if clustered else np.ones(in_b.shape)
    weight = np.where(np.arange(UNITS) % 2 == 0, 20.0, 50.0)[None, :] * images
    chance = right + gain * in_b
    luck = rng.beta(5 * chance, 5 * (1 - chance)) if clustered else chance
    correct = weight * rng.binomial(images.astype(int), luck) / images
    return Running.of(~in_b, correct, weight, PEEK), Running.of(in_b, correct, weight, PEEK)


def p_values(a: Running, b: Running, clock: Floats) -> Floats:
    found, error = difference(a, b)
    return sequential.p_value(found, np.fmax(error, pooled_error(a, b)), clock, RHO)


@pytest.mark.parametrize(("share", "right"), [(0.5, 0.5), (0.5, 0.95), (0.2, 0.9), (0.1, 0.8)])
def test_no_difference_of_reviewed_images_is_hardly_ever_called_one(
    share: float, right: float, record_property: Callable[[str, object], None]
) -> None:
    """At most 5 % ever reject at 60 peeks from 150 reviewed images an arm on."""
    a, b = reviewed(1, share, right)
    rejected = ever(p_values(a, b, a.n + b.n), (a.n >= 150) & (b.n >= 150))
    record_property("rejected", rejected)
    assert rejected <= 0.05


def test_no_difference_of_cameras_reviewed_is_hardly_ever_called_one() -> None:
    """Several images of each, which share its luck: the error is over cameras."""
    a, b = reviewed(2, 0.5, 0.8, clustered=True)
    assert ever(p_values(a, b, 3 * (a.n + b.n)), (a.n >= 150) & (b.n >= 150)) <= 0.05


def test_a_true_difference_of_reviewed_images_is_found() -> None:
    """80 against 90 % right, half and half: nearly always, at the latest after 3,000 reviews."""
    a, b = reviewed(3, 0.5, 0.8, gain=0.1)
    assert ever(p_values(a, b, a.n + b.n), (a.n >= 150) & (b.n >= 150)) > 0.95
