"""What the traffic shows, told by lines."""

import numpy as np
import pytest

from sidecar.demo.digits import SIZES, Pool, load_pools
from sidecar.demo.stage import DAY_LIGHT, FALL_S, NIGHT_LIGHT, Stage


@pytest.fixture(scope="module")
def pools() -> dict[str, Pool]:
    return load_pools()


def test_night_told_falls_in_a_few_seconds_and_stays() -> None:
    """Light goes down evenly from what it was, and comes back the same way when day is told."""
    stage = Stage("day")
    assert stage.level(100.0) == DAY_LIGHT
    stage.told("night\n", 100.0)
    assert stage.level(100.0 + FALL_S / 2) == pytest.approx((DAY_LIGHT + NIGHT_LIGHT) / 2)
    assert stage.level(100.0 + FALL_S) == stage.level(1e6) == pytest.approx(NIGHT_LIGHT)
    stage.told("day", 100.0 + FALL_S / 2)
    assert stage.level(100.0 + FALL_S / 2) == pytest.approx((DAY_LIGHT + NIGHT_LIGHT) / 2)
    assert stage.level(1e6) == pytest.approx(DAY_LIGHT)


def test_stage_that_begins_by_night_is_dark_at_once() -> None:
    """A/B traffic by night needs no evening before."""
    assert Stage("night").level(0.0) == pytest.approx(NIGHT_LIGHT)


def test_pool_and_rate_told_are_followed() -> None:
    """Other digits, and more of them a second."""
    stage = Stage()
    stage.told("pool collection", 0.0)
    stage.told("rate 32.5", 0.0)
    assert (stage.pool, stage.rate) == ("collection", 32.5)


@pytest.mark.parametrize("line", ["dusk", "", "pool", "pool other", "rate 0", "rate -3", "rate nan", "rate 1e9"])
def test_line_not_understood_is_refused_with_what_would_be(line) -> None:
    """The error lists what can be said, and nothing changes."""
    stage = Stage()
    with pytest.raises(ValueError, match=r"night.*pool training\|collection\|traffic.*rate NUMBER"):
        stage.told(line, 5.0)
    assert stage == Stage()


def test_scenes_hold_digits_of_the_pool_that_is_told(pools) -> None:
    """A pool of sevens gives sevens: what one version learnt from is not what it is judged on."""
    sevens = {name: _only(pool, 7) if name == "collection" else pool for name, pool in pools.items()}
    stage, rng = Stage("day", kinds="short"), np.random.default_rng(1)
    before = np.concatenate([stage.scene(0.0, rng, sevens).labels for _ in range(5)])
    stage.told("pool collection", 0.0)
    after = [stage.scene(0.0, rng, sevens).labels for _ in range(5)]
    assert set(before.tolist()) != {7}
    assert set(np.concatenate(after).tolist()) == {7}
    assert all(2 <= len(labels) <= 4 for labels in after)
    assert set(sevens) == set(SIZES)


def test_night_scene_is_darker(pools) -> None:
    """What the camera sees gets dark with the light."""
    day, night = (Stage(light).scene(0.0, np.random.default_rng(2), pools).pixels for light in ("day", "night"))
    assert night.mean() < 0.4 * day.mean()


def _only(pool: Pool, digit: int) -> Pool:
    """The pool with the images of one digit; the other classes keep one image of it, to be there at all."""
    rows = np.flatnonzero(pool.labels == digit)
    return Pool(pool.images[rows], pool.labels[rows], pool.source[rows])
