"""The three disjoint pools of handwritten digits, and the file that hands them to the traffic's process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]

SIZES = {"training": 300, "collection": 900, "traffic": 597}
"""Images in each pool; together all 1,797."""
POOLS_SEED = 20


@dataclass(frozen=True, slots=True)
class Pool:
    """``images``: [N, 8, 8] ink from 0 to 1. ``labels``: [N] digits. ``source``: [N] rows in ``load_digits``."""

    images: Pixels
    labels: NDArray[np.int64]
    source: NDArray[np.int64]

    def joined(self, other: Pool) -> Pool:
        return Pool(
            np.concatenate([self.images, other.images]),
            np.concatenate([self.labels, other.labels]),
            np.concatenate([self.source, other.source]),
        )


def load_pools(seed: int = POOLS_SEED) -> dict[str, Pool]:
    """Pools by the names of SIZES, out of one seeded permutation. Imports scikit-learn."""
    from sklearn.datasets import load_digits

    digits: Any = load_digits()
    order = np.random.default_rng(seed).permutation(len(digits.target))
    pools: dict[str, Pool] = {}
    start = 0
    for name, size in SIZES.items():
        rows = np.sort(order[start : start + size])
        pools[name] = Pool(
            (digits.images[rows] / 16).astype(np.float32), digits.target[rows].astype(np.int64), rows.astype(np.int64)
        )
        start += size
    return pools


def save_pools(path: Path, pools: dict[str, Pool]) -> None:
    """Whole or not at all: a reader never finds half a file."""
    arrays = {
        f"{name}_{column}": getattr(pool, column)
        for name, pool in pools.items()
        for column in ("images", "labels", "source")
    }
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        np.savez_compressed(file, **arrays)
    part.replace(path)


def read_pools(path: Path) -> dict[str, Pool]:
    """What ``save_pools`` wrote. Raises OSError, or ValueError where the file holds something else."""
    with np.load(path, allow_pickle=False) as file:
        try:
            return {
                name: Pool(file[f"{name}_images"], file[f"{name}_labels"], file[f"{name}_source"]) for name in SIZES
            }
        except KeyError as error:
            raise ValueError(f"pools: {path} lacks {error}") from None
