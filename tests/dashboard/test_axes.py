"""What stands at the axes of charts, at their marks, what of a preview is shaded, and which answer is taken up, by the
modules in the browser."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dashboard.browser import Page

PATH = "/alerts"

SCRIPT = """const done = arguments[3];
import(arguments[0]).then((module) => done(module[arguments[1]](...arguments[2])));"""
MARKS = """const done = arguments[3];
import(arguments[0]).then(({ signsOf }) => done(signsOf(arguments[1], (text) => 6 * text.length, arguments[2])));"""
EARLY = """const done = arguments[1];
import(arguments[0]).then(({ takeFirst }) => {
  const first = takeFirst();
  done([first && first[0].split("?")[0], takeFirst()]);
});"""
LATER = """const done = arguments[1];
import(arguments[0]).then(({ takeFirst }) => {
  const now = performance.now();
  performance.now = () => now + 6000;
  done(takeFirst());
});"""


@pytest.fixture
def called(page: Page) -> Any:
    """What a function of a module gives."""
    page.open()
    return lambda file, name, *of: page.driver.execute_async_script(SCRIPT, page.static(file), name, of)


def test_values_of_an_axis_have_the_digits_of_their_step(called: Any) -> None:
    """No two of them read the same, and none has digits that say nothing; days stand once each."""
    written = [
        (([0.75, 0.8, 0.85],), ["0.75", "0.80", "0.85"]),
        (([0.8, 0.805, 0.81],), ["0.800", "0.805", "0.810"]),
        (([0, 5, 10],), ["0", "5", "10"]),
        (([0, 0.0025, 0.005], "share"), ["0.00 %", "0.25 %", "0.50 %"]),
        (([0, 500, 1000], "ms"), ["0.0 s", "0.5 s", "1.0 s"]),
        (([12, 12.5, 13], "ms"), ["12.0 ms", "12.5 ms", "13.0 ms"]),
        (([-0.02, 0, 0.02], "points", True), ["\u22122 points", "0 points", "+2 points"]),
        (([],), []),
    ]
    for asked, texts in written:
        assert called("base/axes.js", "axisTexts", *asked) == texts
    days = [86_400 * 20_000 + 43_200 * half for half in range(6)]
    assert len(set(called("base/axes.js", "timeTexts", days)) - {"12:00"}) >= 3


def test_numbers_of_events_that_are_close_share_a_mark(called: Any, page: Page) -> None:
    """From the first to the last of them; none lies over another or beyond the chart."""
    marks = [{"x": x, "sign": str(number)} for number, x in enumerate((10, 14, 60, 72, 78, 99), 1)]
    signs = page.driver.execute_async_script(MARKS, page.static("overview/marks.js"), marks, 100)
    assert [sign["text"] for sign in signs] == ["1\u20132", "3\u20135", "6"]
    assert [sign["x"] for sign in signs] == [12, 69, 97]


def test_firings_are_not_shaded_where_there_is_no_data(called: Any) -> None:
    """Up to the last value before a gap, and from the first after it on; but where the lack of data is what fires."""
    values = [1, 1, None, None, 1, 1, None, 1, None]
    points = [{"at": 10 * place, "value": value} for place, value in enumerate(values)]
    firings = [{"since": 0, "until": 50}, {"since": 70, "until": None}]
    asked = {"firings": firings, "points": points, "until": 80, "condition": {}}
    assert called("alerts/spans.js", "firedSpans", asked) == [[0, 10], [40, 50], [70, 70]]
    asked["condition"] = {"no_data": "fire"}
    assert called("alerts/spans.js", "firedSpans", asked) == [[0, 50], [70, 80]]


def test_answer_that_was_asked_for_early_is_taken_up_once_and_fresh(called: Any, page: Page) -> None:
    """A tab that nobody looked at asks anew: its answer is of long ago, and cut off before it is read."""
    address = page.static("overview/early.js")
    assert page.driver.execute_async_script(EARLY, f"{address}?one") == ["/api/v1/overview", None]
    assert page.driver.execute_async_script(LATER, f"{address}?other") is None
