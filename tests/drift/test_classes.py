"""Classes that moved and classes that are new."""

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from sidecar.drift import Block
from sidecar.drift.classes import ClassMoves, affected, new_classes
from sidecar.drift.permutation import Deal

MakeBlock = Callable[..., Block]


@pytest.mark.parametrize("strata", [[0] * 8, [0, 0, 1, 1, 0, 0, 1, 1], [0, 0, 0, 1, 0, 1, 1, 1]])
def test_mean_and_variance_are_those_of_all_relabelings(strata: list[int]) -> None:
    """The closed form agrees with writing every relabeling down."""
    rng = np.random.default_rng(2)
    counts = rng.poisson(30, (8, 3)).astype(float)
    deal = replace(Deal.free(4, 4), stratum=np.array(strata))
    want = [int(deal.current[deal.stratum == stratum].sum()) for stratum in (0, 1)]
    sums = []
    for places in combinations(range(8), 4):
        label = np.isin(np.arange(8), places)
        if [int(label[deal.stratum == stratum].sum()) for stratum in (0, 1)] == want:
            sums.append(counts[label].sum(axis=0))
    current = np.array(sums)
    excess = current - current.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    expected = np.abs(excess - excess.mean(axis=0)) / excess.std(axis=0)
    assert ClassMoves(counts, deal).of(current) == pytest.approx(expected)


def test_a_class_that_cannot_move_is_never_the_largest() -> None:
    """Rounding must not turn nothing over nothing into a finding."""
    counts = np.tile(np.array([[0.3, 0.6, 0.0]]), (12, 1)) * 1e6
    moves = ClassMoves(counts, Deal.free(6, 6))
    assert moves.largest(counts[:6].sum(axis=0)[None]).tolist() == [0.0]
    assert ClassMoves(np.zeros((12, 0)), Deal.free(6, 6)).largest(np.zeros((2, 0))).tolist() == [0.0, 0.0]


def test_affected_classes_come_by_the_size_of_their_change() -> None:
    """Those at or under alpha, with shares before and after."""
    found = affected(
        ("a", "b", "c", "d"),
        np.array([50.0, 30, 20, 0]),
        np.array([20.0, 30, 40, 10]),
        np.array([0.01, 0.9, 0.05, 0.051]),
        0.05,
    )
    assert [(item.name, item.share_before, item.share_after, item.p_value) for item in found] == [
        ("a", 0.5, 0.2, 0.01),
        ("c", 0.2, 0.4, 0.05),
    ]
    assert [round(item.change, 9) for item in found] == [-0.3, 0.2]


def seen(make_block: MakeBlock, images: int, classes: dict[str, int], blocks: int = 3) -> list[Block]:
    """``classes`` are images with that class in each block, of ``images``."""
    per_image = [1] * images
    return [make_block(n, {"car": images, **classes}, per_image=per_image, class_images=classes) for n in range(blocks)]


def test_a_class_of_five_images_in_three_blocks_is_new(make_block: MakeBlock) -> None:
    """With the number of its images and blocks, the most frequent first."""
    current = [*seen(make_block, 20, {"dog": 2, "cat": 9}), *seen(make_block, 20, {"cat": 1})]
    found = new_classes(seen(make_block, 20, {}), current)
    assert [(item.name, item.images, item.blocks) for item in found] == [("cat", 30, 6), ("dog", 6, 3)]


@pytest.mark.parametrize(
    ("classes", "blocks"),
    [({"dog": 1}, 4), ({"dog": 3}, 2), ({"dog": 20}, 1), ({"other": 9}, 5), ({"dog": 0}, 9)],
    ids=["four images", "two blocks", "one block", "names over the bound", "never"],
)
def test_what_was_hardly_seen_is_not_new(make_block: MakeBlock, classes: dict[str, int], blocks: int) -> None:
    """Fewer images or blocks are noise of a detector; ``other`` is no class."""
    assert new_classes(seen(make_block, 20, {}, 9), seen(make_block, 20, classes, blocks)) == []


def test_a_class_that_the_reference_has_is_not_new(make_block: MakeBlock) -> None:
    """One detection is enough, even from before images were counted by class."""
    reference = [make_block(0, {"dog": 1}, per_image=[1] * 500)]
    assert new_classes(reference, seen(make_block, 20, {"dog": 9})) == []


def test_a_reference_too_small_to_have_the_class_does_not_make_it_new(make_block: MakeBlock) -> None:
    """Of a class in one image of a hundred, ten images say nothing."""
    current = seen(make_block, 200, {"dog": 2})
    assert new_classes(seen(make_block, 10, {}, 1), current) == []
    assert [item.name for item in new_classes(seen(make_block, 200, {}, 2), current)] == ["dog"]
