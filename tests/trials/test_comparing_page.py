"""docs/comparing.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from sidecar.experiments import DEFAULT_GUARDRAILS, Verdict
from sidecar.experiments.pairs import IOU_MIN
from sidecar.experiments.sequential import UNITS_MIN
from sidecar.recording import TRIALS_MAX
from sidecar.recording.retention import TRIALS_KEPT_S
from sidecar.trials.units import ROWS_MAX
from sidecar.types import Limits

PAGE = Path(__file__).resolve().parents[2] / "docs/comparing.md"
LIMITS = Limits()


def test_every_verdict_is_explained() -> None:
    """In the table of verdicts, and nothing else there."""
    table = PAGE.read_text().split("| verdict | means |")[1].split("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(name for row in rows for name in re.findall(r"`(\w+)`", row)) == sorted(get_args(Verdict))


def test_bounds_are_those_of_the_code() -> None:
    """Each number that the page names."""
    text = " ".join(PAGE.read_text().split())
    for said in (
        f"at most {LIMITS.shadow_in_flight_max} copies are under way and {LIMITS.shadow_bytes_max >> 20} MiB of bodies",
        f"a copy has {LIMITS.shadow_timeout_s:g} s",
        f"from `iou_min` ({IOU_MIN:g})",
        f"under {UNITS_MIN} units an arm",
        f"kept for {ROWS_MAX:,} unit-epoch pairs",
        f"kept for {TRIALS_KEPT_S / 86_400:g} days, {TRIALS_MAX:,} tests in all",
        f"Guardrails** ({', '.join(f'`{item.metric}`' for item in DEFAULT_GUARDRAILS)} unless",
    ):
        assert said in text
