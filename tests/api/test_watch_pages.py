"""docs/alerts.md and docs/drift.md, held against the code they describe."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from sidecar.alerts.catalogue import METRICS
from sidecar.alerts.channels import parse_address
from sidecar.alerts.channels.webhook import document, signature, signing_key
from sidecar.alerts.condition import KEYS, condition_document, parse_condition
from sidecar.alerts.defaults import default_alerts, sidecar_alerts
from sidecar.alerts.notice import Notice
from sidecar.alerts.states import State
from sidecar.api.schemas_alerts import SILENCE_S_MAX
from sidecar.api.schemas_drift import DriftReport, DriftScore
from sidecar.app.watch_config import NotifyConfig
from sidecar.drift.period import parse_period
from tests.api.live_watch import LiveWatch
from tests.api.serving import served

DOCS = Path(__file__).resolve().parents[2] / "docs"
ALERTS, DRIFT = (DOCS / "alerts.md").read_text(), (DOCS / "drift.md").read_text()


def section(page: str, title: str) -> str:
    return page.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_column(text: str) -> list[str]:
    """What stands first in each row of the tables of ``text``, with backticks taken off."""
    rows = re.findall(r"^\| (.+?) \|", text, re.MULTILINE)[1:]
    return [name for row in rows for name in re.sub(r"`", "", row).split(", ")]


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def test_every_key_of_a_condition_is_documented() -> None:
    """The table of keys is the parser's."""
    assert first_column(section(ALERTS, "Conditions")) == list(KEYS)


def test_conditions_of_the_page_are_good_ones() -> None:
    """Each example is read, and comes back as it was written."""
    examples = [json.loads(line) for line in blocks(section(ALERTS, "Conditions"), "json")[0].splitlines()]
    assert len(examples) >= 5
    for example in examples:
        assert condition_document(parse_condition(example)) == example


def test_every_metric_is_documented_with_its_unit_and_samples() -> None:
    """The table of metrics is the catalogue's."""
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.*?) ?\| .+ \|$", section(ALERTS, "Metrics"), re.MULTILINE)
    assert rows == [(metric.name, metric.unit, metric.samples) for metric in METRICS.values()]


def test_every_default_alert_and_every_state_is_documented() -> None:
    """Their names, in their order."""
    names = [alert.name for alert in (*default_alerts(), *sidecar_alerts())]
    assert first_column(section(ALERTS, "The alerts there are by themselves")) == names
    assert first_column(section(ALERTS, "States")) == [str(state) for state in State]
    assert f"{SILENCE_S_MAX / 86_400:.0f} days at most" in section(ALERTS, "States")


def test_channels_of_the_page_are_good_ones() -> None:
    """Every channel's form is an address, and the configuration is one."""
    for channel in first_column(section(ALERTS, "Channels")):
        parse_address(channel)
    (example,) = blocks(section(ALERTS, "Channels"), "yaml")
    NotifyConfig.model_validate(yaml.safe_load(example)["notify"])


def test_receivers_example_tells_genuine_webhooks_from_others() -> None:
    """The code of the page accepts what the sidecar signs, and nothing that was changed, forged or kept for long."""
    names: dict[str, Any] = {}
    exec(blocks(section(ALERTS, "Receiving a webhook"), "python")[0], names)
    is_genuine, body = names["is_genuine"], b'{"type": "alert.firing"}'
    for secret in ("any text", "whsec_c2VjcmV0"):

        def headers(at: float, key: bytes = signing_key(secret)) -> dict[str, str]:
            stamp = int(at)
            signed = signature(key, "n1", stamp, body)
            return {"webhook-id": "n1", "webhook-timestamp": str(stamp), "webhook-signature": signed}

        now = time.time()
        assert is_genuine(headers(now), body, secret)
        assert not is_genuine(headers(now), body + b" ", secret)
        assert not is_genuine(headers(now, b"another key"), body, secret)
        assert not is_genuine(headers(now - 3_600), body, secret)
        assert not is_genuine(headers(now) | {"webhook-id": "n2"}, body, secret)
        assert is_genuine({name.title(): value for name, value in headers(now).items()}, body, secret)
        for missing in headers(now):
            assert not is_genuine({k: v for k, v in headers(now).items() if k != missing}, body, secret)


def test_webhooks_example_has_the_fields_that_are_sent() -> None:
    """The body on the page is what a notice makes."""
    example = json.loads(blocks(section(ALERTS, "Receiving a webhook"), "json")[0])
    assert document(Notice.from_dict(example["data"])).keys() == example.keys()
    assert document(Notice.from_dict(example["data"]))["data"] == example["data"]


def test_periods_of_the_page_are_good_ones() -> None:
    """Each form but a baseline's name is read."""
    forms = [text for text in first_column(section(DRIFT, "Periods")) if re.search(r"\d", text)]
    assert len(forms) == 6
    for form in forms:
        parse_period(form, now=1.8e9)


def test_every_part_of_a_report_is_documented() -> None:
    """The table has the report's keys, and the row of scores theirs."""
    text = section(DRIFT, "Reading a report")
    known = set(DriftReport.model_fields) - {"alpha", "model_id", "slice", "source", "slices", "distributions"}
    assert set(first_column(text)) == known
    scores = re.search(r"^\| `scores` \| (.+) \|$", text, re.MULTILINE)
    assert scores is not None
    assert set(re.findall(r"`(\w+)`", scores[1])) == set(DriftScore.model_fields)


@pytest.mark.parametrize("page", [ALERTS, DRIFT], ids=["alerts", "drift"])
def test_python_of_the_pages_runs(page: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The examples that ask a sidecar work against one."""
    watch = LiveWatch()
    examples = [code for code in blocks(page, "python") if "127.0.0.1:8081" in code]
    assert examples
    with served(tmp_path, watch) as url:
        for code in examples:
            exec(code.replace("http://127.0.0.1:8081", url).replace("digits", "det"), {})
    assert capsys.readouterr().out
