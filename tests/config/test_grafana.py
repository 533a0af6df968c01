"""The Grafana dashboard and the alert rules ask for metrics and labels that there are, in words Prometheus reads."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ContentTypeError
from aiohttp.test_utils import TestClient

from sidecar.api import Services
from sidecar.app.loop import Loop
from tests.api.exposing import expose_all, exposed
from tests.api.live_watch import LiveWatch
from tests.config.promql import SCRAPED, dashboard, expressions, grouped_by, rules, selectors
from tests.kit.ports import free_ports
from tests.kit.trials_at_hand import TrialsAtHand

BOARD = dashboard()
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
SCRAPES = 3
QUIET = {
    "rule": "most alerts of a sidecar that is well do not fire",
    "annotation Shares changed": "no share has changed",
    "annotation New version": "there is no past yet",
    "panel Share of failed requests": "none failed",
}
"""Where nothing need come of an expression, and why."""


async def test_every_metric_and_label_asked_for_is_exposed(
    services: Services, watch: LiveWatch, trials: TrialsAtHand, loop: Loop
) -> None:
    """In panels, legends, annotations, variables and rules alike."""
    await expose_all(services, watch, trials, loop)
    known = exposed(services)
    for where, expression in expressions():
        asked = list(selectors(expression))
        assert asked, where
        there = {"le"} | SCRAPED
        for metric, labels in asked:
            assert metric == "up" or metric in known, f"{where}: there is no {metric}"
            own = known.get(metric, ("", set()))[1] | SCRAPED
            assert labels <= own, f"{where}: {metric} has no {labels - own}"
            there |= own
        assert grouped_by(expression) <= there, where
    for panel in PANELS:
        for target in panel["targets"]:
            own = set.union(*(known[metric][1] for metric, _ in selectors(target["expr"]))) | SCRAPED | {"le"}
            assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= own, panel["title"]
    for rule in rules():
        own = set.union(*(known.get(metric, ("", set()))[1] for metric, _ in selectors(rule["expr"]))) | SCRAPED
        assert set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))) <= own, rule["alert"]
    for variable in BOARD["templating"]["list"]:
        ((metric, label),) = re.findall(r"label_values\((\w+)(?:{.*})?, (\w+)\)", variable["query"]["query"])
        assert label in known[metric][1] | SCRAPED, variable["name"]


@pytest.fixture
async def prometheus(http: TestClient[Any, Any], tmp_path: Path) -> AsyncIterator[str]:
    """The address of a real Prometheus that scrapes the application every second."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is missing; Debian's package `prometheus` has it")
    (port,) = free_ports(1)
    config = tmp_path / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: inference-sidecar\n"
        f'  static_configs: [{{targets: ["127.0.0.1:{http.port}"]}}]\n'
    )
    with (tmp_path / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program,
            f"--config.file={config}",
            f"--storage.tsdb.path={tmp_path / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}",
            stdout=log,
            stderr=log,
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            await process.wait()


async def asked_of(session: ClientSession, url: str, expression: str, **at: str) -> dict[str, Any]:
    async with session.post(f"{url}/api/v1/query", data={"query": expression, **at}) as answer:
        return dict(await answer.json())


async def scraped_at(session: ClientSession, url: str) -> str:
    """When the last of SCRAPES pages was, once there are; nothing of it is there any more where the next one failed."""
    found: list[Any]
    for expression in (f"count_over_time(sidecar_part_failing[1m]) >= {SCRAPES}", "timestamp(sidecar_part_failing)"):
        found = []
        with contextlib.suppress(OSError, ContentTypeError):  # it is starting: refused, or a 503 in plain text
            found = (await asked_of(session, url, expression))["data"]["result"]
        if not found:
            return ""
    return str(found[0]["value"][1])


async def test_prometheus_answers_every_expression(
    prometheus: str, services: Services, watch: LiveWatch, trials: TrialsAtHand, loop: Loop
) -> None:
    """What the panels show, the annotations mark and the rules watch comes of a page that was really scraped."""
    await expose_all(services, watch, trials, loop)
    async with ClientSession() as session:
        async with asyncio.timeout(60):
            while not (at := await scraped_at(session, prometheus)):  # noqa: ASYNC110 - another process, no event
                await asyncio.sleep(0.2)
        empty = []
        for where, expression in expressions():
            found = await asked_of(session, prometheus, expression, time=at)
            assert found["status"] == "success", f"{where}: {found.get('error')}\n{expression}"
            if not found["data"]["result"] and not re.sub(r"panel \d+ ", "panel ", where).startswith(tuple(QUIET)):
                empty.append(where)
    assert empty == []


def test_dashboard_can_be_imported() -> None:
    """It asks for its data source, names nothing of the Grafana it was made on, and its panels lie side by side."""
    assert [(one["name"], one["pluginId"]) for one in BOARD["__inputs"]] == [("DS_PROMETHEUS", "prometheus")]
    assert BOARD["id"] is None
    assert BOARD["schemaVersion"] >= 41
    assert {one["name"] for one in BOARD["templating"]["list"]} == {"instance", "model", "version", "role"}
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["title"]))
def test_panel_says_what_it_shows_in_which_unit(panel: dict[str, Any]) -> None:
    """And takes its data from the source that was chosen at the import."""
    assert len(panel["description"].split()) >= 3
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}
    assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])
    assert {panel["type"]} <= {one["id"] for one in BOARD["__requires"]}
