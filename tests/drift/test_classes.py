"""Classes that moved and classes that are new."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from sidecar.drift import Block
from sidecar.drift.classes import affected, new_classes

MakeBlock = Callable[..., Block]


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
    found = new_classes(seen(make_block, 20, {}, 9), current)
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


@pytest.mark.parametrize(("images", "new"), [(200, 1), (20, 1), (14, 0), (1, 0)])
def test_a_reference_too_small_to_have_the_class_does_not_make_it_new(
    make_block: MakeBlock, images: int, new: int
) -> None:
    """Of a class in six images of sixty, all later than ``images``: log(2 classes / 0.05) = 3.7 is asked of
    6 log(1 + images / 60)."""
    current = seen(make_block, 20, {"dog": 2})
    assert len(new_classes(seen(make_block, images, {}, 3), current)) == new


def test_a_class_in_blocks_of_one_hour_is_not_new_where_hours_must_differ(make_block: MakeBlock) -> None:
    """A parked thing is in every minute of an hour; the same blocks, hours apart, are enough."""
    reference, current = seen(make_block, 20, {}), seen(make_block, 20, {"dog": 3})
    assert new_classes(reference, current)
    assert new_classes(reference, current, hours_differ=True) == []
    spread = [replace(block, start=3_600.0 * n) for n, block in enumerate(current)]
    assert [item.name for item in new_classes(reference, spread, hours_differ=True)] == ["dog"]


@pytest.mark.parametrize(
    ("days", "images", "classes"), [((7, 7), 50, 80), ((6, 10), 50, 80), ((6, 10), 500, 1_000), ((14, 7), 300, 1_000)]
)
def test_rare_classes_are_hardly_ever_called_new_by_chance(
    make_block: MakeBlock, days: tuple[int, int], images: int, classes: int
) -> None:
    """The nth class with a share in 1/n, nothing changed: at most 8 % of 60 windows; with three images expected before,
    the rule of three for each class alone, up to all of them."""
    shares = 1 / np.arange(1, classes + 1)
    called = 0
    for seed in range(60):
        rng = np.random.default_rng([8, seed])
        blocks = []
        for n, row in enumerate(rng.multinomial(images, shares / shares.sum(), sum(days)).tolist()):
            by_class = {f"c{c}": count for c, count in enumerate(row) if count}
            blocks.append(make_block(n, by_class, per_image=[1] * images, class_images=by_class))
        called += bool(new_classes(blocks[: days[0]], blocks[days[0] :]))
    assert called / 60 <= 0.08
