"""The part of the client for ordinary code that is about training.

Made of aio_training.py by tests/client/unasync.py: change that, not this.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sidecar.client import calls_training
from sidecar.client.errors import ConnectionFailed, ServerError
from sidecar.client.records import ModelVersion, TrainingJob
from sidecar.client.results import Records
from sidecar.client.sync_asking import Asking


class TrainingMethods(Asking):
    """What ``Client`` can do about training."""

    def create_training_job(
        self,
        name: str,
        dataset_id: str,
        version_id: str,
        base_model_id: str,
        trainer: str | None = None,
        by: str = "",
    ) -> TrainingJob:
        """Hand a version of a dataset to a trainer of the configuration, to go on from ``base_model_id``.

        Raises InvalidRequest naming what is wrong.
        """
        return self._run(calls_training.create_training_job(name, dataset_id, version_id, base_model_id, trainer, by))

    def training_jobs(self, status: str | None = None) -> Records[TrainingJob]:
        """Training jobs, newest first, in one status or any."""
        return self._run(calls_training.training_jobs(status))

    def training_job(self, job_id: str) -> TrainingJob:
        """One training job and how it stands. Raises NotFound."""
        return self._run(calls_training.training_job(job_id))

    def wait_for_training_job(self, job_id: str, timeout_s: float = 3_600.0, poll_s: float = 1.0) -> TrainingJob:
        """The job once it has ended, well or not (its ``status`` says which). Raises NotFound, and NotEnded where it
        has not after ``timeout_s``. A sidecar that goes away meanwhile is waited for too."""
        begun, slept_s, is_known = time.monotonic(), 0.0, False
        while True:
            try:
                job = self.training_job(job_id)
            except (ConnectionFailed, ServerError):
                waited_s = max(time.monotonic() - begun, slept_s)
                if not is_known or waited_s >= timeout_s:
                    raise
            else:
                is_known, waited_s = True, max(time.monotonic() - begun, slept_s)
                if calls_training.has_ended(job, waited_s, timeout_s):
                    return job
            delay_s = min(poll_s, timeout_s - waited_s)
            self._wait(delay_s)
            slept_s += delay_s

    def cancel_training_job(self, job_id: str, by: str = "") -> TrainingJob:
        """End a training job. Raises NotFound, and Conflict where it has ended."""
        return self._run(calls_training.cancel_training_job(job_id, by))

    def training_job_log(self, job_id: str) -> str:
        """The end of what it wrote. Raises NotFound."""
        return self._run(calls_training.training_job_log(job_id))

    def report_training_job(
        self,
        job_id: str,
        status: str,
        metrics: Mapping[str, float] | None = None,
        version: str = "",
        upstream: Mapping[str, str] | str | None = None,
        error: str = "",
        progress: float | None = None,
    ) -> TrainingJob:
        """Say for a trainer how its job goes: running (``progress`` 0 to 1), succeeded or failed. ``version`` is what
        the new version is called, ``upstream`` where it is served (a URL, or ``url`` and ``path``). Raises NotFound,
        InvalidRequest."""
        return self._run(
            calls_training.report_training_job(job_id, status, metrics, version, upstream, error, progress)
        )

    def deploy_training_job(
        self, job_id: str, kind: str = "ab", name: str | None = None, config: Mapping[str, Any] | None = None
    ) -> TrainingJob:
        """Put what a job made into an A/B test (``ab``) or a ``shadow`` test; the job, with its ``test_id``. ``config``
        is that of such a test. Raises NotFound, InvalidRequest."""
        return self._run(calls_training.deploy_training_job(job_id, kind, name, config))

    def model_versions(self, model: str | None = None) -> Records[ModelVersion]:
        """Registered versions of a model, or of all, newest first."""
        return self._run(calls_training.model_versions(model))
