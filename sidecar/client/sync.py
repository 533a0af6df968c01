"""The client for ordinary code.

Made of aio.py by tests/client/unasync.py: change that, not this.
"""

from __future__ import annotations

from sidecar.client.sync_alerts import AlertMethods
from sidecar.client.sync_datasets import DatasetMethods
from sidecar.client.sync_drift import DriftMethods
from sidecar.client.sync_exports import ExportMethods
from sidecar.client.sync_feedback import FeedbackMethods
from sidecar.client.sync_live import LiveMethods
from sidecar.client.sync_models import ModelMethods
from sidecar.client.sync_tokens import TokenMethods
from sidecar.client.sync_traffic import TrafficMethods
from sidecar.client.sync_training import TrainingMethods
from sidecar.client.sync_trials import TrialMethods


class Client(
    TrafficMethods,
    ExportMethods,
    LiveMethods,
    ModelMethods,
    DriftMethods,
    AlertMethods,
    FeedbackMethods,
    DatasetMethods,
    TrainingMethods,
    TrialMethods,
    TokenMethods,
):
    """A sidecar's API.

    ``base_url`` is its admin port, by default ``http://127.0.0.1:8081``; ``token`` its bearer token. For https,
    ``ca_file`` holds the certificates to trust in place of the system's, ``cert_file`` and ``key_file`` are the
    client's own. Without ``base_url`` all of these are taken from the environment where they are not given:
    ``SIDECAR_URL``, ``SIDECAR_TOKEN``, ``SIDECAR_CA_FILE``, ``SIDECAR_CERT_FILE``, ``SIDECAR_KEY_FILE``; with it they
    are not. ``timeout_s`` bounds every wait, but comparisons, freezes and tests of channels may take longer
    (docs/client.md).

    Use it in a ``with`` or call ``close``. Every method raises SidecarError.
    """
