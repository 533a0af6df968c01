"""What is wrong with a configuration, as a person reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.app.load import ConfigFaults, load_config


def faults_of(tmp_path: Path, text: str) -> list[str]:
    """The faults of a file of that text, each beginning with its line."""
    file = tmp_path / "c.yaml"
    file.write_text(text)
    with pytest.raises(ConfigFaults) as caught:
        load_config(file, {})
    return [str(fault).removeprefix(f"{tmp_path}/") for fault in caught.value.faults]
