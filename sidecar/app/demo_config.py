"""The configurations of the demo's sidecar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sidecar.app.config import Config
from sidecar.app.load import load_config

MODEL_PATH = "/v2/models/digits/versions/{version}/infer"
TRAINED_PATH = "/v2/models/{model}/versions/{version}/infer"
UNIT = "header:X-Camera-Id"


BASELINE_DAYS = 15
"""From so many days of a past on, what is normal are its first two weeks, as in real use; else the first seconds."""


def demo_config(
    host: str, ports: Mapping[str, int], data_dir: Path, url: str, trainer: Sequence[str], *, has_past: bool = False
) -> Config:
    """Two versions under test on traffic by day and night. ``url`` is the detector's, ``trainer`` a command;
    ``has_past``: there are days enough before the start to be a baseline.

    ``ports`` holds port, admin_port and health_port. Raises ConfigFaults.
    """
    test = {"model": "digits", "control": "A", "treatment": "B", "traffic_split": 0.5, "unit": UNIT}
    return load_config(
        None,
        {
            **_common(host, ports, data_dir, url, trainer),
            "upstreams": [_upstream("A", url, "1"), _upstream("B", url, "2")],
            "experiments": [{"name": "digits-v2", **test}],
            "shadows": [{"name": "gate-v2", "model": "gate", "shadow": "B", "share": 1.0}],
            "drift": {} if has_past else {"baseline_period": "20s", "window": "20s"},
            "alerts": {"default_window": "20s", "default_for": "5s", "interval": "5s"},
            "sampling": {"low_confidence": {"threshold": 0.6, "sample_rate": 0.3}, "random_sample": {"rate": 0.05}},
        },
    )


def loop_config(host: str, ports: Mapping[str, int], data_dir: Path, url: str, trainer: Sequence[str]) -> Config:
    """The first version alone; what else there is comes about at run time. Arguments as of ``demo_config``."""
    return load_config(
        None,
        {
            **_common(host, ports, data_dir, url, trainer),
            "upstreams": [_upstream("A", url, "1")],
            # alerts are asked for, and no minute of this is normal
            "drift": {"baseline": "off"},
            "alerts": {"defaults": False, "interval": "2s"},
            "sampling": {
                "low_confidence": {"enabled": False},
                "edge_cases": {"enabled": False},
                "random_sample": {"enabled": False},
            },
        },
    )


def _common(host: str, ports: Mapping[str, int], data_dir: Path, url: str, trainer: Sequence[str]) -> dict[str, Any]:
    return {
        # plain HTTP, whatever the environment of the next sidecar says: its clients here know no other
        "listen": {
            **{"host": host, "port": ports["port"], "health_port": ports["health_port"]},
            **{"tls_cert_file": None, "tls_key_file": None},
        },
        "admin": {"port": ports["admin_port"]},
        "data_dir": data_dir,
        # the demo's day lasts two minutes, and every scene is composed anew: no two images depend on each other
        "models": [{"name": "*", "independent_images": True}],
        "feedback": {"path": "/feedback"},
        "trainers": [
            {
                "name": "digits",
                "command": list(trainer),
                "folder": Path.cwd(),  # where this program's modules were found
                "upstream": {"url": url, "path": TRAINED_PATH},
            }
        ],
    }


def _upstream(name: str, url: str, version: str) -> dict[str, str]:
    return {"name": name, "url": url, "version": version, "path": MODEL_PATH.format(version=version)}
