"""The drawings of figures, by the module in the browser."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dashboard.browser import Page

PATH = "/experiments"

SCRIPT = """const done = arguments[2];
import(arguments[1]).then(({ intervalPicture, histogramPicture }) => {
  const picture = arguments[0].counts ? histogramPicture(arguments[0], "iou") : intervalPicture(arguments[0]);
  const partOf = (one) => [one.getAttribute("class"), one.getAttribute("d") || one.getAttribute("height")];
  done(picture && [...picture.children].map(partOf));
})"""


@pytest.fixture
def drawn(page: Page) -> Any:
    """What a picture is made of: (class, path or height) of each part; None where there is none."""
    page.open()
    page.says("#trials-empty", "No two versions")
    return lambda **of: page.driver.execute_async_script(SCRIPT, of, page.static("base/plots.js"))


def interval(low: float | None, high: float | None, point: float | None, ratio: bool = False) -> dict[str, Any]:
    return {"low": low, "high": high, "point": point, "mark": 1 if ratio else 0, "ratio": ratio, "kind": "open"}


def test_side_that_is_not_bounded_goes_to_the_edge(drawn: Any) -> None:
    """An end without a tick says that it does not end there."""
    parts = drawn(**interval(-1, None, 1))
    ranges = [path for name, path in parts if name.startswith("range")]
    assert len(ranges) == 2
    assert ranges[0].endswith("H100")


def test_ratio_is_laid_out_by_factors(drawn: Any) -> None:
    """Half as many and twice as many are equally far from as many."""
    parts = dict(drawn(**interval(0.5, 2, 1, ratio=True)))
    assert parts["mark"] == "M50 1V19"
    unbounded = drawn(**interval(0, 2, None, ratio=True))
    assert next(path for name, path in unbounded if name.startswith("range")).startswith("M0 ")


def test_nothing_known_is_nothing_drawn(drawn: Any) -> None:
    """The mark alone would say that there is no difference, and a point beside it that there is a large one."""
    assert drawn(**interval(None, None, None)) is None
    assert drawn(**interval(None, None, 0.2)) is None
    assert drawn(**interval(None, None, 3, ratio=True)) is None
    assert drawn(**interval(0, 0, 0)) is not None


def test_histogram_takes_what_is_beyond_its_edges_into_its_ends(drawn: Any) -> None:
    """What is there is seen, however little it is; what is not has no bar."""
    parts = drawn(edges=[0, 1, 2, 3], counts=[1, 3, 0, 1, 399])
    assert [float(height) for _, height in parts] == [1.0, 40.0]
