"""Summaries as tables of counts, joined bins, and shares for charts."""

import json
from collections.abc import Callable

import numpy as np
import pytest

from sidecar.drift import Block
from sidecar.drift.distributions import (
    CHART_CLASSES,
    CLASSES_MAX,
    DETECTION_PARTS,
    INPUT_PARTS,
    OTHER,
    Table,
    chart_of,
    histogram_of,
)

MakeBlock = Callable[..., Block]


def test_a_table_has_the_counts_of_each_block(make_block: MakeBlock) -> None:
    """Each row is a block, each part's columns are its summary's bins."""
    blocks = [
        make_block(0, {"car": 3, "person": 1}, per_image=[2, 2, 0], confidence=0.5),
        make_block(1, {"dog": 2}, brightness=[0.5, 0.5]),
    ]
    table = Table.of(blocks, (*DETECTION_PARTS, *INPUT_PARTS))
    assert table.names == ("car", "dog", "person")
    assert table.counts[:, table.parts["class"]].tolist() == [[3, 0, 1], [0, 2, 0]]
    for part, cut in table.parts.items():
        if part != "class":
            expected = [histogram_of(block.summary, part).dense() for block in blocks]
            assert table.counts[:, cut].tolist() == expected, part


def test_names_over_the_bound_count_as_other(make_block: MakeBlock) -> None:
    """The most frequent names keep their column; nothing is lost of the total."""
    blocks = [make_block(block, {f"c{n}": 1 + (n < 5) for n in range(block, 1_200, 2)}) for block in (0, 1)]
    table = Table.of(blocks, ("class",))
    assert len(table.names) == CLASSES_MAX
    assert {OTHER, *(f"c{n}" for n in range(5))} <= set(table.names)
    assert table.counts.sum() == 1_205


def test_many_values_keep_their_bins_and_few_share_them(make_block: MakeBlock) -> None:
    """2 n^(1/3) bins for n values: 8 images fill four, a hundred thousand all."""
    few = Table.of([make_block(n, {"car": n}, per_image=[n]) for n in range(1, 9)], ("class", "count")).joined()
    assert few.counts[:, few.parts["count"]].sum(axis=0).tolist() == [2, 2, 2, 2]
    assert few.names == ("car",)
    many = Table.of([make_block(0, {"car": 100_000}, confidence=np.linspace(0, 0.999, 100_000))], ("confidence",))
    assert (many.joined().counts > 0).sum() == 50


def test_joining_moves_no_count_to_another_block(make_block: MakeBlock) -> None:
    """Each block keeps the total of each part, empty parts too."""
    blocks = [make_block(0, {"car": 7}, per_image=[3, 4, 0, 0]), make_block(1, {})]
    table = Table.of(blocks, (*DETECTION_PARTS, *INPUT_PARTS))
    joined = table.joined()
    for part, cut in table.parts.items():
        assert joined.counts[:, joined.parts[part]].sum(axis=1).tolist() == table.counts[:, cut].sum(axis=1).tolist()


def test_the_bins_do_not_depend_on_the_side(make_block: MakeBlock) -> None:
    """The pooled counts alone decide, else relabeling would have to join anew."""
    blocks = [make_block(n, {"car": n % 7}, per_image=[n % 7]) for n in range(30)]
    there, back = (Table.of(order, ("count",)).joined() for order in (blocks, blocks[::-1]))
    assert there.counts.tolist() == back.counts[::-1].tolist()


def test_a_chart_has_shares_of_both_sides(make_block: MakeBlock) -> None:
    """JSON-able; confidence between its edges, the others with what is below and above."""
    blocks = [make_block(0, {"car": 3, "person": 1}, per_image=[4, 0]), make_block(1, {"car": 1}, confidence=0.99)]
    chart = chart_of(Table.of(blocks, DETECTION_PARTS), np.array([True, False]))
    assert json.loads(json.dumps(chart)) == chart
    assert chart["class"] == {"names": ["car", "person"], "reference": [0.75, 0.25], "current": [1.0, 0.0]}
    confidence = chart["confidence"]
    assert (confidence["edges"][0], confidence["edges"][-1], len(confidence["reference"])) == (0.0, 1.0, 50)
    assert confidence["reference"][35] == 1.0
    assert confidence["current"][49] == 1.0
    assert len(chart["count"]["edges"]) + 1 == len(chart["count"]["reference"])
    assert chart["count"]["reference"][0] == 0.5


def test_a_chart_names_the_most_frequent_classes(make_block: MakeBlock) -> None:
    """What comes after CHART_CLASSES is ``rest``; shares still add up to one."""
    blocks = [make_block(0, {f"c{n:02}": 100 - n for n in range(40)}), make_block(1, {"c39": 5_000})]
    chart = chart_of(Table.of(blocks, ("class",)), np.array([True, False]))["class"]
    assert len(chart["names"]) == CHART_CLASSES + 1
    assert (chart["names"][0], chart["names"][1], chart["names"][-1]) == ("c39", "c00", "rest")
    assert sum(chart["reference"]) == pytest.approx(1)
    assert chart["current"][0] == 1.0


def test_a_side_without_data_has_no_shares(make_block: MakeBlock) -> None:
    """Null, not zeros."""
    blocks = [make_block(0, {}), make_block(1, {"car": 1})]
    chart = chart_of(Table.of(blocks, DETECTION_PARTS), np.array([True, False]))
    assert chart["class"] == {"names": ["car"], "reference": None, "current": [1.0]}
    assert chart["area"]["reference"] is None
    empty = chart_of(Table.of([], DETECTION_PARTS), np.zeros(0, np.bool_))
    assert empty["class"] == {"names": [], "reference": None, "current": None}
