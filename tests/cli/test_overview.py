"""``sidecar overview`` and ``sidecar events``."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from sidecar.api import events
from sidecar.cli.overview import KINDS
from sidecar.recording import Batch, Store, SummaryRow
from tests.api.live import make_prediction, make_summary
from tests.api.live_watch import LiveWatch
from tests.cli.conftest import Ask


@pytest.fixture
def recorded(tmp_path: Path) -> None:
    """Six requests of two versions, ten minutes ago."""

    async def record() -> None:
        store = await Store.open(tmp_path)
        bucket = (int(time.time()) - 600) // 10 * 10
        payload = make_summary([make_prediction(number) for number in range(3)]).encode()
        rows = [
            SummaryRow(bucket, 10, "det", version, "serving", "", 0, "", 1, payload) for version in ("1", "[bold]2")
        ]
        await store.commit(Batch([], rows, {(0, 1): 1}))
        await store.close()

    asyncio.run(record())


def words_of(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


@pytest.mark.usefixtures("recorded")
def test_page_has_sentence_figures_versions_and_classes(ask: Ask, watch: LiveWatch) -> None:
    """The sentence first; names are text; what a version is compared with stands below it, and whose that is."""
    asyncio.run(watch.set_baseline("det@1", "24h", "normal", False))
    result = ask("overview", "--since", "1h", "--compare", "baseline")
    assert result.exit_code == 0
    lines = words_of(result.stdout)
    assert "all that serves now baseline from baseline" in lines
    assert any(line.startswith("confidence 0.750 0.810 -7 %") for line in lines)
    assert any(line.startswith("det@[bold]2 ") for line in lines)
    assert sum(line.startswith("baseline 0.") for line in lines) == 2
    assert [line for line in lines if "of its own" in line] == [
        "det@[bold]2 has no baseline of its own: that of det@1 is taken"
    ]
    assert any(line.startswith("cat 50.0 %") for line in lines)


@pytest.mark.usefixtures("recorded")
def test_columns_are_headed_by_what_they_are(ask: Ask, watch: LiveWatch) -> None:
    """The time before, the baseline, or both, and by the change what it is from."""
    asyncio.run(watch.set_baseline("det@1", "24h", "normal", False))
    lines = words_of(ask("overview", "--since", "1h", "--compare", "previous").stdout)
    assert lines[1] == "There is nothing to compare with yet: 6 requests, 0 % of them failed."
    assert "all that serves now before from before" in lines
    assert not any(line.startswith("baseline ") for line in lines)
    assert "all that serves now before baseline from baseline" in words_of(ask("overview", "--since", "1h").stdout)


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_page_fits_a_terminal(ask: Ask, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    """Columns that matter less are left out."""
    monkeypatch.setenv("COLUMNS", columns)
    lines = ask("overview", "--since", "1h").stdout.splitlines()
    assert max(map(len, lines)) <= int(columns)
    assert any("errors" in line for line in lines)


def test_nothing_recorded_is_a_sentence(ask: Ask) -> None:
    """And no empty tables."""
    lines = ask("overview", "--model", "nobody").stdout.splitlines()
    assert lines[1:] == ["No requests were recorded in this time."]


@pytest.mark.usefixtures("recorded")
def test_json_has_all_of_it(ask: Ask) -> None:
    """As the API gives it."""
    found = json.loads(ask("overview", "--since", "1h", "--json").stdout)
    assert found["totals"]["now"]["requests"] == 6
    assert [item["version"] for item in found["series"]] == ["1", "[bold]2"]


def test_events_are_told_newest_first(ask: Ask, watch: LiveWatch) -> None:
    """Or that there is none."""
    assert ask("events", "--kind", "promoted").stdout == "no events match --kind promoted\n"
    asyncio.run(watch.set_baseline("det@1", "24h", "normal", False))
    assert ask("events").stdout == "2023-11-14 22:14  baseline “normal” of det@1 was set\n"
    assert json.loads(ask("events", "--json").stdout)[0]["subject"] == "baseline"


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        (("overview", "--compare", "yesterday"), "--compare"),
        (("overview", "--since", "soon"), "--since"),
        (("events", "--kind", "party"), "--kind"),
    ],
)
def test_fault_names_its_flag(ask: Ask, words: tuple[str, ...], flag: str) -> None:
    """On standard error, with exit code 2."""
    result = ask(*words)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"sidecar: {flag}: ")


def test_kinds_that_are_offered_are_those_there_are() -> None:
    """The command line knows the API by its words alone."""
    assert KINDS == events.KINDS
