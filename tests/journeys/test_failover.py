"""The server of a treatment dies under a running A/B test: control answers for it, and the figures stay honest."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from sidecar import Client
from sidecar.client.records import AbResults
from tests.kit.following import wait_until_followed
from tests.kit.sidecar import RunningSidecar, ask, running_sidecar, wait_for
from tests.kit.steady_load import INFER, Background, Numbered

REQUESTS = 40


def test_control_answers_while_a_treatment_is_gone_and_the_test_goes_on_after(
    tmp_path: Path, background: Background
) -> None:
    """No client sees it; what control answers is recorded as such and in no figure; then both are tested again."""
    control, treatment = Numbered(), Numbered()
    for server in (control, treatment):
        background.run(server.start())
    file = tmp_path / "sidecar.yaml"
    rows = [
        f"- {{name: {name}, url: '{server.url}', version: '{name}'}}\n"
        for name, server in (("A", control), ("B", treatment))
    ]
    patience = "limits: {connect_timeout_s: 30}\n"  # of checks too: a machine that stalls is no server that is down
    file.write_text(f"upstreams:\n{''.join(rows)}{patience}")
    with (
        running_sidecar(tmp_path, ["--config", str(file)]) as sidecar,
        Client(f"http://127.0.0.1:{sidecar.admin_port}") as client,
    ):
        config = {"traffic_split": 0.5, "unit": "request", "guardrails": []}
        test = client.create_ab_test("Outage", "det@A", "det@B", config)
        wait_until_followed(sidecar)
        before = _served(sidecar, control, treatment)
        background.run(treatment.stop())
        wait_for(lambda: not _is_up(sidecar, "B"), what="the news of its death")
        meanwhile = _served(sidecar, control, treatment)
        background.run(treatment.start())
        wait_for(lambda: _is_up(sidecar, "B"), what="its return")
        after = _served(sidecar, control, treatment)
        assert before["B"] > 0
        assert meanwhile == {"A": REQUESTS}
        assert after["B"] > 0

        roles = wait_for(lambda: _roles(sidecar, 3 * REQUESTS), what="all records")
        counted = before + after
        assert (roles["control", "A"], roles["treatment", "B"]) == (counted["A"], counted["B"])
        assert roles["failover", "A"] + roles["excluded", "A"] == REQUESTS
        assert roles["failover", "A"] > 0
        found = wait_for(lambda: _results(client, test.id, 2 * REQUESTS), what="results of all")
        assert (found.model_a.n, found.model_b.n) == (counted["A"], counted["B"])
        assert (found.model_a.error_rate, found.model_b.error_rate) == (0, 0)
        assert found.failover == roles["failover", "A"]
        assert any(f"{found.failover} requests were answered by control" in note for note in found.notes)
    background.run(control.stop())
    background.run(treatment.stop())


def _served(sidecar: RunningSidecar, control: Numbered, treatment: Numbered) -> Counter[str]:
    """How many of a few requests, all of them answered well, each server got."""
    before = Counter(A=control.seen.total(), B=treatment.seen.total())
    for _ in range(REQUESTS):
        assert ask(sidecar.url(INFER), b"{}").status == 200
    return Counter(A=control.seen.total(), B=treatment.seen.total()) - before


def _is_up(sidecar: RunningSidecar, name: str) -> bool:
    answer = ask(f"http://127.0.0.1:{sidecar.health_port}/readyz")
    return bool(json.loads(answer.body)["upstreams"][name])


def _results(client: Client, test_id: str, requests: int) -> AbResults | None:
    """Once they are of so many requests."""
    found = client.get_ab_test_results(test_id)
    return found if found.model_a.n + found.model_b.n >= requests else None


def _roles(sidecar: RunningSidecar, requests: int) -> Counter[tuple[str, str]] | None:
    """The predictions by (role, version), once there are so many."""
    rows = sidecar.api("/api/v1/predictions?limit=500")["items"]
    return Counter((row["role"], row["version"]) for row in rows) if len(rows) >= requests else None
