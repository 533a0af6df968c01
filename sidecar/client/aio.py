"""The client for asyncio."""

from __future__ import annotations

from sidecar.client.aio_alerts import AsyncAlertMethods
from sidecar.client.aio_datasets import AsyncDatasetMethods
from sidecar.client.aio_drift import AsyncDriftMethods
from sidecar.client.aio_exports import AsyncExportMethods
from sidecar.client.aio_feedback import AsyncFeedbackMethods
from sidecar.client.aio_live import AsyncLiveMethods
from sidecar.client.aio_models import AsyncModelMethods
from sidecar.client.aio_tokens import AsyncTokenMethods
from sidecar.client.aio_traffic import AsyncTrafficMethods
from sidecar.client.aio_training import AsyncTrainingMethods
from sidecar.client.aio_trials import AsyncTrialMethods


class AsyncClient(
    AsyncTrafficMethods,
    AsyncExportMethods,
    AsyncLiveMethods,
    AsyncModelMethods,
    AsyncDriftMethods,
    AsyncAlertMethods,
    AsyncFeedbackMethods,
    AsyncDatasetMethods,
    AsyncTrainingMethods,
    AsyncTrialMethods,
    AsyncTokenMethods,
):
    """A sidecar's API, as ``Client`` has it, awaited.

    ``base_url`` is its admin port, by default ``http://127.0.0.1:8081``; ``token`` its bearer token. For https,
    ``ca_file`` holds the certificates to trust in place of the system's, ``cert_file`` and ``key_file`` are the
    client's own. Without ``base_url`` all of these are taken from the environment where they are not given:
    ``SIDECAR_URL``, ``SIDECAR_TOKEN``, ``SIDECAR_CA_FILE``, ``SIDECAR_CERT_FILE``, ``SIDECAR_KEY_FILE``; with it they
    are not. ``timeout_s`` bounds every wait, but comparisons, freezes and tests of channels may take longer
    (docs/client.md).

    Use it in an ``async with`` or call ``close``. Every method raises SidecarError.
    """
