"""The lines of the live view."""

from __future__ import annotations

from typing import Any

import pytest
from rich.text import Text

from sidecar.cli.show_top import View, screen
from tests.cli.live_figures import busy, figures, version

SIZES = [(width, height) for width in (20, 40, 60, 80, 100, 120, 200) for height in (4, 8, 12, 24, 40, 80)]


def shown(live: dict[str, Any], width: int = 80, height: int | None = 24, **view: Any) -> list[str]:
    """The plain lines."""
    return [line.plain for line in screen(View(live, "127.0.0.1:8081", **view), width, height)]


def words(line: str) -> str:
    """A line without the spaces that align it."""
    return " ".join(line.split())


def section(lines: list[str], heading: str) -> list[str]:
    """The lines below the heading that begins so, up to an empty one."""
    start = next(place for place, line in enumerate(lines) if line.startswith(heading))
    return lines[start + 1 : lines.index("", start) if "" in lines[start:] else None]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_no_line_is_wider_and_no_screen_higher_than_the_terminal(width: int, height: int) -> None:
    """Many versions, tests, classes and faults, with wide characters among them, stay within any size."""
    models = [version("検出" * 20, str(n), classes={f"クラス{n}": n for n in range(30)}) for n in range(40)]
    crowd = busy() | {"models": models, "faults": ["検" * 300] * 9}
    lines = screen(View(crowd, "host:8081", (1.0, 2.0) * 60, "away for 3 s", True, "q leaves"), width, height)
    assert len(lines) <= height
    assert max(line.cell_len for line in lines) <= width


def test_figures_of_each_version_stand_in_a_line() -> None:
    """Rate, errors, latency, confidence and boxes; what is not known is a dash."""
    head, *rest = shown(busy(), 120)[5:9]
    assert words(head) == "model role requests/s errors p50 ms p95 ms p99 ms confidence boxes/image no boxes"
    assert words(rest[0]) == "digits@1 control 9.5 0.0 % 4.12 9.31 120 0.91 3.1 2.1 %"
    assert words(rest[1]) == "digits@2 treatment 10.5 8.0 % 4.12 9.31 120 - 3.1 2.1 %"


def test_narrow_terminal_shortens_headings_then_leaves_columns_out() -> None:
    """At 80 columns all figures are there; at 40 those of least use are not, name, rate, errors and p99 stay."""
    at_80 = next(line for line in shown(busy(), 80) if line.startswith("model"))
    assert words(at_80) == "model role req/s errors p50 ms p95 ms p99 ms conf. boxes none"
    at_40 = next(line for line in shown(busy(), 40) if line.startswith("model"))
    assert words(at_40) == "model req/s errors p95 ms p99 ms"


def test_requests_of_clients_are_added_up_and_copies_are_not() -> None:
    """The rate is that of control and treatment; the share of errors is weighed by their rates."""
    assert shown(busy())[1] == "20 requests/s  errors 4.2 %  alerts 1 firing, 2 pending  dropped 12"


def test_rates_of_before_are_drawn_as_a_line() -> None:
    """The greatest reaches the top; where the line is too short for all, the latest are drawn, or none."""
    assert shown(busy(), rates=(0.0, 10.0, 20.0))[1].endswith("dropped 12  ▁▅█")
    assert shown(busy(), 84, rates=(0.0, 10.0, 10.0, 20.0) * 9)[1].endswith("dropped 12  ▅▅█▁▅▅█▁▅▅█▁▅▅█")
    assert shown(busy(), 72, rates=(0.0, 10.0))[1].endswith("dropped 12")


def test_faults_are_named_and_many_are_counted() -> None:
    """Three lines at most are spent on them."""
    assert shown(busy())[2:4] == ["fault  upstream B is down", "fault  store: disk full"]
    lines = shown(busy() | {"faults": [f"fault {n}" for n in range(9)]})
    assert lines[4:6] == ["fault  fault 2", "and 6 more faults"]


def test_tests_show_who_gets_which_share() -> None:
    """With their kind and status, on a line each."""
    first, second = section(shown(busy(), 120), "test ")
    assert words(first) == "new-digits A/B test running digits A 50 %, B 50 %"
    assert words(second) == "behind shadow test paused digits C 10 %"


def test_classes_are_bars_of_each_version_the_most_frequent_first() -> None:
    """Of one scale for all; versions that don't fit beside each other are left out."""
    lines = section(shown(busy(), 120), "class ")
    assert words(lines[0]) == "7 ████████ 60.0 % ████████ 60.0 % ████████ 60.0 %"
    assert words(lines[1]) == "1 ████ 30.0 % ████ 30.0 % ████ 30.0 %"
    assert words(lines[2]) == "3 █▍ 10.0 % █▍ 10.0 % █▍ 10.0 %"
    assert section(shown(busy(), 40), "class ")[0].count("60.0 %") == 1


def test_classes_of_a_version_in_two_roles_are_added_up() -> None:
    """But for what it answered to copies."""
    more = [version(role=role, classes={"7": 1, "1": 3}) for role in ("control", "serving", "shadow")]
    heading = next(line for line in shown(figures(*more)) if line.startswith("class"))
    assert words(heading) == "class digits@1 digits@1 (shado…"
    assert [words(line) for line in section(shown(figures(*more)), "class ")] == [
        "1 ████████ 75.0 % ████████ 75.0 %",
        "7 ██▋ 25.0 % ██▋ 25.0 %",
    ]


def test_what_does_not_fit_is_counted() -> None:
    """Each section gets its part of the lines, and says how many are missing."""
    crowd = figures(*(version(f"m{n}", classes={f"c{k}": k for k in range(20)}) for n in range(30)))
    lines = shown(crowd)
    assert len(lines) == 24
    assert any(line.startswith("and 2") and line.endswith("more versions") for line in lines)
    assert lines[-1].endswith("more classes")


def test_versions_that_the_sidecar_left_out_are_told() -> None:
    """It gives no more than so many; the rest is counted."""
    assert "and 7 more versions" in shown(figures(version(), left_out=7))


def test_sidecar_without_traffic_says_so() -> None:
    """No table of nothing."""
    assert shown(figures())[1:] == ["0 requests/s  errors -  alerts none", "", "no requests yet"]


def test_notice_stands_below_the_totals() -> None:
    """While the sidecar is away, the last figures stay."""
    lines = shown(busy(), notice="away for 7 s: refused", bad=True)
    assert lines[2] == "away for 7 s: refused"
    assert any(line.startswith("digits@1") for line in lines)


def test_title_has_the_address_the_time_and_the_way_out() -> None:
    """The time is of the figures; without a terminal there is nothing to leave."""
    assert shown(busy(), hint="q leaves")[0] == (
        "sidecar  127.0.0.1:8081                       2023-11-14 22:14:00 UTC   q leaves"
    )
    assert shown(busy())[0].endswith(" UTC")
    assert shown(busy(), 50, hint="q leaves")[0] == "sidecar  127.0.0.1:8081        22:14:00   q leaves"
    assert shown(busy(), 36, hint="q leaves")[0] == "sidecar  127.0.0.1:8081     q leaves"


def test_names_from_outside_are_text() -> None:
    """Neither markup nor what moves a cursor is obeyed."""
    live = figures(version("[red]x\x1b[2J", classes={"[bold]c\n": 1}), faults=["[blink]f\r"])
    lines = screen(View(live, "h"), 100, 40)
    whole = Text("\n").join(lines).plain
    assert "[red]x?[2J@1" in whole
    assert "[bold]c?" in whole
    assert "fault  [blink]f?" in whole
