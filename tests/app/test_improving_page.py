"""docs/improving.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from sidecar.app.loop import BUDGET_SHARE
from sidecar.app.training_config import TrainerConfig
from sidecar.data_engine import SamplingConfig, density, policies
from sidecar.datasets import FORMATS, READERS, Shares
from sidecar.feedback.matching import IOU_MIN
from sidecar.training.settings import PLACEHOLDERS

ROOT = Path(__file__).resolve().parents[2]
PAGE = " ".join((ROOT / "docs/improving.md").read_text().split())
EXAMPLE = (ROOT / "config/sidecar.yaml").read_text()


def test_page_names_every_rule() -> None:
    """A rule that is not in the table is one that nobody will use."""
    rules = set(SamplingConfig().to_dict()) - {"near_duplicates"}
    assert {rule for rule in rules if f"`{rule}`" not in PAGE} == set()


def test_page_names_every_format_and_placeholder() -> None:
    """Whoever writes a trainer finds all that is filled in, and all formats there are."""
    assert [name for name in FORMATS if f"`{name}`" not in PAGE] == []
    assert [name for name in READERS if f"`{name}`" not in PAGE] == []
    assert [name for name in PLACEHOLDERS if f"{{{name}}}" not in PAGE] == []


def test_page_tells_the_bounds_that_hold() -> None:
    """Numbers in the text are those of the code."""
    assert f"with an IoU over {density.DENSE_IOU}, or there are {density.DENSE_COUNT}" in PAGE
    assert f"of at least {density.DENSE_BOXES_MIN} boxes" in PAGE
    assert f"once there were {policies.NEW_CLASS_IMAGES_MIN}" in PAGE
    assert f"IoU of at least {IOU_MIN}" in PAGE
    assert BUDGET_SHARE == 0.9
    assert "nine tenths of the budget" in PAGE
    assert f"({Shares().train:.0%}".replace("%", "") in PAGE


def test_example_configuration_names_what_a_trainer_has() -> None:
    """Every setting but the bounds stands in config/sidecar.yaml."""
    section = EXAMPLE[EXAMPLE.index("# trainers:") : EXAMPLE.index("retention:")]
    names = set(TrainerConfig.model_fields) - {"output_bytes_max", "grace"}
    assert {name for name in names if not re.search(rf"\b{name}:", section)} == set()
